"""A CSV reader for files that are not regular: it gives up one record, never the ones after it."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from artcurate.errors import DataError
from artcurate.sources.rawfile import Fault

#: Longest record, in bytes and in physical lines. Beyond them a quote was never closed, or the
#: file is hostile. The bytes equal Python's own limit for one CSV field.
MAX_RECORD_BYTES = 131_072
MAX_RECORD_LINES = 100

_ROWS_PER_CHUNK = 65_536
#: From this many undecodable rows on, a file may be in another encoding as a whole.
_ENCODING_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class Recovered:
    """The rows that could be read, the faults of the others, and the blank lines passed over."""

    rows: pl.DataFrame
    faults: list[Fault]
    blank_lines: int


def read_recovering(
    path: Path, header_bytes: int, columns: Sequence[str], wanted: Sequence[str]
) -> Recovered:
    """Every record of `path` after its header that stands on its own.

    A record that cannot be read costs its first physical line only; reading goes on with the next
    line. The reasons are broken_quoting (a quote is opened and not closed, or text follows a
    closing quote), wrong_field_count, nul_byte, not_utf8, oversized_record and
    stray_carriage_return. Rows are numbered by record, bad ones included; blank lines are no rows.

    Raises:
        DataError: the file as a whole is in another encoding than UTF-8, or no row can be read.
    """
    with path.open("rb") as file:
        file.seek(header_bytes)
        reader = _RecordReader(_Lines(file), len(columns))
        rows = _collect(reader, [columns.index(name) for name in wanted], wanted)
    _check_encoding(path, reader)
    if not reader.row:
        raise DataError(f"{path}: the file has a header and no rows.")
    if not rows.height:
        raise DataError(
            f"{path}: none of its {reader.row:,} rows can be read; {reader.faults[0].detail}."
        )
    return Recovered(rows, reader.faults, reader.blank_lines)


def _collect(
    reader: _RecordReader, positions: Sequence[int], wanted: Sequence[str]
) -> pl.DataFrame:
    schema = {"row": pl.Int64, **dict.fromkeys(wanted, pl.String)}
    chunks = [pl.DataFrame(schema=schema)]
    held: list[list[str | int]] = []
    for row, fields in reader:
        held.append([row, *[fields[position] for position in positions]])
        if len(held) == _ROWS_PER_CHUNK:
            chunks.append(pl.DataFrame(held, schema=schema, orient="row"))
            held = []
    chunks.append(pl.DataFrame(held, schema=schema, orient="row"))
    return pl.concat(chunks)


def _check_encoding(path: Path, reader: _RecordReader) -> None:
    undecoded = [fault for fault in reader.faults if fault.reason == "not_utf8"]
    if len(undecoded) >= _ENCODING_EVIDENCE and len(undecoded) > reader.non_ascii_rows:
        raise DataError(
            f"{path}: this is not UTF-8 ({len(undecoded):,} of {reader.row:,} rows do not decode, "
            f"the first: {undecoded[0].detail}); if it is Windows-1252, convert it with: "
            "iconv -f WINDOWS-1252 -t UTF-8."
        )


class _Lines:
    """Physical lines as text, with those of the current record remembered so they can go back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self.taken: list[bytes] = []
        self.first = 2
        self.fault: tuple[str, str] | None = None

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._waiting.popleft() if self._waiting else self._fetch()
        if not raw:
            raise StopIteration
        line = self.first + len(self.taken)
        self.taken.append(raw)
        self._size += len(raw)
        if len(raw) > MAX_RECORD_BYTES:
            self._note("oversized_record", f"line {line} is longer than {MAX_RECORD_BYTES:,} bytes")
            return "\n"
        if self._size > MAX_RECORD_BYTES or len(self.taken) > MAX_RECORD_LINES:
            self._waiting.appendleft(self.taken.pop())
            raise StopIteration
        return self._decode(raw, line)

    def start_record(self) -> None:
        """The lines taken so far are done with; the next one begins a record."""
        self.first += len(self.taken)
        self._begin()

    def keep_first_only(self) -> None:
        """Only the first line taken is done with; the others will be read again."""
        self._waiting.extendleft(reversed(self.taken[1:]))
        self.first += 1
        self._begin()

    def _begin(self) -> None:
        self.taken = []
        self._size = 0
        self.fault = None

    def _decode(self, raw: bytes, line: int) -> str:
        if b"\0" in raw:
            self._note("nul_byte", f"line {line} holds a NUL byte")
            raw = raw.replace(b"\0", b"")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self._note("not_utf8", f"line {line} is not UTF-8 at its byte {error.start + 1}")
            return raw.decode("utf-8", errors="replace")

    def _note(self, reason: str, detail: str) -> None:
        self.fault = self.fault or (reason, detail)

    def _fetch(self) -> bytes:
        """The next line; of one that is too long only as much as shows that it is."""
        raw = part = self._file.readline(MAX_RECORD_BYTES + 1)
        while len(part) > MAX_RECORD_BYTES and not part.endswith(b"\n"):
            part = self._file.readline(MAX_RECORD_BYTES + 1)
        return raw


