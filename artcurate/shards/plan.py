"""Rows to shards: which row goes where depends on the rows and a seed alone."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from artcurate.errors import DataError
from artcurate.files import atomic_file, make_folder
from artcurate.images.transform import ImageForm
from artcurate.images.versions import library_versions
from artcurate.shards.sizes import (
    encoded_image_bytes,
    estimate_image_bytes,
    kept_length,
    value_bytes,
)
from artcurate.shards.task import (
    BYTES,
    CROP,
    KEPT,
    LOCATION,
    MEMBER,
    PIXELS,
    ROOT,
    ROW_ID,
    SHA256,
    STEM,
    Pixels,
    ShardTask,
    WriterOptions,
)

#: Changes when the writer's code changes what bytes it makes of the same plan.
WRITER_VERSION = 2
#: Splits stand in this order, others after them by name.
SPLIT_ORDER = ("train", "validation", "val", "test")
_KEY_BITS = 64
#: Types of the part file's own columns; the rest is text.
_OWN_TYPES: Mapping[pl.DataType, pa.DataType] = {
    pl.Int64(): pa.int64(),
    pl.Float64(): pa.float64(),
}
#: A picture's row may hold all of its captions.
_ROWS_AT_ONCE = 10_000

_IMAGE_COLUMNS: dict[str, pl.Expr] = {
    ROOT: pl.col("root").cast(pl.String),
    LOCATION: pl.col("location").cast(pl.String),
    MEMBER: pl.col("member").cast(pl.String),
    SHA256: pl.col("sha256").cast(pl.String),
    BYTES: pl.col("bytes").cast(pl.Int64),
    PIXELS: pl.col("width").cast(pl.Int64) * pl.col("height").cast(pl.Int64),
    STEM: pl.col("stem").cast(pl.String),
}
#: Columns of a table of images that say what is kept of each (`images.crop.Crop`).
CROP_COLUMNS = ("crop_left", "crop_top", "crop_right", "crop_bottom")
#: Columns of a table of images that say where each lies made already (`images.packs.Packed`), the
#: pack by its name in `Pixels.packs`; all null where it is to be made. They decide no byte.
KEPT_COLUMNS = ("kept_pack", "kept_offset", "kept_bytes", "kept_sha256")


@dataclass(frozen=True, slots=True)
class Layout:
    """How one config is cut into shards.

    folder: its folder below the dataset.
    schema: the shards' schema with its `huggingface` metadata, the image column included.
    max_shard_bytes: limit of the estimated size of a shard.
    output, scratch: the dataset's folder, and the one for parts and records.
    """

    config: str
    folder: str
    schema: pa.Schema
    pixels: Pixels | None
    options: WriterOptions
    seed: int
    max_shard_bytes: int
    output: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """The shards of one config and the estimated bytes of their images."""

    tasks: tuple[ShardTask, ...]
    image_bytes: int


def plan_shards(rows: pl.DataFrame, layout: Layout, images: pl.DataFrame | None = None) -> Plan:
    """Cut `rows` into shards, lay their part file into `layout.scratch`, and make their folders.

    Writers make no folder: one that is missing then has gone away, and what was in it with it.

    rows: the columns of `layout.schema` less the image column, and `split` and `row_id`.
    images: with pixels, one row for each of `rows` and in the same order, with root, location,
        member, sha256, bytes, width, height, and `stem`, the name of the image in its shard
        without suffix; where images are cut, also `CROP_COLUMNS`, all four null for a whole image;
        where pictures were kept, also `KEPT_COLUMNS`.

    Within a split rows stand in the order of a seeded hash of their ids, so that each shard is a
    fair sample. A shard is a range of hash values: the whole range is halved until every part
    is estimated to stay within the limit, so that adding or removing a row changes the one shard
    it falls into and leaves the bytes of the others alone (unless a shard passes the limit).

    Raises DataError when an image has no sha256, or the part file cannot be written.
    """
    frame, sizes = _prepare(rows, layout, images)
    order = _order(frame)
    slices = _slices(
        frame.select("split", "key")[order], sizes[order.to_numpy()], layout.max_shard_bytes
    )
    data = frame.drop("split", "key")
    part = layout.scratch / "parts" / f"{layout.config}.arrow"
    records = layout.scratch / "shards" / layout.config
    for folder in (layout.output / layout.folder, records, part.parent):
        make_folder(folder)
    identity = json.dumps(_identity(layout), sort_keys=True).encode()
    tasks: list[ShardTask] = []
    with _part_file(part, data.schema, layout.schema) as add:
        for (split, start, stop), stem in zip(slices, _stems(slices), strict=True):
            fingerprint = hashlib.sha256(identity)
            batches: list[int] = []
            # In this order the table is never there whole, as a second one beside itself.
            for places in order[start:stop].to_frame().iter_slices(_ROWS_AT_ONCE):
                piece = data[places.to_series()]
                _digest_rows(fingerprint, piece)
                batches.append(add(piece))
            tasks.append(
                ShardTask(
                    name=f"{layout.folder}/{stem}.parquet",
                    config=layout.config,
                    split=split,
                    rows=stop - start,
                    fingerprint=fingerprint.hexdigest(),
                    part=part,
                    batches=tuple(batches),
                    schema=layout.schema,
                    pixels=layout.pixels,
                    options=layout.options,
                    output=layout.output,
                    record=records / f"{stem}.json",
                )
            )
    return Plan(tuple(tasks), _image_bytes(images, layout.pixels))


def row_keys(ids: pl.Series, seed: int) -> npt.NDArray[np.uint64]:
    """The order of rows: the first 8 bytes, big-endian, of sha256 of `{seed}:{id}`, per id."""
    prefix = f"{seed}:".encode()
    keys = bytearray()
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        for key in ids[start : start + _ROWS_AT_ONCE].cast(pl.Binary).to_list():
            keys += hashlib.sha256(prefix + key).digest()[:8]
    return np.frombuffer(keys, dtype=">u8").astype(np.uint64)


def cut(
    keys: npt.NDArray[np.uint64], sizes: npt.NDArray[np.int64], limit: int
) -> list[tuple[int, int]]:
    """Ranges (first, last + 1) of rows, each of one row or of at most `limit` bytes in all.

    keys: rising hash values of the rows. The space of 64-bit keys is halved where its rows are
    too large, and halves without rows are left out, so the cuts depend on no row but those beside.
    """
    totals = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    ranges: list[tuple[int, int]] = []
    pending = [(0, len(keys), 0, _KEY_BITS)]
    while pending:
        start, stop, low, bits = pending.pop()
        if start == stop:
            continue
        if stop - start == 1 or bits == 0 or totals[stop] - totals[start] <= limit:
            ranges.append((start, stop))
            continue
        half = low + (1 << (bits - 1))
        middle = start + int(np.searchsorted(keys[start:stop], np.uint64(half)))
        pending += [(middle, stop, half, bits - 1), (start, middle, low, bits - 1)]
    return ranges


def _prepare(
    rows: pl.DataFrame, layout: Layout, images: pl.DataFrame | None
) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """The rows with the columns split and key, and their estimated bytes."""
    names = [name for name in layout.schema.names if name not in _image_columns(layout.pixels)]
    frame = rows.select(*names, pl.col("row_id").alias(ROW_ID), "split")
    frame = frame.with_columns(pl.Series("key", row_keys(rows["row_id"], layout.seed)))
    text = _mean_row_bytes(frame.select(names))
    sizes = np.full(frame.height, text, dtype=np.int64)
    if layout.pixels is not None:
        if images is None:
            raise ValueError("a config with pixels is planned with its images")
        _require_hashes(rows, images)
        columns = _IMAGE_COLUMNS | _crop_columns(images) | _kept_columns(images)
        frame = frame.hstack(images.select(**columns))
        sizes += _estimates(images, layout.pixels.form)
    return frame, sizes


def _order(frame: pl.DataFrame) -> pl.Series:
    """The places of the rows of `frame` in the order of the plan."""
    ranks = {name: place for place, name in enumerate(SPLIT_ORDER)}
    return frame.select(
        pl.col("split").replace_strict(ranks, default=len(ranks), return_dtype=pl.Int64),
        name=pl.col("split"),
        key=pl.col("key"),
        id=pl.col(ROW_ID),
        place=pl.int_range(pl.len()),
    ).sort("split", "name", "key", "id")["place"]


def _image_columns(pixels: Pixels | None) -> tuple[str, ...]:
    return () if pixels is None else (pixels.column,)


def _require_hashes(rows: pl.DataFrame, images: pl.DataFrame) -> None:
    unknown = rows["row_id"].filter(images["sha256"].is_null())
    if unknown.len():
        raise DataError(
            f"{unknown.len():,} images have no sha256, the first is that of {unknown[0]!r}; "
            "probe the images before they are written."
        )


def _crop_columns(images: pl.DataFrame) -> dict[str, pl.Expr]:
    """The columns of the part file that hold the crops; none where no image is cut."""
    if CROP_COLUMNS[0] not in images.columns:
        return {}
    edges = zip(CROP, map(pl.col, CROP_COLUMNS), strict=True)
    # JSON, from which fingerprints are made, tells neither infinity nor NaN from null.
    return {name: pl.when(edge.is_finite()).then(edge.cast(pl.Float64)) for name, edge in edges}


def _kept_columns(images: pl.DataFrame) -> dict[str, pl.Expr]:
    """The columns of the part file that say where pictures are kept; none where none are."""
    if KEPT_COLUMNS[0] not in images.columns:
        return {}
    return dict(zip(KEPT, map(pl.col, KEPT_COLUMNS), strict=True))


def _estimates(images: pl.DataFrame, form: ImageForm) -> npt.NDArray[np.int64]:
    width, height, source = (
        images[name].cast(pl.Int64).to_numpy() for name in ("width", "height", "bytes")
    )
    whole = estimate_image_bytes(width, height, source, form)
    if CROP_COLUMNS[0] not in images.columns:
        return whole
    edges = (images[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in CROP_COLUMNS)
    left, top, right, bottom = edges
    cut = np.isfinite(left + top + right + bottom)
    across, down = kept_length(left, right, width), kept_length(top, bottom, height)
    return np.where(cut, encoded_image_bytes(across, down, form), whole)


def _image_bytes(images: pl.DataFrame | None, pixels: Pixels | None) -> int:
    if images is None or pixels is None:
        return 0
    return int(_estimates(images, pixels.form).sum())


def _mean_row_bytes(frame: pl.DataFrame) -> int:
    """Mean plain bytes of a row, rounded up."""
    total = sum(
        value_bytes(column)
        for piece in frame.iter_slices(_ROWS_AT_ONCE)
        for batch in _to_arrow(piece).to_batches()
        for column in batch.columns
    )
    return -(-total // max(1, frame.height))


def _slices(
    frame: pl.DataFrame, sizes: npt.NDArray[np.int64], limit: int
) -> list[tuple[str, int, int]]:
    """(split, first row, last row + 1) of each shard."""
    keys = frame["key"].to_numpy()
    runs = frame["split"].rle().struct.unnest()
    slices: list[tuple[str, int, int]] = []
    start = 0
    for split, length in zip(runs["value"].to_list(), runs["len"].to_list(), strict=True):
        stop = start + length
        slices += [
            (split, start + first, start + last)
            for first, last in cut(keys[start:stop], sizes[start:stop], limit)
        ]
        start = stop
    return slices


def _stems(slices: Sequence[tuple[str, int, int]]) -> list[str]:
    """`train-00000-of-00002` and so on, one for each slice; those of a split stand together."""
    totals = Counter(split for split, _, _ in slices)
    seen: Counter[str] = Counter()
    stems: list[str] = []
    for split, _, _ in slices:
        stems.append(f"{split}-{seen[split]:05d}-of-{totals[split]:05d}")
        seen[split] += 1
    return stems


def _to_arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


@contextmanager
def _part_file(
    path: Path, columns: pl.Schema, schema: pa.Schema
) -> Iterator[Callable[[pl.DataFrame], int]]:
    """What adds rows to an Arrow file as a record batch, and says which number it has.

    They get the types of the shards' schema. The file stands at `path` when all is added.
    """
    fields = [field for field in schema if field.name in columns]
    fields += [
        pa.field(name, _OWN_TYPES.get(dtype, pa.string()))
        for name, dtype in columns.items()
        if name.startswith("@")
    ]
    part_schema = pa.schema(fields)
    numbers = count()

    with atomic_file(path) as file, pa.ipc.new_file(file, part_schema) as writer:

        def add(rows: pl.DataFrame) -> int:
            # Column by column: what conversion and cast take beside the result is small.
            arrays = [
                _to_arrow(rows.select(field.name)).column(0).cast(field.type).combine_chunks()
                for field in part_schema
            ]
            writer.write_batch(pa.record_batch(arrays, schema=part_schema))
            return next(numbers)

        yield add


def _identity(layout: Layout) -> dict[str, Any]:
    """What decides the bytes of every shard beside its rows."""
    pixels = layout.pixels
    versions: dict[str, str | int | None] = {
        "writer": WRITER_VERSION,
        "pyarrow": pa.__version__,
    }
    if pixels is not None:
        versions |= library_versions(pixels.form)
    return {
        "schema": layout.schema.serialize().to_pybytes().hex(),
        "image": pixels and {"column": pixels.column, **asdict(pixels.form)},
        "options": asdict(layout.options),
        "versions": versions,
    }


def _digest_rows(digest: hashlib._Hash, frame: pl.DataFrame) -> None:
    """Add every row as JSON, less where its image lies."""
    named = frame.drop(ROOT, LOCATION, MEMBER, *KEPT, strict=False)
    for piece in named.iter_slices(_ROWS_AT_ONCE):
        text = io.BytesIO()
        piece.write_ndjson(text)
        digest.update(text.getbuffer())
