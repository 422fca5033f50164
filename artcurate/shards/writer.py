"""One task, one Parquet file: the same bytes wherever and however often it is written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artcurate.engines.reports import report
from artcurate.files import atomic_file, file_system_errors, sha256_of
from artcurate.images.crop import Crop
from artcurate.images.packs import Packed
from artcurate.shards.pictures import AttemptLog, Picture, Pictures, Place, Unusable
from artcurate.shards.pipelining import HashingSink, ahead
from artcurate.shards.sizes import value_bytes
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
    RowFailure,
    ShardRecord,
    ShardTask,
    WriterOptions,
    load_record,
    save_record,
)

#: A level beyond which text shrinks little and takes several times as long.
_ZSTD_LEVEL = 3
#: Pages of images end after this many bytes, which is after each image unless they are tiny: an
#: image then keeps its page whatever its neighbours are, and is never copied into a larger one.
_IMAGE_PAGE_BYTES = 16 << 10
#: How many images are fetched while earlier ones are written.
_AHEAD = 2
#: What `datasets` uses (config.DEFAULT_CDC_OPTIONS) and writes beside the shard's schema.
_CHUNKING = {"min_chunk_size": 256 << 10, "max_chunk_size": 1 << 20, "norm_level": 0}


def write_shard(task: ShardTask) -> ShardRecord:
    """Write the shard of `task`, or find that it is finished.

    It is finished when its record has the task's fingerprint and names no failure, and the file
    has the record's size and sha256. A row whose image cannot be had is left out and stands in
    the record's `failures`; the rows that remain keep their order. At most one row group is held
    in memory.

    Raises DataError when the shard cannot be written (no space, a folder that went away) or the
    whole root of the images has gone.
    """
    finished = find_finished(task)
    if finished is not None:
        return finished
    failures: list[RowFailure] = []
    with atomic_file(task.path, cached=False) as file, HashingSink(file) as sink:
        written = _write(sink, task, _row_groups(task, failures))
    record = ShardRecord(
        fingerprint=task.fingerprint,
        name=task.name,
        config=task.config,
        split=task.split,
        rows=written,
        bytes=sink.tell(),
        sha256=sink.hexdigest(),
        failures=tuple(failures),
    )
    save_record(task.record, record)
    return record


def find_finished(task: ShardTask) -> ShardRecord | None:
    """The record of the shard of `task` where it stands on disk, whole and without failures."""
    record = load_record(task.record)
    if record is None or record.failures:
        return None
    if (record.fingerprint, record.name) != (task.fingerprint, task.name):
        return None
    try:
        if task.path.stat().st_size != record.bytes or sha256_of(task.path) != record.sha256:
            return None
    except OSError:
        return None
    return record


def read_rows(task: ShardTask) -> pa.RecordBatch:
    """The planned rows of `task`. Raises DataError where its part file cannot be read."""
    with file_system_errors(task.part), pa.memory_map(str(task.part)) as source:
        return _joined(list(_batches(task, source)))


def _batches(task: ShardTask, source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    """The planned rows of `task`, in the pieces in which they lie in its part file `source`."""
    part = pa.ipc.open_file(source)
    for number in task.batches:
        yield part.get_batch(number)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _write(sink: HashingSink, task: ShardTask, groups: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    with open_parquet(sink, task.schema, task.pixels, task.options) as writer:
        for group in groups:
            before = sink.tell()
            writer.write_batch(group, row_group_size=max(1, group.num_rows))
            rows += group.num_rows
            if task.pixels is None:
                report(group.num_rows, size=sink.tell() - before)
    return rows


def open_parquet(
    sink: HashingSink | BinaryIO, schema: pa.Schema, pixels: Pixels | None, options: WriterOptions
) -> pq.ParquetWriter:
    """A Parquet writer: images plain and uncompressed, everything else zstd with a dictionary.

    The page index is there; page checksums are not, since the sha256 of each shard covers them
    and they cost a fifth of the time on images.
    """
    image = "" if pixels is None else f"{pixels.column}.bytes"
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field.type)]
    others = [leaf for leaf in leaves if leaf != image]
    chunking = _CHUNKING if options.content_defined_chunking else False
    pages = {} if pixels is None else {"write_batch_size": 1, "data_page_size": _IMAGE_PAGE_BYTES}
    writer = pq.ParquetWriter(
        sink,
        schema,
        compression={leaf: "NONE" if leaf == image else "ZSTD" for leaf in leaves},
        compression_level=dict.fromkeys(others, _ZSTD_LEVEL),
        use_dictionary=others,
        write_statistics=others,
        write_page_index=True,
        use_content_defined_chunking=chunking,
        **pages,
    )
    if chunking:
        writer.add_key_value_metadata({"content_defined_chunking": json.dumps(chunking)})
    return writer


def _leaves(path: str, dtype: pa.DataType) -> list[str]:
    """Parquet's names of the columns below `path`, as pyarrow's writer wants them."""
    if pa.types.is_struct(dtype):
        return [leaf for field in dtype for leaf in _leaves(f"{path}.{field.name}", field.type)]
    if pa.types.is_list(dtype):
        return _leaves(f"{path}.list.element", dtype.value_type)
    return [path]


def _row_groups(task: ShardTask, failures: list[RowFailure]) -> Iterator[pa.RecordBatch]:
    if task.pixels is None:
        return _table_groups(task)
    return _image_groups(task, task.pixels, failures)


def _table_groups(task: ShardTask) -> Iterator[pa.RecordBatch]:
    """Row groups of text, for which the part file is read twice: it may be larger than memory."""
    with file_system_errors(task.part), pa.OSFile(str(task.part)) as source:
        names = task.schema.names
        size = sum(
            value_bytes(batch.column(name)) for batch in _batches(task, source) for name in names
        )
        fitting = task.options.row_group_bytes * task.rows // max(1, size)
        step = max(1, min(task.options.row_group_rows, fitting))
        plain = (batch.select(names).cast(task.schema) for batch in _batches(task, source))
        yield from _regrouped(plain, step)


def _regrouped(batches: Iterable[pa.RecordBatch], step: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of `step`; the last one may have fewer."""
    held: list[pa.RecordBatch] = []
    missing = step
    for batch in batches:
        rest = batch
        while rest.num_rows:
            piece = rest.slice(0, missing)
            rest = rest.slice(piece.num_rows)
            held.append(piece)
            missing -= piece.num_rows
            if not missing:
                yield _joined(held)
                held, missing = [], step
    if held:
        yield _joined(held)


