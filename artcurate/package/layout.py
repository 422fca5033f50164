"""Where a built dataset keeps its shards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from artcurate.schema.model import Config, Schema
from artcurate.schema.validate import Shard, Violation, violation

_NAME = re.compile(r"(?P<split>\w+(\.\w+)*)-(?P<number>\d{5})-of-(?P<total>\d{5})\.parquet")


def find_shards(root: Path, schema: Schema) -> tuple[Shard, ...]:
    """Every Parquet file in the folders of `schema`'s configs below `root`, sorted by name.

    The split is what stands before `-00000-of-00001.parquet`, empty for another name.
    """
    return tuple(
        shard_at(config, path)
        for config in schema.configs
        for path in sorted((root / config.folder).glob("*.parquet"))
    )


def shard_at(config: Config, path: Path) -> Shard:
    """The Parquet file at `path` as a shard of `config`."""
    match = _NAME.fullmatch(path.name)
    split = match["split"] if match else ""
    return Shard(config, split, f"{config.folder}/{path.name}", path)


def check_names(schema: Schema, shards: Sequence[Shard]) -> Iterator[Violation]:
    """Configs without a shard, shards with a wrong name, and numbers that are missing."""
    for config in schema.configs:
        mine = [shard for shard in shards if shard.config is config]
        if not mine:
            yield Violation(
                "no_shards", config.name, config.folder, None, "", "no shard", "one or more shards"
            )
        numbers: dict[tuple[str, int], set[int]] = {}
        for shard in mine:
            match = _NAME.fullmatch(shard.path.name)
            if match is None:
                yield violation(
                    shard,
                    "shard_name",
                    "a name that tells no split",
                    "SPLIT-00000-of-00001.parquet",
                )
                continue
            group = numbers.setdefault((match["split"], int(match["total"])), set())
            group.add(int(match["number"]))
        for (split, total), present in numbers.items():
            if present != set(range(total)):
                absent = sorted(set(range(total)) - present)
                yield Violation(
                    "missing_shard",
                    config.name,
                    f"{config.folder}/{split}-*-of-{total:05d}.parquet",
                    None,
                    "",
                    f"{len(present)} of {total} shards, the first missing is {absent[:1]}",
                    f"{total} shards numbered from 0",
                )
