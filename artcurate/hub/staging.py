"""A download in the making, beside the folder it will become.

Layout: `.FOLDER.downloading/` holds finished files under their names, unfinished ones under hidden
names, and `.arrived.json`, which lists the finished ones; `.FOLDER.downloading.lock` keeps a second
download away. When everything is there it becomes FOLDER, or its files move into it.
"""

from __future__ import annotations

import fcntl
import filecmp
import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from artcurate.errors import DataError, UsageError
from artcurate.files import (
    file_system_errors,
    make_folder,
    remove_partial_files,
    sync_folder,
    write_text,
)

RECEIPT = ".artcurate-download.json"
_ARRIVED = ".arrived.json"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A finished file. path: POSIX, below the folder. size: in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was downloaded into a folder.

    origin: how it came, in words.
    files: what came, before archives were unpacked.
    damaged: members of an archive that were left out because their checksums are wrong.
    finished: the date, ISO 8601.
    subset: the words that chose a part; none where everything came.
    """

    source: str
    origin: str
    files: tuple[Arrived, ...]
    damaged: tuple[str, ...]
    finished: str
    subset: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class Staging:
    """The folder a download works in; threads may share it."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.root = target.parent / f".{target.name}.downloading"
        self._lock = threading.Lock()

    def arrived(self) -> Mapping[str, Arrived]:
        """The files that earlier calls have finished, under their paths, those still there."""
        found = _read_json(self.root / _ARRIVED)
        try:
            files = [Arrived(**entry) for entry in found] if isinstance(found, list) else []
        except TypeError:
            return {}
        return {
            file.path: file
            for file in files
            if (self.root / file.path).is_file()
            and (self.root / file.path).stat().st_size == file.size
        }

    def note(self, file: Arrived) -> None:
        """Remember that `file` is finished. Raises DataError when it cannot be written."""
        with self._lock:
            files = {**self.arrived(), file.path: file}
            write_text(self.root / _ARRIVED, json.dumps([asdict(one) for one in files.values()]))

    def discard(self) -> None:
        """Throw everything away that is here. Raises DataError when it cannot be removed."""
        if self.root.exists():
            with file_system_errors(self.root):
                shutil.rmtree(self.root)

    def publish(self, receipt: Receipt, *, replace: bool = False) -> None:
        """Make what is here the target, or a part of it where it exists already.

        Files that never finished are thrown away.

        replace: whether other files under the same names in the target may go.

        Raises DataError when the target holds such files, or the file system refuses.
        """
        earlier = read_receipt(self.target)
        merged = _merged(earlier, receipt, replace=replace) if earlier else receipt
        remove_partial_files(self.root)
        with file_system_errors(self.target):
            (self.root / _ARRIVED).unlink(missing_ok=True)
            for unfinished in (
                *self.root.rglob(".*.download"),
                *self.root.rglob(".*.download.json"),
            ):
                unfinished.unlink()
            write_text(self.root / RECEIPT, json.dumps(asdict(merged), ensure_ascii=False))
            # What was written without a sync of its own, as unpacked members are, is now.
            os.sync()
            if self.target.exists():
                _move_into(self.root, self.target)
                shutil.rmtree(self.root)
            else:
                self.root.rename(self.target)
            sync_folder(self.target.parent)

    def _require_no_others(self) -> None:
        for path in sorted(self.root.rglob("*")):
            place = self.target / path.relative_to(self.root)
            if path.name.startswith(".") or not (path.is_file() and place.exists()):
                continue
            if not filecmp.cmp(path, place, shallow=False):
                raise DataError(
                    f"{place}: is there already and is another file; move it away, or add --fresh "
                    "to replace it."
                )


@contextmanager
def open_staging(target: Path) -> Iterator[Staging]:
    """The staging folder of `target`, made or taken up again, for this process alone.

    Raises:
        UsageError: another download into `target` is running, or `target` is a file.
        DataError: the folder cannot be made.
    """
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; give --to a folder.")
    staging = Staging(target)
    make_folder(staging.root)
    lock = target.parent / f".{target.name}.downloading.lock"
    with file_system_errors(lock):
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another download into {target} is running; wait for it or give another --to."
            ) from None
        yield staging
    finally:
        os.close(handle)


def read_receipt(folder: Path) -> Receipt | None:
    """What was downloaded into `folder`; None where nothing says so."""
    found = _read_json(folder / RECEIPT)
    if not isinstance(found, dict):
        return None
    try:
        files = tuple(Arrived(**entry) for entry in found.pop("files"))
        damaged, subset = tuple(found.pop("damaged")), tuple(found.pop("subset", ()))
        return Receipt(files=files, damaged=damaged, subset=subset, **found)
    except (KeyError, TypeError):
        return None


def unfinished_bytes(target: Path) -> int:
    """Bytes that an unfinished download into `target` holds; 0 where there is none."""
    root = Staging(target).root
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def _merged(earlier: Receipt, receipt: Receipt, *, replace: bool) -> Receipt:
    files = {file.path: file for file in (*earlier.files, *receipt.files)}
    damaged = dict.fromkeys((*(() if replace else earlier.damaged), *receipt.damaged))
    whole = not (earlier.subset and receipt.subset)
    return Receipt(
        receipt.source,
        receipt.origin,
        tuple(files.values()),
        tuple(damaged),
        receipt.finished,
        () if whole else tuple(dict.fromkeys((*earlier.subset, *receipt.subset))),
    )


def _move_into(root: Path, target: Path) -> None:
    """Move every file below `root` to its place below `target`, the receipt last."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    for path in sorted(files, key=lambda path: path.name == RECEIPT):
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