def _image_groups(
    task: ShardTask, pixels: Pixels, failures: list[RowFailure]
) -> Iterator[pa.RecordBatch]:
    with file_system_errors(task.part), pa.memory_map(str(task.part)) as source:
        rows = list(_batches(task, source))
    group = _ImageGroup(task.schema, pixels.column, task.options, rows)
    max_bytes = max(pc.max(batch.column(BYTES)).as_py() for batch in rows)
    with AttemptLog(task.attempts) as attempts, Pictures(pixels, max_bytes) as pictures:

        def fetch(row: int, row_id: str, place: Place) -> tuple[int, str, Picture | Unusable]:
            attempts.at(row)
            return row, row_id, pictures.fetch(place)

        places = enumerate(chain.from_iterable(_places(batch, pixels.packs) for batch in rows))
        planned = ((row, row_id, place) for row, (row_id, place) in places)
        for row, row_id, picture in ahead(fetch, planned, depth=_AHEAD):
            if isinstance(picture, Unusable):
                failures.append(RowFailure(row_id, picture.reason, picture.detail))
                report()
                continue
            report(size=len(picture.data))
            if not group.has_room(len(picture.data)):
                yield group.take()
            group.add(row, picture)
    if len(group):
        yield group.take()


def _places(rows: pa.RecordBatch, packs: Path | None) -> Iterator[tuple[str, Place]]:
    """For each row its id and where its image lies."""
    names = (ROW_ID, ROOT, LOCATION, MEMBER, SHA256, BYTES, PIXELS)
    ids, *columns = (rows.column(name).to_pylist() for name in names)
    places = map(Place, *columns, _crops(rows), _kept(rows, packs))
    return zip(ids, places, strict=True)


