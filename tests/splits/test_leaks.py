"""Leaks of somebody else's split: found, counted, repaired by moving whole groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from artcurate.splits.leaks import find_leaks, repaired

TRAIN, VALIDATION, TEST = range(3)


def test_groups_rows_and_pairs_of_splits_are_counted() -> None:
    groups = np.array([0, 0, 1, 1, 1, 2, 2, 2])
    sides = np.array([TRAIN, TRAIN, TRAIN, TEST, TEST, TRAIN, VALIDATION, TEST])

    leaks = find_leaks(groups, sides, 3)

    assert (leaks.groups, leaks.rows) == (2, 6)
    assert leaks.pairs == {(TRAIN, VALIDATION): 1, (TRAIN, TEST): 2, (VALIDATION, TEST): 1}


def test_a_split_by_group_has_no_leaks() -> None:
    leaks = find_leaks(np.array([0, 0, 1]), np.array([TRAIN, TRAIN, TEST]), 3)

    assert (leaks.groups, leaks.rows, leaks.pairs) == (0, 0, {})


def test_a_straddling_group_goes_where_most_of_its_rows_are() -> None:
    groups = np.array([0, 0, 0, 1])
    sides = np.array([TRAIN, TEST, TEST, VALIDATION])

    assert repaired(groups, sides, 3, 2).tolist() == [TEST, VALIDATION]


def test_of_equals_the_split_that_lost_most_takes_the_group() -> None:
    # Group 0 takes a row from test to train, so the even group 1 goes to test.
    groups = np.array([0, 0, 0, 1, 1])
    sides = np.array([TRAIN, TRAIN, TEST, TRAIN, TEST])

    assert repaired(groups, sides, 3, 2).tolist() == [TRAIN, TEST]


def test_even_groups_alternate() -> None:
    groups = np.repeat(np.arange(4), 2)
    sides = np.tile([TRAIN, TEST], 4)

    assert np.bincount(repaired(groups, sides, 3, 4), minlength=3).tolist() == [2, 0, 2]


def test_groups_without_rows_have_no_side() -> None:
    assert repaired(np.array([1]), np.array([TEST]), 3, 3).tolist() == [-1, TEST, -1]


@given(rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=40))
def test_repair_ends_all_leaks_with_the_fewest_moves(rows: list[tuple[int, int]]) -> None:
    groups, sides = np.array(rows, dtype=np.int64).T

    whole = repaired(groups, sides, 3, 6)

    moved = int((whole[groups] != sides).sum())
    fewest = sum(
        len(mine) - max(np.bincount(mine)) for g in range(6) if len(mine := sides[groups == g])
    )
    assert find_leaks(groups, whole[groups], 3).groups == 0
    assert moved == fewest
