"""Zip archives with the bytes of names, flags and times that other people's tools write.

Python's `zipfile` marks every name that is not ASCII as UTF-8; Korean tools write CP949 names and
no mark. The layout follows APPNOTE.TXT, the specification of the zip format.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_END: Final = struct.Struct("<4s4H2LH")
_FULL32, _FULL16 = 0xFFFF_FFFF, 0xFFFF
_VERSION, _VERSION64 = 20, 45
_STORED, _DEFLATED = 0, 8
#: 15 November 2022, 00:00, as MS-DOS writes a time and a date.
_TIME, _DATE = 0, ((2022 - 1980) << 9) | (11 << 5) | 15


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


class ZipWriter:
    """Writes a zip archive to `out`; a context manager. The same calls give the same bytes."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._entries: list[_Entry] = []
        self._position = 0

    def __enter__(self) -> ZipWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()

    def add(self, name: bytes, data: bytes, *, compress: bool = True) -> None:
        """Add a member. `name` is written as it is, and not marked as UTF-8.

        A member larger than 4 GiB is not for this writer: struct.error.
        """
        method = _DEFLATED if compress else _STORED
        packed = _deflate(data) if compress else data
        entry = _Entry(name, method, zlib.crc32(data), len(packed), len(data), self._position)
        self._put(_LOCAL.pack(b"PK\x03\x04", *_described(entry, _VERSION), 0) + name)
        self._put(packed)
        self._entries.append(entry)

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._position += len(data)

    def _finish(self) -> None:
        start = self._position
        for entry in self._entries:
            self._put(_directory_entry(entry))
        length, count = self._position - start, len(self._entries)
        if start + length >= _FULL32 or count >= _FULL16:
            end = self._position
            versions = (_VERSION64, _VERSION64)
            self._put(_END64.pack(b"PK\x06\x06", 44, *versions, 0, 0, count, count, length, start))
            self._put(_LOCATOR64.pack(b"PK\x06\x07", 0, end, 1))
        counts = (min(count, _FULL16),) * 2
        self._put(
            _END.pack(b"PK\x05\x06", 0, 0, *counts, min(length, _FULL32), min(start, _FULL32), 0)
        )


def _directory_entry(entry: _Entry) -> bytes:
    extra, version, offset = b"", _VERSION, entry.offset
    if offset >= _FULL32:
        # 4.5.3: the zip64 extra field holds what did not fit.
        extra, version, offset = struct.pack("<HHQ", 1, 8, offset), _VERSION64, _FULL32
    described = _described(entry, version)
    fixed = _ENTRY.pack(b"PK\x01\x02", version, *described, len(extra), 0, 0, 0, 0, offset)
    return fixed + entry.name + extra


def _described(entry: _Entry, version: int) -> tuple[int, ...]:
    """The fields that a local header and a directory entry share, up to the length of the name."""
    return (
        version,
        0,
        entry.method,
        _TIME,
        _DATE,
        entry.crc,
        entry.compressed,
        entry.size,
        len(entry.name),
    )


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()
