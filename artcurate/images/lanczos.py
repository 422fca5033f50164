"""Lanczos reduction of one plane of 8-bit samples, as products with banded matrices.

The matrix product is the one vectorised kernel that numpy brings to every machine. It adds in
whatever order and on as many threads as its library likes, so the weights are whole numbers (over
a power of two) small enough that no sum passes 2^24, up to which float32 holds every whole number:
the result is the same bit for bit, whatever the library and the processor. It differs from
Pillow's Lanczos filter by 1 at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

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


class _Band(NamedTuple):
    """Some samples wanted along an axis: which, made of which of those there are, how weighted.

    weights: float32, (there, wanted).
    """

    wanted: slice
    there: slice
    weights: _Floats


def reduce_plane(plane: Plane, rows: Axis, columns: Axis) -> Plane:
    """The samples wanted along both axes of `plane`, uint8 (rows.count, columns.count).

    Source of the filter: Lanczos window of three lobes, stretched where it reduces, normalised
    over the samples that exist, as in Pillow's `Image.resize`.
    """
    downwards = _bands(rows, _COLUMN_BITS, _BETWEEN_BITS, _COLUMN_BLOCK)
    across = _bands(columns, _ROW_BITS, -_BETWEEN_BITS, _ROW_BLOCK)
    result = np.empty((rows.count, columns.count), np.uint8)
    # In strips, so that what lies between the two passes stays small.
    run = max(1, _MULTIPLICATIONS // across[0].weights.size // _COLUMN_BLOCK)
    for first in range(0, len(downwards), run):
        between, top = _weigh_columns(plane, downwards[first : first + run])
        wanted = _weigh_rows(between, across, columns.count)
        result[top : top + len(wanted)] = np.clip(wanted, 0, 255, out=wanted)
    return result


def _weigh_columns(plane: Plane, bands: Sequence[_Band]) -> tuple[_Floats, int]:
    """Some of the rows wanted, in full width, and which one is the first of them."""
    width, span = plane.shape[1], len(bands[0].weights)
    top, bottom = bands[0].wanted.start, bands[-1].wanted.stop
    result = np.empty((bottom - top, width), np.float32)
    source = np.empty((span, width), np.float32)
    tile = max(1, _MULTIPLICATIONS // bands[0].weights.size)
    for band in bands:
        np.copyto(source, plane[band.there])
        rows = result[band.wanted.start - top : band.wanted.stop - top]
        for left in range(0, width, tile):
            part = slice(left, left + tile)
            np.matmul(band.weights.T, source[:, part], out=rows[:, part])
        np.rint(rows, out=rows)
    return result, top


def _weigh_rows(between: _Floats, bands: Sequence[_Band], count: int) -> _Floats:
    result = np.empty((len(between), count), np.float32)
    for band in bands:
        np.matmul(between[:, band.there], band.weights, out=result[:, band.wanted])
    return np.rint(result, out=result)


@lru_cache(maxsize=8)
def _bands(axis: Axis, bits: int, left_over: int, block: int) -> tuple[_Band, ...]:
    """The weights of all samples wanted, `block` of them to a band; the last one may have fewer.

    They are multiples of 2^-bits that add up to 1, times 2^left_over.
    """
    first, weights = _weights(axis)
    whole = np.rint(weights * 2.0**bits)
    most = weights.argmax(axis=1)
    wanted = np.arange(axis.count)
    whole[wanted, most] += 2.0**bits - whole.sum(axis=1)
    # Where the axis runs backwards, the last sample of a block begins first.
    starts = np.arange(0, axis.count, block)
    lows = np.minimum.reduceat(first, starts)
    reach = weights.shape[1]
    span = min(axis.length, int((np.maximum.reduceat(first, starts) - lows).max()) + reach)
    lows = np.minimum(lows, axis.length - span)
    # Weights beyond the last sample there is, which are 0, stand in rows of their own.
    bands = np.zeros((len(starts), span + reach, block), np.float32)
    number, column = np.divmod(wanted, block)
    places = (number * bands.shape[1] + first - lows[number]) * block + column
    bands.reshape(-1)[places[:, None] + np.arange(0, reach * block, block)] = whole * 2.0 ** (
        left_over - bits
    )
    stops = np.minimum(starts + block, axis.count).tolist()
    return tuple(
        _Band(slice(start, stop), slice(low, low + span), weights[:span, : stop - start])
        for start, stop, low, weights in zip(
            starts.tolist(), stops, lows.tolist(), bands, strict=True
        )
    )


def _weights(axis: Axis) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each sample wanted: the first one it is made of, and the weights from there on.

    Weights beyond the filter's reach or the last sample are 0.
    """
    centre = axis.start + axis.step * (np.arange(axis.count) + 0.5)
    stretch = max(abs(axis.step), 1.0)
    first = np.clip(np.floor(centre - _LOBES * stretch + 0.5), 0, None)
    end = np.clip(np.floor(centre + _LOBES * stretch + 0.5), None, axis.length)
    number = end - first
    further = np.arange(number.max())
    places = first[:, None] + further
    weights = _lanczos((places + 0.5 - centre[:, None]) / stretch)
    weights *= further < number[:, None]
    return first.astype(np.int64), weights / weights.sum(axis=1, keepdims=True)


def _lanczos(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """sinc(x) sinc(x / 3), by sin(3 a) = sin(a) (3 - 4 sin(a)^2) with one sine instead of two."""
    angle = distance * (np.pi / _LOBES)
    # As if it were not 0, at which the quotient has no value: the result is 1.
    angle[angle == 0] = 1e-20
    square = np.sin(angle) ** 2
    value: NDArray[np.float64] = square * (3 - 4 * square) / (_LOBES * angle**2)
    return value
