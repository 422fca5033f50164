"""The central directory of a zip archive as one table, parsed in bulk.

Field layouts and numbers in parentheses refer to PKWARE's APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.names import decode_names, nfc
from artcurate.archives.parts import ByteSource

#: Larger directories are refused: some five million members.
MAX_DIRECTORY_BYTES = 1 << 30

INDEX_SCHEMA = pl.Schema(
    {
        "name": pl.String(),
        "key": pl.String(),
        "offset": pl.Int64(),
        "compressed": pl.Int64(),
        "size": pl.Int64(),
        "method": pl.UInt16(),
        "crc": pl.UInt32(),
        "flags": pl.UInt16(),
    }
)

_END = struct.Struct("<4s4H2LH")  # 4.3.16
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LOCATOR64 = struct.Struct("<4sLQL")  # 4.3.15
_MAX_COMMENT = 0xFFFF
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
#: No file is that long: such a number is damage, and twice as much would not fit 64 bits.
_NO_FILE = 1 << 62
_ZIP64_EXTRA = 1
_ENTRY_SIGNATURE = 0x02014B50
_ENTRY = np.dtype(  # 4.3.12
    [
        ("signature", "<u4"),
        ("made_by", "<u2"),
        ("needs", "<u2"),
        ("flags", "<u2"),
        ("method", "<u2"),
        ("time", "<u2"),
        ("date", "<u2"),
        ("crc", "<u4"),
        ("compressed", "<u4"),
        ("size", "<u4"),
        ("name_length", "<u2"),
        ("extra_length", "<u2"),
        ("comment_length", "<u2"),
        ("disk", "<u2"),
        ("internal", "<u2"),
        ("external", "<u4"),
        ("offset", "<u4"),
    ]
)

_Integers = npt.NDArray[np.int64]


def read_index(source: ByteSource) -> pl.DataFrame:
    """The members of the zip archive in `source`, in the directory's order, folders left out.

    Columns (`INDEX_SCHEMA`): name (decoded, as stored), key (`name` in NFC), offset (of the local
    header, from the start of `source`, whatever stands before the archive), compressed and size
    (bytes), method, crc (CRC-32 of the uncompressed bytes), flags.

    Raises:
        ArchiveError: `source` is no zip archive, is cut off, or its directory is damaged.
    """
    end = _find_end(source)
    directory = source.read_at(end.directory, end.length)
    starts = _entry_starts(directory)
    if len(starts) & _FULL16 != end.entries & _FULL16:
        raise _corrupt(source, f"Its directory holds {len(starts)} of {end.entries} members")
    fields = _fields(directory, starts)
    compressed, size, offset = _long_fields(directory, starts, fields)
    name_starts = starts + _ENTRY.itemsize
    name_ends = name_starts + fields["name_length"]
    names = [directory[a:b] for a, b in zip(name_starts.tolist(), name_ends.tolist(), strict=True)]
    index = pl.DataFrame(
        {
            "name": decode_names(names),
            "offset": offset + end.shift,
            "compressed": compressed,
            "size": size,
            "method": np.ascontiguousarray(fields["method"]),
            "crc": np.ascontiguousarray(fields["crc"]),
            "flags": np.ascontiguousarray(fields["flags"]),
        }
    ).filter(~(pl.col("name").str.ends_with("/") | pl.col("name").str.ends_with("\\")))
    return index.with_columns(nfc(index["name"]).alias("key")).select(INDEX_SCHEMA.names())


@dataclass(frozen=True, slots=True)
class _End:
    """Where the directory lies in the source, and by how much its offsets are off."""

    directory: int
    length: int
    entries: int
    shift: int


def _find_end(source: ByteSource) -> _End:
    """The last end record whose directory is really there."""
    reach = min(source.size, _END.size + _MAX_COMMENT)
    tail = source.read_at(source.size - reach, reach)
    places = [
        match.start()
        for match in re.finditer(b"PK\x05\x06", tail)
        if match.start() + _END.size <= len(tail)
    ]
    # A record whose comment reaches just to the end goes before bytes that look like a record.
    for position in sorted(places, key=lambda place: (_ends_exactly(tail, place), place))[::-1]:
        end = _read_end(source, source.size - reach + position)
        if end is not None and (end.length or _ends_exactly(tail, position)):
            return end
    if source.read_at(0, 4) == b"PK\x03\x04":
        raise ArchiveError(
            ArchiveFault.TRUNCATED,
            source.name,
            f"The zip archive is cut off at {source.size:,} bytes: it has no end record; "
            "finish the download, or move the file out of the folder.",
        )
    raise ArchiveError(
        ArchiveFault.NOT_A_ZIP,
        source.name,
        "This is no zip archive; download it again, or move the file out of the folder.",
    )


def _ends_exactly(tail: bytes, position: int) -> bool:
    comment_length = _END.unpack_from(tail, position)[-1]
    return bool(position + _END.size + comment_length == len(tail))


def _read_end(source: ByteSource, position: int) -> _End | None:
    _, disk, _, _, entries, length, offset, _ = _END.unpack(source.read_at(position, _END.size))
    before = position
    found = _read_end64(source, position)
    if found is not None:
        before, entries, length, offset = found
    elif disk not in (0, _FULL16):
        raise ArchiveError(
            ArchiveFault.UNSUPPORTED,
            source.name,
            "This is one disk of a multi-disk archive; join it first with: zip -s 0.",
        )
    if length > MAX_DIRECTORY_BYTES:
        raise ArchiveError(
            ArchiveFault.TOO_LARGE, source.name, f"Its directory claims {length:,} bytes."
        )
    # Something may stand before the archive, or between its directory and its end record.
    for start in (before - length, offset):
        begins = start >= 0 and source.read_at(start, 4) == b"PK\x01\x02"
        if start + length <= before and offset <= _NO_FILE and (begins or not length):
            return _End(start, length, entries, start - offset)
    return None


def _read_end64(source: ByteSource, position: int) -> tuple[int, int, int, int] | None:
    """(its place, entries, directory's length and offset) of the zip64 end record, if any."""
    locator_at = position - _LOCATOR64.size
    if locator_at < 0:
        return None
    signature, _, stated, _ = _LOCATOR64.unpack(source.read_at(locator_at, _LOCATOR64.size))
    if signature != b"PK\x06\x07":
        return None
    # What stands before the archive shifts the stated place; the usual one is the other.
    for place in (locator_at - _END64.size, stated):
        if 0 <= place <= locator_at - _END64.size:
            record = _END64.unpack(source.read_at(place, _END64.size))
            if record[0] == b"PK\x06\x06":
                return place, record[7], record[8], record[9]
    return None


def _entry_starts(directory: bytes) -> _Integers:
    """Where the entries begin.

    Every place with an entry's signature is taken at once; that each ends where the next begins
    proves the guess. A signature inside a name breaks the chain, which is then followed by hand.
    """
    guess = _signatures(directory)
    ends = _ends(directory, guess)
    chained = np.array_equal(ends[:-1], guess[1:])
    if guess.size and chained and guess[0] == 0 and ends[-1] <= len(directory):
        return guess
    return np.fromiter(_follow(directory), np.int64)


def _signatures(directory: bytes) -> _Integers:
    found = [np.empty(0, np.int64)]
    for shift in range(min(4, len(directory) - 3)):
        words = np.frombuffer(directory, "<u4", (len(directory) - shift) // 4, shift)
        found.append(shift + 4 * np.flatnonzero(words == _ENTRY_SIGNATURE))
    places = np.sort(np.concatenate(found))
    return places[places <= len(directory) - _ENTRY.itemsize]


def _ends(directory: bytes, starts: _Integers) -> _Integers:
    fields = _fields(directory, starts)
    return starts + _ENTRY.itemsize + _trailing(fields)


def _trailing(fields: npt.NDArray[np.void]) -> _Integers:
    """Bytes of name, extra field and comment together."""
    lengths = (fields[f"{part}_length"].astype(np.int64) for part in ("name", "extra", "comment"))
    return np.sum(list(lengths), axis=0)  # type: ignore[no-any-return]


def _fields(directory: bytes, starts: _Integers) -> npt.NDArray[np.void]:
    """The fixed part of the entries at `starts`."""
    if not starts.size:
        return np.empty(0, _ENTRY)
    everywhere = np.lib.stride_tricks.sliding_window_view(
        np.frombuffer(directory, np.uint8), _ENTRY.itemsize
    )
    return everywhere[starts].view(_ENTRY)[:, 0]


def _follow(directory: bytes) -> Iterator[int]:
    """The places of the entries, one after another; stops where something else stands."""
    place = 0
    while directory[place : place + 4] == b"PK\x01\x02":
        if place + _ENTRY.itemsize > len(directory):
            return
        lengths = struct.unpack_from("<3H", directory, place + 28)
        end = place + _ENTRY.itemsize + sum(lengths)
        if end > len(directory):
            return
        yield place
        place = end


def _long_fields(
    directory: bytes, starts: _Integers, fields: npt.NDArray[np.void]
) -> tuple[_Integers, _Integers, _Integers]:
    """(compressed, size, offset) of every entry, from its zip64 extra field where it has one."""
    short = [fields[name].astype(np.int64) for name in ("size", "compressed", "offset")]
    marked = np.flatnonzero(np.any([column == _FULL32 for column in short], axis=0))
    for row in marked.tolist():
        begin = int(starts[row]) + _ENTRY.itemsize + int(fields["name_length"][row])
        extra = directory[begin : begin + int(fields["extra_length"][row])]
        # 4.5.3: only what did not fit stands there, in this order.
        columns = [column for column in short if column[row] == _FULL32]
        for column, value in zip(columns, _zip64_values(extra), strict=False):
            column[row] = value
    size, compressed, offset = short
    return compressed, size, offset


def _zip64_values(extra: bytes) -> list[int]:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        content = extra[place + 4 : place + 4 + length]
        if kind == _ZIP64_EXTRA:
            whole = len(content) // 8
            values = struct.unpack_from(f"<{whole}Q", content)
            return [min(value, _NO_FILE) for value in values]
        place += 4 + length
    return []


def _corrupt(source: ByteSource, finding: str) -> ArchiveError:
    return ArchiveError(
        ArchiveFault.CORRUPT,
        source.name,
        f"{finding}: the zip archive is damaged; download it again.",
    )
