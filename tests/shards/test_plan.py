from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.errors import DataError
from artcurate.images.transform import ImageForm
from artcurate.shards.plan import Layout, cut, plan_shards, row_keys
from artcurate.shards.task import ROW_ID, Pixels, ShardTask
from artcurate.shards.writer import read_rows

from .conftest import Gallery, LayoutOf, rows_of

TRAIN_ROW = "Style_1/artist_work-1"


def ids_of(task: ShardTask) -> list[str]:
    return list(read_rows(task).column(ROW_ID).to_pylist())


def test_row_keys_can_be_recomputed_by_anyone() -> None:
    keys = row_keys(pl.Series(["Baroque/rembrandt_the-night-watch", "Ukiyo_e/勝川"]), 42)
    digest = hashlib.sha256("42:Ukiyo_e/勝川".encode()).hexdigest()
    assert keys[1] == int(digest[:16], 16)
    assert len(set(keys.tolist())) == 2


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 1000)), max_size=60),
    st.integers(1, 5000),
)
def test_cuts_cover_every_row_once_and_keep_the_limit(
    rows: list[tuple[int, int]], limit: int
) -> None:
    rows.sort()
    keys = np.array([key for key, _ in rows], dtype=np.uint64)
    sizes = np.array([size for _, size in rows], dtype=np.int64)
    ranges = cut(keys, sizes, limit)
    assert [row for start, stop in ranges for row in range(start, stop)] == list(range(len(rows)))
    for start, stop in ranges:
        within = sizes[start:stop].sum() <= limit
        assert within or stop - start == 1 or len(set(keys[start:stop].tolist())) == 1


@given(
    st.lists(st.integers(0, 2**64 - 1), unique=True, min_size=2, max_size=80),
    st.integers(2, 20),
    st.data(),
)
def test_removing_a_row_changes_the_ranges_that_held_it_only(
    keys: list[int], limit: int, data: st.DataObject
) -> None:
    """With all sizes 1, ranges without the removed key either stay or merge with its range."""
    removed = data.draw(st.sampled_from(keys))

    def contents(kept: list[int]) -> set[tuple[int, ...]]:
        kept = sorted(kept)
        ranges = cut(np.array(kept, dtype=np.uint64), np.ones(len(kept), dtype=np.int64), limit)
        return {tuple(kept[start:stop]) for start, stop in ranges}

    before, after = contents(keys), contents([key for key in keys if key != removed])
    (home,) = (keys_of for keys_of in before if removed in keys_of)
    gone = before - after - {home}
    merged = {key for keys_of in after - before for key in keys_of}
    assert all(set(keys_of) <= merged for keys_of in gone)
    assert len(after - before) <= 1


def test_every_row_is_planned_once_in_its_split(gallery: Gallery, layout_of: LayoutOf) -> None:
    rows = rows_of(gallery.images)
    plan = plan_shards(rows, layout_of(), gallery.images)
    splits = dict(rows.select("row_id", "split").iter_rows())
    planned = [(row, task.split) for task in plan.tasks for row in ids_of(task)]
    assert sorted(planned) == sorted(splits.items())
    assert sum(task.rows for task in plan.tasks) == 60
    assert plan.image_bytes == gallery.images["bytes"].sum()
    train = [task.name for task in plan.tasks if task.split == "train"]
    assert train == [
        f"data/train-{number:05d}-of-{len(train):05d}.parquet" for number in range(len(train))
    ]
    assert len(train) > 1
    assert plan.tasks[0].split == "train"


def test_shards_stay_within_the_limit_and_rows_stand_in_hash_order(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    sizes = dict(gallery.images.select("row_id", "bytes").iter_rows())
    for task in plan_shards(rows_of(gallery.images), layout_of(seed=3), gallery.images).tasks:
        ids = ids_of(task)
        assert sum(sizes[row] for row in ids) <= 60_000
        keys = row_keys(pl.Series(ids), 3).tolist()
        assert keys == sorted(keys)


def described(layout: Layout, rows: pl.DataFrame, images: pl.DataFrame) -> list[tuple[str, str]]:
    return [(task.name, task.fingerprint) for task in plan_shards(rows, layout, images).tasks]


def test_the_plan_depends_on_neither_row_order_nor_chunks_nor_places(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    images, rows = gallery.images, rows_of(gallery.images)
    expected = described(layout_of("one"), rows, images)
    order = list(range(rows.height))
    random.Random(5).shuffle(order)
    shuffled = pl.concat([rows[order[:7]], rows[order[7:]]], rechunk=False)
    moved = images[order].with_columns(location=pl.lit("elsewhere/") + pl.col("location"))
    assert described(layout_of("two"), shuffled, moved) == expected


def test_what_decides_bytes_decides_fingerprints(gallery: Gallery, layout_of: LayoutOf) -> None:
    images, rows = gallery.images, rows_of(gallery.images)
    layout = layout_of(max_shard_bytes=10**9)
    before = described(layout, rows, images)
    changed_text = rows.with_columns(
        pl.when(pl.col("row_id") == TRAIN_ROW)
        .then(pl.lit([{"text": "other", "emotion": 3}]))
        .otherwise("captions")
        .alias("captions")
    )
    changed_image = images.with_columns(
        sha256=pl.when(pl.col("row_id") == TRAIN_ROW).then(pl.lit("0" * 64)).otherwise("sha256")
    )
    for fingerprints in (
        described(layout, changed_text, images),
        described(layout, rows, changed_image),
    ):
        assert fingerprints[0] != before[0]
        assert fingerprints[1] == before[1]
    options = replace(layout.options, row_group_bytes=1 << 20)
    form = Pixels("image", ImageForm(None, 80), layout.pixels.roots if layout.pixels else ())
    for other in (
        replace(layout, options=options),
        replace(layout, pixels=form),
        replace(layout, seed=1),
        replace(layout, schema=layout.schema.with_metadata({})),
    ):
        assert not set(described(other, rows, images)) & set(before)


def test_images_that_were_not_probed_are_refused(gallery: Gallery, layout_of: LayoutOf) -> None:
    images = gallery.images.with_columns(sha256=pl.lit(None, pl.String))
    with pytest.raises(DataError, match="60 images have no sha256"):
        plan_shards(rows_of(images), layout_of(), images)


def test_text_is_cut_by_its_size(layout_of: LayoutOf, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "painting_id": [f"p{number}" for number in range(1000)],
            "captions": [[{"text": "x" * 90, "emotion": 1}]] * 1000,
            "split": ["train"] * 1000,
            "row_id": [f"a-{number}" for number in range(1000)],
        }
    )
    layout = layout_of(max_shard_bytes=40_000)
    layout = replace(layout, pixels=None, schema=layout.schema.remove(0))
    tasks = plan_shards(rows, layout).tasks
    assert Counter(row for task in tasks for row in ids_of(task)) == Counter(rows["row_id"])
    assert 3 <= len(tasks) <= 8
