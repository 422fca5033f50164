"""Pictures as JPEG holds them: brightness and two colour differences, each in a plane of its own.

Reduced plane by plane they are never made RGB, and the coarser colours of most JPEGs are never
blown up: half of the work of a reduction, and nothing is lost, since what is written is a JPEG.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from artcurate.images.lanczos import Axis, Plane
from artcurate.images.reduction import reduce_plane


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture in YCbCr (full range, ITU-T T.871).

    size: width and height in pixels.
    sampling: how many pixels one sample of a colour spans, across and down: (2, 2) for 4:2:0. The
        samples lie in the middle of their pixels.
    luma: uint8 (height, width), padded to a multiple of the sampling.
    chroma: blue and red difference, uint8 (height, width) over the sampling, rounded up; none
        where the picture is grey.
    """

    size: tuple[int, int]
    sampling: tuple[int, int]
    luma: Plane
    chroma: tuple[Plane, ...]

    @property
    def brightness(self) -> Plane:
        """The luma without its padding, uint8 (height, width)."""
        width, height = self.size
        return self.luma[:height, :width]


#: A picture ready to be written.
Picture = Image.Image | Planes


def to_image(planes: Planes) -> Image.Image:
    """Planes whose colours are as fine as their brightness, in mode RGB; grey ones in mode L."""
    layers = [Image.fromarray(plane) for plane in (planes.luma, *planes.chroma)]
    return Image.merge("YCbCr", layers).convert("RGB") if planes.chroma else layers[0]


@dataclass(frozen=True, slots=True)
class _Turn:
    """An EXIF orientation: mirrored along an axis or both as stored, then axes exchanged."""

    across: bool = False
    down: bool = False
    exchanged: bool = False


_TURNS = {
    1: _Turn(),
    2: _Turn(across=True),
    3: _Turn(across=True, down=True),
    4: _Turn(down=True),
    5: _Turn(exchanged=True),
    6: _Turn(down=True, exchanged=True),
    7: _Turn(across=True, down=True, exchanged=True),
    8: _Turn(across=True, exchanged=True),
}


def reduce_planes(
    planes: Planes,
    extent: tuple[float, float],
    target: tuple[int, int],
    *,
    orientation: int,
    sampling: tuple[int, int],
) -> Planes:
    """The picture as `target` pixels (width and height as stored), turned upright.

    extent: width and height of the picture in pixels of the planes; less than their size where a
        decoder rounded up.
    orientation: the EXIF orientation to be applied, 1 to 8.
    sampling: of the result, across and down as stored.
    """
    turn = _TURNS[orientation]

    def reduced(plane: Plane, before: tuple[int, int], after: tuple[int, int]) -> Plane:
        """The plane, one of whose samples spans `before` pixels, in samples that span `after`."""
        columns = _axis(
            plane.shape[1], extent[0] / before[0], target[0], after[0], mirrored=turn.across
        )
        rows = _axis(plane.shape[0], extent[1] / before[1], target[1], after[1], mirrored=turn.down)
        result = reduce_plane(plane, rows, columns)
        return np.ascontiguousarray(result.T) if turn.exchanged else result

    luma = reduced(planes.brightness, (1, 1), (1, 1))
    chroma = tuple(reduced(plane, planes.sampling, sampling) for plane in planes.chroma)
    if turn.exchanged:
        target, sampling = target[::-1], sampling[::-1]
    return Planes(target, sampling, _padded(luma, sampling), chroma)


def _axis(length: int, extent: float, target: int, span: int, *, mirrored: bool) -> Axis:
    """The axis of a plane of `length` samples, `extent` of them picture.

    span: pixels of the target, `target` of them along the axis, for each sample wanted.
    """
    count, step = -(-target // span), extent / target * span
    return Axis(length, count, -step, extent) if mirrored else Axis(length, count, step)


def _padded(plane: Plane, sampling: tuple[int, int]) -> Plane:
    height, width = plane.shape
    right, below = -width % sampling[0], -height % sampling[1]
    return np.pad(plane, ((0, below), (0, right)), mode="edge") if right or below else plane
