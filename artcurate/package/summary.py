"""What a built dataset holds, counted from the columns of its shards without the pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.errors import DataError
from artcurate.package.layout import find_shards
from artcurate.package.tables import Cell, Table
from artcurate.schema.model import (
    BoolColumn,
    Column,
    Config,
    FloatColumn,
    IntegerColumn,
    LabelColumn,
    Schema,
)
from artcurate.schema.validate import Shard, well_typed

QUARANTINE_FILE = "quarantine.parquet"

_SPLIT_ORDER = {"train": 0, "val": 1, "validation": 1, "dev": 1, "test": 2}
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class SplitSize:
    """Rows, shards and their bytes of one split of a config."""

    split: str
    rows: int
    shards: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How often two things meet: `cells[i][j]` rows have `rows[i]` and `columns[j]`."""

    row_name: str
    column_name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """A column of numbers; of a bool column the mean is the share that is true.

    minimum, mean, maximum are None where every value is null.
    """

    column: str
    unit: str
    values: int
    nulls: int
    minimum: int | float | None
    mean: int | float | None
    maximum: int | float | None


@dataclass(frozen=True, slots=True)
class ConfigSummary:
    """One config: its splits, each label column by split, its crosstab, its numbers.

    Numbers that name a group are no figures.
    """

    name: str
    splits: tuple[SplitSize, ...]
    labels: tuple[Counts, ...]
    crosstab: Counts | None
    figures: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows of a table that a step put into quarantine for one reason."""

    table: str
    step: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Summary:
    configs: tuple[ConfigSummary, ...]
    quarantine: tuple[LeftOut, ...]


def summarise(folder: Path, schema: Schema) -> Summary:
    """Count what the dataset in `folder` holds, reading no image and no nested column.

    Raises DataError naming every shard that cannot be read, or when there is none.
    """
    shards = find_shards(folder, schema)
    if not shards:
        raise DataError(f"{folder} holds no Parquet shard of the schema {schema.name}.")
    return Summary(
        configs=tuple(
            _summarise_config(config, mine)
            for config in schema.configs
            if (mine := [shard for shard in shards if shard.config is config])
        ),
        quarantine=_read_quarantine(folder / QUARANTINE_FILE),
    )


def tables(summary: Summary) -> tuple[Table, ...]:
    """The tables that `inspect` prints, in reading order."""
    return tuple(_tables(summary))


def _summarise_config(config: Config, shards: Sequence[Shard]) -> ConfigSummary:
    frame = _read(config, shards)
    present = {name: column for name, column in config.columns.items() if name in frame.columns}
    sizes = _split_sizes(shards, frame)
    crosstab = config.crosstab
    return ConfigSummary(
        name=config.name,
        splits=sizes,
        labels=tuple(
            _count(frame, name, "split", _order(frame, name, present), [s.split for s in sizes])
            for name, column in present.items()
            if isinstance(column, LabelColumn)
        ),
        crosstab=_count(
            frame,
            crosstab.rows,
            crosstab.columns,
            _order(frame, crosstab.rows, present),
            _order(frame, crosstab.columns, present),
        )
        if crosstab and {crosstab.rows, crosstab.columns} <= present.keys()
        else None,
        figures=tuple(
            _figures(frame[name], getattr(column, "unit", ""))
            for name, column in present.items()
            if isinstance(column, IntegerColumn | FloatColumn | BoolColumn)
            and name not in config.groups
        ),
    )


def _read(config: Config, shards: Sequence[Shard]) -> pl.DataFrame:
    """Labels and crosstab columns as words, numbers as they are, and each row's `split`."""
    parts: list[pl.DataFrame] = []
    problems: list[str] = []
    for shard in shards:
        try:
            with pq.ParquetFile(shard.path) as file:
                wanted = _counted(config, well_typed(config, file.schema_arrow))
                rows = file.metadata.num_rows
                table = file.read(columns=list(wanted)) if wanted else pa.table({})
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            problems.append(f"{shard.path}: not readable as Parquet ({reason}).")
            continue
        split = pl.Series("split", [shard.split], pl.String).new_from_index(0, rows)
        words = [_words(table[name], name, wanted[name]) for name in wanted]
        parts.append(pl.DataFrame([*words, split]))
    if problems:
        raise DataError(problems)
    return pl.concat(parts, how="diagonal")


def _counted(config: Config, columns: Mapping[str, Column]) -> dict[str, Column]:
    crossed = {config.crosstab.rows, config.crosstab.columns} if config.crosstab else set()
    kinds = LabelColumn | IntegerColumn | FloatColumn | BoolColumn
    return {
        name: column
        for name, column in columns.items()
        if isinstance(column, kinds) or name in crossed
    }


def _words(values: pa.ChunkedArray, name: str, column: Column) -> pl.Series:
    series = pl.Series(name, values)
    if not isinstance(column, LabelColumn):
        return series
    labels = dict(enumerate(column.labels.labels))
    unknown = pl.concat_str(pl.lit("id "), pl.col(name))
    words = pl.col(name).replace_strict(labels, default=None, return_dtype=pl.String)
    return series.to_frame().select(pl.coalesce(words, unknown).alias(name)).to_series()


