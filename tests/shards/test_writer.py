from __future__ import annotations

import io
import itertools
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artcurate.engines import Done
from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError
from artcurate.files import sha256_of
from artcurate.shards import plan
from artcurate.shards.plan import Layout, plan_shards
from artcurate.shards.task import TEXT_OPTIONS, ShardRecord, ShardTask
from artcurate.shards.writer import find_finished, write_shard

from .conftest import SCHEMA, Gallery, LayoutOf, rows_of


def planned(gallery: Gallery, layout: Layout) -> tuple[ShardTask, ...]:
    return plan_shards(rows_of(gallery.images), layout, gallery.images).tasks


def one_task(gallery: Gallery, layout: Layout) -> ShardTask:
    """All rows of the train split in a single shard."""
    return planned(gallery, replace(layout, max_shard_bytes=10**9))[0]


def leaf_columns(path: Path) -> dict[str, list[pq.ColumnChunkMetaData]]:
    """The column chunks of each leaf column, one per row group."""
    metadata = pq.read_metadata(path)
    chunks: dict[str, list[pq.ColumnChunkMetaData]] = {}
    for group in range(metadata.num_row_groups):
        for leaf in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(leaf)
            chunks.setdefault(chunk.path_in_schema, []).append(chunk)
    return chunks


def test_shards_hold_the_rows_and_their_pictures(gallery: Gallery, layout_of: LayoutOf) -> None:
    layout = layout_of()
    records = [write_shard(task) for task in planned(gallery, layout)]
    table = pa.concat_tables(pq.read_table(layout.output / record.name) for record in records)
    rows = {row["painting_id"]: row for row in rows_of(gallery.images).iter_rows(named=True)}
    assert table.num_rows == sum(record.rows for record in records) == 60
    for row in table.to_pylist():
        source = gallery.folder / f"{row['painting_id']}.jpg"
        assert row["captions"] == rows[row["painting_id"]]["captions"]
        assert row["image"]["path"] == source.name
        assert Image.open(io.BytesIO(row["image"]["bytes"])).tobytes() == (
            Image.open(source).tobytes()
        )


def test_records_tell_the_files(gallery: Gallery, layout_of: LayoutOf) -> None:
    layout = layout_of()
    for task in planned(gallery, layout):
        record = write_shard(task)
        path = layout.output / record.name
        assert (record.bytes, record.sha256) == (path.stat().st_size, sha256_of(path))
        assert (record.rows, record.failures) == (pq.read_metadata(path).num_rows, ())
        assert (record.config, record.split) == ("paintings", task.split)
        assert list(task.record.parent.glob("*.attempts")) == []


def test_datasets_reads_them(
    gallery: Gallery, layout_of: LayoutOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    layout = layout_of()
    for task in planned(gallery, layout):
        write_shard(task)
    files = {name: str(layout.output / f"data/{name}-*.parquet") for name in ("train", "test")}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 48, "test": 12}
    assert isinstance(loaded["train"].features["image"], datasets.Image)
    first = loaded["test"][0]
    assert first["image"].size == Image.open(gallery.folder / f"{first['painting_id']}.jpg").size


