"""How near to its ratios one stratum can come, whatever the assignment: proven lower bounds.

A stratum has n rows in k groups; split s has the ratio r_s, the ratios sum to one. For an
assignment that puts x_s rows of the stratum into split s, the stratum's deviation is
max_s |x_s / n - r_s|, given in percentage points. The bound of a stratum is the largest of three,
each true of every assignment of whole groups:

rounding: with u the greatest common divisor of the groups' rows in this stratum, every x_s is a
    multiple of u. Among all vectors of multiples of u that sum to n, largest-remainder rounding
    of r_s n / u has the smallest largest error, so no assignment deviates less.
largest group: the split that takes the group with L rows has x_s >= L, so it deviates by at least
    L / n - r_s >= L / n - max_s r_s.
enumeration, where the stratum has so few groups that splits ** k <= 1000: the smallest deviation
    over all splits ** k assignments of these groups, which is exact for this stratum alone.

The bound of a whole split is the largest bound of its strata. It ignores that strata share groups,
hence it may not be reachable, but anyone can recompute it without a solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artcurate.splits.families import Ints, Sparse

Floats = NDArray[np.float64]

#: Strata with at most this many assignments of their groups are enumerated.
MOST_ENUMERATED = 1000

POINTS = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class StratumFacts:
    """What the bounds of the strata rest on; each array has the shape (strata,).

    rows: rows of the stratum. groups: groups that hold some of them. largest: most rows in one
    group. unit: greatest common divisor of the groups' rows (0 for an empty stratum).
    """

    rows: Ints
    groups: Ints
    largest: Ints
    unit: Ints


def stratum_facts(counts: Sparse) -> StratumFacts:
    """Rows, groups, largest group and common divisor of every stratum."""
    largest = np.zeros(counts.width, dtype=np.int64)
    np.maximum.at(largest, counts.strata, counts.counts)
    unit = np.zeros(counts.width, dtype=np.int64)
    np.gcd.at(unit, counts.strata, counts.counts)
    groups = np.bincount(counts.strata, minlength=counts.width).astype(np.int64)
    return StratumFacts(counts.rows_per_stratum(), groups, largest, unit)


def stratum_bounds(counts: Sparse, ratios: Floats) -> Floats:
    """The lower bound of every stratum's deviation in percentage points, float64, (strata,).

    Zero for a stratum without rows. See the module's text for the formulas.
    """
    facts = stratum_facts(counts)
    bounds = np.zeros(counts.width)
    filled = facts.rows > 0
    bounds[filled] = np.maximum(
        rounding_bounds(facts.rows[filled], facts.unit[filled], ratios),
        facts.largest[filled] / facts.rows[filled] - ratios.max(),
    )
    for stratum, group_rows in few_group_strata(counts, facts, len(ratios)):
        bounds[stratum] = max(bounds[stratum], enumeration_bound(group_rows, ratios))
    return POINTS * bounds


def rounding_bounds(rows: Ints, unit: Ints, ratios: Floats) -> Floats:
    """Smallest deviation of strata cut into multiples of `unit`, as a share, float64, (strata,)."""
    units = rows // unit
    wanted = units[:, None] * ratios
    floors = np.floor(wanted + 1e-9)
    remainders = np.sort(wanted - floors, axis=1)[:, ::-1]
    rounded_up = np.arange(len(ratios)) < (units - floors.sum(axis=1))[:, None]
    errors = np.where(rounded_up, 1.0 - remainders, remainders)
    worst: Floats = np.abs(errors).max(axis=1) / units
    return worst


def enumeration_bound(group_rows: Ints, ratios: Floats) -> float:
    """Smallest deviation over all assignments of these groups, as a share."""
    splits = len(ratios)
    held = np.zeros((1, splits))
    for rows in np.sort(group_rows)[::-1]:
        held = (held[:, None, :] + rows * np.eye(splits)).reshape(-1, splits)
    return float(np.abs(held / group_rows.sum() - ratios).max(axis=1).min())


def few_group_strata(counts: Sparse, facts: StratumFacts, splits: int) -> list[tuple[int, Ints]]:
    """(stratum, rows of each of its groups) of all strata that are enumerated."""
    most = most_enumerated_groups(splits)
    few = (facts.groups > 0) & (facts.groups <= most)
    chosen = few[counts.strata]
    order = np.argsort(counts.strata[chosen], kind="stable")
    rows = np.split(counts.counts[chosen][order], np.cumsum(facts.groups[few])[:-1])
    return list(zip(np.flatnonzero(few).tolist(), rows, strict=False))


def most_enumerated_groups(splits: int) -> int:
    """The most groups a stratum may have for its assignments to be enumerated."""
    groups = 1
    while splits > 1 and splits ** (groups + 1) <= MOST_ENUMERATED:
        groups += 1
    return groups
