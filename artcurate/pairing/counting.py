"""Counts of coded items."""

from __future__ import annotations

import numpy as np

from artcurate.pairing.apportion import Ints


def crosstab(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Ints:
    """How many items stand in each row and column, int64, `shape`."""
    codes = rows * shape[1] + columns
    counts = np.bincount(codes, minlength=shape[0] * shape[1])
    return counts.astype(np.int64).reshape(shape)
