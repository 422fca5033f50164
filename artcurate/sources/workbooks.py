"""The sheets of an .xlsx file as text, read only after its claims have been checked."""

from __future__ import annotations

import re

import polars as pl
from fastexcel import FastExcelError

from artcurate.archives.parts import MemoryBytes
from artcurate.archives.zips import ZipReader
from artcurate.errors import DataError

#: Bytes of all parts of a workbook together, uncompressed. ECC's largest has 60 MB.
MAX_WORKBOOK_BYTES = 512 << 20

_MAGIC = b"PK\x03\x04"
#: A cell beyond column Z or row 999,999. A sheet is read as a full rectangle up to its last
#: cell, so that a single cell far out would cost gigabytes.
_FAR_CELL = re.compile(rb"\sr\s*=\s*[\"'](?:[A-Z]{2}|[A-Z]?[0-9]{7})")


def looks_like_workbook(name: str, start: bytes) -> bool:
    """Whether a file with this base name and these first bytes is meant to be a workbook."""
    return name.lower().endswith((".xlsx", ".xlsm")) and start.startswith(_MAGIC)


def read_sheets(data: bytes, place: str) -> dict[str, pl.DataFrame]:
    """Sheet name -> its rows below the header row, every cell as text, empty ones as null.

    Raises:
        DataError: the file is damaged, larger uncompressed than `MAX_WORKBOOK_BYTES`, or has
            cells far outside of what a table needs; `place` names it.
    """
    try:
        _check_parts(data, place)
        sheets = pl.read_excel(
            data,
            sheet_id=0,
            engine="calamine",
            infer_schema_length=0,
            drop_empty_rows=False,
            drop_empty_cols=False,
            raise_if_empty=False,
        )
    except (FastExcelError, pl.exceptions.PolarsError) as error:
        cause = str(error).partition("\n")[0]
        raise DataError(f"{place}: the workbook cannot be read ({cause}).") from error
    return sheets


def _check_parts(data: bytes, place: str) -> None:
    """Decompress every part once, within bounds, before a parser trusts it."""
    with ZipReader(MemoryBytes(place, data)) as archive:
        total = int(archive.index["size"].sum())
        if total > MAX_WORKBOOK_BYTES:
            raise DataError(
                f"{place}: the workbook has {total:,} bytes uncompressed, more than "
                f"{MAX_WORKBOOK_BYTES:,}."
            )
        for name in archive.index["name"]:
            part = archive.read(name)
            if name.startswith("xl/worksheets/") and _FAR_CELL.search(part):
                raise DataError(f"{place}: {name} has a cell far outside of any table.")
