"""What lies below the folders a user gave: files, archives with their indexes, what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from unicodedata import normalize

import polars as pl

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.parts import ByteSource, open_bytes, split_name
from artcurate.archives.zips import ZipReader
from artcurate.errors import DataError
from artcurate.net.paths import AnyPath

_ZIP_SUFFIX = ".zip"
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
#: A member with this name makes a zip archive an Excel workbook (ECMA-376 part 2).
_WORKBOOK = "xl/workbook.xml"


class File(Protocol):
    """A regular file below a folder, of this machine or elsewhere.

    root: the folder.
    location: the file's POSIX path below `root`, exactly as it stands there.
    size: in bytes.
    """

    @property
    def root(self) -> AnyPath: ...

    @property
    def location(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def path(self) -> AnyPath: ...

    @property
    def name(self) -> str: ...

    def open(self) -> ByteSource:
        """Its bytes, to be closed by the caller. Raises DataError where it cannot be read."""
        ...

    def index(self) -> pl.DataFrame:
        """The members of the zip archive that it is (`directory.INDEX_SCHEMA`).

        Raises ArchiveError where it is none, and DataError where it cannot be read.
        """
        ...


_File = TypeVar("_File", bound=File, covariant=True)


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A regular file below a folder.

    root: the folder, as a real path.
    location: the file's POSIX path below `root`, exactly as on disk.
    size: in bytes; of all parts together where the file is the first part of one in parts.
    """

    root: Path
    location: str
    size: int

    @property
    def path(self) -> Path:
        return self.root / self.location

    @property
    def name(self) -> str:
        return self.location.rpartition("/")[2]

    def open(self) -> ByteSource:
        return open_bytes(self.path)

    def index(self) -> pl.DataFrame:
        with ZipReader(self.path) as reader:
            return reader.index


@dataclass(frozen=True, slots=True)
class Archive(Generic[_File]):
    """A zip archive and its index (`directory.INDEX_SCHEMA`), read once.

    file: the archive, or the first of its parts.
    parts: in how many files it lies.
    """

    file: _File
    index: pl.DataFrame
    parts: int = 1

    @property
    def name(self) -> str:
        """The base name; for an archive in parts that of the whole."""
        part = split_name(self.file.name)
        return part[0] if part else self.file.name


@dataclass(frozen=True, slots=True)
class Tree(Generic[_File]):
    """Everything below the given paths, in the order of its locations.

    files: regular files that are no zip archives; workbooks of spreadsheets are files.
    links_outside: symbolic links that lead out of their folder; none is followed.
    undecodable: files whose names are not UTF-8, as Python's `ascii()` writes them; not in `files`.
    """

    files: tuple[_File, ...]
    archives: tuple[Archive[_File], ...]
    links_outside: tuple[str, ...]
    undecodable: tuple[str, ...]


def survey(paths: Sequence[Path], *, unopened: tuple[str, ...] = ()) -> Tree[DiskFile]:
    """What lies at and below `paths`, files or folders; a file met twice counts once.

    Archives are told by their first bytes or the suffix `.zip`, and those in parts by
    `.zip.partN`. Files whose names end in one of `unopened` (lower case) are taken for plain
    files unseen. Hidden files, what macOS adds (`__MACOSX`, `._*`) and symbolic links are
    passed over.

    Raises:
        DataError: a path is missing or cannot be read, an archive is cut off or damaged; all such
            problems at once.
    """
    listing = _Listing()
    problems: list[str] = []
    for path in paths:
        try:
            listing.add(path)
        except OSError as error:
            cause = os.strerror(error.errno) if error.errno else str(error)
            problems.append(f"{error.filename or path}: cannot be read ({cause}).")
    files: list[DiskFile] = []
    archives: list[Archive[DiskFile]] = []
    for group in _grouped(listing.files):
        try:
            archive = _as_archive(group, unopened)
        except ArchiveError as error:
            problems += error.problems
            continue
        if archive is None:
            files += group
        else:
            archives.append(archive)
    if problems:
        raise DataError(problems)
    return Tree(
        files=tuple(files),
        archives=tuple(archives),
        links_outside=tuple(sorted(listing.links_outside)),
        undecodable=tuple(sorted(listing.undecodable)),
    )


