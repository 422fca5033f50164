"""Confidence intervals that know which examples hang together.

Clusters (paintings, persons, dialogues) are drawn with replacement, never rows. Where examples
belong to clusters of two kinds at once, both are drawn independently and an example counts as often
as the product of its clusters' draws (the pigeonhole bootstrap; Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 2007), which errs on the wide side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artcurate.benchmark.metrics import Float64Array
from artcurate.benchmark.task import IntArray

#: Two-sided 95 % and a power of 80 %: z(0.975) + z(0.8).
_DETECTABLE = 1.959964 + 0.841621

Statistic = Callable[[NDArray[Any]], Float64Array]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval over resampled clusters.

    mean: over seeds (and draws), on the data itself. sd: over seeds, 0 for one. low, high:
    percentiles 2.5 and 97.5 of the mean over seeds under resampling.
    """

    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference of two systems on the same resamples.

    p: two-sided, from the resamples, not below 1 / (resamples + 1). detectable: the smallest true
    difference that 80 % of such test sets would show at the 5 % level, from the standard error.
    """

    mean: float
    low: float
    high: float
    p: float
    detectable: float


class Resampler:
    """Draws of clusters, the same for every system, so that differences are paired."""

    def __init__(self, clusters: Sequence[IntArray], *, resamples: int, seed: int) -> None:
        """clusters: one or more int64 (n,), the cluster of each example, by kind.

        Resamples that draw no example at all, possible with two kinds, are left out.
        """
        tuples = np.stack(clusters, axis=1)
        cells, self._cell = np.unique(tuples, axis=0, return_inverse=True)
        self._cell = self._cell.reshape(-1)
        self._cells = len(cells)
        generator = np.random.Generator(np.random.PCG64(seed))
        weights = np.ones((resamples, self._cells), dtype=np.float32)
        for kind in cells.T:
            known, place = np.unique(kind, return_inverse=True)
            share = np.full(len(known), 1 / len(known))
            draws = generator.multinomial(len(known), share, size=resamples)
            weights *= draws[:, place]
        filled = weights.any(axis=1)
        self._weights = weights[filled]

    def confusions(self, truth: IntArray, predicted: IntArray, classes: int) -> Float64Array:
        """(resamples + 1, classes, classes); the first is that of the data itself."""
        return self.sums_of_pairs(truth * classes + predicted, classes * classes).reshape(
            -1, classes, classes
        )

    def sums_of_pairs(self, codes: IntArray, kinds: int) -> Float64Array:
        """How often each code of 0 to kinds - 1 stands, per resample: (resamples + 1, kinds)."""
        flat = np.bincount(self._cell * kinds + codes, minlength=self._cells * kinds)
        return self._spread(flat.reshape(self._cells, kinds))

    def means(self, values: Float64Array) -> Float64Array:
        """The mean of `values` (n,) per resample: (resamples + 1,)."""
        sums = np.bincount(self._cell, values, minlength=self._cells)
        counts = np.bincount(self._cell, minlength=self._cells)
        both = self._spread(np.stack((sums, counts), axis=1))
        result: Float64Array = both[:, 0] / both[:, 1]
        return result

    def _spread(self, per_cell: NDArray[Any]) -> Float64Array:
        resampled = self._weights @ per_cell.astype(np.float32)
        return np.concatenate((per_cell.sum(axis=0)[None], resampled)).astype(np.float64)


def estimate(samples: Float64Array) -> Estimate:
    """samples: (seeds, resamples + 1), the first column that of the data itself."""
    point = samples[:, 0]
    low, high = _interval(samples[:, 1:].mean(axis=0))
    spread = float(point.std(ddof=1)) if len(point) > 1 else 0.0
    return Estimate(float(point.mean()), spread, low, high)


def difference(first: Float64Array, second: Float64Array) -> Difference:
    """`first` minus `second`, both (seeds, resamples + 1) on the same resamples."""
    gaps = first.mean(axis=0) - second.mean(axis=0)
    resampled = gaps[1:]
    low, high = _interval(resampled)
    below, above = int((resampled <= 0).sum()), int((resampled >= 0).sum())
    p = min(1.0, 2 * (1 + min(below, above)) / (len(resampled) + 1))
    error = float(resampled.std(ddof=1)) if len(resampled) > 1 else 0.0
    return Difference(float(gaps[0]), low, high, p, _DETECTABLE * error)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p values adjusted for being several, after Holm (1979); order is kept."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    running = 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return tuple(float(value) for value in adjusted)


def _interval(resampled: Float64Array) -> tuple[float, float]:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return float(low), float(high)
