"""Reading members of an uncompressed tar archive by name and offset, without unpacking anything.

Field layouts: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual,
"Basic Tar Format". Only regular files are members: links and devices are passed over, so nothing
can lead out of the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from artcurate.archives.directory import INDEX_SCHEMA
from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.lookup import Lookup, Member
from artcurate.archives.names import decode_names, nfc
from artcurate.archives.parts import ByteSource, JoinedFile
from artcurate.archives.zips import MAX_MEMBER_BYTES

_BLOCK = 512
#: Archives with more members are refused: their index would fill the memory.
MAX_MEMBERS = 10_000_000
#: Longest name and longest block of pax records read, in bytes; a header may claim any size.
_MAX_EXTRA = 1 << 20
_REGULAR = (b"0", b"\0", b"7")
_GNU_LONG_NAME, _PAX, _PAX_GLOBAL = b"L", b"x", b"g"
_STORED = 0
#: No file is that long: such a number is damage, and twice as much would not fit 64 bits.
_NO_FILE = 1 << 62
_OCTAL = frozenset(b"01234567")
#: Archives whose lookups a process keeps.
_KEPT = 64


class TarReader:
    """A tar archive opened for reading; a context manager. Threads may share it.

    source: the path of the archive, or its bytes.
    find: gives the archive's lookup when it is first needed, for bytes that are known elsewhere.

    Raises ArchiveError where the archive cannot be opened; its headers are read when first needed.
    """

    def __init__(
        self, source: Path | ByteSource, *, find: Callable[[], Lookup] | None = None
    ) -> None:
        self._path = source if isinstance(source, Path) else None
        self._source = JoinedFile(str(source), (source,)) if isinstance(source, Path) else source
        self._find = find
        self._found: Lookup | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._source.close()

    def member(self, name: str) -> Member:
        """The member whose decoded name is exactly `name`; the last of several, as in `tar -x`.

        Raises ArchiveError where there is none or the archive is damaged.
        """
        if self._found is None:
            self._found = self._lookup()
        member = self._found.find(name)
        if member is None:
            raise self._error(ArchiveFault.NO_MEMBER, f"It holds no member {name!r}.")
        return member

    def read(self, name: str, *, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """The bytes of the member `name`.

        Raises ArchiveError where there is none, it is larger than `max_bytes`, or the archive ends
        before it does.
        """
        member = self.member(name)
        if member.size > max_bytes:
            raise self._error(
                ArchiveFault.TOO_LARGE,
                f"{name!r} has {member.size:,} bytes, more than the limit of {max_bytes:,}.",
            )
        data = self._source.read_at(member.offset, member.size)
        if len(data) != member.size:
            raise self._error(ArchiveFault.TRUNCATED, f"{name!r} reaches beyond the archive's end.")
        return data

    def _lookup(self) -> Lookup:
        if self._find is not None:
            return self._find()
        if self._path is None:
            return Lookup(read_tar_index(self._source))
        return _lookup_of(self._path, self._source.size, self._path.lstat().st_mtime_ns)

    def _error(self, fault: ArchiveFault, detail: str) -> ArchiveError:
        return ArchiveError(fault, self._source.name, detail)


@lru_cache(maxsize=_KEPT)
def _lookup_of(path: Path, _size: int, _modified: int) -> Lookup:
    source = JoinedFile(str(path), (path,))
    try:
        return Lookup(read_tar_index(source))
    finally:
        source.close()


def read_tar_index(source: ByteSource) -> pl.DataFrame:
    """The regular files in the tar archive `source`, in its order (`INDEX_SCHEMA`).

    Nothing is compressed, and tar keeps no checksum of contents: method, crc and flags are 0. An
    archive that is cut off has the members whose headers are there.

    Raises ArchiveError where `source` is no tar archive, a header is damaged, or there are more
    than `MAX_MEMBERS` members.
    """
    names: list[bytes] = []
    offsets: list[int] = []
    sizes: list[int] = []
    for entry in _entries(source):
        if len(names) == MAX_MEMBERS:
            raise ArchiveError(
                ArchiveFault.TOO_LARGE, source.name, f"It has more than {MAX_MEMBERS:,} members."
            )
        names.append(entry.name)
        offsets.append(entry.offset)
        sizes.append(entry.size)
    decoded = decode_names(names)
    columns = {"name": decoded, "key": nfc(decoded), "offset": offsets}
    nothing = dict.fromkeys(("method", "crc", "flags"), _STORED)
    index = pl.DataFrame({**columns, "compressed": sizes, "size": sizes})
    return index.with_columns(**{name: pl.lit(value) for name, value in nothing.items()}).select(
        pl.col(name).cast(dtype) for name, dtype in INDEX_SCHEMA.items()
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A regular file: its name as stored, and where its content lies."""

    name: bytes
    offset: int
    size: int


