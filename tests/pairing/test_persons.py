from __future__ import annotations

from itertools import product

import numpy as np

from artcurate.pairing.persons import split_persons

SHARES = np.array([0.8, 0.1, 0.1])


def rows(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Person and cell of every item, of a table persons x cells."""
    person, cell = np.nonzero(counts)
    times = counts[person, cell]
    return np.repeat(person, times), np.repeat(cell, times)


def held(counts: np.ndarray, sides: np.ndarray) -> np.ndarray:
    return np.stack([counts[sides == split].sum(axis=0) for split in range(3)], axis=1)


def test_scarce_cells_come_as_near_as_any_assignment() -> None:
    random = np.random.default_rng(0)
    counts = random.integers(1, 9, (7, 2))
    needed = counts.sum(axis=0)
    person, cell = rows(counts)
    sides = split_persons(person, cell, needed, SHARES, seed=0, effort=200)

    def worst(assignment: np.ndarray) -> float:
        return float(np.abs(held(counts, assignment) / needed[:, None] - SHARES).max())

    best = min(worst(np.array(choice)) for choice in product(range(3), repeat=7))
    assert worst(sides) == best


def test_plenty_is_not_balanced_but_enough_is_there() -> None:
    """Cell 0 needs every item, cell 1 a hundredth: the search belongs to cell 0."""
    random = np.random.default_rng(1)
    counts = np.stack([random.integers(1, 9, 60), random.integers(50, 900, 60)], axis=1)
    person, cell = rows(counts)
    needed = np.array([counts[:, 0].sum(), counts[:, 1].sum() // 100])
    table = held(counts, split_persons(person, cell, needed, SHARES, seed=0, effort=200))
    assert np.abs(table[0] - needed[0] * SHARES).max() < 1
    assert (table[1] >= needed[1] * SHARES).all()


def test_a_plentiful_cell_of_one_person_gets_its_own_balance() -> None:
    """Person 0 owns nine tenths of cell 1; unless it is looked at, other splits go without."""
    counts = np.ones((40, 2), dtype=np.int64)
    counts[0, 1] = 360
    person, cell = rows(counts)
    needed = np.array([40, 150])
    table = held(counts, split_persons(person, cell, needed, SHARES, seed=0, effort=100))
    assert np.minimum(table[1], 10**6)[1:].min() >= 1


def test_persons_who_share_no_cell_do_not_matter_to_each_other() -> None:
    random = np.random.default_rng(2)
    first, second = random.integers(1, 5, (20, 3)), random.integers(1, 5, (30, 2))
    both = np.zeros((50, 5), dtype=np.int64)
    both[:20, :3], both[20:, 3:] = first, second
    person, cell = rows(both)
    together = split_persons(person, cell, both.sum(axis=0), SHARES, seed=3, effort=50)
    person, cell = rows(first)
    alone = split_persons(person, cell, first.sum(axis=0), SHARES, seed=3, effort=50)
    assert together[:20].tolist() == alone.tolist()


def test_nobody() -> None:
    nothing = np.empty(0, dtype=np.int64)
    sides = split_persons(nothing, nothing, np.array([3]), SHARES, seed=0, effort=10)
    assert sides.shape == (0,)
