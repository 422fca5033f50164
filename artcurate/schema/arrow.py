"""Arrow types and Hugging Face features of a schema's columns."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pyarrow as pa

from artcurate.errors import DataError
from artcurate.schema.model import (
    Column,
    Config,
    ImageColumn,
    LabelColumn,
    ListColumn,
    StructColumn,
)

#: The struct that `datasets.Image` stores: encoded bytes and a base name.
IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

_PLAIN = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
}


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of one column, as `datasets` lays it out.

    Lists have no fixed size in Arrow even where the schema fixes their length: a fixed-size list
    takes its full room for a null and is not read by every Parquet reader.
    """
    if isinstance(column, ImageColumn):
        return IMAGE_TYPE
    if isinstance(column, LabelColumn):
        return pa.int64()
    if isinstance(column, ListColumn):
        return pa.list_(arrow_type(column.items))
    if isinstance(column, StructColumn):
        return pa.struct([(name, arrow_type(field)) for name, field in column.fields.items()])
    return _PLAIN[column.type]


def feature(column: Column) -> dict[str, Any]:
    """What `datasets.Features.to_dict` gives for one column (datasets 5)."""
    if isinstance(column, ImageColumn):
        return {"_type": "Image"}
    if isinstance(column, LabelColumn):
        return {"names": list(column.labels.labels), "_type": "ClassLabel"}
    if isinstance(column, ListColumn):
        return {"feature": feature(column.items), "_type": "List"}
    if isinstance(column, StructColumn):
        return {name: feature(field) for name, field in column.fields.items()}
    return {"dtype": column.type, "_type": "Value"}


def present_columns(config: Config, names: Collection[str] | None = None) -> dict[str, Column]:
    """The columns of `config` in its order: all of them, or the required and those in `names`.

    Names that are no columns of `config` are passed over, so that a frame's columns can be given.
    Raises DataError when a column that is not optional stands outside `names`.
    """
    if names is None:
        return dict(config.columns)
    missing = [
        name for name, column in config.columns.items() if name not in names and not column.optional
    ]
    if missing:
        raise DataError(f"config {config.name} needs the columns {', '.join(missing)}.")
    return {name: column for name, column in config.columns.items() if name in names}


def features(config: Config, names: Collection[str] | None = None) -> dict[str, Any]:
    """`datasets.Features` of `config` as plain values, without importing datasets."""
    return {name: feature(column) for name, column in present_columns(config, names).items()}


def arrow_schema(config: Config, names: Collection[str] | None = None) -> pa.Schema:
    """The Arrow schema of a shard of `config`, with the metadata that `datasets` reads.

    `names` are the columns at hand; optional ones outside it are left out. See `present_columns`.
    """
    columns = present_columns(config, names)
    metadata = {"info": {"features": features(config, names)}}
    return pa.schema(
        [(name, arrow_type(column)) for name, column in columns.items()],
        metadata={"huggingface": json.dumps(metadata, ensure_ascii=False)},
    )
