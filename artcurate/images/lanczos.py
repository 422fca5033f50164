"""The weights of a Lanczos reduction, as whole numbers over a power of two.

They are small enough for every sum of products with 8-bit samples to be exact: in 32-bit integers,
as `compiled` adds them, and in float32, as `banded` does. So the samples that come of it are the
same, whatever adds them up on whatever processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

_LOBES = 3
#: Bits after the point of the weights along columns, of what they give (rounded, halves to even),
#: and of the weights along rows. The weights of a sample are absolutely less than 2 in sum, so
#: 255 * 2 * 2^14 and 255 * 2 * 2^3 * 2 * 2^11 bound the sums: both less than 2^24, up to which
#: float32 holds every whole number, and what lies in between is less than 2^15.
COLUMN_BITS, BETWEEN_BITS, ROW_BITS = 14, 3, 11

#: The square of a distance, in lobes: distances are 0 up to rounding (1e-12), or larger by far.
_NEXT_TO_ZERO = 1e-12


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


class Weights(NamedTuple):
    """What the samples wanted along an axis are made of.

    first: int32 (count,), the first of the samples there are that each is made of.
    whole: int16 (count, taps), the weights of that one and of those after it, all of which exist;
        times 2^bits, and 2^bits in sum.
    """

    first: NDArray[np.int32]
    whole: NDArray[np.int16]


@lru_cache(maxsize=8)
def weights_of(axis: Axis, bits: int) -> Weights:
    """The weights of all samples wanted along `axis`, times 2^bits.

    Source of the filter: Lanczos window of three lobes, stretched where it reduces, normalised
    over the samples that exist, as in Pillow's `Image.resize`.
    """
    centre = axis.start + axis.step * (np.arange(axis.count) + 0.5)
    stretch = max(abs(axis.step), 1.0)
    first = np.clip(np.floor(centre - _LOBES * stretch + 0.5), 0, None)
    end = np.clip(np.floor(centre + _LOBES * stretch + 0.5), None, axis.length)
    taps = int((end - first).max())
    # Near the end of the axis a sample is made of fewer; others that exist then fill the taps.
    begin = np.minimum(first, axis.length - taps)
    # Taps are rows here: long ones, which numpy adds and multiplies fastest.
    tap = np.arange(taps, dtype=np.int32)[:, None]
    values = _lanczos((begin + 0.5 - centre) / stretch, taps, 1 / stretch)
    low, high = ((bound - begin).astype(np.int32) for bound in (first, end))
    np.putmask(values, (tap < low) | (tap >= high), 0.0)
    values *= 2.0**bits / values.sum(axis=0)
    whole = np.rint(values, out=values)
    # What rounding leaves over goes to the nearest sample, whose weight is the largest.
    nearest = np.clip(np.floor(centre), first, end - 1) - begin
    whole[nearest.astype(np.intp), np.arange(axis.count)] += 2.0**bits - whole.sum(axis=0)
    return Weights(begin.astype(np.int32), np.ascontiguousarray(whole.T.astype(np.int16)))


def _lanczos(first: NDArray[np.float64], count: int, step: float) -> NDArray[np.float64]:
    """sinc(x) sinc(x / 3) up to a factor, for `count` distances from each of `first` on.

    float64 (count, first): sin(a)^2 (3 - 4 sin(a)^2) / a^2 with a = pi x / 3, since
    sin(3 a) = sin(a) (3 - 4 sin(a)^2); and no sine but of `first` and of the steps, since
    sin(a + b) = sin(a) cos(b) + cos(a) sin(b).
    """
    angle = first * (np.pi / _LOBES)
    further = np.arange(count)[:, None] * (step * np.pi / _LOBES)
    sine = np.sin(angle) * np.cos(further)
    sine += np.cos(angle) * np.sin(further)
    square = np.multiply(sine, sine, out=sine)
    value: NDArray[np.float64] = 3 - 4 * square
    value *= square
    angle = angle + further
    angle *= angle
    # Where it is next to 0 the quotient would be one of rounding errors: its limit is 3.
    near = angle < _NEXT_TO_ZERO
    np.putmask(angle, near, 1.0)
    value /= angle
    np.putmask(value, near, 3.0)
    return value
