"""How far votes agree, overall, per group, per stratum and between groups, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from artcurate.agreement.alpha import alpha_from_sums, alpha_terms
from artcurate.agreement.bootstrap import Resampling, percentile_interval
from artcurate.agreement.divergence import chance_jensen_shannon, jensen_shannon
from artcurate.agreement.votes import majority

#: Terms of the group pairs that are resampled in one go.
PAIR_BYTES = 128 << 20
#: Reported figures are rounded, so that the order in which a processor adds does not show.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes on units, as arrays.

    counts: (units, groups, labels) int64.
    groups: the groups' names (languages), in the order of the axis.
    polarity: (labels,) int64, the number of every label's polarity.
    stratum: (units,) int64 index into `strata` (styles).
    clusters: (units,) numbers from 0 without gaps; units with one number are near-copies.
    """

    counts: NDArray[np.int64]
    groups: tuple[str, ...]
    polarity: NDArray[np.int64]
    stratum: NDArray[np.int64]
    strata: tuple[str, ...]
    clusters: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its bootstrap interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's nominal alpha over the units with at least two votes, and these votes.

    group or stratum is None where all of them are taken together.
    """

    group: str | None
    stratum: str | None
    alpha: Interval
    units: int
    votes: int


@dataclass(frozen=True, slots=True)
class Between:
    """Two groups on the units where both have enough votes.

    alpha: nominal alpha of the groups' majority labels, each group as one observer.
    same_label: share of the units on which the two majority labels are equal.
    divergence: mean Jensen-Shannon divergence of their votes, bits.
    by_chance: what that mean would be if each unit's votes fell to the groups at random.
    excess: divergence - by_chance, what the groups' difference itself explains.
    """

    first: str
    second: str
    units: int
    alpha: Interval
    same_label: float | None
    divergence: Interval
    by_chance: float | None
    excess: Interval


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: votes a group needs on a unit to be compared with others, and how."""

    min_votes: int
    draws: int
    confidence: float
    seed: int