def test_pictures_are_plain_and_everything_else_compressed(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    task = one_task(gallery, layout_of())
    write_shard(task)
    schema = pq.read_schema(task.path)
    assert schema.equals(SCHEMA)
    assert schema.metadata == SCHEMA.metadata
    columns = leaf_columns(task.path)
    for chunk in columns.pop("image.bytes"):
        assert chunk.compression == "UNCOMPRESSED"
        assert set(chunk.encodings) == {"PLAIN", "RLE"}
        assert not chunk.has_dictionary_page
        assert not chunk.is_stats_set
        assert chunk.has_offset_index
    assert set(columns) == {
        "image.path",
        "painting_id",
        "captions.list.element.text",
        "captions.list.element.emotion",
    }
    for chunks in columns.values():
        for chunk in chunks:
            assert chunk.compression == "ZSTD"
            assert chunk.has_dictionary_page
            assert chunk.is_stats_set
            assert chunk.has_column_index


def test_row_groups_keep_their_limit(gallery: Gallery, layout_of: LayoutOf) -> None:
    task = one_task(gallery, layout_of(row_group_bytes=20_000))
    write_shard(task)
    file = pq.ParquetFile(task.path)
    sizes = [
        [len(row["bytes"]) for row in file.read_row_group(group)["image"].to_pylist()]
        for group in range(file.num_row_groups)
    ]
    assert all(sum(group) <= 20_000 for group in sizes)
    assert all(sum(group) + following[0] > 20_000 for group, following in itertools.pairwise(sizes))


def test_a_picture_larger_than_a_row_group_stands_alone(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    (large,) = gallery.folder.rglob("artist_work-1.jpg")
    Image.fromarray(noise).save(large, quality=95)
    assert large.stat().st_size > 2 * 20_000
    task = one_task(gallery, layout_of(row_group_bytes=20_000))
    assert write_shard(task).rows == 48
    file = pq.ParquetFile(task.path)
    groups = [
        file.read_row_group(group)["painting_id"].to_pylist()
        for group in range(file.num_row_groups)
    ]
    assert ["Style_1/artist_work-1"] in groups
    pictures = {
        row["painting_id"]: row["image"]["bytes"] for row in pq.read_table(task.path).to_pylist()
    }
    for key, data in pictures.items():
        assert Image.open(io.BytesIO(data)).tobytes() == (
            Image.open(gallery.folder / f"{key}.jpg").tobytes()
        )


def test_resized_pictures_have_the_short_side_asked_for(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    task = one_task(gallery, layout_of(size=32))
    write_shard(task)
    for row in pq.read_table(task.path)["image"].to_pylist():
        assert min(Image.open(io.BytesIO(row["bytes"])).size) == 32


@pytest.mark.parametrize("size", [None, 32])
def test_bytes_are_the_same_whoever_writes_them(
    gallery: Gallery, layout_of: LayoutOf, size: int | None
) -> None:
    here = {
        record.name: record.sha256
        for record in map(write_shard, planned(gallery, layout_of("here", size=size)))
    }
    with LocalEngine(workers=2) as engine:
        outcomes = list(engine.map(write_shard, planned(gallery, layout_of("there", size=size))))
    there = {one.result.name: one.result.sha256 for one in outcomes if isinstance(one, Done)}
    assert there == here


def test_a_row_less_leaves_the_other_shards_alone(gallery: Gallery, layout_of: LayoutOf) -> None:
    before = [write_shard(task) for task in planned(gallery, layout_of("before"))]
    next(gallery.folder.rglob("artist_work-8.jpg")).unlink()
    after = [write_shard(task) for task in planned(gallery, layout_of("after"))]
    kept = {record.sha256 for record in before} & {record.sha256 for record in after}
    assert len(before) == len(after) > 4
    assert len(kept) == len(before) - 1


class TestFaults:
    """Images that are no longer what the plan knows."""

    def failures(self, task: ShardTask) -> dict[str, str]:
        record = write_shard(task)
        assert record.rows + len(record.failures) == task.rows
        assert pq.read_metadata(task.path).num_rows == record.rows
        return {failure.row_id: failure.reason for failure in record.failures}

    def test_each_is_left_out_with_its_reason(self, gallery: Gallery, layout_of: LayoutOf) -> None:
        paths = {path.stem: path for path in gallery.folder.rglob("*.jpg")}
        task = one_task(gallery, layout_of())
        paths["artist_work-1"].unlink()
        paths["artist_work-2"].write_bytes(paths["artist_work-4"].read_bytes())
        paths["artist_work-3"].write_bytes(b"")
        assert self.failures(task) == {
            "Style_1/artist_work-1": "unreadable",
            "Style_2/artist_work-2": "changed",
            "Style_0/artist_work-3": "empty_file",
        }

    def test_an_image_that_cannot_be_decoded_is_left_out(
        self, gallery: Gallery, layout_of: LayoutOf
    ) -> None:
        (path,) = gallery.folder.rglob("artist_work-1.jpg")
        images = gallery.images
        path.write_bytes(path.read_bytes()[:400])
        sha256 = sha256_of(path)
        images = images.with_columns(
            sha256=pl.when(row_id="Style_1/artist_work-1").then(pl.lit(sha256)).otherwise("sha256")
        )
        layout = layout_of(size=32, max_shard_bytes=10**9)
        task = plan_shards(rows_of(images), layout, images).tasks[0]
        assert self.failures(task) == {"Style_1/artist_work-1": "truncated"}

    def test_a_shard_with_failures_is_not_finished(
        self, gallery: Gallery, layout_of: LayoutOf
    ) -> None:
        task = one_task(gallery, layout_of())
        (path,) = gallery.folder.rglob("artist_work-1.jpg")
        away = path.rename(path.with_suffix(".away"))
        assert self.failures(task)
        assert find_finished(task) is None
        away.rename(path)
        assert self.failures(task) == {}
        assert find_finished(task) is not None

    def test_a_root_that_went_away_stops_the_build(
        self, gallery: Gallery, layout_of: LayoutOf
    ) -> None:
        task = one_task(gallery, layout_of())
        gallery.folder.rename(gallery.folder.with_name("unplugged"))
        with pytest.raises(DataError, match=r"wikiart: the images have gone away .* again"):
            write_shard(task)
        gallery.folder.mkdir()
        with pytest.raises(DataError, match="the images have gone away"):
            write_shard(task)
        assert not task.path.exists()


class TestResuming:
    """A finished shard is kept, and only a finished one."""

    @pytest.fixture
    def task(self, gallery: Gallery, layout_of: LayoutOf) -> ShardTask:
        task = one_task(gallery, layout_of())
        write_shard(task)
        return task

    def rewritten(self, task: ShardTask) -> bool:
        before = task.path.stat().st_ino if task.path.exists() else None
        record = write_shard(task)
        assert record.sha256 == sha256_of(task.path)
        return task.path.stat().st_ino != before

    def test_a_finished_shard_stays_without_its_images(
        self, task: ShardTask, gallery: Gallery
    ) -> None:
        shutil.rmtree(gallery.folder)
        assert not self.rewritten(task)

    def test_another_fingerprint_writes_it_anew(self, task: ShardTask) -> None:
        assert self.rewritten(replace(task, fingerprint="0" * 64))

    def test_a_damaged_file_is_written_anew(self, task: ShardTask) -> None:
        data = bytearray(task.path.read_bytes())
        data[len(data) // 2] ^= 1
        task.path.write_bytes(data)
        assert self.rewritten(task)

    def test_a_truncated_or_missing_file_is_written_anew(self, task: ShardTask) -> None:
        os.truncate(task.path, 1000)
        assert self.rewritten(task)
        task.path.unlink()
        assert self.rewritten(task)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"failures": []}', "\x00\xff"])
    def test_a_damaged_record_counts_as_none(self, task: ShardTask, text: str) -> None:
        task.record.write_text(text, encoding="latin-1")
        assert self.rewritten(task)


COUNT = 5000


def texts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "painting_id": [f"p{number}" for number in range(COUNT)],
            "captions": [[{"text": f"text {number}", "emotion": 1}] for number in range(COUNT)],
            "split": ["train"] * COUNT,
            "row_id": [f"a-{number}" for number in range(COUNT)],
        }
    )


def text_task(layout_of: LayoutOf, name: str = "one") -> ShardTask:
    """All texts in a single shard with three row groups."""
    layout = replace(
        layout_of(name, max_shard_bytes=10**9),
        pixels=None,
        schema=SCHEMA.remove(0),
        options=replace(TEXT_OPTIONS, row_group_rows=2000),
    )
    (task,) = plan_shards(texts(), layout).tasks
    return task


def test_text_shards_have_large_groups_and_chunked_pages(layout_of: LayoutOf) -> None:
    task = text_task(layout_of)
    assert write_shard(task).rows == COUNT
    metadata = pq.read_metadata(task.path)
    groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert groups == [2000, 2000, 1000]
    assert json.loads(metadata.metadata[b"content_defined_chunking"])["min_chunk_size"] == 1 << 18
    assert sorted(pq.read_table(task.path)["painting_id"].to_pylist()) == sorted(
        texts()["painting_id"]
    )


@pytest.mark.parametrize("form", ["texts", "pictures", "smaller pictures"])
def test_in_how_many_pieces_a_shard_was_planned_does_not_show(
    gallery: Gallery, layout_of: LayoutOf, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def planned_as(name: str) -> ShardTask:
        if form == "texts":
            return text_task(layout_of, name)
        return one_task(gallery, layout_of(name, size=32 if form == "smaller pictures" else None))

    whole = planned_as("whole")
    monkeypatch.setattr(plan, "_ROWS_AT_ONCE", 7)
    pieces = planned_as("pieces")
    assert len(whole.batches) == 1
    assert len(pieces.batches) > 5
    assert pieces.fingerprint == whole.fingerprint
    assert write_shard(pieces).sha256 == write_shard(whole).sha256


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("a small tmpfs can only be mounted by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_keeps_finished_shards_and_the_same_tasks_go_on(
    gallery: Gallery, layout_of: LayoutOf, small_disk: Path
) -> None:
    layout = replace(layout_of("scratch"), output=small_disk / "dataset")
    tasks = planned(gallery, layout)
    finished: list[ShardRecord] = []
    with pytest.raises(DataError, match=r"data/\w+-.*: no space is left .* goes on") as caught:
        finished.extend(write_shard(task) for task in tasks)
    assert len(caught.value.problems) == 1
    assert 0 < len(finished) < len(tasks)
    on_disk = {path for path in small_disk.rglob("*") if path.is_file()}
    assert on_disk == {layout.output / record.name for record in finished}
    inodes = {path: path.stat().st_ino for path in on_disk}
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    records = [write_shard(task) for task in tasks]
    assert sum(record.rows for record in records) == 60
    assert {path: path.stat().st_ino for path in on_disk} == inodes


def test_a_file_size_limit_is_one_sentence(gallery: Gallery, layout_of: LayoutOf) -> None:
    task = one_task(gallery, layout_of())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(DataError, match="beyond the size that the system allows"):
            write_shard(task)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(task.path.parent.iterdir()) == []
    assert write_shard(task).rows == 48


def test_an_output_folder_that_went_away_is_one_sentence(
    gallery: Gallery, layout_of: LayoutOf
) -> None:
    tasks = planned(gallery, layout_of())
    write_shard(tasks[0])
    shutil.rmtree(tasks[0].output)
    with pytest.raises(DataError, match="its folder has gone away"):
        write_shard(tasks[1])
    assert not tasks[1].output.exists()


def test_png_keeps_its_suffix_and_other_formats_become_jpeg(
    layout_of: LayoutOf, tmp_path: Path
) -> None:
    gallery = Gallery(tmp_path / "wikiart", 4)
    images = gallery.images
    for number, image_format in ((1, "PNG"), (2, "GIF")):
        (path,) = gallery.folder.rglob(f"artist_work-{number}.jpg")
        Image.open(path).save(path, image_format)
    hashes = [sha256_of(gallery.folder / place) for place in images["location"]]
    sizes = [(gallery.folder / place).stat().st_size for place in images["location"]]
    images = images.with_columns(sha256=pl.Series(hashes), bytes=pl.Series(sizes))
    layout = layout_of(max_shard_bytes=10**9)
    for task in plan_shards(rows_of(images), layout, images).tasks:
        write_shard(task)
    table = pq.read_table(layout.output / "data")
    paths = {row["path"]: row["bytes"][:4] for row in table["image"].to_pylist()}
    assert paths["artist_work-1.png"] == b"\x89PNG"
    assert paths["artist_work-2.jpg"][:3] == b"\xff\xd8\xff"
