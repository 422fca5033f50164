"""How near to their ratios strata that share few groups can come together: by enumeration.

The bounds of artcurate.splits.bounds look at one stratum at a time. Where the groups of a stratum
are few and, with the other strata they touch, nobody else's, every assignment of them can be tried:
the smallest worst deviation of these strata is exact, and a lower bound for the whole split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artcurate.splits.bounds import POINTS, Floats
from artcurate.splits.families import Ints, Sparse
from artcurate.splits.groups import connected_groups

#: Assignments times strata that are tried at most: half a second.
MOST_WORK = 40_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Groups and strata that touch nothing else. rows: int64, (groups, strata)."""

    groups: Ints
    strata: Ints
    rows: Ints


def neighbours_of(counts: Sparse, stratum: int) -> Neighbours:
    """The groups that lead to `stratum`, over shared strata too, and all strata they touch."""
    owners = counts.owners()
    labels = connected_groups(
        counts.groups + counts.width, [(owners, counts.groups + counts.strata)]
    )
    chosen = labels == labels[counts.groups + stratum]
    groups = np.flatnonzero(chosen[: counts.groups])
    strata = np.flatnonzero(chosen[counts.groups :])
    owner, entry = counts.entries_of(groups)
    rows = np.zeros((len(groups), len(strata)), dtype=np.int64)
    rows[owner, np.searchsorted(strata, counts.strata[entry])] = counts.counts[entry]
    return Neighbours(groups, strata, rows)


def enumerable(neighbours: Neighbours, splits: int) -> bool:
    """Whether all assignments can be tried."""
    groups, strata = neighbours.rows.shape
    return bool(strata) and strata * int(splits) ** int(groups) <= MOST_WORK


def joint_bound(rows: Ints, ratios: Floats) -> float:
    """The smallest worst deviation of any stratum over all assignments of the groups, in points.

    rows: of each group in each stratum, no stratum empty, (groups, strata). ratios: sum to one.
    """
    totals = rows.sum(axis=0)
    middle = len(rows) // 2
    first, second = (_all_held(half, len(ratios)) for half in (rows[:middle], rows[middle:]))
    best = np.inf
    for held in first:
        worst = np.zeros(len(second))
        for stratum, total in enumerate(totals):
            for split, ratio in enumerate(ratios):
                share = (held[stratum, split] + second[:, stratum, split]) / total
                np.maximum(worst, np.abs(share - ratio), out=worst)
        best = min(best, float(worst.min()))
    return POINTS * best


def _all_held(rows: Ints, splits: int) -> Ints:
    """Rows per stratum and split for every assignment, int64, (assignments, strata, splits)."""
    held = np.zeros((1, rows.shape[1], splits), dtype=np.int64)
    for group in rows:
        placed = group[:, None] * np.eye(splits, dtype=np.int64)[:, None, :]
        held = (held[:, None] + placed).reshape(-1, rows.shape[1], splits)
    return held
