"""Columns of a built dataset's shards, read only when the shards are those of its lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.errors import DataError
from artcurate.package.lock import Lock, read_lock, verify_lock
from artcurate.schema.model import Config


def verified_shards(folder: Path) -> Lock:
    """The lock of the dataset in `folder`, once every shard has the hash it tells.

    Raises:
        UsageError: the folder has no lock.
        DataError: shards changed since the build; names each.
    """
    lock = read_lock(folder)
    differences = verify_lock(folder, lock)
    if differences:
        raise DataError(
            [
                f"{folder / one.shard}: {one.problem}, the lock says {one.expected}; the shards "
                "changed since the build, so scores would not be theirs: build again."
                for one in differences
            ]
        )
    return lock


def read_config(
    folder: Path, lock: Lock, config: Config, columns: Sequence[str]
) -> tuple[pl.DataFrame, tuple[Path, ...]]:
    """Some columns of a config's rows, and its shards.

    The rows stand in the order of the shards' names; `split`, `shard` (place among the shards) and
    `row` (0-based within the shard) are added. A column that the shards lack is null.

    Raises DataError when a shard cannot be read, or has no pictures where the config has some.
    """
    mine = [
        shard
        for shard in sorted(lock.shards, key=lambda shard: shard.name)
        if shard.config == config.name
    ]
    if not mine:
        raise DataError(f"{folder}: the lock names no shard of {config.name}; build again.")
    paths = tuple(folder / shard.name for shard in mine)
    parts = []
    for place, (shard, path) in enumerate(zip(mine, paths, strict=True)):
        try:
            with pq.ParquetFile(path) as file:
                present = file.schema_arrow.names
                table = file.read(columns=[name for name in columns if name in present])
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: not readable as Parquet ({reason}).") from None
        if missing := [name for name in config.image_columns if name not in present]:
            raise DataError(
                f"{path}: has no column {missing[0]}; a benchmark needs pictures, so build without "
                "--annotations-only."
            )
        frame = pl.DataFrame(table)
        absent = [pl.lit(None).alias(name) for name in columns if name not in present]
        parts.append(
            frame.with_columns(
                *absent,
                pl.lit(shard.split).alias("split"),
                pl.lit(place).alias("shard"),
                pl.int_range(pl.len()).alias("row"),
            ).select(*columns, "split", "shard", "row")
        )
    return pl.concat(parts, how="vertical_relaxed"), paths
