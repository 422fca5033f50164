"""Check Parquet files against a schema, row group by row group."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.schema.arrow import arrow_type, feature
from artcurate.schema.check import check_column
from artcurate.schema.model import Column, Config, ImageColumn

#: Rows that are read at a time; pictures are large.
BATCH_ROWS = 16_384
BATCH_PICTURES = 32
#: Read piece by piece: a column chunk may hold all pictures of a row group.
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Shard:
    """A Parquet file of one config.

    name: its place below the dataset, POSIX, as the lock and every message give it.
    split: empty where the file's name tells none.
    """

    config: Config
    split: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that a schema forbids.

    rule: a snake_case code.
    row: 1-based row of the shard; None where the whole shard or dataset is meant.
    """

    rule: str
    config: str
    shard: str
    row: int | None
    column: str
    problem: str
    expected: str

    def __str__(self) -> str:
        place = self.shard or self.config
        place += f", row {self.row}" if self.row is not None else ""
        place += f", column {self.column}" if self.column else ""
        return f"{place}: {self.problem}; expected {self.expected}."


def validate_shard(shard: Shard) -> Iterator[Violation]:
    """Every violation inside one Parquet file: its columns, their types and metadata, its values.

    A file that is not Parquet or is damaged gives one violation. Values of a column with a wrong
    type are not looked at. Memory is bound by a batch of rows and the file's largest page.
    """
    try:
        with pq.ParquetFile(shard.path, buffer_size=READ_BYTES, pre_buffer=False) as file:
            yield from _check_columns(shard, file.schema_arrow)
            yield from _check_values(shard, file)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        yield violation(
            shard, "unreadable", f"not readable as Parquet ({reason})", "a Parquet file"
        )


def violation(
    shard: Shard, rule: str, problem: str, expected: str, column: str = "", row: int | None = None
) -> Violation:
    """A violation in `shard`."""
    return Violation(rule, shard.config.name, shard.name, row, column, problem, expected)


def well_typed(config: Config, schema: pa.Schema) -> dict[str, Column]:
    """The columns of `config` that `schema` has with the right type."""
    return {
        name: column
        for name, column in config.columns.items()
        if name in schema.names
        and schema.names.count(name) == 1
        and schema.field(name).type == arrow_type(column)
    }


def _check_columns(shard: Shard, schema: pa.Schema) -> Iterator[Violation]:
    config = shard.config
    for name in dict.fromkeys(schema.names):
        count = schema.names.count(name)
        if name not in config.columns:
            known = ", ".join(config.columns)
            yield violation(shard, "extra_column", "not in the schema", f"one of {known}", name)
        elif count > 1:
            yield violation(shard, "repeated_column", f"stands {count} times", "one column", name)
        elif name not in well_typed(config, schema):
            expected = str(arrow_type(config.columns[name]))
            actual = str(schema.field(name).type)
            yield violation(shard, "type", f"type {actual}", f"type {expected}", name)
    for name, column in config.columns.items():
        if name not in schema.names and not column.optional:
            expected = f"a column of type {arrow_type(column)}"
            yield violation(shard, "missing_column", "no such column", expected, name)
    if _features(schema) != {
        name: feature(column) for name, column in config.columns.items() if name in schema.names
    }:
        yield violation(
            shard,
            "metadata",
            "the huggingface metadata do not describe the columns",
            "the features of the schema, without which load_dataset sees plain values",
        )


def _features(schema: pa.Schema) -> Any:
    """The features in the `huggingface` metadata; None where there are none."""
    try:
        return json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _check_values(shard: Shard, file: pq.ParquetFile) -> Iterator[Violation]:
    columns = well_typed(shard.config, file.schema_arrow)
    pictures = {name: column for name, column in columns.items() if isinstance(column, ImageColumn)}
    plain = {name: column for name, column in columns.items() if name not in pictures}
    yield from _check_batches(shard, file, plain, BATCH_ROWS)
    yield from _check_batches(shard, file, pictures, BATCH_PICTURES)


def _check_batches(
    shard: Shard, file: pq.ParquetFile, columns: Mapping[str, Column], batch_rows: int
) -> Iterator[Violation]:
    if not columns:
        return
    start = 1
    for batch in file.iter_batches(batch_rows, columns=list(columns)):
        rows = np.arange(start, start + batch.num_rows, dtype=np.int64)
        for name, column in columns.items():
            for fault in check_column(name, column, batch.column(name), rows):
                yield violation(
                    shard, fault.rule, fault.problem, fault.expected, fault.path, fault.row
                )
        start += batch.num_rows
