from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.splits.families import family_of_counts
from artcurate.splits.joint_bounds import enumerable, joint_bound, neighbours_of
from artcurate.splits.solver import solve

RATIOS = np.array([0.8, 0.1, 0.1])


def by_hand(rows: list[list[int]], ratios: list[float]) -> float:
    """Every assignment, one after another."""
    best = 100.0
    strata = range(len(rows[0]))
    for sides in product(range(len(ratios)), repeat=len(rows)):
        worst = 0.0
        for stratum in strata:
            total = sum(row[stratum] for row in rows)
            for split, ratio in enumerate(ratios):
                held = sum(
                    row[stratum] for row, side in zip(rows, sides, strict=True) if side == split
                )
                worst = max(worst, 100 * abs(held / total - ratio))
        best = min(best, worst)
    return best


tables = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 30), min_size=width, max_size=width), min_size=1, max_size=5
    )
)


@given(tables)
def test_it_is_the_best_of_all_assignments(rows: list[list[int]]) -> None:
    filled = [*rows, [1] * len(rows[0])]
    assert joint_bound(np.array(filled), RATIOS) == pytest.approx(by_hand(filled, RATIOS.tolist()))


def test_two_strata_that_pull_apart() -> None:
    """Alone each could be halved; together the one group that both need decides."""
    rows = np.array([[10, 10], [10, 0], [0, 10], [10, 10]])
    assert joint_bound(rows, np.array([0.5, 0.5])) == pytest.approx(100 / 6)
    assert joint_bound(rows[:, :1], np.array([0.5, 0.5])) == pytest.approx(100 / 6)
    assert joint_bound(np.array([[1, 3], [3, 1]]), np.array([0.5, 0.5])) == pytest.approx(25)


def test_neighbours_are_reached_over_shared_strata() -> None:
    counts = np.array([[5, 1, 0, 0], [0, 2, 3, 0], [0, 0, 0, 7], [0, 0, 4, 0], [0, 0, 0, 0]])
    family = family_of_counts("cell", list("abcd"), counts)
    near = neighbours_of(family.counts, 0)
    assert near.groups.tolist() == [0, 1, 3]
    assert near.strata.tolist() == [0, 1, 2]
    assert near.rows.tolist() == [[5, 1, 0], [0, 2, 3], [0, 0, 4]]
    assert neighbours_of(family.counts, 3).rows.tolist() == [[7]]


def test_many_groups_are_not_tried() -> None:
    few, many = (
        neighbours_of(family_of_counts("cell", ["a"], np.ones((groups, 1), dtype=int)).counts, 0)
        for groups in (12, 30)
    )
    assert enumerable(few, 3)
    assert not enumerable(many, 3)


@pytest.mark.parametrize("seed", range(4))
def test_the_search_reaches_it(seed: int) -> None:
    """On heavy-tailed groups whose strata cannot be told apart by one group at a time."""
    generator = np.random.Generator(np.random.PCG64(seed))
    weight = generator.lognormal(0, 1.5, 9)
    rows = generator.poisson(np.outer(weight / weight.sum(), np.full(5, 300.0))) + 1
    sides = solve(
        [family_of_counts("cell", list("abcde"), rows)], RATIOS.tolist(), seed=0, effort=400
    )
    held = np.stack([rows[sides == split].sum(axis=0) for split in range(3)], axis=1)
    worst = 100 * np.abs(held / rows.sum(axis=0)[:, None] - RATIOS).max()
    assert worst == pytest.approx(joint_bound(rows, RATIOS))
