"""Counts, soft labels and the stated tie rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from artcurate.agreement.votes import count_votes, majority, soft_labels

# Four labels: two positive, one negative, one other.
POLARITY = np.array([0, 0, 1, 2])

tables = hnp.arrays(np.int64, st.tuples(st.integers(1, 8), st.just(4)), elements=st.integers(0, 4))


def leader(*counts: list[int], rest: list[int] | None = None) -> list[int]:
    """Majority labels of `counts`, with one more unit that only moves the corpus totals."""
    table = np.array([*counts, rest or [0, 0, 0, 0]])
    return majority(table, POLARITY).label[: len(counts)].tolist()


def test_votes_are_counted_per_unit_group_and_label() -> None:
    counts = count_votes(
        np.array([0, 0, 1, 0]), np.array([0, 1, 1, 0]), np.array([2, 0, 1, 2]), (3, 2, 3)
    )
    assert counts[0, 0].tolist() == [0, 0, 2]
    assert counts[0, 1].tolist() == [1, 0, 0]
    assert counts[1, 1].tolist() == [0, 1, 0]
    assert counts[2].sum() == 0


def test_most_votes_win() -> None:
    assert leader([1, 0, 3, 2]) == [2]


def test_a_tie_goes_to_the_polarity_with_more_votes() -> None:
    assert leader([2, 1, 2, 0]) == [0]
    assert leader([2, 0, 2, 0], rest=[9, 0, 0, 0]) == [0]


def test_then_to_the_commoner_label_and_then_to_the_lower_id() -> None:
    assert leader([1, 1, 0, 0], rest=[0, 5, 0, 0]) == [1]
    assert leader([0, 0, 1, 1], rest=[0, 0, 0, 7]) == [3]
    assert leader([1, 1, 0, 0]) == [0]


def test_ties_are_marked_before_the_rule_and_units_without_votes_have_no_label() -> None:
    found = majority(np.array([[2, 0, 2, 0], [3, 0, 2, 0], [0, 0, 0, 0]]), POLARITY)
    assert found.tie.tolist() == [True, False, False]
    assert found.label.tolist()[2] == -1
    assert found.votes.tolist() == [2, 3, 0]


@given(tables)
def test_the_majority_always_has_the_most_votes(counts: np.ndarray) -> None:
    found = majority(counts, POLARITY)
    for row, label, votes in zip(counts, found.label, found.votes, strict=True):
        assert votes == row.max()
        assert row[label] == row.max() if row.any() else label == -1


@given(tables, st.permutations(range(8)))
def test_the_majority_does_not_depend_on_the_order_of_units(
    counts: np.ndarray, permutation: list[int]
) -> None:
    order = [index for index in permutation if index < len(counts)]
    whole = majority(counts, POLARITY).label
    assert majority(counts[order], POLARITY).label.tolist() == whole[order].tolist()


def test_soft_labels_are_shares_of_votes() -> None:
    assert soft_labels(np.array([[3, 1, 0]])).tolist() == [[0.75, 0.25, 0.0]]
    assert soft_labels(np.array([[3, 1, 0]]), smoothing=1.0)[0] == pytest.approx(
        [4 / 7, 2 / 7, 1 / 7]
    )
    assert np.isnan(soft_labels(np.array([[0, 0, 0]]), smoothing=1.0)).all()


@given(tables, st.floats(0, 10))
def test_soft_labels_sum_to_one(counts: np.ndarray, smoothing: float) -> None:
    sums = soft_labels(counts, smoothing)[counts.any(axis=1)].sum(axis=1)
    assert sums == pytest.approx(1.0)