class _Listing:
    """Collects the files below paths; each real file once."""

    def __init__(self) -> None:
        self.files: list[DiskFile] = []
        self.links_outside: list[str] = []
        self.undecodable: list[str] = []
        self._seen: set[str] = set()

    def add(self, path: Path) -> None:
        """Add the file `path`, or all files below the folder `path`. Raises OSError."""
        real = Path(os.path.realpath(path, strict=True))
        if real.is_dir():
            found = sorted(self._below(real), key=lambda file: order_of(file.location))
        elif real.is_file():
            found = list(self._named(real.parent, real.name, real.stat().st_size))
        else:
            raise OSError(None, "it is neither a file nor a folder", str(path))
        for file in found:
            place = f"{file.root}/{file.location}"
            if place not in self._seen:
                self._seen.add(place)
                self.files.append(file)

    def _below(self, root: Path) -> Iterator[DiskFile]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    location = f"{folder}{entry.name}"
                    if is_passed_over(entry.name):
                        continue
                    if entry.is_symlink():
                        self._note_link(root, location)
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{location}/")
                    elif entry.is_file(follow_symlinks=False):
                        yield from self._named(root, location, entry.stat().st_size)

    def _note_link(self, root: Path, location: str) -> None:
        target = os.path.realpath(root / location)
        if os.path.commonpath((root, target)) != str(root):
            self.links_outside.append(location if _decodable(location) else ascii(location))

    def _named(self, root: Path, location: str, size: int) -> Iterator[DiskFile]:
        if _decodable(location):
            yield DiskFile(root, location, size)
        else:
            self.undecodable.append(ascii(location))


def _decodable(name: str) -> bool:
    """Whether `name` holds no bytes that Python could not decode; no table can hold such a name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_passed_over(name: str) -> bool:
    """Whether files and folders of this name are left out: hidden ones, what macOS adds."""
    return name.startswith(".") or name == "__MACOSX"


def order_of(location: str) -> tuple[str, str]:
    """macOS spells names in NFD: without NFC the order of files would differ between systems."""
    return normalize("NFC", location), location


def _grouped(files: Iterable[DiskFile]) -> Iterator[list[DiskFile]]:
    """Each file alone, but the parts of one zip archive together, in the order of their numbers."""
    groups: dict[tuple[Path, str], list[tuple[int, DiskFile]]] = {}
    for file in files:
        part = split_name(file.name)
        if part is None:
            groups[file.root, file.location] = [(0, file)]
        else:
            folder = file.location.rpartition("/")[0]
            groups.setdefault((file.root, f"{folder}/{part[0]}.part"), []).append((part[1], file))
    for numbered in groups.values():
        yield [file for _, file in sorted(numbered, key=lambda pair: pair[0])]


def _as_archive(group: Sequence[DiskFile], unopened: tuple[str, ...]) -> Archive[DiskFile] | None:
    """The archive that the files of `group` make up; None for a plain file."""
    first = group[0]
    index = index_if_archive(first, unopened)
    if index is None:
        return None
    size = sum(file.size for file in group)
    return Archive(DiskFile(first.root, first.location, size), index, len(group))


def index_if_archive(file: File, unopened: tuple[str, ...]) -> pl.DataFrame | None:
    """The index of the zip archive that `file` is, or begins; None for a plain file.

    Raises ArchiveError where the archive is damaged, and DataError where it cannot be read.
    """
    name = file.name.lower()
    if name.endswith(unopened):
        return None
    named = name.endswith(_ZIP_SUFFIX) or split_name(file.name) is not None
    if not named and not _starts_like_zip(file):
        return None
    try:
        index = file.index()
    except ArchiveError as error:
        if not named and error.fault is ArchiveFault.NOT_A_ZIP:
            return None
        raise
    return None if (index["name"] == _WORKBOOK).any() else index


def _starts_like_zip(file: File) -> bool:
    source = file.open()
    try:
        return source.read_at(0, 4).startswith(_ZIP_MAGIC)
    finally:
        source.close()
