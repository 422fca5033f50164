"""Alpha per group and stratum, and groups against each other, on data counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from artcurate.agreement import report
from artcurate.agreement.alpha import krippendorff_alpha
from artcurate.agreement.divergence import jensen_shannon
from artcurate.agreement.report import Plan, Votes, alphas, between_groups

PLAN = Plan(min_votes=2, draws=200, confidence=0.95, seed=0)


def random_votes(units: int = 60, groups: int = 3, *, seed: int = 0) -> Votes:
    generator = np.random.Generator(np.random.PCG64(seed))
    tastes = generator.dirichlet(np.full(4, 0.5), size=units)
    counts = np.stack(
        [generator.multinomial(generator.integers(0, 6, units), tastes) for _ in range(groups)],
        axis=1,
    )
    return Votes(
        counts=counts,
        groups=tuple("abcdefgh"[:groups]),
        polarity=np.array([0, 0, 1, 2]),
        stratum=generator.integers(0, 3, units),
        strata=("x", "y", "z"),
        clusters=np.arange(units),
    )


def test_every_alpha_is_that_of_its_own_votes() -> None:
    votes = random_votes()
    found = alphas(votes, PLAN)
    assert [(cell.stratum, cell.group) for cell in found] == [
        (stratum, group) for stratum in (None, "x", "y", "z") for group in (None, "a", "b", "c")
    ]
    for cell in found:
        units = votes.stratum >= 0
        if cell.stratum is not None:
            units = votes.stratum == votes.strata.index(cell.stratum)
        counts = votes.counts[units]
        counts = counts.sum(axis=1) if cell.group is None else counts[:, "abc".index(cell.group)]
        pairable = counts[counts.sum(axis=1) >= 2]
        assert cell.alpha.value == pytest.approx(krippendorff_alpha(counts), abs=1e-6)
        assert (cell.units, cell.votes) == (len(pairable), pairable.sum())
        assert cell.alpha.low is not None
        assert cell.alpha.high is not None
        assert cell.alpha.low <= cell.alpha.high


def test_two_groups_on_units_counted_by_hand() -> None:
    # Unit 0: both lead with label 0. Unit 1: 0 against 2. Unit 2: the second has one vote only.
    votes = Votes(
        counts=np.array([[[2, 0, 0], [3, 0, 0]], [[2, 0, 0], [0, 0, 2]], [[2, 0, 0], [0, 1, 0]]]),
        groups=("first", "second"),
        polarity=np.array([0, 0, 1]),
        stratum=np.zeros(3, np.int64),
        strata=("all",),
        clusters=np.arange(3),
    )
    (pair,) = between_groups(votes, PLAN)
    assert (pair.first, pair.second, pair.units) == ("first", "second", 2)
    assert pair.same_label == 0.5
    # Leaders (0, 0) and (0, 2): D_o = 2 / 4 and D_e = (16 - 9 - 1) / (4 * 3), so alpha is 0.
    assert pair.alpha.value == 0.0
    # Divergences 0 and 1 bit. By chance: two votes of each label fall 2:0, 1:1, 1:1, 1:1, 1:1, 0:2.
    assert pair.divergence.value == 0.5
    assert pair.by_chance == pytest.approx(0.5 * (2 / 6), abs=1e-6)
    assert pair.excess.value == pytest.approx(0.5 - 0.5 * (2 / 6), abs=1e-6)


def test_pairs_are_means_over_the_units_that_both_groups_share() -> None:
    votes = random_votes()
    first, second = 0, 2
    enough = (votes.counts[:, [first, second]].sum(axis=2) >= PLAN.min_votes).all(axis=1)
    expected = jensen_shannon(votes.counts[enough][:, [first, second]]).mean()
    pairs = {(pair.first, pair.second): pair for pair in between_groups(votes, PLAN)}
    assert list(pairs) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pairs["a", "c"].units == enough.sum()
    assert pairs["a", "c"].divergence.value == pytest.approx(expected, abs=1e-6)


def test_groups_of_one_taste_exceed_chance_by_nothing_and_others_by_much() -> None:
    alike = random_votes(2_000, 2)
    (same,) = between_groups(alike, PLAN)
    assert same.excess.low is not None
    assert same.excess.high is not None
    assert same.excess.low < 0 < same.excess.high
    apart = Votes(
        counts=np.stack([alike.counts[:, 0], alike.counts[:, 1, ::-1]], axis=1),
        groups=alike.groups,
        polarity=alike.polarity,
        stratum=alike.stratum,
        strata=alike.strata,
        clusters=alike.clusters,
    )
    (other,) = between_groups(apart, PLAN)
    assert other.excess.low is not None
    assert other.excess.low > 0.1


def test_pairs_in_blocks_are_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = random_votes(40, 4)
    whole = between_groups(votes, PLAN)
    monkeypatch.setattr(report, "PAIR_BYTES", 1)
    assert between_groups(votes, PLAN) == whole


def test_without_draws_there_is_no_interval() -> None:
    overall = alphas(random_votes(), Plan(2, 0, 0.95, 0))[0]
    assert overall.alpha.value is not None
    assert overall.alpha.low is None
    assert overall.alpha.high is None


def test_units_without_votes_change_nothing() -> None:
    votes = random_votes()
    empty = np.zeros((20, *votes.counts.shape[1:]), np.int64)
    padded = Votes(
        counts=np.concatenate([votes.counts, empty]),
        groups=votes.groups,
        polarity=votes.polarity,
        stratum=np.concatenate([votes.stratum, np.zeros(20, np.int64)]),
        strata=votes.strata,
        clusters=np.arange(80),
    )
    assert alphas(padded, PLAN) == alphas(votes, PLAN)
    assert between_groups(padded, PLAN) == between_groups(votes, PLAN)