def _entries(source: ByteSource) -> Iterator[_Entry]:
    place = 0
    long_name: bytes | None = None
    records: dict[bytes, bytes] = {}
    while place + _BLOCK <= source.size:
        header = source.read_at(place, _BLOCK)
        if not any(header):
            return
        _check(source, header, place)
        kind, size = header[156:157], _number(source, header[124:136])
        content = place + _BLOCK
        if kind in (_GNU_LONG_NAME, _PAX):
            extra = _extra(source, content, size)
            if kind == _PAX:
                records |= _pax_records(source, extra)
            else:
                long_name = extra.rstrip(b"\0")
        elif kind != _PAX_GLOBAL:
            if b"size" in records:
                size = _decimal(source, records[b"size"])
            if kind in _REGULAR and not any(key.startswith(b"GNU.sparse") for key in records):
                yield _Entry(records.get(b"path") or long_name or _name(header), content, size)
            long_name, records = None, {}
        place = content + -(-size // _BLOCK) * _BLOCK


def _check(source: ByteSource, header: bytes, place: int) -> None:
    """Raise where the sum of a header's bytes is not the one it states."""
    # The sum is taken with blanks in the place of the sum.
    expected = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    stated = header[148:156].split(b"\0")[0].strip(b" ")
    if not stated or not set(stated) <= _OCTAL or int(stated, 8) != expected:
        if place == 0:
            raise ArchiveError(
                ArchiveFault.NOT_A_TAR,
                source.name,
                "This is no uncompressed tar archive; decompress it (gunzip, unzstd) first.",
            )
        raise _damaged(source, f"its header at {place:,} has a wrong checksum")


def _name(header: bytes) -> bytes:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(source: ByteSource, field: bytes) -> int:
    """An octal number, or a binary one where the first bit is set (GNU)."""
    if field[0] == 0x80:
        return min(int.from_bytes(field[1:]), _NO_FILE)
    text = field.strip(b" \0")
    if not set(text) <= _OCTAL:
        raise _damaged(source, "a header states no number of bytes")
    return int(text or b"0", 8)


def _decimal(source: ByteSource, text: bytes) -> int:
    if not text.isdigit() or len(text) > 18:
        raise _damaged(source, "a header states no number of bytes")
    return int(text)


def _extra(source: ByteSource, place: int, size: int) -> bytes:
    if size > _MAX_EXTRA:
        raise ArchiveError(
            ArchiveFault.TOO_LARGE, source.name, f"A name or header of it claims {size:,} bytes."
        )
    return source.read_at(place, size)


def _pax_records(source: ByteSource, block: bytes) -> dict[bytes, bytes]:
    """The records `length key=value\\n` of a pax header."""
    records = {}
    while block:
        length, _, _ = block.partition(b" ")
        if (
            not length.isdigit()
            or len(length) > 7
            or not len(length) + 2 < int(length) <= len(block)
        ):
            raise _damaged(source, "a pax header cannot be read")
        key, _, value = block[len(length) + 1 : int(length) - 1].partition(b"=")
        records[key] = value
        block = block[int(length) :]
    return records


def _damaged(source: ByteSource, finding: str) -> ArchiveError:
    return ArchiveError(
        ArchiveFault.CORRUPT, source.name, f"The tar archive is damaged: {finding}."
    )
