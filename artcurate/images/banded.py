"""Planes reduced as products with banded matrices, the one vectorised kernel numpy has everywhere.

A matrix product adds in whatever order and on as many threads as its library likes; with the
weights of `lanczos` no sum passes what float32 holds exactly, so the result does not show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from artcurate.images.lanczos import (
    BETWEEN_BITS,
    COLUMN_BITS,
    ROW_BITS,
    Axis,
    Plane,
    weights_of,
)

_Floats = NDArray[np.float32]

#: Samples that share a matrix: the more, the fewer products, and the more zeros in them.
_COLUMN_BLOCK, _ROW_BLOCK = 8, 16
#: Multiplications in one product at most. OpenBLAS gives larger ones to several threads, which
#: workers that share the cores among them do not want, and which such small ones only slow down.
_MULTIPLICATIONS = 2**19


class _Band(NamedTuple):
    """Some samples wanted along an axis: which, made of which of those there are, how weighted.

    weights: float32, (there, wanted).
    """

    wanted: slice
    there: slice
    weights: _Floats


def reduce_plane(plane: Plane, rows: Axis, columns: Axis) -> Plane:
    """What `reduction.reduce_plane` says."""
    downwards = _bands(rows, COLUMN_BITS, BETWEEN_BITS, _COLUMN_BLOCK)
    across = _bands(columns, ROW_BITS, -BETWEEN_BITS, _ROW_BLOCK)
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
    first, whole = weights_of(axis, bits)
    taps = whole.shape[1]
    # Where the axis runs backwards, the last sample of a block begins first.
    starts = np.arange(0, axis.count, block)
    lows = np.minimum.reduceat(first, starts)
    span = int((np.maximum.reduceat(first, starts) - lows).max()) + taps
    lows = np.minimum(lows, axis.length - span)
    bands = np.zeros((len(starts), span, block), np.float32)
    number, column = np.divmod(np.arange(axis.count), block)
    places = (number * span + first - lows[number]) * block + column
    bands.reshape(-1)[places[:, None] + np.arange(0, taps * block, block)] = whole * np.float32(
        2.0 ** (left_over - bits)
    )
    stops = np.minimum(starts + block, axis.count).tolist()
    return tuple(
        _Band(slice(start, stop), slice(low, low + span), weights[:, : stop - start])
        for start, stop, low, weights in zip(
            starts.tolist(), stops, lows.tolist(), bands, strict=True
        )
    )
