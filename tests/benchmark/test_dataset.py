from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artcurate.benchmark.dataset import read_examples
from artcurate.benchmark.pictures import ShardPictures
from artcurate.errors import DataError, UsageError
from artcurate.images.faults import Fault
from artcurate.schema.arrow import IMAGE_TYPE


def table(folder: Path, config: str) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(path).with_columns(pl.lit(path.name.split("-")[0]).alias("split"))
        for path in sorted((folder / config).glob("*.parquet"))
    )


def test_every_caption_is_an_example_with_its_painting(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    captions = table(artelingo, "annotations")
    paintings = table(artelingo, "data")

    assert examples.ids.tolist() == captions["id"].to_list()
    assert examples.splits.tolist() == captions["split"].to_list()
    assert examples.labels.index.tolist() == captions["emotion"].to_list()
    text = examples.inputs["text"]
    assert [text.values[place] for place in text.index] == captions["text"].to_list()
    order = paintings["painting_id"].to_list()
    assert [order[place] for place in examples.inputs["image"].index] == captions[
        "painting_id"
    ].to_list()


def test_soft_labels_are_the_votes_of_the_painting_in_the_captions_language(
    artelingo: Path,
) -> None:
    examples = read_examples(artelingo)
    captions = table(artelingo, "annotations")
    chosen = captions.row(0, named=True)
    votes = captions.filter(
        (pl.col("painting_id") == chosen["painting_id"])
        & (pl.col("language") == chosen["language"])
    )["emotion"]

    expected = np.bincount(votes.to_numpy(), minlength=9) / votes.len()
    assert examples.labels.soft[0] == pytest.approx(expected)


def test_no_cluster_stands_in_two_splits(artelingo: Path, korean: Path) -> None:
    for folder in (artelingo, korean):
        examples = read_examples(folder)
        for values in examples.clusters.values():
            for first, second in (("train", "test"), ("train", "validation")):
                assert not set(values[examples.rows(first)]) & set(values[examples.rows(second)])


def test_pictures_come_upright_and_the_last_is_grey(artelingo: Path) -> None:
    pictures = read_examples(artelingo).inputs["image"].values
    sizes = table(artelingo, "data").select("source_width", "source_height").rows()

    assert len(pictures) == len(sizes) + 1
    for place in (0, 3, 1):
        picture = pictures.decode(place)
        assert isinstance(picture, Image.Image)
        assert picture.mode == "RGB"
        assert picture.width / picture.height == pytest.approx(
            sizes[place][0] / sizes[place][1], rel=0.05
        )
    assert pictures.decode(len(sizes)).getextrema() == ((128, 128),) * 3


def test_a_korean_pair_has_two_kinds_of_clusters_and_draws_within_its_cell(korean: Path) -> None:
    examples = read_examples(korean)

    assert list(examples.clusters) == ["person", "dialogue"]
    assert examples.by_label_only
    assert examples.draws is not None
    assert examples.draws.shape == (3, len(examples))
    for draw in examples.draws:
        kept = draw >= 0
        assert (examples.labels.index[draw[kept]] == examples.labels.index[kept]).all()
        for values in examples.attributes.values():
            assert (values[draw[kept]] == values[kept]).all()


def test_examples_left_out_take_their_draws_along(korean: Path) -> None:
    examples = read_examples(korean)
    gone = np.zeros(len(examples), dtype=bool)
    gone[:7] = True

    kept = examples.without(gone)

    assert len(kept) == len(examples) - 7
    assert kept.ids.tolist() == examples.ids[7:].tolist()
    assert kept.draws is not None
    for before, after in zip(examples.draws[:, 7:].ravel(), kept.draws.ravel(), strict=True):
        assert after == (before - 7 if before >= 7 else -1)


def test_changed_shards_are_refused(artelingo: Path) -> None:
    shard = next((artelingo / "annotations").glob("test-*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")

    with pytest.raises(DataError, match=r"test-00000-of-00001.parquet: .* build again"):
        read_examples(artelingo)


def test_a_damaged_picture_is_a_fault_and_not_an_error(tmp_path: Path) -> None:
    rows = [{"bytes": b"no picture", "path": "a.jpg"}, None]
    pq.write_table(pa.table({"image": pa.array(rows, IMAGE_TYPE)}), tmp_path / "a.parquet")
    pictures = ShardPictures([tmp_path / "a.parquet"], [(0, 0), (0, 1)])

    for place in (0, 1):
        assert isinstance(pictures.decode(place), Fault)


def test_a_copy_gives_the_same_pictures_in_any_order_and_leaves_no_file(
    artelingo: Path, tmp_path: Path
) -> None:
    source = read_examples(artelingo).inputs["image"].values
    assert isinstance(source, ShardPictures)
    places = range(len(source))
    expected = [source.digest(place) for place in places]

    copy = source.copied(tmp_path / "copies")

    assert len(copy) == len(source)
    assert [copy.digest(place) for place in reversed(places)] == expected[::-1]
    assert copy.decode(len(copy) - 1).size == source.decode(len(source) - 1).size
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_copy_tells_of_rows_without_a_picture(tmp_path: Path) -> None:
    rows = [None, {"bytes": b"no picture", "path": "a.jpg"}]
    pq.write_table(pa.table({"image": pa.array(rows, IMAGE_TYPE)}), tmp_path / "a.parquet")
    copy = ShardPictures([tmp_path / "a.parquet"], [(0, 0), (0, 1)]).copied(tmp_path)

    assert [copy.read(place) for place in (1, 0)] == [b"no picture", None]
    assert isinstance(copy.decode(0), Fault)


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        read_examples(tmp_path / "nowhere")
