"""ECC as spreadsheets and as CSV: from their rows to those of `ecc_json`, as written there."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from unicodedata import normalize

import polars as pl

from artcurate.archives.documents import Content
from artcurate.errors import DataError
from artcurate.sources.ecc.codes import TURNS
from artcurate.sources.ecc.records import RAW_SCHEMA
from artcurate.sources.json_records import DecodedText, decode
from artcurate.sources.workbooks import read_sheets

#: Heading -> column. The older release says 시스템응답 for 시스템문장 and has a fourth turn.
_HEADINGS = {
    "번호": "counter",
    "연령": "age",
    "성별": "gender",
    "상황키워드": "situation",
    "신체질환": "disease",
    "감정대분류": "main",
    "감정소분류": "fine",
    **{
        f"{word}{number}": f"{letter}S{number:02}"
        for number in range(1, 5)
        for letter, word in (("H", "사람문장"), ("S", "시스템문장"), ("S", "시스템응답"))
    },
}
_NEEDED = ("연령", "성별", "감정대분류", "사람문장1")
_SEPARATORS = ",\t;"
_MARK = "사람문장"
_MARK_BYTES = (
    _MARK.encode(),
    normalize("NFD", _MARK).encode(),
    _MARK.encode("cp949"),
)
#: Where the number of a row stands while its table still has the headings of its file.
_ROW = "\0row"


def looks_like_table(start: bytes) -> bool:
    """Whether the first bytes of a file are those of ECC as CSV."""
    first_line = start.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    return any(mark in first_line for mark in _MARK_BYTES)


def read_workbook(content: Content) -> pl.DataFrame | None:
    """The dialogues of a spreadsheet (`RAW_SCHEMA`), None where no sheet holds any.

    Raises:
        DataError: the workbook cannot be read, or a sheet of dialogues lacks columns.
    """
    place = content.document.path
    found = [
        _dialogues(sheet.with_row_index(_ROW, 1), f"{place}, sheet {name}")
        for name, sheet in read_sheets(content.data, place).items()
        if any(_heading(column).startswith(_MARK) for column in sheet.columns)
    ]
    return pl.concat(found) if found else None


def read_csv(content: Content) -> pl.DataFrame:
    """The dialogues of a CSV file (`RAW_SCHEMA`) in UTF-8 or CP949.

    A row with another number of fields than the header has a sentence in `malformed`.

    Raises:
        DataError: the text is in another encoding, a quote is never closed, or columns are
            missing.
    """
    place = content.document.path
    text = decode(content.data, place)
    header, rows, misfits = _parse_csv(text, place)
    frame = pl.DataFrame(
        rows, schema={_ROW: pl.Int64, **dict.fromkeys(header, pl.String)}, orient="row"
    )
    dialogues = _dialogues(frame, place)
    malformed = pl.DataFrame(
        misfits, schema={"row": pl.Int64, "malformed": pl.String}, orient="row"
    )
    return pl.concat([dialogues, malformed], how="diagonal").sort("row").select(RAW_SCHEMA.names())


def _parse_csv(
    text: DecodedText, place: str
) -> tuple[list[str], list[list[int | str]], list[tuple[int, str]]]:
    """(header, rows with their numbers in front, (number, sentence) of rows that do not fit)."""
    first_line = text.text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first_line.count)
    reader = csv.reader(io.StringIO(text.text, newline=""), delimiter=separator, strict=True)
    rows: list[list[int | str]] = []
    misfits: list[tuple[int, str]] = []
    try:
        header = _unique(next(reader))
        for number, fields in enumerate((line for line in reader if line), 1):
            if len(fields) == len(header):
                rows.append([number, *fields])
            else:
                misfits.append(
                    (number, f"The row has {len(fields)} fields, the header {len(header)}.")
                )
    except csv.Error as error:
        raise DataError(f"{place}: line {reader.line_num:,} is no CSV ({error}).") from error
    return header, rows, misfits


def _unique(header: Sequence[str]) -> list[str]:
    """Headings that may be columns of one table: those that stand there before are numbered."""
    return [
        heading if heading and heading not in header[:index] else f"{heading}#{index}"
        for index, heading in enumerate(header)
    ]


def _dialogues(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """The rows of a table of dialogues that are not blank, their columns named in our words."""
    known = {column: _HEADINGS.get(_heading(column)) for column in frame.columns}
    headings = {_heading(column) for column in frame.columns}
    missing = [heading for heading in _NEEDED if heading not in headings]
    if missing:
        raise DataError(f"{place}: the dialogues lack the columns {', '.join(missing)}.")
    first = frame.columns[1]
    if "counter" not in known.values() and known[first] is None:
        known[first] = "counter"
    named = {"row": _ROW, **{name: column for column, name in known.items() if name}}
    columns = [
        pl.col(named[name]).cast(dtype).alias(name)
        if name in named
        else pl.lit(None, dtype).alias(name)
        for name, dtype in RAW_SCHEMA.items()
    ]
    blank = pl.all_horizontal(pl.col(*TURNS, "main", "age").fill_null("") == "")
    whole = pl.col("counter").str.strip_suffix(".0")
    return frame.select(columns).filter(~blank).with_columns(whole)


def _heading(column: str) -> str:
    """A heading without what spreadsheets and people add to it."""
    return "".join(normalize("NFC", column).replace("_", "").split())