def _crops(rows: pa.RecordBatch) -> Iterable[Crop | None]:
    """The crop of each row; one that lacks some of its edges keeps nothing of its image."""
    if CROP[0] not in rows.schema.names:
        return [None] * rows.num_rows
    boxes = zip(*(rows.column(name).to_pylist() for name in CROP), strict=True)
    return (
        None if edges == (None,) * 4 else Crop(*(math.nan if e is None else e for e in edges))
        for edges in boxes
    )


def _kept(rows: pa.RecordBatch, packs: Path | None) -> Iterable[Packed | None]:
    """Where in `packs` the picture of each row lies."""
    if packs is None or KEPT[0] not in rows.schema.names:
        return [None] * rows.num_rows
    places = zip(*(rows.column(name).to_pylist() for name in KEPT), strict=True)
    return (
        None if name is None else Packed(packs / name, offset, size, sha256)
        for name, offset, size, sha256 in places
    )


class _ImageGroup:
    """A row group in the making. One buffer serves all row groups of a shard."""

    def __init__(
        self,
        schema: pa.Schema,
        column: str,
        options: WriterOptions,
        rows: Sequence[pa.RecordBatch],
    ) -> None:
        self._schema = schema
        self._column = column
        self._options = options
        self._rows = rows
        self._buffer = bytearray(options.row_group_bytes)
        self._clear()

    def _clear(self) -> None:
        self._kept: list[int] = []
        self._suffixes: list[str] = []
        self._offsets = [0]

    def __len__(self) -> int:
        return len(self._kept)

    def has_room(self, size: int) -> bool:
        """Whether an image of `size` bytes may join; the first of a group always may."""
        if not self._kept:
            return True
        fits = self._offsets[-1] + size <= self._options.row_group_bytes
        return fits and len(self._kept) < self._options.row_group_rows

    def add(self, row: int, picture: Picture) -> None:
        start = self._offsets[-1]
        stop = start + len(picture.data)
        if stop > len(self._buffer):
            # Only the first image of a group can be too long: nothing else is lost.
            self._buffer = bytearray(stop)
        self._buffer[start:stop] = picture.data
        self._offsets.append(stop)
        self._kept.append(row)
        self._suffixes.append(picture.suffix)

    def take(self) -> pa.RecordBatch:
        """The finished group, valid until the next row is added; an empty one begins."""
        rows = self._kept_rows()
        images = self._images(rows.column(STEM).to_pylist())
        arrays = [
            images if name == self._column else rows.column(name) for name in self._schema.names
        ]
        self._clear()
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _kept_rows(self) -> pa.RecordBatch:
        """The rows of the group, copied from the pieces in which they lie."""
        kept = np.array(self._kept)
        starts = np.cumsum([0, *(batch.num_rows for batch in self._rows)])
        bounds = np.searchsorted(kept, starts)
        return _joined(
            [
                batch.take(pa.array(kept[first:last] - start))
                for batch, start, first, last in zip(
                    self._rows, starts, bounds, bounds[1:], strict=False
                )
                if first < last
            ]
        )

    def _images(self, stems: list[str]) -> pa.StructArray:
        offsets = pa.py_buffer(np.array(self._offsets, dtype=np.int32))
        buffers = [None, offsets, pa.py_buffer(self._buffer)]
        data = pa.Array.from_buffers(pa.binary(), len(self), buffers)
        paths = [stem + suffix for stem, suffix in zip(stems, self._suffixes, strict=True)]
        fields = list(self._schema.field(self._column).type)
        return pa.StructArray.from_arrays([data, pa.array(paths, pa.string())], fields=fields)
