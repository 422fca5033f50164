"""From the flowing tables to a dataset's rows, as its schema lays them out."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars.datatypes import DataTypeClass

from artcurate.errors import DataError
from artcurate.schema.model import (
    Column,
    Config,
    Gather,
    ImageColumn,
    LabelColumn,
    ListColumn,
    StructColumn,
    Table,
)

Tables = Mapping[Table, pl.DataFrame]

_PLAIN: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float32": pl.Float32(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
}
_EXAMPLES = 5


def assemble(config: Config, tables: Tables) -> pl.DataFrame:
    """The rows of `config` in the order of its table, one per row of that table.

    Columns have the schema's names, order and types: labels are int64 ids, gathered lists are
    `list[struct]`. Image columns are left to the writer; optional columns that the tables lack are
    left out. Two columns follow: `split` and `row_id`, the `id` of the flowing table's row.
    `tables` needs those that the config names.

    Raises DataError with every problem: a missing column, a wrong type, a null or an unknown label
    where the schema allows none, a row without its parent or without the rows it gathers.
    """
    problems: list[str] = []
    frame = tables[config.rows]
    missing = sorted({"id", "split"} - set(frame.columns))
    if missing:
        raise DataError(f"config {config.name}: the {config.rows} lack {' and '.join(missing)}.")
    if frame["split"].null_count():
        unassigned = frame.filter(pl.col("split").is_null())["id"]
        problems.append(f"{unassigned.len():,} rows have no split: {_examples(unassigned)}.")
    frame = _with_parent(config, frame, tables, problems)
    wanted: dict[str, Column] = {}
    for name, column in config.columns.items():
        if isinstance(column, ImageColumn):
            continue
        if isinstance(column, ListColumn) and column.gather:
            table = tables[column.gather.table]
            lacking = _lacking(column.gather, column.items, table)
            if lacking and not column.optional:
                problems.append(f"column {name!r}: the {column.gather.table} lack {lacking}.")
            if not lacking:
                lists = _gather(name, column.gather, column.items, table, problems)
                frame = _attach(frame, name, column, lists, problems)
                wanted[name] = column
        elif (column.source or name) in frame.columns:
            wanted[name] = column
        elif not column.optional:
            problems.append(f"column {name!r}: the {config.rows} have no {column.source or name}.")
    rows = _typed(frame, wanted, problems)
    if problems:
        raise DataError([f"config {config.name}, {problem}" for problem in problems])
    return rows.with_columns(
        frame["split"].cast(pl.String), frame["id"].cast(pl.String).alias("row_id")
    )


def polars_type(column: Column) -> pl.DataType:
    """The polars type of a column that is no image."""
    if isinstance(column, LabelColumn):
        return pl.Int64()
    if isinstance(column, ListColumn):
        return pl.List(polars_type(column.items))
    if isinstance(column, StructColumn):
        return pl.Struct({name: polars_type(field) for name, field in column.fields.items()})
    return _PLAIN[column.type]


def _with_parent(
    config: Config, frame: pl.DataFrame, tables: Tables, problems: list[str]
) -> pl.DataFrame:
    """`frame` with the columns `parent.…` that the schema takes from the parent's table."""
    if config.parent is None:
        return frame
    table, by = tables[config.parent.table], config.parent.by
    if by not in frame.columns or "id" not in table.columns:
        problems.append(f"the {config.rows} have no {by} that names {config.parent.table}.")
        return frame
    orphans = frame.join(table.select("id"), left_on=by, right_on="id", how="anti")
    if orphans.height:
        problems.append(
            f"{orphans.height:,} {config.rows} belong to no row of {config.parent.table}: "
            f"{_examples(orphans['id'])}."
        )
    sources = {column.source or name for name, column in config.columns.items()}
    inherited = [name for name in table.columns if f"parent.{name}" in sources]
    return frame.join(
        table.select("id", *(pl.col(name).alias(f"parent.{name}") for name in inherited)),
        left_on=by,
        right_on="id",
        how="left",
        maintain_order="left",
    )


def _struct_fields(items: Column) -> dict[str, Column]:
    return items.fields if isinstance(items, StructColumn) else {}


def _lacking(gather: Gather, items: Column, table: pl.DataFrame) -> str:
    """The columns of `table` that gathering needs and that are not there, separated by commas."""
    needed = {gather.by, *gather.order, "id"}
    needed |= {field.source or name for name, field in _struct_fields(items).items()}
    return ", ".join(sorted(needed - set(table.columns)))


def _gather(
    name: str, gather: Gather, items: Column, table: pl.DataFrame, problems: list[str]
) -> pl.DataFrame:
    """Columns `id` and `name`: the list of structs of each row that `table` names in `by`."""
    ordered = table.filter(pl.col(gather.by).is_not_null()).sort(gather.order)
    structs = _typed(ordered, _struct_fields(items), problems, path=f"{name}[].")
    return (
        structs.select(
            ordered[gather.by].cast(pl.String).alias("id"), pl.struct(structs.columns).alias(name)
        )
        .group_by("id", maintain_order=True)
        .agg(pl.col(name))
    )