class _RecordReader:
    """Iterates over (row, fields) of the good records and gathers the faults of the others."""

    def __init__(self, lines: _Lines, width: int) -> None:
        self._lines = lines
        self._width = width
        self.row = 0
        self.blank_lines = 0
        self.non_ascii_rows = 0
        self.faults: list[Fault] = []

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        lines = self._lines
        parser = csv.reader(lines, strict=True)
        while True:
            try:
                fields = next(parser)
            except StopIteration:
                return
            except csv.Error:
                self._give_up_line()
                parser = csv.reader(lines, strict=True)
                continue
            several = len(lines.taken) > 1
            if not fields and lines.fault is None:
                self.blank_lines += 1
            elif several and (len(fields) != self._width or self._swallows_records(fields)):
                self._give_up_line()
                continue
            else:
                self.row += 1
                if fault := self._fault_of(fields):
                    self.faults.append(fault)
                else:
                    self.non_ascii_rows += not all(raw.isascii() for raw in lines.taken)
                    yield self.row, fields
            lines.start_record()

    def _fault_of(self, fields: list[str]) -> Fault | None:
        if self._lines.fault:
            return Fault(self.row, *self._lines.fault)
        if len(fields) != self._width:
            return Fault(
                self.row,
                "wrong_field_count",
                f"line {self._lines.first} has {len(fields)} fields instead of {self._width}",
            )
        return None

    def _give_up_line(self) -> None:
        """The record that begins at the first line taken is broken; go on with the line after."""
        self.row += 1
        self.faults.append(Fault(self.row, *self._reason_for_giving_up()))
        self._lines.keep_first_only()

    def _reason_for_giving_up(self) -> tuple[str, str]:
        lines = self._lines
        if lines.fault and len(lines.taken) == 1:
            return lines.fault
        if b'"' in lines.taken[0]:
            return (
                "broken_quoting",
                f"line {lines.first} leaves a quote open or has text after a closing quote",
            )
        return "stray_carriage_return", f"line {lines.first} has a carriage return inside a field"

    def _swallows_records(self, fields: Sequence[str]) -> bool:
        """Whether a record of several lines spans lines that are records themselves.

        Then its quote was left open by accident and closed by that of a later record.
        """
        inner = (raw.decode("utf-8", "replace") for raw in self._lines.taken[1:-1])
        if any(self._is_record(line) for line in inner):
            return True
        return any(
            self._joins_two_records(place, field)
            for place, field in enumerate(fields)
            if "\n" in field
        )

    def _joins_two_records(self, place: int, field: str) -> bool:
        """Whether `field` holds just the end of one record and the beginning of another."""
        first, *_, last = field.split("\n")
        end, beginning = first.rstrip("\r").split(","), last.split(",")
        after = self._width - place - 1
        return (
            place + len(end) == self._width == len(beginning) + after
            and _is_no_prose(end)
            and _is_no_prose(beginning)
        )

    def _is_record(self, line: str) -> bool:
        try:
            fields = next(csv.reader([line], strict=True))
        except csv.Error:
            return False
        return len(fields) == self._width and _is_no_prose(fields)


def _is_no_prose(fields: Sequence[str]) -> bool:
    """Whether the commas between `fields` are not those of a sentence, which spaces follow."""
    return sum(field.startswith(" ") for field in fields) <= 1
