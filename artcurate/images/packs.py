"""Packs: files of many small pictures, found by the content of the images they were made of.

A pack is written by one task, read by any, and never changed. After the pictures, back to back,
come one record per picture (`_RECORD`) and a footer with their number and checksum: what is cut
short or was altered is known by itself.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from artcurate.errors import DataError
from artcurate.files import atomic_file

SUFFIX = ".pack"
_MAGIC = b"artpack1"
#: The sha256 of the records, their number, and `_MAGIC`.
_FOOTER = struct.Struct("<32sQ8s")
#: The sha256 of the image file that a picture was made of; where the picture lies, and its sha256.
_RECORD = np.dtype([("source", "V32"), ("offset", "<i8"), ("bytes", "<i8"), ("sha256", "V32")])


@dataclass(frozen=True, slots=True)
class Packed:
    """A picture in `pack`: `bytes` bytes from `offset` on, whose sha256 is `sha256`."""

    pack: Path
    offset: int
    bytes: int
    sha256: str


class PackWriter:
    """Writes one pack into `folder`, picture by picture; a context manager.

    The pack takes its name when the block ends without an error; one that nothing was added to is
    not made. It is a help and no more: where the file system refuses (no space, no folder, no
    right), there is no pack, and nothing is raised.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
        self._entered = ExitStack()
        self._file: BinaryIO | None = None
        self._refused = False
        self._records: dict[bytes, tuple[bytes, int, int, bytes]] = {}
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and self._records:
            self._append(_ending(list(self._records.values())))
        with suppress(DataError):
            self._entered.__exit__(kind, error, traceback)

    def add(self, source: str, picture: bytes) -> None:
        """Keep `picture`, made of an image file whose sha256 is `source`; the first one stays."""
        key = bytes.fromhex(source)
        if key not in self._records:
            digest = hashlib.sha256(picture).digest()
            self._records[key] = (key, self._size, len(picture), digest)
            self._append(picture)

    def _append(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            if self._file is None:
                self._file = self._entered.enter_context(atomic_file(self._path, lasting=False))
            self._file.write(data)
            self._size += len(data)
        except (OSError, DataError) as error:
            self._refused = True
            with suppress(DataError):
                self._entered.__exit__(type(error), error, error.__traceback__)


def _ending(records: list[tuple[bytes, int, int, bytes]]) -> bytes:
    packed = np.array(records, dtype=_RECORD).tobytes()
    return packed + _FOOTER.pack(hashlib.sha256(packed).digest(), len(records), _MAGIC)


def read_records(pack: Path) -> npt.NDArray[np.void] | None:
    """What lies in `pack`, one record per picture; None where it cannot be read or is damaged.

    Fields: source (32 bytes, the sha256 of the image file), offset, bytes (int64), sha256 (32).
    """
    try:
        with pack.open("rb") as file:
            file.seek(-_FOOTER.size, os.SEEK_END)
            digest, count, magic = _FOOTER.unpack(file.read(_FOOTER.size))
            end = file.tell() - _FOOTER.size
            if magic != _MAGIC or count * _RECORD.itemsize > end:
                return None
            file.seek(end - count * _RECORD.itemsize)
            records = file.read(count * _RECORD.itemsize)
    except OSError:
        return None
    if hashlib.sha256(records).digest() != digest:
        return None
    return np.frombuffer(records, dtype=_RECORD)


def read_picture(place: Packed) -> bytes | None:
    """The picture at `place`; None where it cannot be read or is damaged.

    A damaged pack is removed, so that its pictures are made again by the next build.
    """
    try:
        with place.pack.open("rb") as file:
            file.seek(place.offset)
            picture = file.read(place.bytes)
    except OSError:
        return None
    if hashlib.sha256(picture).hexdigest() == place.sha256:
        return picture
    with suppress(OSError):
        place.pack.unlink()
    return None
