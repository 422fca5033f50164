"""The pictures of a built dataset, decoded one at a time from its shards."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from PIL import Image

from artcurate.errors import DataError
from artcurate.images.decode import decode, upright
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.parquet import ParquetImages

_GREY = (128, 128, 128)
_GREY_SIDE = 64
_NO_PICTURE = b"a grey picture that stands for none"


class ShardPictures:
    """Unique pictures by their place in shards, and a grey one at the end that stands for none.

    Places are cheap to decode in rising order. Safe for several threads: bytes are read one after
    another, pixels are decoded side by side.
    """

    def __init__(self, shards: Sequence[Path], rows: Sequence[tuple[int, int]]) -> None:
        """shards: Parquet files with a column `image`; rows: shard and 0-based row per picture."""
        self._shards = tuple(shards)
        self._rows = tuple(rows)
        self._open: dict[int, ParquetImages] = {}
        self._reading = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows) + 1

    def decode(self, place: int, *, min_side: int | None = None) -> Image.Image | Fault:
        """The picture at `place`, upright and RGB, or why it cannot be used; see `Pictures`."""
        if place == len(self._rows):
            return Image.new("RGB", (_GREY_SIDE, _GREY_SIDE), _GREY)
        data = self.read(place)
        if data is None:
            return Fault(FaultReason.EMPTY_FILE, "The row holds no picture.")
        decoded = decode(data, min_side=min_side)
        if isinstance(decoded, Fault):
            return decoded
        return upright(decoded.image, decoded.turn).convert("RGB")

    def digest(self, place: int) -> bytes:
        """The sha256 of the encoded bytes at `place`, of none where the row has none."""
        stands_for_none = place == len(self._rows)
        data = _NO_PICTURE if stands_for_none else self.read(place) or b""
        return hashlib.sha256(data).digest()

    def read(self, place: int) -> bytes | None:
        """The encoded bytes of the picture at `place`; None where the row has none.

        Raises DataError when the shard cannot be read.
        """
        shard, row = self._rows[place]
        with self._reading:
            try:
                if shard not in self._open:
                    self._open[shard] = ParquetImages(str(self._shards[shard]))
                return self._open[shard].read(row)
            except (pa.ArrowException, OSError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise DataError(
                    f"{self._shards[shard]}: row {row + 1} cannot be read ({reason})."
                ) from None
