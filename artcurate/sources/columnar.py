"""Parquet files, as `datasets` writes them: columns of interest only, never the pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.errors import DataError
from artcurate.sources.rawfile import Fault, RawTable, fault_frame, scan_bytes


@dataclass(frozen=True, slots=True)
class ColumnarFile:
    """What the footer of a Parquet file says.

    rows: the number of rows.
    columns: the names of its columns.
    class_names: for each ClassLabel column, the names of its numbers.
    pictures: the columns whose values are pictures with their bytes inside.
    """

    rows: int
    columns: tuple[str, ...]
    class_names: Mapping[str, tuple[str, ...]]
    pictures: tuple[str, ...]


def read_footer(path: Path) -> ColumnarFile:
    """What the Parquet file at `path` holds, without reading any row.

    Raises:
        DataError: the file is truncated or corrupt, or has no rows.
    """
    try:
        metadata = pq.read_metadata(path)
        return footer_of(metadata, str(path))
    except (pa.ArrowException, OSError) as error:
        raise DataError(broken(str(path))) from error


def footer_of(metadata: pq.FileMetaData, place: str) -> ColumnarFile:
    """What the Parquet file with this footer holds. Raises DataError where it has no rows.

    place: how to call it.
    """
    schema = metadata.schema.to_arrow_schema()
    if not metadata.num_rows:
        raise DataError(f"{place}: the file has columns and no rows.")
    return ColumnarFile(
        rows=metadata.num_rows,
        columns=tuple(schema.names),
        class_names=_class_names(metadata.metadata or {}),
        pictures=tuple(field.name for field in schema if _holds_pictures(field.type)),
    )


def _holds_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """The ClassLabel columns that `datasets` notes under the key `huggingface`."""
    try:
        noted = json.loads(metadata.get(b"huggingface", b"{}"))
        features = noted.get("info", {}).get("features", {})
        return {
            column: tuple(str(name) for name in feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}


def read_columnar(
    path: Path, footer: ColumnarFile, wanted: Sequence[str], *, numeric: str | None = None
) -> RawTable:
    """The `wanted` columns of the Parquet file at `path`, as strings.

    Numbers of a ClassLabel column become their names; a number without a name is the fault
    bad_label_id. Only the column `numeric` may hold numbers that have no names at all.

    Raises:
        DataError: the file is corrupt, or a column is neither text nor numbers with names.
    """
    counts = scan_bytes(path)
    try:
        table = pq.read_table(path, columns=list(wanted))
    except (pa.ArrowException, OSError) as error:
        raise DataError(broken(str(path))) from error
    faults: list[Fault] = []
    columns = {"row": pl.Series(range(1, table.num_rows + 1), dtype=pl.Int64)}
    for name in wanted:
        values = pl.Series(name, table.column(name))
        names = footer.class_names.get(name)
        if names is not None and name != numeric:
            columns[name] = _named(values, names, faults)
        else:
            columns[name] = _as_text(path, values, may_be_number=name == numeric)
    frame = pl.DataFrame(columns)
    bad = sorted({fault.row: fault for fault in reversed(faults)}.values(), key=lambda f: f.row)
    rows = frame.filter(~pl.col("row").is_in([fault.row for fault in bad]))
    return RawTable(rows, fault_frame(bad), counts.sha256, counts.bytes)


def _as_text(path: Path, values: pl.Series, *, may_be_number: bool) -> pl.Series:
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        raise DataError(f"{path}: the column {values.name} holds {values.dtype}, not text.")
    if values.dtype.is_numeric() and not may_be_number:
        raise DataError(
            f"{path}: the column {values.name} holds numbers and the file does not name them; "
            "write it with names instead."
        )
    return values.cast(pl.String)


def _named(values: pl.Series, names: Sequence[str], faults: list[Fault]) -> pl.Series:
    """The names of the numbers in `values`; numbers that have none are added to `faults`."""
    numbered = values.cast(pl.Int64)
    nameless = (~numbered.is_between(0, len(names) - 1)).fill_null(False)
    faults += [
        Fault(row + 1, "bad_label_id", f"{values.name} is {numbered[row]}, which has no name")
        for row in nameless.arg_true().to_list()
    ]
    return pl.Series(values.name, names, dtype=pl.String).gather(numbered.set(nameless, None))


def broken(place: str) -> str:
    """The sentence for a Parquet file that cannot be read."""
    return f"{place}: this Parquet file is truncated or corrupt; download or copy it again."
