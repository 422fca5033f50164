from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from artcurate.sources.synthetic.forms import (
    write_artelingo_28,
    write_artemis_v1,
    write_artemis_v2,
    write_hub_parquet,
    write_raw_artelingo,
)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_raw_artelingo(tmp_path: Path) -> None:
    count = write_raw_artelingo(tmp_path / "artelingo.csv")
    rows = read(tmp_path / "artelingo.csv")
    assert len(rows) == count
    assert set(rows[0]) == {"art_style", "painting", "emotion", "utterance", "language", "split"}
    emotions = {row["emotion"] for row in rows}
    assert {"Contentment", "Other"} <= emotions
    assert "Something Else" not in emotions
    assert all(unicodedata.is_normalized("NFC", row["painting"]) for row in rows)


def test_artemis_v1(tmp_path: Path) -> None:
    count = write_artemis_v1(tmp_path / "v1.csv")
    rows = read(tmp_path / "v1.csv")
    assert len(rows) == count
    assert list(rows[0]) == ["art_style", "painting", "emotion", "utterance", "repetition"]
    first = (rows[0]["art_style"], rows[0]["painting"])
    assert int(rows[0]["repetition"]) == sum(
        (row["art_style"], row["painting"]) == first for row in rows
    )
    assert "something else" in {row["emotion"] for row in rows}


def test_artemis_v2(tmp_path: Path) -> None:
    write_artemis_v2(tmp_path / "v2.csv")
    rows = read(tmp_path / "v2.csv")
    assert list(rows[0])[-2:] == ["anchor_painting", "version"]
    assert [row["version"] for row in rows] == sorted(row["version"] for row in rows)
    assert {row["anchor_painting"] for row in rows if row["version"] == "old"} == {"nan"}
    paintings = {row["painting"] for row in rows}
    assert {row["anchor_painting"] for row in rows if row["version"] == "new"} <= paintings
    assert all(unicodedata.is_normalized("NFD", name) for name in paintings)


def test_artelingo_28(tmp_path: Path) -> None:
    count = write_artelingo_28(tmp_path)
    train = read(tmp_path / "multilingual_train_metadata.csv")
    test = read(tmp_path / "multilingual_test_metadata.csv")
    assert len(train) + len(test) == count
    assert list(train[0]) == [
        "image_id",
        "image_name",
        "caption",
        "emotion",
        "language",
        "art_style",
        "painting",
    ]
    assert {"English", "Arabic", "Chinese", "Korean", "Hindi"} <= {row["language"] for row in train}
    assert "other" in {row["emotion"] for row in train}
    assert not {row["image_id"] for row in train} & {row["image_id"] for row in test}


def test_hub_parquet(tmp_path: Path) -> None:
    count = write_hub_parquet(tmp_path / "train.parquet")
    table = pq.read_table(tmp_path / "train.parquet")
    assert table.num_rows == count
    assert table.column_names == [
        "image",
        "art_style",
        "painting",
        "emotion",
        "language",
        "text",
        "split",
    ]
    cell = table["image"][0].as_py()
    assert Image.open(io.BytesIO(cell["bytes"])).format == "JPEG"
    assert cell["path"].endswith(".jpg")
    assert 0 < table["image"].null_count < count
