"""A first assignment: one group after another to where it does least harm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from artcurate.splits.bounds import Floats
from artcurate.splits.families import Ints
from artcurate.splits.neighbourhood import STEPS_PER_ROW
from artcurate.splits.problem import Problem


def place(
    problem: Problem, groups: Ints, held: Floats, considered: NDArray[np.bool_], *, relative: bool
) -> Ints:
    """The split of each of `groups`, int64, shape (len(groups),), placed in the order given.

    Each goes where the sum over strata of weight x squared error grows least, with
    `relative` of weight x squared error / ratio of the split. The former serves heavy tails, as
    it leaves no large group to a small split; the latter fills all splits at one pace, so that
    each gets its share of large and small groups.
    held: rows of each stratum in each split without these groups, (strata, splits).
    considered: whether each stratum counts, (strata,).
    """
    counts = problem.counts
    owner, entry = counts.entries_of(groups)
    strata, rows = counts.strata[entry], STEPS_PER_ROW * counts.counts[entry]
    pull = (problem.weights * considered)[strata] * counts.counts[entry]
    gap = 2 * (STEPS_PER_ROW * held - problem.targets)
    divisor = problem.ratios if relative else np.ones(problem.splits)
    ends = np.searchsorted(owner, np.arange(len(groups) + 1)).tolist()
    sides = np.empty(len(groups), dtype=np.int64)
    for position in range(len(groups)):
        entries = slice(ends[position], ends[position + 1])
        touched, added = strata[entries], rows[entries]
        cost = pull[entries] @ (gap[touched] + added[:, None])
        side = int((cost / divisor).argmin())
        sides[position] = side
        gap[touched, side] += 2 * added
    return sides


def by_size(problem: Problem, groups: Ints, generator: np.random.Generator, noise: float) -> Ints:
    """The groups, largest first, ties in random order; `noise` up to 1 shuffles neighbours too.

    A group of n rows ranks as if it had between (1 - noise) n and n.
    """
    size = problem.counts.rows_per_group()[groups] * (1.0 - noise * generator.random(len(groups)))
    return groups[np.lexsort((generator.permutation(len(groups)), -size))]
