"""What no single row shows: repeated keys, groups in two splits, references that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.schema.model import Config
from artcurate.schema.validate import Shard, Violation, violation, well_typed


def audit(shards: Sequence[Shard]) -> Iterator[Violation]:
    """Read the key, group and reference columns back from the shards and prove what they promise.

    Keys are unique within a config; a group lies in one split over all configs that name it; what
    a column refers to is there. Shards that cannot be read and columns with a wrong type are
    passed over: `validate_shard` tells of them.
    """
    tables = {config.name: (config, table) for config, table in _tables(shards)}
    for config, table in tables.values():
        yield from _repeated_keys(shards, config, table)
    yield from _leaks(shards, list(tables.values()))
    for config, table in tables.values():
        for name, target in config.references.items():
            other, _, column = target.partition(".")
            if other in tables:
                yield from _dangling(shards, table, name, tables[other][1], column, target)


def _tables(shards: Sequence[Shard]) -> Iterator[tuple[Config, pl.DataFrame]]:
    """Each config with its narrow columns as text, and each row's `shard` (its place in `shards`),
    1-based `row` and `split`."""
    configs = {shard.config.name: shard.config for shard in shards}
    targets = {target for config in configs.values() for target in config.references.values()}
    for config in configs.values():
        wanted = {config.key, *config.groups, *config.references}
        wanted |= {name for name in config.columns if f"{config.name}.{name}" in targets}
        parts = [
            _read(shard, number, wanted)
            for number, shard in enumerate(shards)
            if shard.config.name == config.name
        ]
        read = [part for part in parts if part is not None]
        if read:
            yield config, pl.concat(read, how="diagonal")


def _read(shard: Shard, number: int, wanted: set[str]) -> pl.DataFrame | None:
    try:
        with pq.ParquetFile(shard.path) as file:
            names = [name for name in well_typed(shard.config, file.schema_arrow) if name in wanted]
            if not names:
                return None
            table = file.read(columns=names)
    except (pa.ArrowException, OSError):
        return None
    return pl.DataFrame(pl.from_arrow(table)).select(
        pl.all().cast(pl.String),
        shard=pl.lit(number, pl.Int64),
        split=pl.lit(shard.split),
        row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    )


def _repeated_keys(
    shards: Sequence[Shard], config: Config, table: pl.DataFrame
) -> Iterator[Violation]:
    if config.key not in table.columns:
        return
    place = pl.struct("shard", "row")
    key = pl.col(config.key)
    repeated = table.filter(key.is_not_null() & key.is_duplicated()).with_columns(
        first=place.first().over(config.key), place=place
    )
    for row in repeated.filter(pl.col("place") != pl.col("first")).iter_rows(named=True):
        first = row["first"]
        yield violation(
            shards[row["shard"]],
            "repeated_key",
            f"{row[config.key]!r} stands already in {shards[first['shard']].name}, "
            f"row {first['row']}",
            "a value of its own in every row",
            config.key,
            row["row"],
        )


def _leaks(
    shards: Sequence[Shard], tables: Sequence[tuple[Config, pl.DataFrame]]
) -> Iterator[Violation]:
    """One violation for each value of a group in each further split that holds it."""
    for name in sorted({name for config, _ in tables for name in config.groups}):
        members = [
            table.select(pl.col(name).alias("value"), "split", "shard", "row")
            for config, table in tables
            if name in config.groups and name in table.columns
        ]
        if not members:
            continue
        placed = pl.concat(members).filter(pl.col("value").is_not_null() & (pl.col("split") != ""))
        once = placed.unique(["value", "split"], keep="first", maintain_order=True)
        split_up = once.filter(pl.len().over("value") > 1)
        for _, group in split_up.group_by("value", maintain_order=True):
            first, *others = group.iter_rows(named=True)
            for row in others:
                yield violation(
                    shards[row["shard"]],
                    "split_leak",
                    f"{row['value']!r} is in {row['split']} and also in {first['split']} "
                    f"({shards[first['shard']].name}, row {first['row']})",
                    "every row of a group in one split",
                    name,
                    row["row"],
                )


def _dangling(
    shards: Sequence[Shard],
    table: pl.DataFrame,
    name: str,
    other: pl.DataFrame,
    column: str,
    target: str,
) -> Iterator[Violation]:
    if name not in table.columns or column not in other.columns:
        return
    lost = table.filter(pl.col(name).is_not_null()).join(
        other.select(column), left_on=name, right_on=column, how="anti", maintain_order="left"
    )
    for row in lost.iter_rows(named=True):
        yield violation(
            shards[row["shard"]],
            "dangling_reference",
            f"{row[name]!r} is not in {target}",
            f"a value of {target}",
            name,
            row["row"],
        )
