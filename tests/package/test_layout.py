from __future__ import annotations

from pathlib import Path

from artcurate.package.layout import check_names, find_shards
from artcurate.schema.model import Schema


def test_shards_are_found_with_config_and_split(built: Path, schema: Schema) -> None:
    found = [(shard.config.name, shard.split, shard.name) for shard in find_shards(built, schema)]
    assert found[:2] == [
        ("paintings", "test", "data/test-00000-of-00001.parquet"),
        ("paintings", "train", "data/train-00000-of-00002.parquet"),
    ]
    assert len(found) == 8
    assert not list(check_names(schema, find_shards(built, schema)))


def test_missing_and_misnamed_shards(built: Path, schema: Schema) -> None:
    (built / "data" / "train-00001-of-00002.parquet").unlink()
    shard = built / "data" / "val-00000-of-00001.parquet"
    shard.rename(built / "data" / "validation.parquet")
    for path in (built / "annotations").iterdir():
        path.unlink()
    told = [(one.rule, one.shard) for one in check_names(schema, find_shards(built, schema))]
    assert told == [
        ("shard_name", "data/validation.parquet"),
        ("missing_shard", "data/train-*-of-00002.parquet"),
        ("no_shards", "annotations"),
    ]
