"""Assign whole groups to splits so that every stratum comes as near to the ratios as they permit.

The objective, in this order: the worst deviation of any stratum in any split, in percentage
points; the worst excess of a stratum over its own lower bound; the sum of all deviations.
Deviations and bounds are those of artcurate.splits.bounds.

The way: groups in descending size each go where the weighted squared error falls most, then
iterated local search brings the strata to their bounds, or as near as they get (search.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from artcurate.splits.bounds import Floats
from artcurate.splits.families import Family, Ints, stack
from artcurate.splits.neighbourhood import STEPS_PER_ROW
from artcurate.splits.problem import make_problem
from artcurate.splits.search import Search, blocks_of

DEFAULT_EFFORT = 2000

UNPLACED = -1


def solve(
    families: Sequence[Family],
    ratios: Sequence[float],
    *,
    seed: int,
    effort: int = DEFAULT_EFFORT,
    fixed: Ints | None = None,
) -> Ints:
    """The split of each group, 0..splits-1, int64, shape (groups,).

    families: what to balance; each counts the same groups.
    ratios: weights of the splits, not negative, not all zero; a split of weight zero takes no
        group but those fixed to it.
    effort: iterations of the local search at most; 0 gives the first assignment. Never a time:
        equal arguments give equal results on any machine.
    fixed: per group the split it must have, or -1; shape (groups,).
    Raises ValueError for arguments outside these.
    """
    counts = stack(families)
    shares = shares_of(ratios)
    sides = np.full(counts.groups, UNPLACED) if fixed is None else np.array(fixed, dtype=np.int64)
    if sides.shape != (counts.groups,) or not ((sides >= -1) & (sides < len(shares))).all():
        raise ValueError("fixed needs one split for each group, or -1")
    allowed = np.flatnonzero(shares > 0)
    # Groups fixed to a split of weight zero lie outside the problem; their rows still count.
    position = np.full(len(shares) + 1, UNPLACED)
    position[allowed] = np.arange(len(allowed))
    placed = position[sides]
    free = np.flatnonzero(sides == UNPLACED)
    problem = make_problem(counts, shares)
    if len(free):
        generator = np.random.Generator(np.random.PCG64(seed))
        Search(problem, placed, blocks_of(families, free), generator).run(effort)
    sides[free] = allowed[placed[free]]
    return sides


def fill_empty_splits(families: Sequence[Family], ratios: Sequence[float], sides: Ints) -> Ints:
    """`sides` with one group moved into each split of a ratio above zero that has none.

    A handful of paintings comes nearest to 8:1:1 when all are in one split; but a dataset without a
    test split is of no use. The group whose move costs least (squared deviation, weighed by the
    strata's sizes) goes; a split never gives its last group, so two groups fill two splits only.

    families, ratios: as in `solve`. sides: the split of each group, 0..splits-1, (groups,) int64.
    """
    counts, shares = stack(families), shares_of(ratios)
    problem, allowed = make_problem(counts, shares), np.flatnonzero(shares > 0)
    filled = sides.copy()
    for place, empty in enumerate(allowed):
        groups = np.bincount(filled, minlength=len(shares))
        movable = np.flatnonzero((groups[filled] > 1) & np.isin(filled, allowed))
        if groups[empty] or not len(movable):
            continue
        held = counts.rows_per_split(filled, len(shares))[:, allowed]
        gap = STEPS_PER_ROW * held - problem.targets
        owner, entry = counts.entries_of(movable)
        strata, rows = counts.strata[entry], STEPS_PER_ROW * counts.counts[entry]
        source = np.searchsorted(allowed, filled[movable])[owner]
        cost = problem.weights[strata] * rows * (rows + gap[strata, place] - gap[strata, source])
        total = np.bincount(owner, cost, minlength=len(movable))
        filled[movable[int(total.argmin())]] = empty
    return filled


def shares_of(ratios: Sequence[float]) -> Floats:
    """The ratios scaled to the sum 1, float64. Raises ValueError where that has no meaning."""
    weights = np.asarray(ratios, dtype=np.float64)
    if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("ratios are finite numbers, none negative")
    if not weights.sum() > 0:
        raise ValueError("one ratio at least must be above zero")
    shares: Floats = weights / weights.sum()
    return shares