def _attach(
    frame: pl.DataFrame, name: str, column: ListColumn, lists: pl.DataFrame, problems: list[str]
) -> pl.DataFrame:
    """`frame` with its gathered lists, empty where nothing was gathered."""
    source = column.source or name
    joined = frame.drop(source, strict=False).join(
        lists.rename({name: source}), on="id", how="left", maintain_order="left"
    )
    short = joined.filter(pl.col(source).list.len().fill_null(0) < column.min_length)
    if short.height and column.gather:
        problems.append(
            f"column {name!r}: {short.height:,} rows have fewer than {column.min_length} "
            f"{column.gather.table}: {_examples(short['id'])}."
        )
    return joined.with_columns(pl.col(source).fill_null([]))


def _typed(
    frame: pl.DataFrame, columns: Mapping[str, Column], problems: list[str], path: str = ""
) -> pl.DataFrame:
    """`columns` of `frame` with the schema's names and types.

    A column that cannot have its type is a problem and keeps its place, full of nulls.
    """
    typed: list[pl.Series] = []
    for name, column in columns.items():
        raw = frame[column.source or name]
        problem = (
            _wrong_type(raw.dtype, column)
            or _wrong_labels(raw, column)
            or _wrong_nulls(frame, raw, column)
        )
        if not problem:
            expression = _cast(pl.col(raw.name), raw.dtype, column).alias(name)
            try:
                typed.append(frame.select(expression).to_series())
                continue
            except pl.exceptions.PolarsError as error:
                problem = f"cannot become {column.type} ({str(error).partition(chr(10))[0]})."
        problems.append(f"column {path + name!r}: {problem}")
        typed.append(pl.Series(name, [None], polars_type(column)).new_from_index(0, frame.height))
    return pl.DataFrame(typed)


def _cast(expression: pl.Expr, dtype: pl.DataType, column: Column) -> pl.Expr:
    """`expression` of type `dtype` as the schema's type; structs take their fields by name."""
    if dtype == pl.Null:
        return expression.cast(polars_type(column))
    if isinstance(column, LabelColumn) and not dtype.is_integer():
        labels = column.labels.labels
        return expression.replace_strict(
            list(labels), list(range(len(labels))), return_dtype=pl.Int64
        )
    if isinstance(column, ListColumn) and isinstance(dtype, pl.List | pl.Array):
        lists = expression.arr.to_list() if isinstance(dtype, pl.Array) else expression
        return lists.list.eval(_cast(pl.element(), _inner(dtype), column.items))
    if isinstance(column, StructColumn) and isinstance(dtype, pl.Struct):
        inner = _fields(dtype)
        fields = [
            _cast(
                expression.struct.field(field.source or name), inner[field.source or name], field
            ).alias(name)
            for name, field in column.fields.items()
        ]
        return pl.when(expression.is_not_null()).then(pl.struct(fields))
    return expression.cast(polars_type(column))


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def _inner(dtype: pl.List | pl.Array) -> pl.DataType:
    return _instance(dtype.inner)


def _fields(dtype: pl.Struct) -> dict[str, pl.DataType]:
    return {name: _instance(inner) for name, inner in dtype}


def _wrong_type(dtype: pl.DataType, column: Column) -> str | None:
    """Why values of `dtype` cannot stand in `column` without loss, or None."""
    if dtype == pl.Null:
        return None
    if isinstance(column, ListColumn):
        if not isinstance(dtype, pl.List | pl.Array):
            return f"holds {dtype}, not lists."
        return _wrong_type(_inner(dtype), column.items)
    if isinstance(column, StructColumn):
        if not isinstance(dtype, pl.Struct):
            return f"holds {dtype}, not structs."
        inner = _fields(dtype)
        for name, field in column.fields.items():
            if (field.source or name) not in inner:
                return f"its structs have no {field.source or name}."
            wrong = _wrong_type(inner[field.source or name], field)
            if wrong:
                return f"{name} {wrong}"
        return None
    words = isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    fits = {
        "string": words,
        "bool": dtype == pl.Boolean,
        "label": words or dtype.is_integer(),
        "int": dtype.is_integer(),
        "float": dtype.is_numeric(),
    }
    return None if fits[column.type.rstrip("0123456789")] else f"holds {dtype}, not {column.type}."


def _wrong_labels(raw: pl.Series, column: Column) -> str | None:
    if not isinstance(column, LabelColumn) or raw.dtype == pl.Null:
        return None
    labels = column.labels.labels
    known = pl.Series(range(len(labels)) if raw.dtype.is_integer() else labels)
    values = raw if raw.dtype.is_integer() else raw.cast(pl.String)
    unknown = values.drop_nulls().unique().sort()
    unknown = unknown.filter(~unknown.is_in(known.cast(values.dtype).implode()))
    if unknown.is_empty():
        return None
    return f"{unknown.len()} labels are not in its set: {_examples(unknown)}."


def _wrong_nulls(frame: pl.DataFrame, raw: pl.Series, column: Column) -> str | None:
    if column.nullable or not raw.null_count():
        return None
    rows = frame.filter(raw.is_null())["id"]
    return f"{rows.len():,} rows have no value: {_examples(rows)}."


def _examples(values: pl.Series) -> str:
    shown = [str(value) for value in values.head(_EXAMPLES)]
    return ", ".join(shown) + (", …" if values.len() > _EXAMPLES else "")
