"""Jensen-Shannon divergence against scipy, and its chance level against every possible deal."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from artcurate.agreement.divergence import chance_jensen_shannon, jensen_shannon

small = hnp.arrays(np.int64, (2, 3), elements=st.integers(0, 3)).filter(
    lambda counts: bool(counts.sum(axis=1).all())
)


@given(small)
def test_two_groups_are_scipys_squared_distance_in_bits(counts: np.ndarray) -> None:
    expected = jensenshannon(counts[0], counts[1], base=2) ** 2
    assert jensen_shannon(counts[None])[0] == pytest.approx(np.nan_to_num(expected), abs=1e-7)


@given(hnp.arrays(np.int64, (3, 4), elements=st.integers(0, 5)))
def test_more_groups_are_entropy_of_the_mean_less_mean_of_the_entropies(
    counts: np.ndarray,
) -> None:
    counts = counts[counts.sum(axis=1) >= 2]
    value = jensen_shannon(counts[None], min_votes=2)[0] if len(counts) else np.nan
    if len(counts) < 2:
        assert np.isnan(value)
        return
    shares = counts / counts.sum(axis=1, keepdims=True)
    expected = entropy(shares.mean(axis=0), base=2) - entropy(shares, axis=1, base=2).mean()
    assert value == pytest.approx(expected, abs=1e-12)
    assert 0 <= value <= np.log2(len(counts)) + 1e-12


def test_groups_with_too_few_votes_do_not_count() -> None:
    counts = np.array([[[5, 0], [0, 5], [1, 0]], [[5, 0], [0, 1], [0, 0]]])
    assert jensen_shannon(counts, min_votes=3)[0] == pytest.approx(1.0)
    assert np.isnan(jensen_shannon(counts, min_votes=3)[1])
    assert np.isnan(jensen_shannon(np.zeros((1, 2, 3), np.int64))[0])


def mean_over_all_deals(first: np.ndarray, second: np.ndarray) -> float:
    """The mean divergence over every way to deal the pooled votes to groups of these sizes."""
    votes = np.repeat(np.arange(len(first)), first + second)
    values = []
    for taken in itertools.combinations(range(len(votes)), int(first.sum())):
        mine = np.zeros(len(votes), bool)
        mine[list(taken)] = True
        deal = [np.bincount(votes[side], minlength=len(first)) for side in (mine, ~mine)]
        values.append(jensen_shannon(np.array([deal]))[0])
    return float(np.mean(values))


@settings(max_examples=40, deadline=None)
@given(st.lists(small, min_size=1, max_size=3))
def test_the_chance_level_is_the_mean_over_all_deals(units: list[np.ndarray]) -> None:
    counts = np.stack(units)
    counts = np.minimum(counts, 2)
    found = chance_jensen_shannon(counts[:, 0], counts[:, 1])
    for unit, value in zip(counts, found, strict=True):
        assert value == pytest.approx(mean_over_all_deals(unit[0], unit[1]), abs=1e-9)


def test_the_chance_level_is_undefined_without_votes_on_one_side() -> None:
    nobody = np.zeros((1, 3), np.int64)
    assert np.isnan(chance_jensen_shannon(nobody, np.array([[1, 2, 0]])))


def test_groups_that_share_one_taste_differ_as_much_as_chance_says() -> None:
    generator = np.random.Generator(np.random.PCG64(1))
    tastes = generator.dirichlet(np.ones(9), size=4_000)
    first, second = generator.multinomial(5, tastes), generator.multinomial(6, tastes)
    measured = jensen_shannon(np.stack([first, second], axis=1)).mean()
    assert measured > 0.3
    assert measured == pytest.approx(chance_jensen_shannon(first, second).mean(), abs=0.01)
