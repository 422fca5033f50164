"""Confidence intervals by resampling units in clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: The largest array that a block of draws fills.
BLOCK_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Resampling:
    """How units are drawn again.

    clusters: (units,) numbers from 0 without gaps; units with one number are drawn together, so
        that copies of one picture do not count as independent.
    draws: how many bootstrap samples. seed: of numpy's PCG64.
    """

    clusters: NDArray[np.int64]
    draws: int
    seed: int

    def statistics(
        self,
        terms: NDArray[np.float64],
        starts: NDArray[np.int64],
        statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """The values of `statistic` in every draw: (draws, ...) float64.

        terms: (units, terms), what each unit adds to the sums that the statistic needs.
        starts: (strata,) ascending; units starts[s] to starts[s + 1] are stratum s, none empty.
        statistic: takes sums (draws, strata, terms) of a block of draws, returns (draws, ...).

        A draw takes as many clusters as there are, with replacement (Efron and Tibshirani 1993,
        An Introduction to the Bootstrap, section 8.3); equal calls see equal draws.
        """
        bounds = np.append(starts, len(terms))
        blocks = []
        widest = max(len(terms), len(starts) * terms.shape[1])
        for weights in self._weights(len(terms), max(1, BLOCK_BYTES // (8 * widest))):
            sums = np.stack(
                [weights[:, begin:end] @ terms[begin:end] for begin, end in pairwise(bounds)],
                axis=1,
            )
            blocks.append(statistic(sums))
        return np.concatenate(blocks)

    def _weights(self, units: int, block: int) -> Iterator[NDArray[np.float64]]:
        """Blocks (at most `block` draws, units) of how often each draw takes each unit."""
        generator = np.random.Generator(np.random.PCG64(self.seed))
        number = int(self.clusters.max(initial=-1)) + 1
        apart = number == units
        for begin in range(0, self.draws, block):
            weights = np.empty((min(block, self.draws - begin), units))
            for row in weights:
                taken = np.bincount(
                    generator.integers(number, size=number, dtype=np.uint32), minlength=number
                )
                row[:] = taken[self.clusters] if not apart else taken
            yield weights


def percentile_interval(
    statistics: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(low, high) of the middle `confidence` of the draws, over the first axis.

    The percentile bootstrap (Efron and Tibshirani 1993, section 13.3), which covers well for
    alpha when units are resampled (Zapf, Castell, Morawietz and Karch 2016, BMC Medical Research
    Methodology 16:93). NaN where a twentieth of the draws or more leave the statistic undefined:
    the few that are left would say nothing.
    """
    tail = (1.0 - confidence) / 2
    undefined = np.isnan(statistics).mean(axis=0)
    sound = undefined < 0.05
    filled = np.where(sound, statistics, 0.0)
    low, high = np.nanquantile(filled, [tail, 1.0 - tail], axis=0)
    return np.where(sound, low, np.nan), np.where(sound, high, np.nan)
