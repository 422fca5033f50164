"""What a split achieved, against what any split of the same groups could, in a form to recompute.

For stratum c with n_c rows, split s with share r_s and x_cs rows of c in s, the deviation is
100 |x_cs / n_c - r_s| percentage points. The lower bound of a stratum is that of
artcurate.splits.bounds; the split's bound is the largest of its strata, its gap the worst deviation
less that bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from artcurate.splits.bounds import POINTS, stratum_bounds, stratum_facts
from artcurate.splits.families import Family, Ints, stack
from artcurate.splits.solver import shares_of

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class StratumReport:
    """One stratum. counts: rows per split, in the order of the certificate's splits.

    groups, largest_group, unit: what the lower bound rests on. deviation, lower_bound: points.
    """

    family: str
    stratum: str
    rows: int
    groups: int
    largest_group: int
    unit: int
    counts: tuple[int, ...]
    deviation: float
    lower_bound: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """A split's quality. ratios sum to one; deviations and bounds are percentage points.

    rows: per split, each row counted once. assignment_sha256: of the lines `group<TAB>split`,
    sorted, each ended by a line feed, in UTF-8.
    """

    splits: tuple[str, ...]
    ratios: tuple[float, ...]
    groups: tuple[int, ...]
    rows: tuple[int, ...]
    strata: tuple[StratumReport, ...]
    worst_deviation: float
    worst_stratum: str
    lower_bound: float
    gap: float
    assignment_sha256: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def certify(
    families: Sequence[Family],
    sides: Ints,
    *,
    splits: Sequence[str],
    ratios: Sequence[float],
    rows_per_group: Ints,
    group_keys: Sequence[str],
) -> Certificate:
    """The certificate of the assignment `sides` (split of each group, int64, shape (groups,)).

    group_keys: a name for each group that lasts beyond this run.
    """
    shares = shares_of(ratios)
    counts = stack(families)
    facts = stratum_facts(counts)
    bounds = stratum_bounds(counts, shares)
    held = counts.rows_per_split(sides, len(splits))
    totals = np.maximum(facts.rows, 1)[:, None]
    deviations = np.where(facts.rows > 0, np.abs(held / totals - shares).max(axis=1) * POINTS, 0.0)
    names = [(family.name, stratum) for family in families for stratum in family.names]
    strata = tuple(
        StratumReport(
            family=family,
            stratum=stratum,
            rows=int(facts.rows[i]),
            groups=int(facts.groups[i]),
            largest_group=int(facts.largest[i]),
            unit=int(facts.unit[i]),
            counts=tuple(held[i].tolist()),
            deviation=round(float(deviations[i]), _DIGITS),
            lower_bound=round(float(bounds[i]), _DIGITS),
        )
        for i, (family, stratum) in enumerate(names)
    )
    worst = int(deviations.argmax())
    bound = float(bounds.max(initial=0.0))
    rows = np.bincount(sides, weights=rows_per_group, minlength=len(splits)).astype(np.int64)
    return Certificate(
        splits=tuple(splits),
        ratios=tuple(shares.tolist()),
        groups=tuple(np.bincount(sides, minlength=len(splits)).tolist()),
        rows=tuple(rows.tolist()),
        strata=strata,
        worst_deviation=round(float(deviations[worst]), _DIGITS),
        worst_stratum=" ".join(names[worst]),
        lower_bound=round(bound, _DIGITS),
        gap=round(float(deviations[worst]) - bound, _DIGITS),
        assignment_sha256=_digest(group_keys, [splits[side] for side in sides]),
    )


def _digest(keys: Sequence[str], sides: Sequence[str]) -> str:
    lines = sorted(f"{key}\t{side}\n" for key, side in zip(keys, sides, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
