"""Whole numbers in given proportions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


def apportion(total: int, weights: ArrayLike, *, cap: int | None = None) -> Counts:
    """`total` shared out in proportion to `weights`, by largest remainder; an array of their shape.

    No share exceeds `cap`; what it cuts off goes to the others. The shares sum to `total`, or to
    what the caps allow when that is less.
    """
    shape = np.shape(weights)
    weight = np.asarray(weights, dtype=np.float64).reshape(-1)
    limit = total if cap is None else cap
    shares = np.zeros(weight.size)
    full = np.zeros(weight.size, dtype=np.bool_)
    growing = weight > 0
    while growing.any():
        left = total - limit * int(full.sum())
        shares[growing] = left * weight[growing] / weight[growing].sum()
        over = growing & (shares > limit)
        if not over.any():
            break
        shares[over] = limit
        full |= over
        growing &= ~over
    # A share that is whole but for rounding errors must not lose one.
    whole = np.floor(shares + 1e-9).astype(np.int64)
    missing = round(float(shares.sum())) - int(whole.sum())
    whole[np.argsort(whole - shares, kind="stable")[:missing]] += 1
    return whole.reshape(shape)
