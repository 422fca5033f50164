from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artcurate.schema.arrow import arrow_schema
from artcurate.schema.model import Config, Schema
from artcurate.schema.validate import Shard, validate_shard

ROW = {
    "id": "1",
    "picture": "a",
    "width": 10,
    "language": "english",
    "text": "calm",
    "mood": 2,
}


@pytest.fixture
def captions(schema: Schema) -> Config:
    return schema.config("captions")


def table(config: Config, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, arrow_schema(config, list(rows[0])))


def told(config: Config, content: pa.Table | bytes, folder: Path, group: int = 2) -> list[str]:
    path = folder / "train-00000-of-00001.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content, path, row_group_size=group)
    return [str(one) for one in validate_shard(Shard(config, "train", "c/train.parquet", path))]


def test_a_good_shard_has_no_violation(captions: Config, tmp_path: Path) -> None:
    assert told(captions, table(captions, [ROW] * 5), tmp_path) == []
    assert told(captions, table(captions, [{**ROW, "agrees": None}]), tmp_path) == []


def test_a_violation_names_shard_row_column_and_what_was_expected(
    captions: Config, tmp_path: Path
) -> None:
    rows = [ROW, ROW, ROW, {**ROW, "mood": 3}, {**ROW, "text": " "}]
    assert told(captions, table(captions, rows), tmp_path) == [
        "c/train.parquet, row 5, column text: ' '; expected a match of \\S.",
        "c/train.parquet, row 4, column mood: 3; expected a label id from 0 (joy) to 2 (calm).",
    ]


def test_columns_that_are_missing_extra_or_mistyped(captions: Config, tmp_path: Path) -> None:
    good = table(captions, [ROW])
    wrong = (
        good.drop_columns(["language"])
        .append_column("note", pa.array(["x"]))
        .set_column(2, "width", pa.array([10], pa.int64()))
    )
    assert told(captions, wrong, tmp_path) == [
        "c/train.parquet, column width: type int64; expected type int32.",
        "c/train.parquet, column note: not in the schema; expected one of id, picture, width, "
        "language, text, mood, agrees.",
        "c/train.parquet, column language: no such column; expected a column of type string.",
        "c/train.parquet: the huggingface metadata do not describe the columns; expected the "
        "features of the schema, without which load_dataset sees plain values.",
    ]


def test_large_strings_are_not_what_datasets_expects(captions: Config, tmp_path: Path) -> None:
    good = table(captions, [ROW])
    wrong = good.set_column(4, "text", good["text"].cast(pa.large_string()))
    assert told(captions, wrong, tmp_path) == [
        "c/train.parquet, column text: type large_string; expected type string."
    ]


def test_metadata_that_are_absent_or_nonsense(captions: Config, tmp_path: Path) -> None:
    good = table(captions, [ROW])
    for metadata in ({}, {"huggingface": "["}, {"huggingface": "[]"}, {"huggingface": "\xff"}):
        (line,) = told(captions, good.replace_schema_metadata(metadata), tmp_path)
        assert "huggingface metadata do not describe" in line


def test_a_column_that_stands_twice(captions: Config, tmp_path: Path) -> None:
    good = table(captions, [ROW])
    twice = good.append_column("mood", good["mood"])
    assert any("column mood: stands 2 times" in line for line in told(captions, twice, tmp_path))


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "zeroed"])
def test_a_file_that_is_not_parquet_is_one_sentence(
    captions: Config, tmp_path: Path, damage: str
) -> None:
    told(captions, table(captions, [ROW] * 50), tmp_path)
    whole = (tmp_path / "train-00000-of-00001.parquet").read_bytes()
    middle = len(whole) // 2
    content = {
        "text": b"id,text\n1,calm\n",
        "cut": whole[:middle],
        "empty": b"",
        "zeroed": whole[:4] + bytes(len(whole) - 12) + whole[-8:],
    }[damage]
    (line,) = told(captions, content, tmp_path)
    assert line.startswith("c/train.parquet: not readable as Parquet (")
    assert "\n" not in line


def test_a_file_that_is_gone(captions: Config, tmp_path: Path) -> None:
    (violation,) = validate_shard(Shard(captions, "train", "gone", tmp_path / "gone.parquet"))
    assert violation.rule == "unreadable"
