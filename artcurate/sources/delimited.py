"""CSV files of any size: polars where the file is provably regular, exact recovery where not.

polars reads a gigabyte in about a second, but fills short rows with nulls, lets an open quote
swallow rows, and gives up a whole file for one bad byte. So its result is kept only if it can be
proved: no row is short, every line break of the file is accounted for, and nothing in the bytes
hints at broken quoting. Any doubt sends the file to the recovering reader, which is slower and
decides record by record.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from artcurate.errors import DataError
from artcurate.sources.rawfile import ByteCounts, RawTable, fault_frame, scan_bytes, unreadable
from artcurate.sources.recovery import MAX_RECORD_BYTES, read_recovering

_BOM = b"\xef\xbb\xbf"
_MAX_HEADER_BYTES = 65_536
#: With projection pushed down, polars drops the surplus fields of a long row without a word.
_WHOLE_ROWS = pl.QueryOptFlags(projection_pushdown=False)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a CSV: the columns' names, and its length in bytes with its line end."""

    columns: tuple[str, ...]
    bytes: int


def read_header(path: Path) -> Header:
    """The header of the CSV at `path`.

    Raises:
        DataError: it cannot be read, is no comma-separated UTF-8 line, repeats a name, or has
            nothing after it.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_HEADER_BYTES)
            more = bool(file.read(1))
    except OSError as error:
        raise DataError(unreadable(path, error)) from error
    columns = _header_columns(path, line)
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        names = ", ".join(repr(name) for name in repeated)
        raise DataError(f"{path}: the header repeats {names}; give each column its own name.")
    if not more:
        raise DataError(f"{path}: the file has a header and no rows.")
    return Header(columns, len(line))


def _header_columns(path: Path, line: bytes) -> tuple[str, ...]:
    if len(line) == _MAX_HEADER_BYTES:
        raise DataError(f"{path}: the first line is too long for a header; is this a CSV?")
    try:
        text = line.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: the header is not UTF-8; is this a CSV?") from error
    text = text.removesuffix("\n").removesuffix("\r")
    if "\r" in text:
        raise DataError(
            f"{path}: lines end with a lone carriage return; convert them with: tr '\\r' '\\n'."
        )
    try:
        columns = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise DataError(f"{path}: the header has broken quoting ({error}).") from error
    if len(columns) < 2:
        raise DataError(
            f"{path}: the header has no comma-separated columns; save the file as CSV with commas."
        )
    return tuple(columns)


def read_delimited(path: Path, header: Header, wanted: Sequence[str]) -> RawTable:
    """The `wanted` columns of the CSV at `path`, as strings, with the rows that cannot be read.

    Columns that are not wanted pass through memory in small pieces and are not kept. A quoted
    field may hold line breaks. `recovered` tells which reader did it; both number rows alike.

    Raises:
        DataError: the file is unreadable or not UTF-8, or none of its rows can be read.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        counting = pool.submit(scan_bytes, path)
        frame = _read_with_polars(path, header, wanted)
        counts = counting.result()
    if frame is not None and _is_proved(frame, header, wanted, counts):
        rows = frame.select("row", *(pl.col(_position(header, c)).alias(c) for c in wanted))
        return RawTable(rows, fault_frame([]), counts.sha256, counts.bytes)
    del frame
    recovered = read_recovering(path, header.bytes, header.columns, wanted)
    return RawTable(
        rows=recovered.rows,
        faults=fault_frame(recovered.faults),
        sha256=counts.sha256,
        bytes=counts.bytes,
        blank_lines=recovered.blank_lines,
        recovered=True,
    )


def _position(header: Header, column: str) -> str:
    """The name under which polars reads a column, whatever the header calls it."""
    return str(header.columns.index(column))


def _read_with_polars(path: Path, header: Header, wanted: Sequence[str]) -> pl.DataFrame | None:
    """`row`, the wanted columns and the last one; None where polars cannot parse the file."""
    last = str(len(header.columns) - 1)
    positions = dict.fromkeys([*(_position(header, column) for column in wanted), last])
    try:
        return (
            pl.scan_csv(
                path,
                has_header=False,
                skip_lines=1,
                schema={str(i): pl.String for i in range(len(header.columns))},
                row_index_name="row",
                row_index_offset=1,
                glob=False,
            )
            .select(pl.col("row").cast(pl.Int64), *positions)
            .collect(engine="streaming", optimizations=_WHOLE_ROWS)
        )
    except pl.exceptions.PolarsError:
        return None


def _is_proved(
    frame: pl.DataFrame, header: Header, wanted: Sequence[str], counts: ByteCounts
) -> bool:
    """Whether polars' reading is beyond doubt.

    A short row has a null in the last column. An open quote swallows line breaks: each break of
    the file must end the header, end a row or stand in a wanted field, and no field with breaks
    may hold as many commas as a row has.
    """
    width = len(header.columns)
    if not frame.height or counts.nul or counts.quotes % 2:
        return False
    # At the very end of a file polars overlooks an empty surplus field.
    if counts.last == b",":
        return False
    if frame[str(width - 1)].null_count():
        return False
    breaks_in_fields = 0
    for column in wanted:
        field = frame[_position(header, column)]
        if _largest(field.str.len_bytes()) > MAX_RECORD_BYTES:
            return False
        broken = field.filter(field.str.contains("\n", literal=True))
        if _largest(broken.str.count_matches(",", literal=True)) >= width - 1:
            return False
        breaks_in_fields += int(broken.str.count_matches("\n", literal=True).sum())
    lines_after_header = counts.newlines - 1 + (counts.last != b"\n")
    return frame.height + breaks_in_fields == lines_after_header


def _largest(counts: pl.Series) -> int:
    largest = counts.max()
    return largest if isinstance(largest, int) else 0
