"""Whole numbers as near as they get to wanted shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def apportion(total: int, weights: Floats | Ints) -> Ints:
    """`total` items dealt by `weights` with the method of largest remainders (Hamilton), int64.

    Equal remainders favour the earlier place. Weights are not negative and not all zero.
    """
    exact = total * (weights / weights.sum())
    # Products such as 0.1 * 30 may lie a hair below the whole number they stand for.
    floors: Ints = np.floor(exact + 1e-9).astype(np.int64)
    missing = int(total - floors.sum())
    floors[np.argsort(floors - exact, kind="stable")[:missing]] += 1
    return floors


def apportion_within(total: int, shares: Floats, caps: Ints) -> Ints:
    """`total` items dealt to places with `caps`, nearest to `total * shares` in least squares.

    shares: float64, sum 1. caps: int64, not negative. Returns int64 that sum to the lesser of
    `total` and all caps together; equal claims favour the earlier place.
    """
    total = min(total, int(caps.sum()))
    wanted = total * shares
    dealt = np.minimum(np.floor(wanted + 1e-9).astype(np.int64), caps)
    while (missing := int(total - dealt.sum())) > 0:
        open_places = np.flatnonzero(dealt < caps)
        each = missing // len(open_places)
        if each:
            dealt[open_places] = np.minimum(dealt[open_places] + each, caps[open_places])
            continue
        claim = wanted[open_places] - dealt[open_places]
        dealt[open_places[np.argsort(-claim, kind="stable")[:missing]]] += 1
    return dealt
