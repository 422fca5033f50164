from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artcurate.shards.plan import CROP_COLUMNS, plan_shards
from artcurate.shards.task import ShardTask
from artcurate.shards.writer import write_shard

from .conftest import Gallery, LayoutOf, rows_of

BOXES: dict[str, tuple[float | None, ...]] = {
    "artist_work-1": (10, 5, 40, 25),
    "artist_work-2": (-20, 10.4, 30, 900),
    "artist_work-3": (None, None, None, None),
    "artist_work-4": (50, 5, 50, 25),
    "artist_work-6": (10, None, 40, 25),
    "artist_work-7": (10, 5, 40, float("inf")),
}


def with_crops(images: pl.DataFrame, boxes: dict[str, tuple[float | None, ...]]) -> pl.DataFrame:
    whole = (None,) * 4
    edges = [boxes.get(stem, whole) for stem in images["stem"]]
    crops = pl.DataFrame(edges, schema=dict.fromkeys(CROP_COLUMNS, pl.Float64), orient="row")
    return images.hstack(crops)


def tasks_of(gallery: Gallery, layout_of: LayoutOf, images: pl.DataFrame) -> tuple[ShardTask, ...]:
    layout = layout_of(max_shard_bytes=10**9)
    return plan_shards(rows_of(images), layout, images).tasks


def pictures(path: Path) -> dict[str, Image.Image]:
    rows: list[dict[str, str | bytes]] = pq.read_table(path)["image"].to_pylist()
    return {
        str(row["path"]).removesuffix(".jpg"): Image.open(io.BytesIO(row["bytes"]))  # type: ignore[arg-type]
        for row in rows
    }


def test_rows_with_a_crop_hold_it_and_bad_crops_are_left_out(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    task = tasks_of(gallery, layout_of, with_crops(gallery.images, BOXES))[0]
    record = write_shard(task)
    assert {failure.row_id.rpartition("/")[2]: failure.reason for failure in record.failures} == {
        f"artist_work-{number}": "bad_crop" for number in (4, 6, 7)
    }
    written = pictures(task.path)
    assert written["artist_work-1"].size == (30, 20)
    assert written["artist_work-2"].size == (30, 32)
    source = Image.open(gallery.folder / "Style_0" / "artist_work-3.jpg")
    assert written["artist_work-3"].tobytes() == source.tobytes()
    (path,) = gallery.folder.rglob("artist_work-1.jpg")
    expected = np.asarray(Image.open(path).crop((10, 5, 40, 25)), float)
    assert np.abs(np.asarray(written["artist_work-1"], float) - expected).mean() < 25


def test_crops_decide_fingerprints(gallery: Gallery, layout_of: LayoutOf) -> None:
    seen = {
        tasks_of(gallery, layout_of, images)[0].fingerprint
        for images in (
            gallery.images,
            with_crops(gallery.images, BOXES),
            with_crops(gallery.images, {**BOXES, "artist_work-1": (11, 5, 40, 25)}),
            with_crops(gallery.images, {}),
        )
    }
    assert len(seen) == 4


def test_whole_numbers_and_fractions_give_the_same_plan(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    images = with_crops(gallery.images, {"artist_work-1": (10, 5, 40, 25)})
    whole = images.with_columns(pl.col(CROP_COLUMNS).cast(pl.Int32))
    assert [task.fingerprint for task in tasks_of(gallery, layout_of, whole)] == [
        task.fingerprint for task in tasks_of(gallery, layout_of, images)
    ]


@pytest.mark.parametrize("size", [None, 16])
def test_room_is_reckoned_for_what_is_kept(
    gallery: Gallery, layout_of: LayoutOf, size: int | None
) -> None:
    layout = layout_of(size=size)
    boxes = dict.fromkeys(gallery.images["stem"], (0.0, 0.0, 12.0, 12.0))
    rows, images = rows_of(gallery.images), with_crops(gallery.images, boxes)
    whole = plan_shards(rows, layout, gallery.images).image_bytes
    assert 0 < plan_shards(rows, layout, images).image_bytes < whole / 2
