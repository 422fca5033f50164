"""Images embedded in a Parquet file, read row by row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

COLUMN = "image"

#: Rows decoded at a time: what is held in memory is this many images, not a row group.
_BATCH_ROWS = 16


class ParquetImages:
    """The column `image` of a Parquet file: a struct with `bytes`, or plain binary.

    Rows are cheap to read in rising order; going back starts the row group again.

    source: a path, or an open file, which is closed with this.

    Raises ValueError where the file has no such column, and pyarrow's errors where it is broken.
    """

    def __init__(self, source: str | pa.NativeFile) -> None:
        self._file = pq.ParquetFile(source, pre_buffer=False, buffer_size=2**20)
        try:
            self._leaf = _bytes_leaf(self._file.schema_arrow)
        except ValueError:
            self.close()
            raise
        groups = self._file.metadata
        sizes = (groups.row_group(index).num_rows for index in range(groups.num_row_groups))
        self._starts: list[int] = list(accumulate(sizes, initial=0))
        self._group = -1
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._batch: pa.Array | None = None
        self._batch_start = 0

    def __len__(self) -> int:
        return self._starts[-1]

    def close(self) -> None:
        # By itself it leaves open what it did not open.
        self._file.close(force=True)

    def read(self, row: int) -> bytes | None:
        """The image of 0-based `row`, or None where it is null.

        Raises IndexError beyond the last row.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a file with {len(self)} rows")
        group = bisect_right(self._starts, row) - 1
        if group != self._group or row < self._batch_start:
            self._start_group(group)
        while self._batch is None or row >= self._batch_start + len(self._batch):
            self._next_batch()
        value: bytes | None = self._batch[row - self._batch_start].as_py()
        return value

    def _start_group(self, group: int) -> None:
        self._group = group
        self._batches = self._file.iter_batches(
            _BATCH_ROWS, row_groups=[group], columns=[self._leaf], use_threads=False
        )
        self._batch = None
        self._batch_start = self._starts[group]

    def _next_batch(self) -> None:
        if self._batch is not None:
            self._batch_start += len(self._batch)
        try:
            column = next(self._batches).column(0)
        except StopIteration:
            raise IndexError(f"row group {self._group} holds fewer rows than it declares") from None
        self._batch = column.field("bytes") if pa.types.is_struct(column.type) else column


def _bytes_leaf(schema: pa.Schema) -> str:
    if COLUMN in schema.names:
        kind = schema.field(COLUMN).type
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return COLUMN
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return f"{COLUMN}.bytes"
    raise ValueError(f"no column {COLUMN!r} of binary or struct<bytes, path>")