def alphas(votes: Votes, plan: Plan) -> tuple[Alpha, ...]:
    """Alpha of every stratum, overall first, and in it of all groups together and of each group.

    Strata without units and units without votes are left out.
    """
    votes = _by_stratum(votes)
    starts = np.flatnonzero(np.diff(votes.stratum, prepend=-1))
    terms = np.stack(
        [
            alpha_terms(votes.counts.sum(axis=1)),
            *(alpha_terms(votes.counts[:, group]) for group in range(len(votes.groups))),
        ],
        axis=1,
    )
    shape = terms.shape[1:]

    def statistic(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return alpha_from_sums(_with_overall(sums.reshape(*sums.shape[:2], *shape), axis=1))

    estimates = _estimate(votes, _flat(terms), starts, statistic, plan)
    pairable = terms[:, :, 1:].sum(axis=2)
    units = _with_overall(np.add.reduceat(pairable > 0, starts, axis=0, dtype=np.int64), axis=0)
    ballots = _with_overall(np.add.reduceat(pairable, starts, axis=0), axis=0)
    strata = [None, *(votes.strata[index] for index in votes.stratum[starts])]
    return tuple(
        Alpha(
            group=group,
            stratum=stratum,
            alpha=estimates.interval(s, g),
            units=int(units[s, g]),
            votes=int(ballots[s, g]),
        )
        for s, stratum in enumerate(strata)
        for g, group in enumerate([None, *votes.groups])
    )


def between_groups(votes: Votes, plan: Plan) -> tuple[Between, ...]:
    """Every pair of groups, compared on the units where both have `plan.min_votes` votes."""
    votes = _by_stratum(votes)
    leaders = [majority(votes.counts[:, g], votes.polarity).label for g in range(len(votes.groups))]
    pairs = list(combinations(range(len(votes.groups)), 2))
    label_count = votes.counts.shape[2]
    at_once = max(1, PAIR_BYTES // (8 * (5 + label_count) * max(len(votes.counts), 1)))
    found: list[Between] = []
    for begin in range(0, len(pairs), at_once):
        block = pairs[begin : begin + at_once]
        terms = np.stack([_pair_terms(votes, leaders, pair, plan) for pair in block], axis=1)
        together = np.zeros(min(1, len(terms)), np.int64)
        estimates = _estimate(votes, _flat(terms), together, _pair_statistic(block), plan)
        units = terms[:, :, 0].sum(axis=0)
        found += [
            Between(
                first=votes.groups[first],
                second=votes.groups[second],
                units=int(units[index]),
                alpha=estimates.interval(index, 0),
                same_label=estimates.interval(index, 1).value,
                divergence=estimates.interval(index, 2),
                by_chance=estimates.interval(index, 3).value,
                excess=estimates.interval(index, 4),
            )
            for index, (first, second) in enumerate(block)
        ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Estimates:
    """Arrays of one shape: the figures and the ends of their intervals, NaN where undefined."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def interval(self, *index: int) -> Interval:
        return Interval(*(_figure(array[index]) for array in (self.value, self.low, self.high)))


def _figure(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS) + 0.0


def _by_stratum(votes: Votes) -> Votes:
    """The units that have votes, sorted by stratum, with clusters numbered again."""
    voted = np.flatnonzero(votes.counts.any(axis=(1, 2)))
    order = voted[np.argsort(votes.stratum[voted], kind="stable")]
    return replace(
        votes,
        counts=votes.counts[order],
        stratum=votes.stratum[order],
        clusters=np.unique(votes.clusters[order], return_inverse=True)[1],
    )


def _flat(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    return terms.reshape(len(terms), terms.shape[1] * terms.shape[2])


def _with_overall(strata: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The strata's sums with their own sum put before them."""
    return np.concatenate([strata.sum(axis=axis, keepdims=True), strata], axis=axis)


def _estimate(
    votes: Votes,
    terms: NDArray[np.float64],
    starts: NDArray[np.int64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    plan: Plan,
) -> _Estimates:
    value = statistic(np.add.reduceat(terms, starts, axis=0)[None])[0]
    if not plan.draws or not len(terms):
        undefined = np.full(value.shape, np.nan)
        return _Estimates(value, undefined, undefined)
    resampling = Resampling(votes.clusters, plan.draws, plan.seed)
    drawn = resampling.statistics(terms, starts, statistic)
    return _Estimates(value, *percentile_interval(drawn, plan.confidence))


def _pair_terms(
    votes: Votes, leaders: Sequence[NDArray[np.int64]], pair: tuple[int, int], plan: Plan
) -> NDArray[np.float64]:
    """(units, 5 + labels): compared, same majority, divergence, the same by chance, alpha's terms.

    All zero where one of the two has too few votes.
    """
    first, second = pair
    both = votes.counts[:, [first, second]]
    compared = (both.sum(axis=2) >= max(plan.min_votes, 1)).all(axis=1)
    labels = np.stack([leaders[first], leaders[second]], axis=1)
    ballots = (labels[:, :, None] == np.arange(both.shape[2])).sum(axis=1)
    terms = np.concatenate(
        [
            np.ones((len(both), 1)),
            (labels[:, :1] == labels[:, 1:]).astype(np.float64),
            jensen_shannon(both)[:, None],
            chance_jensen_shannon(both[:, 0], both[:, 1])[:, None],
            alpha_terms(ballots),
        ],
        axis=1,
    )
    return np.where(compared[:, None], terms, 0.0)


def _pair_statistic(
    pairs: Sequence[tuple[int, int]],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Sums of `_pair_terms` -> (draws, pairs, 5): alpha, same, divergence, by chance, excess."""

    def statistic(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        totals = sums.sum(axis=1)
        by_pair = totals.reshape(len(totals), len(pairs), -1)
        compared = by_pair[:, :, :1]
        means = np.where(
            compared > 0, by_pair[:, :, 1:4] / np.where(compared > 0, compared, 1.0), np.nan
        )
        excess = means[:, :, 1:2] - means[:, :, 2:3]
        alpha = alpha_from_sums(by_pair[:, :, 4:])[:, :, None]
        return np.concatenate([alpha, means, excess], axis=2)

    return statistic