def _order(frame: pl.DataFrame, name: str, columns: Mapping[str, Column]) -> list[str]:
    """The values of a column in reading order: labels by id, other words by alphabet."""
    column = columns[name]
    present = [str(value) for value in frame[name].drop_nulls().unique().sort()]
    labels = list(column.labels.labels) if isinstance(column, LabelColumn) else []
    return labels + [value for value in present if value not in labels]


def _split_sizes(shards: Sequence[Shard], frame: pl.DataFrame) -> tuple[SplitSize, ...]:
    rows = dict(frame["split"].value_counts().iter_rows())
    splits = sorted({shard.split for shard in shards}, key=lambda s: (_SPLIT_ORDER.get(s, 9), s))
    mine = {split: [shard for shard in shards if shard.split == split] for split in splits}
    return tuple(
        SplitSize(
            split=split,
            rows=rows.get(split, 0),
            shards=len(mine[split]),
            bytes=sum(shard.path.stat().st_size for shard in mine[split]),
        )
        for split in splits
    )


def _count(
    frame: pl.DataFrame, row_name: str, column_name: str, rows: list[str], columns: list[str]
) -> Counts:
    """Counts of each pair of values; a null counts under the empty name, if there is one."""
    pairs = frame.group_by(
        pl.col(row_name).cast(pl.String).fill_null("").alias("row"),
        pl.col(column_name).cast(pl.String).fill_null("").alias("column"),
    ).len()
    counts = {(row, column): count for row, column, count in pairs.iter_rows()}
    if any(row == "" for row, _ in counts):
        rows = [row for row in rows if row] + [""]
    if any(column == "" for _, column in counts):
        columns = [column for column in columns if column] + [""]
    cells = tuple(tuple(counts.get((row, column), 0) for column in columns) for row in rows)
    return Counts(row_name, column_name, tuple(rows), tuple(columns), cells)


def _figures(values: pl.Series, unit: str) -> Figures:
    numbers = values.drop_nulls()
    numbers = numbers.cast(pl.Int64) if numbers.dtype == pl.Boolean else numbers
    least, most, mean = (_number(value) for value in (numbers.min(), numbers.max(), numbers.mean()))
    return Figures(values.name, unit, numbers.len(), values.null_count(), least, mean, most)


def _number(value: object) -> int | float | None:
    if isinstance(value, float):
        return round(value, _DIGITS)
    return value if isinstance(value, int) else None


def _read_quarantine(path: Path) -> tuple[LeftOut, ...]:
    """Rows left out by table, step and reason, most first; empty where there is no such file."""
    if not path.is_file():
        return ()
    try:
        frame = pl.read_parquet(path, columns=["table", "step", "reason"])
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not readable as a quarantine ({reason}).") from None
    counted = (
        frame.group_by("table", "step", "reason")
        .len("rows")
        .sort("rows", "table", "step", "reason", descending=[True, False, False, False])
    )
    return tuple(LeftOut(*row) for row in counted.iter_rows())


def _tables(summary: Summary) -> Iterator[Table]:
    for config in summary.configs:
        yield Table(
            f"{config.name}: splits",
            ("split", "rows", "share", "shards", "MB"),
            tuple(
                (size.split, size.rows, _share(size.rows, config), size.shards, size.bytes / 1e6)
                for size in config.splits
            ),
        )
        for counts in config.labels:
            yield _counts_table(f"{config.name}: {counts.row_name} by split", counts)
        if config.crosstab:
            cross = config.crosstab
            title = f"{config.name}: {cross.row_name} by {cross.column_name}"
            yield _counts_table(title, cross)
        if config.figures:
            yield Table(
                f"{config.name}: numbers",
                ("column", "unit", "values", "nulls", "minimum", "mean", "maximum"),
                tuple(
                    (f.column, f.unit, f.values, f.nulls, f.minimum, f.mean, f.maximum)
                    for f in config.figures
                ),
            )
    if summary.quarantine:
        yield Table(
            "quarantine: rows left out by reason",
            ("table", "step", "reason", "rows"),
            tuple((one.table, one.step, one.reason, one.rows) for one in summary.quarantine),
        )


def _share(rows: int, config: ConfigSummary) -> float | None:
    total = sum(size.rows for size in config.splits)
    return rows / total if total else None


def _counts_table(title: str, counts: Counts) -> Table:
    named = tuple(name or "(none)" for name in counts.columns)
    rows: list[tuple[Cell, ...]] = [
        (name or "(none)", *cells, sum(cells))
        for name, cells in zip(counts.rows, counts.cells, strict=True)
    ]
    totals = [sum(column) for column in zip(*counts.cells, strict=True)]
    rows.append(("all", *totals, sum(totals)))
    return Table(title, (counts.row_name, *named, "all"), tuple(rows))
