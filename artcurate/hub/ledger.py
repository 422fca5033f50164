"""What this machine remembers of its downloads: accepted terms, checksums seen first, folders."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder, write_text
from artcurate.hub.catalogue import Source

_FOLDER = ".artcurate"
_ACCEPTED = "accepted.json"
_CHECKSUMS = "checksums.json"
_FOLDERS = "folders.json"


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """A file as it was when it was fetched first. when: a date, ISO 8601."""

    sha256: str
    size: int
    when: str


class Ledger:
    """The notes below the data home `home`. Processes and threads may share it."""

    def __init__(self, home: Path) -> None:
        self._folder = home / _FOLDER

    def has_accepted(self, source: Source) -> bool:
        """Whether the user has accepted the terms of `source` as they are worded now."""
        entry = self._read(_ACCEPTED).get(source.name)
        return isinstance(entry, dict) and entry.get("terms") == _wording(source)

    def accept(self, source: Source) -> None:
        """Note that the user accepts the terms of `source` today."""
        self._set(_ACCEPTED, source.name, {"terms": _wording(source), "when": today()})

    def first_seen(self, identity: str) -> FirstSeen | None:
        """What `identity` was when it was fetched first; None if it never was."""
        entry = self._read(_CHECKSUMS).get(identity)
        try:
            return FirstSeen(**entry) if isinstance(entry, dict) else None
        except TypeError:
            return None

    def note_seen(self, identity: str, sha256: str, size: int) -> None:
        """Note what `identity` is, where nothing is noted of it yet."""
        if self.first_seen(identity) is None:
            self._set(_CHECKSUMS, identity, asdict(FirstSeen(sha256, size, today())))

    def forget_seen(self, identity: str) -> None:
        """Take what comes next of `identity` for right."""
        self._set(_CHECKSUMS, identity, None)

    def folders(self, source: Source) -> tuple[Path, ...]:
        """Folders outside of its own in the data home into which `source` was brought."""
        entry = self._read(_FOLDERS).get(source.name)
        listed = entry if isinstance(entry, list) else []
        return tuple(Path(folder) for folder in listed if isinstance(folder, str))

    def note_folder(self, source: Source, folder: Path) -> None:
        """Note that `source` was brought into `folder`, which is absolute."""
        known = self.folders(source)
        if folder not in known:
            self._set(_FOLDERS, source.name, [str(one) for one in (*known, folder)])

    def _read(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read ({error}); move it away.") from None
        if not isinstance(values, dict):
            raise DataError(f"{path}: holds no notes; move it away.")
        return values

    def _set(self, name: str, key: str, value: Any) -> None:
        make_folder(self._folder)
        with self._locked():
            values = {**self._read(name), key: value}
            kept = {key: value for key, value in values.items() if value is not None}
            write_text(self._folder / name, json.dumps(kept, indent=1, ensure_ascii=False))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with file_system_errors(self._folder):
            handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def today() -> str:
    """Today's date in UTC, ISO 8601."""
    return datetime.now(UTC).date().isoformat()


def _wording(source: Source) -> str:
    words = "\n".join((source.licence.name, source.licence.url, source.terms))
    return hashlib.sha256(words.encode()).hexdigest()
