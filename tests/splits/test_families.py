"""Counting rows into groups and strata."""

from __future__ import annotations

import numpy as np
import pytest

from artcurate.splits.families import family_of_counts, family_of_rows, stack

GROUPS = np.array([0, 0, 2, 2, 2, 2])
STRATA = np.array([1, 1, 0, 1, -1, 0])
DENSE = np.array([[0, 2], [0, 0], [2, 1]])


def test_rows_and_a_dense_matrix_give_the_same_family() -> None:
    by_rows = family_of_rows("f", ("a", "b"), 3, GROUPS, STRATA).counts
    by_counts = family_of_counts("f", ("a", "b"), DENSE).counts

    for counts in (by_rows, by_counts):
        assert counts.starts.tolist() == [0, 1, 1, 3]
        assert counts.strata.tolist() == [1, 0, 1]
        assert counts.counts.tolist() == [2, 2, 1]


def test_sums_by_stratum_group_and_split() -> None:
    counts = family_of_counts("f", ("a", "b"), DENSE).counts

    assert counts.rows_per_stratum().tolist() == [2, 3]
    assert counts.rows_per_group().tolist() == [2, 0, 3]
    assert counts.rows_per_split(np.array([1, 0, 0]), 2).tolist() == [[2, 0], [1, 2]]
    assert counts.rows_per_split(np.array([-1, 0, 0]), 2).tolist() == [[2, 0], [1, 0]]


def test_groups_that_are_not_chosen_lose_their_rows_only() -> None:
    counts = family_of_counts("f", ("a", "b"), DENSE).counts.only(np.array([False, True, True]))

    assert counts.groups == 3
    assert counts.rows_per_group().tolist() == [0, 0, 3]


def test_stacked_families_stand_side_by_side() -> None:
    one = family_of_counts("f", ("a", "b"), DENSE)
    other = family_of_counts("g", ("c",), np.array([[5], [6], [0]]))

    stacked = stack([one, other])

    assert stacked.rows_per_stratum().tolist() == [2, 3, 11]
    assert stacked.rows_per_group().tolist() == [7, 6, 3]


def test_families_of_different_groups_do_not_stack() -> None:
    with pytest.raises(ValueError, match="same groups"):
        stack([family_of_counts("f", ("a",), np.ones((n, 1))) for n in (2, 3)])


def test_a_family_needs_a_name_for_each_stratum() -> None:
    with pytest.raises(ValueError, match="names 1 strata"):
        family_of_counts("f", ("a",), DENSE)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="numbers from 0"):
        family_of_counts("f", ("a",), np.array([[-1]]))
