"""Results of the probe on disk, known by content, so that no build decodes an image again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import PIL

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.probe import Probed
from artcurate.images.transform import ImageForm
from artcurate.images.versions import form_identity

#: To be raised when the same bytes no longer give the same result.
_VERSION = 3
_FILE = "probed.sqlite"
_COPY = "known.sqlite"
#: Seconds to wait for another build that is writing.
_PATIENCE = 30.0
#: Bytes of the file that are copied in the time in which one image is probed.
_COPIED_PER_IMAGE = 4 << 20
_TABLES = (
    "CREATE TABLE IF NOT EXISTS places (key BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS contents "
    "(key BLOB PRIMARY KEY, result TEXT, checksum BLOB) WITHOUT ROWID",
)

_Row = tuple[bytes | str, ...]

#: Faults that another try may not meet.
_PASSING = (FaultReason.UNREADABLE, FaultReason.TOO_MUCH_MEMORY)


@dataclass(frozen=True, slots=True)
class Found:
    """What the probe found. sha256: of the bytes, hexadecimal; None where none were read."""

    sha256: str | None
    result: Probed | Fault

    @property
    def lasting(self) -> bool:
        """Whether another try would find the same."""
        return not (isinstance(self.result, Fault) and self.result.reason in _PASSING)


def probe_identity(limits: Mapping[str, int], form: ImageForm | None = None) -> str:
    """What decides a result beside the bytes: limits, decoder and this code.

    form: that of the pictures which are made in the same decoding and hashed; None for none.
    """
    made = [] if form is None else [form_identity(form)]
    return json.dumps([_VERSION, PIL.__version__, dict(limits), *made], sort_keys=True)


class ProbeStore:
    """Results by content, and places whose content is known; several builds may share a folder.

    It is a help and no more: a file that is damaged, locked or cannot be opened counts as empty,
    and what cannot be kept is found again by the next build. A damaged file is replaced.

    folder: where its file lies; made when something is added. Only this machine has to see it.
    identity: of `probe_identity`; results under another one are not seen.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self._path = folder / _FILE
        self._identity = identity

    def at(self, keys: Iterable[bytes]) -> dict[bytes, Probed | Fault]:
        """The results for those of `keys` whose content is known."""
        known: dict[bytes, Probed | Fault] = {}
        question = (
            "SELECT contents.key, result, checksum FROM places "
            "JOIN contents ON contents.key = content WHERE places.key = ?"
        )
        with closing(_Reader(self._path)) as reader:
            for key in keys:
                result = reader.ask(question, key)
                if result is not None:
                    known[key] = result
        return known

    def add(self, keys: Iterable[bytes], found: Iterable[Found]) -> None:
        """Keep what was found at `keys`, save what another try may change."""
        places, contents = [], []
        for key, one in zip(keys, found, strict=True):
            if one.sha256 is not None and one.lasting:
                content = _content_key(self._identity, one.sha256)
                places.append((key, content))
                contents.append((content, *_packed(content, one.result)))
        with suppress(sqlite3.OperationalError, OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._insert(places, contents)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._path.unlink()
                self._insert(places, contents)

    def copy_into(self, folder: Path, images: int) -> KnownContents | None:
        """What is known by now, for workers that see `folder` and are to probe `images` images.

        None where nothing is known, it cannot be copied, or copying would take longer than probing.
        """
        copy = folder / _COPY
        with suppress(sqlite3.DatabaseError, OSError):
            if self._path.stat().st_size <= images * _COPIED_PER_IMAGE:
                folder.mkdir(parents=True, exist_ok=True)
                self._copy_to(copy)
                return KnownContents(copy, self._identity)
        return None

    def _copy_to(self, path: Path) -> None:
        """Nobody else writes at `path`, and file systems of clusters may know no locks."""
        path.unlink(missing_ok=True)
        with (
            closing(_connect(self._path, "mode=ro")) as source,
            closing(_connect(path, "mode=rwc&nolock=1")) as target,
        ):
            # A copy that is not finished is made anew: it needs no journal.
            target.execute("PRAGMA journal_mode=OFF")
            source.backup(target)

    def _insert(self, places: Sequence[_Row], contents: Sequence[_Row]) -> None:
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection, connection:
            for statement in _TABLES:
                connection.execute(statement)
            connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", contents)
            connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?)", places)


@dataclass(frozen=True, slots=True)
class KnownContents:
    """A copy of a `ProbeStore` that nobody writes any more: small, picklable, opened by workers."""

    path: Path
    identity: str

    @contextmanager
    def opened(self) -> Iterator[Callable[[str], Probed | Fault | None]]:
        """A function that gives the result for the bytes with this sha256, if it is known."""
        question = "SELECT key, result, checksum FROM contents WHERE key = ?"
        with closing(_Reader(self.path, "mode=ro&immutable=1")) as reader:
            yield lambda sha256: reader.ask(question, _content_key(self.identity, sha256))


class _Reader:
    """Asks a file for results; one that cannot be read knows none."""

    def __init__(self, path: Path, options: str = "mode=ro") -> None:
        self._path = path
        self._options = options
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def ask(self, question: str, key: bytes) -> Probed | Fault | None:
        try:
            if self._connection is None:
                self._connection = _connect(self._path, self._options)
            row = self._connection.execute(question, [key]).fetchone()
        except sqlite3.DatabaseError:
            return None
        return _unpacked(*row) if row else None


def _connect(path: Path, options: str) -> sqlite3.Connection:
    # Quoted, for a folder may be named with what a URI means something by.
    return sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True, timeout=_PATIENCE)


def _content_key(identity: str, sha256: str) -> bytes:
    """Under what identity and sha256 are kept, together, in half the room of a sha256."""
    return key_of(identity, sha256)


def _packed(key: bytes, result: Probed | Fault) -> tuple[str, bytes]:
    """The result as text, and its checksum under `key`."""
    text = json.dumps(asdict(result))
    return text, key_of(key.hex(), text)


def _unpacked(key: bytes, text: str, checksum: bytes) -> Probed | Fault | None:
    """What `_packed` made; None where it was damaged since."""
    if not isinstance(text, str) or key_of(key.hex(), text) != checksum:
        return None
    values = json.loads(text)
    if "reason" in values:
        return Fault(FaultReason(values["reason"]), values["detail"])
    return Probed(**values)


def key_of(*parts: str) -> bytes:
    """16 bytes that change with any of `parts`."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).digest()
