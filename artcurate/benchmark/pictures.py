"""The pictures of a built dataset, decoded one at a time from its shards or from a copy."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from PIL import Image

from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder
from artcurate.images.decode import decode, upright
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.parquet import ParquetImages

_GREY = (128, 128, 128)
_GREY_SIDE = 64
_NO_PICTURE = b"a grey picture that stands for none"


class EncodedPictures(ABC):
    """Unique pictures by their place, and a grey one at the end that stands for none."""

    def __init__(self, count: int) -> None:
        """count: pictures, without the grey one."""
        self._count = count

    def __len__(self) -> int:
        return self._count + 1

    @abstractmethod
    def read(self, place: int) -> bytes | None:
        """The encoded bytes of the picture at `place`, not the grey one; None where there is none.

        Raises DataError when they cannot be read.
        """

    def decode(self, place: int, *, min_side: int | None = None) -> Image.Image | Fault:
        """The picture at `place`, upright and RGB, or why it cannot be used; see `Pictures`."""
        if place == self._count:
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
        stands_for_none = place == self._count
        data = _NO_PICTURE if stands_for_none else self.read(place) or b""
        return hashlib.sha256(data).digest()


class ShardPictures(EncodedPictures):
    """The pictures in the shards of a dataset.

    Places are cheap to read in rising order; going back reads a row group from its start. Safe for
    several threads: bytes are read one after another, pixels are decoded side by side.
    """

    def __init__(self, shards: Sequence[Path], rows: Sequence[tuple[int, int]]) -> None:
        """shards: Parquet files with a column `image`; rows: shard and 0-based row per picture."""
        super().__init__(len(rows))
        self._shards = tuple(shards)
        self._rows = tuple(rows)
        self._open: dict[int, ParquetImages] = {}
        self._reading = threading.Lock()

    def read(self, place: int) -> bytes | None:
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

    def copied(self, folder: Path) -> CopiedPictures:
        """The same pictures in a file of this process in `folder`, cheap to read in any order.

        Raises DataError when a shard cannot be read, or there is no room for the copy.
        """
        return CopiedPictures(self, self._count, folder)


class CopiedPictures(EncodedPictures):
    """Encoded pictures end to end in a file without a name, which is gone with the process."""

    def __init__(self, source: ShardPictures, count: int, folder: Path) -> None:
        super().__init__(count)
        make_folder(folder)
        self._places: list[tuple[int, int] | None] = []
        with file_system_errors(folder):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
            end = 0
            for place in range(count):
                data = source.read(place)
                if data is None:
                    self._places.append(None)
                    continue
                self._file.write(data)
                self._places.append((end, len(data)))
                end += len(data)
            self._file.flush()

    def read(self, place: int) -> bytes | None:
        found = self._places[place]
        if found is None:
            return None
        start, size = found
        return os.pread(self._file.fileno(), size, start)
