"""What a split achieved, against what no split of the same groups can better, to be recomputed.

For stratum c with n rows, split s with the ratio r_s (ratios sum to one) and x_s rows of c in s,
the deviation in s is 100 |x_s / n - r_s| percentage points, and the stratum's deviation the
largest of these. The stratum's lower bound is that of artcurate.splits.bounds, from what stands in
the certificate: its rows, the greatest common divisor of its groups' rows (`unit`), its largest
group, and, where it has very few groups, the rows of each. Where the worst stratum of a family
shares few groups with few strata, all their assignments were tried (artcurate.splits.joint_bounds);
their rows stand in `joint`. The certificate's worst deviation is the largest of all strata, its
lower bound the largest of all strata and of `joint`; the gap is their difference. A gap of zero
proves that no assignment of whole groups is better in its worst stratum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artcurate.splits.bounds import (
    POINTS,
    few_group_strata,
    stratum_bounds,
    stratum_facts,
)
from artcurate.splits.families import Family, Ints, Sparse, stack
from artcurate.splits.joint_bounds import enumerable, joint_bound, neighbours_of
from artcurate.splits.solver import shares_of

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class StratumReport:
    """One stratum.

    groups: how many hold rows of it. largest_group: most rows in one. unit: greatest common
    divisor of the groups' rows. group_rows: the rows of each group where they are few enough to be
    enumerated, otherwise None. counts: rows per split. deviation: points per split. lower_bound:
    points.
    """

    family: str
    stratum: str
    rows: int
    groups: int
    largest_group: int
    unit: int
    group_rows: tuple[int, ...] | None
    counts: tuple[int, ...]
    deviation: tuple[float, ...]
    lower_bound: float


@dataclass(frozen=True, slots=True)
class JointReport:
    """Strata whose groups touch no other stratum of the family, all assignments tried.

    group_rows: rows of each group in each of `strata`. lower_bound: points; the least that the
    worst of these strata can deviate.
    """

    family: str
    strata: tuple[str, ...]
    group_rows: tuple[tuple[int, ...], ...]
    lower_bound: float


@dataclass(frozen=True, slots=True)
class FamilyReport:
    """The largest deviation and the largest lower bound of one family's strata, in points."""

    family: str
    strata: int
    worst_deviation: float
    lower_bound: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """A split's quality. Points are rounded to 6 decimals.

    ratios: sum to one, in the order of `splits`. groups, rows: per split, each row counted once.
    strata: without empty ones. joint: at most one for each family. gap: worst deviation less lower
    bound.
    assignment_sha256: of the lines `group<TAB>split`, sorted by code point, each ended by a line
    feed, in UTF-8.
    """

    splits: tuple[str, ...]
    ratios: tuple[float, ...]
    groups: tuple[int, ...]
    rows: tuple[int, ...]
    families: tuple[FamilyReport, ...]
    strata: tuple[StratumReport, ...]
    joint: tuple[JointReport, ...]
    worst_deviation: float
    worst_stratum: str
    lower_bound: float
    gap: float
    assignment_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dicts, as they stand in split.json."""
        return asdict(self)


def certify(
    families: Sequence[Family],
    sides: Ints,
    *,
    splits: Sequence[str],
    ratios: Sequence[float],
    rows_per_group: Ints,
    group_keys: Sequence[str],
    judged: NDArray[np.bool_] | None = None,
) -> Certificate:
    """The certificate of an assignment.

    sides: the split of each group, int64, (groups,). rows_per_group: (groups,).
    group_keys: a name for each group that lasts beyond this run.
    judged: the groups whose rows the strata count, (groups,); None for all. Others, such as those
    held out on purpose, count in `groups`, `rows` and the hash alone.
    """
    shares = shares_of(ratios)
    counts = stack(families)
    if judged is not None:
        counts = counts.only(judged)
    strata = _reports(families, counts, counts.rows_per_split(sides, len(splits)), shares)
    worst = max(strata, key=_worst, default=None)
    deviation = _worst(worst) if worst else 0.0
    joint = tuple(_joint_reports(families, strata, judged, shares))
    families_told = tuple(_family_report(family.name, strata, joint) for family in families)
    bound = max((family.lower_bound for family in families_told), default=0.0)
    rows = np.bincount(sides, weights=rows_per_group, minlength=len(splits)).astype(np.int64)
    return Certificate(
        splits=tuple(splits),
        ratios=tuple(shares.tolist()),
        groups=tuple(np.bincount(sides, minlength=len(splits)).tolist()),
        rows=tuple(rows.tolist()),
        families=families_told,
        strata=strata,
        joint=joint,
        worst_deviation=deviation,
        worst_stratum=f"{worst.family}: {worst.stratum}" if worst else "",
        lower_bound=bound,
        gap=round(deviation - bound, _DIGITS),
        assignment_sha256=_digest(group_keys, [splits[side] for side in sides]),
    )


def _reports(
    families: Sequence[Family], counts: Sparse, held: Ints, shares: NDArray[np.float64]
) -> tuple[StratumReport, ...]:
    facts = stratum_facts(counts)
    bounds = stratum_bounds(counts, shares)
    few = {
        stratum: tuple(sorted(rows.tolist()))
        for stratum, rows in few_group_strata(counts, facts, len(shares))
    }
    deviations = POINTS * np.abs(held / np.maximum(facts.rows, 1)[:, None] - shares)
    names = [(family.name, stratum) for family in families for stratum in family.names]
    return tuple(
        StratumReport(
            family=family,
            stratum=stratum,
            rows=int(facts.rows[i]),
            groups=int(facts.groups[i]),
            largest_group=int(facts.largest[i]),
            unit=int(facts.unit[i]),
            group_rows=few.get(i),
            counts=tuple(held[i].tolist()),
            deviation=tuple(np.round(deviations[i], _DIGITS).tolist()),
            lower_bound=round(float(bounds[i]), _DIGITS),
        )
        for i, (family, stratum) in enumerate(names)
        if facts.rows[i]
    )


def _joint_reports(
    families: Sequence[Family],
    strata: Sequence[StratumReport],
    judged: NDArray[np.bool_] | None,
    shares: NDArray[np.float64],
) -> Iterator[JointReport]:
    """For every family whose worst stratum its own bound does not explain, if few groups matter."""
    for family in families:
        mine = [stratum for stratum in strata if stratum.family == family.name]
        worst = max(mine, key=_worst, default=None)
        if worst is None or _worst(worst) <= max(stratum.lower_bound for stratum in mine):
            continue
        counts = family.counts if judged is None else family.counts.only(judged)
        near = neighbours_of(counts, family.names.index(worst.stratum))
        if enumerable(near, len(shares)):
            yield JointReport(
                family=family.name,
                strata=tuple(family.names[place] for place in near.strata),
                group_rows=tuple(map(tuple, near.rows.tolist())),
                lower_bound=round(joint_bound(near.rows, shares), _DIGITS),
            )


def _family_report(
    name: str, strata: Sequence[StratumReport], joint: Sequence[JointReport]
) -> FamilyReport:
    mine = [stratum for stratum in strata if stratum.family == name]
    bounds = [stratum.lower_bound for stratum in mine]
    bounds += [one.lower_bound for one in joint if one.family == name]
    return FamilyReport(
        family=name,
        strata=len(mine),
        worst_deviation=max(map(_worst, mine), default=0.0),
        lower_bound=max(bounds, default=0.0),
    )


def _worst(stratum: StratumReport) -> float:
    return max(stratum.deviation)


def _digest(keys: Sequence[str], sides: Sequence[str]) -> str:
    lines = sorted(f"{key}\t{side}\n" for key, side in zip(keys, sides, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
