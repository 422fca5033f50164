"""No assignment of whole groups comes nearer to the ratios than the bounds say."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate.splits.bounds import most_enumerated_groups, rounding_bounds, stratum_bounds
from artcurate.splits.families import family_of_counts

EIGHT_ONE_ONE = np.array([0.8, 0.1, 0.1])


def bound(group_rows: list[int], ratios: np.ndarray) -> float:
    family = family_of_counts("f", ("a",), np.array(group_rows)[:, None])
    return float(stratum_bounds(family.counts, ratios)[0])


def best(group_rows: list[int], ratios: np.ndarray) -> float:
    """The smallest deviation of any assignment, by trying them all."""
    rows = np.array(group_rows)
    return min(
        max(
            abs(rows[np.array(sides) == split].sum() / rows.sum() - ratio) * 100
            for split, ratio in enumerate(ratios)
        )
        for sides in product(range(len(ratios)), repeat=len(rows))
    )


def test_single_rows_round_to_the_nearest_integers() -> None:
    # 71 rows by 8:1:1 are 56.8, 7.1, 7.1; the nearest whole numbers are 57, 7, 7.
    assert bound([1] * 71, EIGHT_ONE_ONE) == pytest.approx(100 * 0.2 / 71)


def test_what_divides_evenly_has_the_bound_zero() -> None:
    assert bound([1] * 70, EIGHT_ONE_ONE) == pytest.approx(0, abs=1e-9)


def test_groups_of_five_rows_round_in_fives() -> None:
    # 20 groups of 5 rows: 16, 2, 2 groups are exact. 21 groups: 16.8, 2.1, 2.1 round to 17, 2, 2.
    assert bound([5] * 20, EIGHT_ONE_ONE) == pytest.approx(0, abs=1e-9)
    assert bound([5] * 21, EIGHT_ONE_ONE) == pytest.approx(100 * 0.2 / 21)


def test_a_giant_overfills_even_the_largest_split() -> None:
    assert bound([90] + [1] * 10, EIGHT_ONE_ONE) == pytest.approx(10)


def test_a_single_group_leaves_the_other_splits_empty() -> None:
    assert bound([7], EIGHT_ONE_ONE) == pytest.approx(20)


def test_an_empty_stratum_has_the_bound_zero() -> None:
    family = family_of_counts("f", ("a", "b"), np.array([[1, 0], [2, 0]]))

    assert stratum_bounds(family.counts, EIGHT_ONE_ONE)[1] == 0


@pytest.mark.parametrize(("splits", "groups"), [(1, 1), (2, 9), (3, 6), (5, 4), (40, 1)])
def test_enumeration_stays_small(splits: int, groups: int) -> None:
    assert most_enumerated_groups(splits) == groups


@settings(max_examples=60, deadline=None)
@given(
    group_rows=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    weights=st.lists(st.integers(0, 8), min_size=2, max_size=3).filter(any),
)
def test_no_assignment_is_below_the_bound(group_rows: list[int], weights: list[int]) -> None:
    ratios = np.array(weights) / sum(weights)

    reachable = best(group_rows, ratios)

    assert bound(group_rows, ratios) <= reachable + 1e-9
    if len(ratios) ** len(group_rows) <= 1000:
        assert bound(group_rows, ratios) == pytest.approx(reachable, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 60), weights=st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_rounding_is_the_best_of_all_integers(rows: int, weights: list[int]) -> None:
    ratios = np.array(weights) / sum(weights) if sum(weights) else EIGHT_ONE_ONE

    best_of_all = min(
        np.abs(np.array([a, b, rows - a - b]) / rows - ratios).max()
        for a in range(rows + 1)
        for b in range(rows + 1 - a)
    )

    bounds = rounding_bounds(np.array([rows]), np.array([1]), ratios)
    assert bounds[0] == pytest.approx(best_of_all, abs=1e-9)
