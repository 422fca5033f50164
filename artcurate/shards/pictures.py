"""The images of a shard: read, checked against the plan, and put into their final form."""

from __future__ import annotations

import hashlib
import os
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from artcurate.errors import DataError
from artcurate.images.crop import Crop
from artcurate.images.faults import Fault
from artcurate.images.packs import Packed, read_picture
from artcurate.images.storage import ImageReader
from artcurate.images.transform import Transformed, transform
from artcurate.net.paths import AnyPath
from artcurate.shards.task import Pixels

#: A reason beside those of `FaultReason`.
CHANGED = "changed"

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_ROW = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image lies below the root named `root`, and what the probe found there.

    bytes: of the file or member. pixels: width times height. crop: what to keep of it. kept: where
    the whole of it lies in its final form, made when it was probed.
    """

    root: str
    location: str
    member: str | None
    sha256: str
    bytes: int
    pixels: int
    crop: Crop | None = None
    kept: Packed | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of an image as its shard holds them, and the suffix of its name."""

    data: bytes
    suffix: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an image cannot stand in its shard: a reason in snake_case and a sentence."""

    reason: str
    detail: str


class Pictures:
    """Fetches images below the roots of `pixels`; a context manager that closes containers.

    The budgets of the probe stand: an image with the probe's sha256 has passed them, and nothing
    larger than `max_bytes`, the largest image the probe let pass, is read.
    """

    def __init__(self, pixels: Pixels, max_bytes: int) -> None:
        self._form = pixels.form
        self._max_bytes = max_bytes
        self._roots = dict(pixels.roots)
        self._readers: dict[str, ImageReader] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def fetch(self, place: Place) -> Picture | Unusable:
        """The image at `place`, in the form asked for: as it was kept, else made from its file.

        Raises DataError when the whole root has gone.
        """
        if place.kept is not None and place.crop is None:
            kept = read_picture(place.kept)
            if kept is not None:
                return Picture(kept, _SUFFIXES["JPEG"])
        data = self._reader(place.root).read(place.location, place.member)
        if isinstance(data, Fault):
            _require_root(self._roots[place.root])
            return Unusable(data.reason.value, data.detail)
        if hashlib.sha256(data).hexdigest() != place.sha256:
            return Unusable(CHANGED, "The file changed after it was probed.")
        image = transform(data, self._form, max_pixels=place.pixels, crop=place.crop)
        if isinstance(image, Fault):
            return Unusable(image.reason.value, image.detail)
        return Picture(image.data, _suffix(image))

    def _reader(self, root: str) -> ImageReader:
        if root not in self._readers:
            reader = ImageReader(self._roots[root], max_bytes=self._max_bytes)
            self._readers[root] = self._opened.enter_context(reader)
        return self._readers[root]


def _suffix(image: Transformed) -> str:
    return _SUFFIXES[image.format]


def _require_root(root: AnyPath) -> None:
    """Tell a picture that cannot be read from a disk that is gone."""
    if not isinstance(root, Path):
        return  # `ImageReader` has asked for it already.
    try:
        if root.is_file() or any(root.iterdir()):
            return
    except OSError:
        pass
    raise DataError(
        f"{root}: the images have gone away while they were read; bring the folder or its disk "
        "back and run the same command again, which goes on from the finished shards."
    )


class AttemptLog:
    """Notes in a file which row a writer is at, so that its death can be laid to an image.

    Each attempt to write a shard appends one entry and keeps it up to date; the page cache keeps
    it when the process is killed. A context manager that removes the file after a success.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        size = os.fstat(self._handle).st_size
        self._offset = size - size % _ROW.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._handle)
        self._path.unlink(missing_ok=True)

    def at(self, row: int) -> None:
        """Note that `row` is next."""
        os.pwrite(self._handle, _ROW.pack(row), self._offset)


def culprit(attempts: Path, deaths: int) -> int | None:
    """The row at which each of the last `deaths` attempts ended, or None where they differ."""
    try:
        noted = attempts.read_bytes()
    except FileNotFoundError:
        return None
    whole = len(noted) - len(noted) % _ROW.size
    rows = [row for (row,) in _ROW.iter_unpack(noted[:whole])][-deaths:]
    return rows[0] if len(rows) == deaths and len(set(rows)) == 1 else None
