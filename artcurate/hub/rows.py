"""The rows of a dataset as a recipe tells of them: what may travel, and a hash of everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.hub.gate import Kind, kind_of, materials
from artcurate.schema.arrow import arrow_schema, present_columns
from artcurate.schema.model import (
    Column,
    Config,
    ImageColumn,
    ListColumn,
    StringColumn,
    StructColumn,
)

HASH = "row_sha256"
#: Rows read at a time; each may hold a picture.
_BATCH = 256

_HASH_COLUMN = StringColumn.model_validate(
    {
        "type": "string",
        "material": "id",
        "pattern": "^[0-9a-f]{64}$",
        "description": (
            "sha256 of the whole row, its text and picture included: equal in a dataset that was "
            "rebuilt bit for bit."
        ),
    }
)


def recipe_config(config: Config, present: Collection[str], kinds: Collection[Kind]) -> Config:
    """`config` with ids, the columns of `kinds`, and the hash of the row."""
    kept = {
        name: pruned
        for name, column in present_columns(config, present).items()
        if (pruned := _pruned(column, kinds)) is not None
    }
    return config.model_copy(update={"columns": {**kept, HASH: _HASH_COLUMN}})


def _pruned(column: Column, kinds: Collection[Kind]) -> Column | None:
    """`column` without what may not travel; None where nothing is left of it."""
    if isinstance(column, ImageColumn):
        return None
    if isinstance(column, ListColumn) and isinstance(column.items, StructColumn):
        items = _pruned(column.items, kinds)
        return column.model_copy(update={"items": items}) if items else None
    if isinstance(column, StructColumn):
        fields = {
            name: pruned
            for name, field in column.fields.items()
            if (pruned := _pruned(field, kinds)) is not None
        }
        return column.model_copy(update={"fields": fields}) if fields else None
    if isinstance(column, ListColumn) and column.material is None:
        return column if _pruned(column.items, kinds) else None
    kind = kind_of(column)
    return column if kind is None or kind in kinds else None


def recipe_table(
    shards: Collection[Path], config: Config, advance: Callable[[int], None] = lambda _: None
) -> pa.Table:
    """The rows of `shards` in their order, with the columns of a `recipe_config`.

    advance: is told how many rows more are done.
    """
    schema = arrow_schema(config)
    batches = []
    for shard in shards:
        for batch in _batches(shard):
            rows = [
                {**_picked(row, config.columns), HASH: row_hash(row)} for row in batch.to_pylist()
            ]
            batches.append(pa.RecordBatch.from_pylist(rows, schema=schema))
            advance(len(rows))
    return pa.Table.from_batches(batches, schema=schema)


def row_hashes(shards: Collection[Path], key: str) -> dict[str, str]:
    """The hash of every row of `shards` under the value of its column `key`."""
    return {
        row[key]: row_hash(row)
        for shard in shards
        for batch in _batches(shard)
        for row in batch.to_pylist()
    }


def sentences(shard: Path, config: Config) -> Iterator[str]:
    """Every text of a source that stands in the shard."""
    named = [path for path, kind in materials(config, config.columns) if kind is Kind.TEXT]
    present = set(pq.read_schema(shard).names)
    columns = sorted({path.partition(".")[0] for path in named} & present)
    for batch in _batches(shard, columns):
        for row in batch.to_pylist():
            for path in named:
                yield from _texts(row, path.split("."))


def _texts(value: Any, path: list[str]) -> Iterator[str]:
    """What stands at `path` below `value`, in every item of the lists on the way."""
    if isinstance(value, list):
        for one in value:
            yield from _texts(one, path)
    elif isinstance(value, dict):
        yield from _texts(value.get(path[0]), path[1:])
    elif isinstance(value, str) and not path:
        yield value


def _batches(shard: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(shard) as file:
        yield from file.iter_batches(batch_size=_BATCH, columns=columns)


def row_hash(row: Mapping[str, Any]) -> str:
    """sha256 of a row: of its JSON with sorted keys, bytes standing there as their sha256."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=False, default=_hexadecimal)
    return hashlib.sha256(text.encode()).hexdigest()


def _hexadecimal(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    raise TypeError(f"{type(value).__name__} has no place in a shard")


def _picked(row: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, Any]:
    return {name: _pick(row[name], column) for name, column in columns.items() if name in row}


def _pick(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if isinstance(column, ListColumn):
        return [_pick(one, column.items) for one in value]
    if isinstance(column, StructColumn):
        return _picked(value, column.fields)
    return value
