"""Reading members of a zip archive by name or by offset, checked, without unpacking anything."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import TracebackType

import polars as pl

from artcurate.archives.directory import read_index
from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.lookup import Lookup, Member, lookup_of
from artcurate.archives.parts import ByteSource, open_bytes

#: Largest member read by default, in bytes.
MAX_MEMBER_BYTES = 1 << 30

#: General purpose bits 0, 6 and 13: some form of encryption (APPNOTE.TXT 4.4.4).
ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000

_LOCAL = struct.Struct("<4s5H3L2H")  # APPNOTE.TXT 4.3.7
_STORED, _DEFLATED = 0, 8
#: Read along with a local header: longer than most names and extra fields.
_SLACK = 512


class ZipReader:
    """A zip archive opened for reading; a context manager. Threads may share it.

    source: the path of the archive (of any one part of an archive in parts), or its bytes.
    index: the archive's index, where it was read before (`artcurate.archives.directory`).
    find: gives the archive's lookup when it is first needed, for bytes that are known elsewhere.

    Raises ArchiveError where the archive cannot be opened; its index is read when first needed.
    """

    def __init__(
        self,
        source: Path | ByteSource,
        *,
        index: pl.DataFrame | None = None,
        find: Callable[[], Lookup] | None = None,
    ) -> None:
        self._path = source if isinstance(source, Path) else None
        self._source = open_bytes(source) if isinstance(source, Path) else source
        self._index = index
        self._find = find

    def __enter__(self) -> ZipReader:
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

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        return self._source.size

    @property
    def index(self) -> pl.DataFrame:
        """One row per member (`INDEX_SCHEMA`). Raises ArchiveError where there is none to read."""
        if self._index is None:
            self._index = read_index(self._source)
        return self._index

    def member(self, name: str) -> Member:
        """The member whose decoded name is exactly `name`; the last of several, as in `unzip`.

        Raises ArchiveError where there is none.
        """
        member = self._lookup.find(name)
        if member is None:
            raise self._error(ArchiveFault.NO_MEMBER, f"It holds no member {name!r}.")
        return member

    def read(self, name: str, *, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """The bytes of the member `name`; see `read_member`."""
        return self.read_member(self.member(name), max_bytes=max_bytes)

    def read_member(self, member: Member, *, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
        """The uncompressed bytes of `member`, their length and CRC-32 checked.

        Raises:
            ArchiveError: the member is encrypted, claims or turns out to be larger than
                `max_bytes` or its stated size, uses another method than stored or deflate, or is
                damaged.
        """
        if max(member.size, member.compressed) > max_bytes:
            raise self._error(
                ArchiveFault.TOO_LARGE,
                f"{member.name!r} has {member.size:,} bytes ({member.compressed:,} compressed), "
                f"more than the limit of {max_bytes:,}.",
            )
        data = self._inflate(member, self._raw(member, member.compressed), member.size)
        if len(data) != member.size:
            raise self._error(
                ArchiveFault.CORRUPT,
                f"{member.name!r} has {'more' if len(data) > member.size else 'fewer'} bytes "
                f"than the {member.size:,} that are stated.",
            )
        if zlib.crc32(data) != member.crc:
            raise self._error(ArchiveFault.CORRUPT, f"{member.name!r} has a wrong checksum.")
        return data

    @cached_property
    def _lookup(self) -> Lookup:
        if self._find is not None:
            return self._find()
        if self._path is None or self._index is not None:
            return Lookup(self.index)
        return lookup_of(self._path, self.size, self._path.lstat().st_mtime_ns)

    def read_start(self, member: Member, length: int) -> bytes:
        """Up to `length` first bytes of `member`, unchecked."""
        # Deflate may store what it cannot shrink, in blocks with 5 bytes of header each.
        enough = min(member.compressed, length + 4096)
        return self._inflate(member, self._raw(member, enough), length)[:length]

    def _raw(self, member: Member, length: int) -> bytes:
        """The first `length` bytes of `member` as they are stored."""
        if member.flags & ENCRYPTED_FLAGS:
            raise self._error(ArchiveFault.ENCRYPTED, f"{member.name!r} is encrypted.")
        if member.method not in (_STORED, _DEFLATED):
            raise self._error(
                ArchiveFault.UNSUPPORTED,
                f"{member.name!r} is compressed with method {member.method}; pack it with deflate.",
            )
        if not 0 <= member.offset < self._source.size:
            raise self._damaged(member)
        head = self._source.read_at(member.offset, _LOCAL.size + _SLACK + length)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            raise self._damaged(member)
        *_, name_length, extra_length = _LOCAL.unpack_from(head)
        start = _LOCAL.size + name_length + extra_length
        lacking = start + length - len(head)
        if lacking > 0:
            head += self._source.read_at(member.offset + len(head), lacking)
        if start + length > len(head):
            raise self._error(
                ArchiveFault.TRUNCATED, f"{member.name!r} reaches beyond the archive's end."
            )
        return head[start : start + length]

    def _inflate(self, member: Member, raw: bytes, length: int) -> bytes:
        """Up to one byte more than `length`, so that a member longer than stated shows."""
        if member.method == _STORED:
            return raw[: length + 1]
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, length + 1)
        except zlib.error as error:
            raise self._error(
                ArchiveFault.CORRUPT, f"{member.name!r} cannot be decompressed ({error})."
            ) from error

    def _damaged(self, member: Member) -> ArchiveError:
        return self._error(
            ArchiveFault.CORRUPT, f"{member.name!r} is not where the directory says."
        )

    def _error(self, fault: ArchiveFault, detail: str) -> ArchiveError:
        return ArchiveError(fault, self._source.name, detail)
