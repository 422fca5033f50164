"""Bytes at an offset: of a file, of a zip archive that was cut into parts, or in memory.

AI Hub hands out large archives as `name.zip.part0`, `name.zip.part1073741824`, …, numbered by
where they begin or simply counted. The parts read like the one file they were cut from.
"""

from __future__ import annotations

import os
import re
import stat
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from artcurate.archives.faults import ArchiveError, ArchiveFault

_PART = re.compile(r"(?P<whole>.+\.(?i:zip))\.part(?P<number>[0-9]{1,18})")


class ByteSource(Protocol):
    """Something with a size that can be read at any place, by many threads at once.

    name: how to call it in messages.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only where the source ends."""
        ...

    def close(self) -> None: ...


class MemoryBytes:
    """Bytes in memory as a source."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        """Nothing is held open."""


class JoinedFile:
    """Files on disk read as if they stood one after another in one file.

    Raises ArchiveError when a file is missing, is a symbolic link or is not a regular file.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self.name = name
        self._handles: list[int] = []
        sizes = []
        try:
            for path in paths:
                handle = _open(name, path)
                self._handles.append(handle)
                sizes.append(os.fstat(handle).st_size)
        except ArchiveError:
            self.close()
            raise
        self._ends = list(accumulate(sizes))

    @property
    def size(self) -> int:
        return self._ends[-1]

    def read_at(self, offset: int, length: int) -> bytes:
        wanted = max(min(length, self.size - offset), 0)
        chunks: list[bytes] = []
        while wanted:
            chunk = self._read_within_part(offset, wanted)
            if not chunk:
                break
            chunks.append(chunk)
            offset += len(chunk)
            wanted -= len(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _read_within_part(self, offset: int, length: int) -> bytes:
        part = bisect_right(self._ends, offset)
        start = self._ends[part - 1] if part else 0
        try:
            return os.pread(self._handles[part], length, offset - start)
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def close(self) -> None:
        while self._handles:
            os.close(self._handles.pop())


def open_bytes(path: Path) -> JoinedFile:
    """The bytes of the file at `path`; of all parts if `path` names one part of a zip archive.

    Raises ArchiveError as `JoinedFile` does, or when a part is missing.
    """
    match = _PART.fullmatch(path.name)
    if match is None:
        return JoinedFile(str(path), (path,))
    return JoinedFile(str(path), _parts(path, match["whole"]))


def split_name(name: str) -> tuple[str, int] | None:
    """(name of the whole, number of the part) of the name of a zip archive's part, else None."""
    match = _PART.fullmatch(name) if ".part" in name else None
    return (match["whole"], int(match["number"])) if match else None


def _parts(path: Path, whole: str) -> list[Path]:
    """Every part of `whole` beside `path`, in the order of their numbers."""
    numbered: dict[int, Path] = {}
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                part = split_name(entry.name)
                if part is None or part[0] != whole:
                    continue
                if part[1] in numbered:
                    raise ArchiveError(
                        ArchiveFault.CORRUPT, str(path), f"Part {part[1]} of it is there twice."
                    )
                numbered[part[1]] = path.parent / entry.name
        sizes = {number: found.lstat().st_size for number, found in numbered.items()}
    except OSError as error:
        raise _unreadable(str(path), error) from error
    check_complete(str(path), whole, sizes)
    return [numbered[number] for number in sorted(numbered)]


def check_complete(place: str, whole: str, sizes: dict[int, int]) -> None:
    """Raise where a part lacks before the last one.

    Parts are numbered 0, 1, 2, …, or 1, 2, 3, …, or by the offset at which each begins. That the
    last one lacks shows only in the archive, which then has no end record.
    """
    numbers = sorted(sizes)
    counted = list(range(min(numbers[0], 1), min(numbers[0], 1) + len(numbers)))
    offsets = list(accumulate((sizes[number] for number in numbers[:-1]), initial=0))
    if numbers in (counted, offsets):
        return
    after_gap = numbers[max(_first_difference(numbers, rule) for rule in (counted, offsets))]
    raise ArchiveError(
        ArchiveFault.MISSING_PART,
        place,
        f"The part of {whole} before part {after_gap} is missing; download it again.",
    )


def _first_difference(numbers: Sequence[int], others: Sequence[int]) -> int:
    pairs = enumerate(zip(numbers, others, strict=True))
    return next(index for index, (number, other) in pairs if number != other)


def _open(name: str, path: Path) -> int:
    try:
        # Without O_NONBLOCK a named pipe that poses as a file would block for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(name, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ArchiveError(ArchiveFault.UNREADABLE, name, "It is not a regular file.")
    return handle


def _unreadable(name: str, error: OSError) -> ArchiveError:
    cause = os.strerror(error.errno) if error.errno else str(error)
    return ArchiveError(ArchiveFault.UNREADABLE, name, f"It cannot be read ({cause}).")
