from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from artcurate.errors import DataError, UsageError
from artcurate.package.validate import validate
from artcurate.schema.load import load_schema
from artcurate.schema.model import Schema

TRAIN = "data/train-00000-of-00002.parquet"


def change(path: Path, column: str, values: pa.Array) -> None:
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, table.schema.field(place), values), path)


def test_a_built_dataset_is_valid(built: Path) -> None:
    assert list(validate(built)) == []


def test_a_painting_moved_into_another_split_is_found(built: Path) -> None:
    (built / "data" / "val-00000-of-00001.parquet").write_bytes((built / TRAIN).read_bytes())
    rules = Counter(one.rule for one in validate(built))
    assert rules == {"split_leak": 3, "repeated_key": 2, "dangling_reference": 3, "lock": 2}


def test_rows_lost_from_a_shard_show_against_the_lock(built: Path) -> None:
    path = built / "annotations" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path)[:1], path)
    (first, second) = validate(built)
    assert first.rule == second.rule == "lock"
    assert (second.problem, second.expected) == ("1 rows", "the 3 rows of the lock")


def test_the_lock_itself(built: Path) -> None:
    (built / "artcurate.lock").write_text("{")
    (violation,) = validate(built)
    assert "not a lock" in str(violation)
    (built / "artcurate.lock").unlink()
    (violation,) = validate(built)
    assert "holds no artcurate.lock" in str(violation)


def test_a_value_out_of_range_is_named_by_its_row(built: Path) -> None:
    change(built / TRAIN, "emotion", pa.array([0, 9], pa.int64()))
    violation = next(one for one in validate(built) if one.rule != "lock")
    assert (violation.shard, violation.row, violation.column) == (TRAIN, 2, "emotion")
    assert violation.expected == "a label id from 0 (amusement) to 8 (something else)"


def test_a_picture_that_is_none(built: Path) -> None:
    pictures = pq.read_table(built / TRAIN)["image"].combine_chunks()
    text = pa.array([b"<html>", b"<html>"])
    spoilt = pa.StructArray.from_arrays(
        [pc.if_else([True, False], text, pictures.field("bytes")), pictures.field("path")],
        ["bytes", "path"],
    )
    change(built / TRAIN, "image", spoilt)
    violation = next(one for one in validate(built) if one.rule != "lock")
    assert (violation.rule, violation.row, violation.column) == ("picture", 1, "image")


def test_an_optional_column_stands_in_every_shard_or_in_none(built: Path, schema: Schema) -> None:
    table = pq.read_table(built / TRAIN).drop_columns(["duplicate_group"])
    pq.write_table(table, built / TRAIN)
    rules = [(one.rule, one.column) for one in validate(built) if one.rule == "uneven_columns"]
    assert rules == [("uneven_columns", "duplicate_group")]


def test_a_single_file_needs_a_schema(built: Path, schema: Schema) -> None:
    with pytest.raises(UsageError, match="--schema"):
        list(validate(built / TRAIN))
    assert list(validate(built / TRAIN, schema)) == []
    assert list(validate(built / TRAIN, schema, "paintings")) == []
    wrong = {one.rule for one in validate(built / TRAIN, schema, "annotations")}
    assert {"missing_column", "extra_column"} <= wrong


def test_the_config_of_a_single_file_is_that_of_its_folder(built: Path, schema: Schema) -> None:
    assert list(validate(built / "annotations" / "val-00000-of-00001.parquet", schema)) == []


@pytest.mark.parametrize(
    ("text", "error", "complaint"),
    [
        (None, UsageError, "give a folder that a build made .*--schema"),
        ("[1]\n", DataError, "a schema is a mapping"),
        ("name: [\n", DataError, "not valid YAML"),
    ],
)
def test_a_folder_whose_schema_is_not_known(
    built: Path, text: str | None, error: type[Exception], complaint: str
) -> None:
    (built / "schema.yaml").unlink()
    if text is not None:
        (built / "schema.yaml").write_text(text)
    with pytest.raises(error, match=complaint):
        list(validate(built))


def test_a_folder_has_all_its_configs_checked(built: Path) -> None:
    with pytest.raises(UsageError, match="--config is for a single file"):
        list(validate(built, config="paintings"))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        list(validate(tmp_path / "absent"))
    told = list(validate(tmp_path, load_schema("artelingo")))
    assert {one.rule for one in told} == {"no_shards", "missing_file", "lock"}
