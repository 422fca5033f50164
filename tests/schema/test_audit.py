from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artcurate.schema.audit import audit
from artcurate.schema.model import Schema
from artcurate.schema.validate import Shard

Rows = dict[str, dict[str, list[object]]]


@pytest.fixture
def write(schema: Schema, tmp_path: Path):
    """Writes columns under `config/split` and gives the shards."""

    def _write(content: Rows) -> list[Shard]:
        shards = []
        for name, columns in content.items():
            config, split = name.split("/")
            path = tmp_path / f"{config}-{split}.parquet"
            types = {"twin": pa.int64()}
            pq.write_table(
                pa.table({k: pa.array(v, types.get(k, pa.string())) for k, v in columns.items()}),
                path,
            )
            shards.append(Shard(schema.config(config), split, f"{config}/{split}", path))
        return shards

    return _write


def test_disjoint_groups_pass(write) -> None:
    shards = write(
        {
            "pictures/train": {"id": ["a", "b"], "twin": [1, 1]},
            "pictures/test": {"id": ["c", "d"], "twin": [None, None]},
            "captions/train": {"id": ["1", "2"], "picture": ["a", "a"]},
            "captions/test": {"id": ["3"], "picture": ["c"]},
        }
    )
    assert list(audit(shards)) == []


def test_a_near_duplicate_in_two_splits_is_a_leak(write) -> None:
    shards = write(
        {
            "pictures/train": {"id": ["a", "b"], "twin": [7, 1]},
            "pictures/val": {"id": ["x"], "twin": [7]},
            "pictures/test": {"id": ["c", "d"], "twin": [None, 7]},
        }
    )
    leaks = [(one.rule, one.shard, one.row, one.column) for one in audit(shards)]
    assert leaks == [
        ("split_leak", "pictures/val", 1, "twin"),
        ("split_leak", "pictures/test", 2, "twin"),
    ]


def test_one_picture_with_captions_in_two_splits(write) -> None:
    shards = write(
        {
            "captions/train": {"id": ["1", "2"], "picture": ["a", "b"]},
            "captions/test": {"id": ["3", "4"], "picture": ["c", "a"]},
        }
    )
    (leak,) = audit(shards)
    assert str(leak) == (
        "captions/test, row 2, column picture: 'a' is in test and also in train "
        "(captions/train, row 1); expected every row of a group in one split."
    )


def test_repeated_keys_name_both_places(write) -> None:
    shards = write(
        {"captions/train": {"id": ["1", "2", "1"]}, "captions/test": {"id": ["2"]}},
    )
    assert [(one.shard, one.row, one.problem) for one in audit(shards)] == [
        ("captions/train", 3, "'1' stands already in captions/train, row 1"),
        ("captions/test", 1, "'2' stands already in captions/train, row 2"),
    ]


def test_captions_without_their_picture(write) -> None:
    shards = write(
        {
            "pictures/train": {"id": ["a"]},
            "captions/train": {"id": ["1", "2", "3"], "picture": ["a", "q", None]},
        }
    )
    assert [(one.rule, one.row, one.problem) for one in audit(shards)] == [
        ("dangling_reference", 2, "'q' is not in pictures.id")
    ]


def test_unreadable_shards_and_wrong_types_are_passed_over(
    write,
    schema: Schema,
    tmp_path: Path,
) -> None:
    shards = write({"captions/train": {"id": ["1"], "picture": ["a"]}})
    (tmp_path / "bad.parquet").write_bytes(b"no")
    pq.write_table(pa.table({"id": [1, 1]}), tmp_path / "typed.parquet")
    config = schema.config("captions")
    shards += [
        Shard(config, "test", name, tmp_path / name) for name in ("bad.parquet", "typed.parquet")
    ]
    assert list(audit(shards)) == []
