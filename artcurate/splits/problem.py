"""What a split is judged by: rows per stratum, ratios, bounds, and the order of assignments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from artcurate.splits.bounds import POINTS, Floats, stratum_bounds
from artcurate.splits.families import Ints, Sparse
from artcurate.splits.neighbourhood import STEPS_PER_ROW, WEIGHT_OF_ONE_ROW

#: Excesses up to so many points are not worth a search; nor are those up to the second number
#: where no deviation is above the largest bound, which no search can lower.
NEAR_ENOUGH, NEAR_ENOUGH_INSIDE = 0.02, 0.05

_MILLIONTHS = 1_000_000


class Merit(NamedTuple):
    """How good an assignment is, less being better; integers, so that sums are exact.

    worst: largest deviation, in millionths of a percentage point.
    excess: largest deviation over the stratum's own lower bound, in millionths of a point.
    spread: sum of the squares of all deviations in units of 1e-4 points.
    """

    worst: int
    excess: int
    spread: int


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Groups to be assigned to splits, each split of a ratio above zero.

    counts: groups x strata. ratios: (splits,). rows: of each stratum, at least 1, (strata,).
    bounds: percentage points, (strata,). weights: of each stratum's squared error in rows,
    integers, (strata,). targets: in units of 1 / STEPS_PER_ROW rows, integers, (strata, splits).
    """

    counts: Sparse
    ratios: Floats
    rows: Floats
    bounds: Floats
    weights: Floats
    targets: Floats

    @property
    def splits(self) -> int:
        return len(self.ratios)

    def deviations(self, held: Floats, strata: Ints) -> Floats:
        """Percentage points, (len(strata), splits); held: rows, of the same shape."""
        points: Floats = POINTS * np.abs(held / self.rows[strata, None] - self.ratios)
        return points

    def excess(self, held: Floats, strata: Ints) -> Floats:
        """Worst deviation of each stratum over its bound, points from 0, (len(strata),)."""
        worst = self.deviations(held, strata).max(axis=1)
        above: Floats = np.maximum(0.0, worst - self.bounds[strata])
        return above

    def merit(self, held: Floats, strata: Ints) -> Merit:
        """Of these strata alone; held: their rows per split."""
        millionths = np.rint(_MILLIONTHS * self.deviations(held, strata)).astype(np.int64)
        worst = millionths.max(axis=1)
        excess = worst - np.rint(_MILLIONTHS * self.bounds[strata]).astype(np.int64)
        spread = np.square(millionths // 100).sum()
        return Merit(int(worst.max()), max(0, int(excess.max())), int(spread))

    def near_enough(self, merit: Merit) -> bool:
        """Whether a search could gain next to nothing."""
        inside = merit.worst <= round(_MILLIONTHS * float(self.bounds.max()))
        return merit.excess <= _MILLIONTHS * (NEAR_ENOUGH_INSIDE if inside else NEAR_ENOUGH)


def make_problem(counts: Sparse, shares: Floats) -> Problem:
    """The problem of the splits whose share is above zero; bounds are those of all splits."""
    rows = counts.rows_per_stratum()
    filled = np.maximum(rows, 1).astype(np.float64)
    ratios = shares[shares > 0]
    return Problem(
        counts=counts,
        ratios=ratios,
        rows=filled,
        bounds=stratum_bounds(counts, shares),
        weights=whole(WEIGHT_OF_ONE_ROW / filled**2),
        targets=np.rint(STEPS_PER_ROW * rows[:, None] * ratios),
    )


def whole(weights: Floats) -> Floats:
    """Weights as integers from 1."""
    return np.maximum(1.0, np.rint(weights))
