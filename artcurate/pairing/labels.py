"""Whole labels to their ratios where cells cannot make up for each other any more.

A label whose cells all use every item they have deviates by the sum of its cells' deviations. Here
single persons, or two at a time, change sides until every label is near enough, those first that
bend the cells least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from artcurate.pairing.apportion import Floats, Ints
from artcurate.splits.families import Sparse, family_of_rows

#: Labels may deviate by this share of their pairs, four fifths of a tenth of a point.
TOLERANCE = 0.0008
#: A point of a label's deviation beyond that weighs as much as so many points of cells' deviation.
_LABEL_WEIGHT = 100.0
_POINTS = 100.0
#: Moves that are tried two by two, and steps at most.
_PAIRED, _STEPS = 64, 60


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """One person each to another split; the arrays are (moves,) or (moves, labels, splits).

    change: of the labels' rows. harm: points by which cells' worst deviations grow, in all.
    """

    person: Ints
    target: Ints
    change: Floats
    harm: Floats


def balance_labels(
    sides: Ints,
    person: Ints,
    cell: Ints,
    labels: Ints,
    shares: Floats,
    *,
    rigid: Ints,
    quotas_of: Callable[[Ints], Ints],
) -> Ints:
    """`sides` (the split of every person) with as few persons moved as the labels need; int64.

    person, cell: of every item. labels: the label of each cell, 0.., (cells,). rigid: cells all of
    whose items are paired, as places. quotas_of: pairs per cell and split that sides give, which
    for rigid cells are in proportion to the items there.

    The sides come back as they were where no move helps.
    """
    sides = sides.copy()
    used = np.isin(cell, rigid)
    names = [str(number) for number in range(len(labels))]
    counts = family_of_rows("cell", names, len(sides), person[used], cell[used]).counts
    quotas = quotas_of(sides)
    in_vain: list[int] = []
    for _ in range(_STEPS if len(counts.counts) else 0):
        errors, totals = _label_errors(quotas, labels, shares)
        excess = _excess(errors, totals)
        moves = _all_moves(counts, sides, labels, shares, quotas)
        chosen = _best(moves, errors, totals, in_vain)
        if not chosen:
            break
        changed = sides.copy()
        changed[moves.person[chosen]] = moves.target[chosen]
        quotas_then = quotas_of(changed)
        # Other cells of the label give way in their own fashion, so a promise may not be kept.
        if _excess(*_label_errors(quotas_then, labels, shares)) < excess:
            sides, quotas, in_vain = changed, quotas_then, []
        else:
            in_vain += chosen
    return sides


def _label_errors(quotas: Ints, labels: Ints, shares: Floats) -> tuple[Floats, Floats]:
    """(pairs too many in each label and split, pairs of each label)."""
    held = np.zeros((int(labels.max(initial=-1)) + 1, len(shares)))
    np.add.at(held, labels, quotas)
    totals = held.sum(axis=1)
    return held - totals[:, None] * shares, np.maximum(totals, 1.0)


def _excess(errors: Floats, totals: Floats) -> Floats:
    """Points by which labels deviate beyond the tolerance, or one pair, summed; over the last
    two axes of `errors`."""
    worst = np.abs(errors).max(axis=-1)
    beyond = np.maximum(0.0, worst - np.maximum(TOLERANCE * totals, 1.0))
    excess: Floats = _POINTS * (beyond / totals).sum(axis=-1)
    return excess


def _all_moves(counts: Sparse, sides: Ints, labels: Ints, shares: Floats, quotas: Ints) -> _Moves:
    """Every person to every other split; moved rows become pairs as they did before."""
    splits, people = len(shares), np.unique(counts.owners())
    person = np.repeat(people, splits - 1)
    shift = np.tile(np.arange(1, splits), len(people))
    source, target = sides[person], (sides[person] + shift) % splits
    held = counts.rows_per_split(sides, splits)
    per_row = quotas.sum(axis=1) / np.maximum(held.sum(axis=1), 1)
    owner, entry = counts.entries_of(person)
    cells = counts.strata[entry]
    rows = counts.counts[entry] * per_row[cells]
    change = np.zeros((len(person), int(labels.max()) + 1, splits))
    np.add.at(change, (owner, labels[cells], target[owner]), rows)
    np.add.at(change, (owner, labels[cells], source[owner]), -rows)
    totals = np.maximum(quotas.sum(axis=1), 1)
    gap = quotas - quotas.sum(axis=1, keepdims=True) * shares
    after = gap[cells]
    place = np.arange(len(entry))
    after[place, target[owner]] += rows
    after[place, source[owner]] -= rows
    grown = np.abs(after).max(axis=1) - np.abs(gap[cells]).max(axis=1)
    points = _POINTS * grown / totals[cells]
    harm = np.bincount(owner, weights=points, minlength=len(person)).astype(np.float64)
    return _Moves(person, target, change, harm)


def _best(moves: _Moves, errors: Floats, totals: Floats, barred: list[int]) -> list[int]:
    """The move, or the two moves of two persons, that help the labels and cost least; or none.

    barred: moves that are not to be made.
    """
    alone = _excess(errors + moves.change, totals)
    alone[barred] = np.inf
    cost = _LABEL_WEIGHT * alone + moves.harm
    likely = np.union1d(
        np.argsort(cost, kind="stable")[:_PAIRED], np.argsort(alone, kind="stable")[:_PAIRED]
    )
    likely = likely[np.isfinite(alone[likely])]
    left, right = (likely[side] for side in np.triu_indices(len(likely), 1))
    apart = moves.person[left] != moves.person[right]
    left, right = left[apart], right[apart]
    together = _excess(errors + moves.change[left] + moves.change[right], totals)
    costs = np.concatenate([cost, _LABEL_WEIGHT * together + moves.harm[left] + moves.harm[right]])
    costs[np.concatenate([alone, together]) >= _excess(errors, totals)] = np.inf
    best = int(costs.argmin())
    if not np.isfinite(costs[best]):
        return []
    if best < len(cost):
        return [best]
    return [int(left[best - len(cost)]), int(right[best - len(cost)])]
