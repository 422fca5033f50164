"""Groups that straddle the splits somebody else made, and their repair by moving them whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from artcurate.splits.families import Ints


@dataclass(frozen=True, slots=True)
class Leaks:
    """Groups with rows in more than one split.

    groups: how many. rows: all rows of these groups. pairs: per two splits, by index, the groups
    with rows in both; pairs without such a group are absent.
    """

    groups: int
    rows: int
    pairs: Mapping[tuple[int, int], int]


def find_leaks(group_of_row: Ints, side_of_row: Ints, splits: int) -> Leaks:
    """Count the groups that straddle splits.

    group_of_row: 0.., int64, (rows,). side_of_row: 0..splits-1, int64, (rows,).
    """
    held = rows_per_side(group_of_row, side_of_row, splits)
    astride = (held > 0).sum(axis=1) > 1
    shared = {
        (one, other): int(((held[:, one] > 0) & (held[:, other] > 0)).sum())
        for one, other in combinations(range(splits), 2)
    }
    return Leaks(
        groups=int(astride.sum()),
        rows=int(held[astride].sum()),
        pairs={pair: groups for pair, groups in shared.items() if groups},
    )


def repaired(group_of_row: Ints, side_of_row: Ints, splits: int, groups: int) -> Ints:
    """One split for each group, moving the fewest rows, int64, (groups,); -1 without rows.

    A group goes whole to the split that holds most of its rows. Where several hold equally many,
    it goes to that of them which has lost most rows, net, to the moves made so far: groups in
    descending size, those of equal size by index, groups with a majority first. A tie in this too
    goes to the split that comes first.
    """
    held = rows_per_side(group_of_row, side_of_row, splits, groups)
    most = held.max(axis=1, initial=0)
    tied = (held == most[:, None]).sum(axis=1) > 1
    sides = np.where(most > 0, held.argmax(axis=1), -1)
    decided = (most > 0) & ~tied
    sizes = held.sum(axis=1)
    balance = np.bincount(sides[decided], weights=sizes[decided], minlength=splits)
    balance -= held[decided].sum(axis=0)
    undecided = np.flatnonzero((most > 0) & tied)
    for group in undecided[np.argsort(-sizes[undecided], kind="stable")].tolist():
        candidates = np.flatnonzero(held[group] == most[group])
        side = int(candidates[balance[candidates].argmin()])
        sides[group] = side
        balance -= held[group]
        balance[side] += sizes[group]
    return sides.astype(np.int64)


def rows_per_side(
    group_of_row: Ints, side_of_row: Ints, splits: int, groups: int | None = None
) -> Ints:
    """Rows of each group in each split, int64, (groups, splits)."""
    total = int(group_of_row.max(initial=-1)) + 1 if groups is None else groups
    cells = np.bincount(group_of_row * splits + side_of_row, minlength=total * splits)
    table: Ints = cells.reshape(total, splits).astype(np.int64)
    return table
