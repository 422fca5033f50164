"""Lanczos reduction of one plane of 8-bit samples, as products with banded matrices.

The matrix product is the one vectorised kernel that numpy brings to every machine. It adds in
whatever order and on as many threads as its library likes, so the weights are whole numbers (over
a power of two) small enough that no sum passes 2^24, up to which float32 holds every whole number:
the result is the same bit for bit, whatever the library and the processor. It differs from
Pillow's Lanczos filter by 1 at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
_Floats = NDArray[np.float32]

_LOBES = 3
#: Bits after the point of the weights along columns, of what they give, and of the weights along
#: rows. The weights of a sample are absolutely less than 2 in sum, so 255 * 2 * 2^14 and
#: 255 * 2 * 2 * 2^(3 + 11) bound the sums: both less than 2^24.
_COLUMN_BITS, _BETWEEN_BITS, _ROW_BITS = 14, 3, 11

#: Samples that share a matrix: the more, the fewer products, and the more zeros in them.
_COLUMN_BLOCK, _ROW_BLOCK = 8, 16
#: Multiplications in one product at most. OpenBLAS gives larger ones to several threads, which
#: workers that share the cores among them do not want, and which such small ones only slow down.
_MULTIPLICATIONS = 2**19


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the samples wanted along one axis lie among those there are.

    length: how many there are; each is 1 long.
    count: how many are wanted.
    step: length of a wanted sample; negative where they run from the last to the first.
    start: where the first wanted sample begins.
    """

    length: int
    count: int
    step: float
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class _Bands:
    """The weights of all samples wanted along an axis, as many of them to a band.

    lows: for each band, the first sample there is that it needs.
    weights: float32, (bands, wanted, there); 0 beyond the last sample wanted.
    """

    count: int
    lows: tuple[int, ...]
    weights: _Floats

    @property
    def block(self) -> int:
        """How many samples wanted a band gives; the last one may give fewer."""
        return int(self.weights.shape[1])

    def band(self, number: int) -> tuple[slice, slice, _Floats]:
        """The samples wanted that band `number` gives, those there are, and their weights."""
        first, low = number * self.block, self.lows[number]
        wanted = slice(first, min(first + self.block, self.count))
        weights = self.weights[number, : wanted.stop - first]
        return wanted, slice(low, low + weights.shape[1]), weights


def reduce_plane(plane: Plane, rows: Axis, columns: Axis) -> Plane:
    """The samples wanted along both axes of `plane`, uint8 (rows.count, columns.count).

    Source of the filter: Lanczos window of three lobes, stretched where it reduces, normalised
    over the samples that exist, as in Pillow's `Image.resize`.
    """
    downwards = _bands(rows, _COLUMN_BITS, _BETWEEN_BITS, _COLUMN_BLOCK)
    across = _bands(columns, _ROW_BITS, -_BETWEEN_BITS, _ROW_BLOCK)
    result = np.empty((rows.count, columns.count), np.uint8)
    # In strips, so that what lies between the two passes stays small.
    run = max(1, _MULTIPLICATIONS // across.weights[0].size // downwards.block)
    bands = range(len(downwards.lows))
    for first in range(0, len(bands), run):
        between, top = _weigh_columns(plane, downwards, bands[first : first + run])
        wanted = _weigh_rows(between, across)
        result[top : top + len(wanted)] = np.clip(wanted, 0, 255, out=wanted)
    return result


def _weigh_columns(plane: Plane, bands: _Bands, numbers: range) -> tuple[_Floats, int]:
    """Some of the rows wanted, in full width, and which one is the first of them."""
    width, span = plane.shape[1], bands.weights.shape[2]
    top, bottom = bands.band(numbers[0])[0].start, bands.band(numbers[-1])[0].stop
    result = np.empty((bottom - top, width), np.float32)
    source = np.empty((span, width), np.float32)
    tile = max(1, _MULTIPLICATIONS // bands.weights[0].size)
    for number in numbers:
        wanted, there, weights = bands.band(number)
        np.copyto(source, plane[there])
        rows = result[wanted.start - top : wanted.stop - top]
        for left in range(0, width, tile):
            part = slice(left, left + tile)
            np.matmul(weights, source[:, part], out=rows[:, part])
        np.rint(rows, out=rows)
    return result, top


def _weigh_rows(between: _Floats, bands: _Bands) -> _Floats:
    result = np.empty((len(between), bands.count), np.float32)
    for number in range(len(bands.lows)):
        wanted, there, weights = bands.band(number)
        np.matmul(between[:, there], weights.T, out=result[:, wanted])
    return np.rint(result, out=result)


@lru_cache(maxsize=8)
def _bands(axis: Axis, bits: int, left_over: int, block: int) -> _Bands:
    """The weights of all samples wanted, `block` of them to a band.

    They are multiples of 2^-bits that add up to 1, times 2^left_over.
    """
    first, weights = _weights(axis)
    whole = np.rint(weights * 2.0**bits)
    most = weights.argmax(axis=1)
    whole[np.arange(axis.count), most] += 2.0**bits - whole.sum(axis=1)
    # Where the axis runs backwards, the last sample of a block begins first.
    starts = np.arange(0, axis.count, block)
    lows = np.minimum.reduceat(first, starts)
    reach = weights.shape[1]
    span = min(axis.length, int((np.maximum.reduceat(first, starts) - lows).max()) + reach)
    lows = np.minimum(lows, axis.length - span)
    padded = np.zeros((len(starts) * block, span + reach))
    places = (first - lows.repeat(block)[: axis.count])[:, None] + np.arange(reach)
    np.put_along_axis(padded[: axis.count], places, whole, axis=1)
    scaled = (padded[:, :span] * 2.0 ** (left_over - bits)).astype(np.float32)
    return _Bands(axis.count, tuple(lows.tolist()), scaled.reshape(len(starts), block, span))


def _weights(axis: Axis) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each sample wanted: the first one it is made of, and the weights from there on.

    Weights beyond the filter's reach or the last sample are 0.
    """
    centre = axis.start + axis.step * (np.arange(axis.count) + 0.5)
    stretch = max(abs(axis.step), 1.0)
    first = np.clip(np.floor(centre - _LOBES * stretch + 0.5), 0, None).astype(np.int64)
    end = np.clip(np.floor(centre + _LOBES * stretch + 0.5), None, axis.length).astype(np.int64)
    places = first[:, None] + np.arange((end - first).max())
    distance = (places + 0.5 - centre[:, None]) / stretch
    weights = _lanczos(distance)
    weights[places >= end[:, None]] = 0
    return first, weights / weights.sum(axis=1, keepdims=True)


def _lanczos(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """sinc(x) sinc(x / 3), by sin(3 a) = sin(a) (3 - 4 sin(a)^2) with one sine instead of two."""
    angle = distance * (np.pi / _LOBES)
    square = np.sin(angle) ** 2
    zero = angle == 0
    angle[zero] = 1
    value: NDArray[np.float64] = square * (3 - 4 * square) / (_LOBES * angle**2)
    value[zero] = 1
    return value
