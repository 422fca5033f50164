from __future__ import annotations

import numpy as np
import pytest

from artcurate.pairing.counting import crosstab
from artcurate.pairing.labels import TOLERANCE, balance_labels

SHARES = np.array([0.8, 0.1, 0.1])
#: Four cells of two labels.
LABELS = np.array([0, 1, 0, 1])


def population(persons: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Person and cell of every item; one half of the persons has the first two cells."""
    random = np.random.default_rng(seed)
    counts = np.zeros((persons, 4), dtype=np.int64)
    size = np.ceil(random.lognormal(1.5, 1, (persons, 2))).astype(np.int64)
    half = persons // 2
    counts[:half, :2], counts[half:, 2:] = size[:half], size[half:]
    person, cell = np.nonzero(counts)
    return np.repeat(person, counts[person, cell]), np.repeat(cell, counts[person, cell])


def deviation(held: np.ndarray) -> np.ndarray:
    """Of each label, as a share of its pairs."""
    sums = np.stack([held[label == LABELS].sum(axis=0) for label in range(2)])
    return np.abs(sums / sums.sum(axis=1, keepdims=True) - SHARES).max(axis=1)


def balanced(
    sides: np.ndarray, person: np.ndarray, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The sides that come back, and items per cell and split before and after."""

    def held(some: np.ndarray) -> np.ndarray:
        return crosstab(cell, some[person], (4, 3))

    result = balance_labels(sides, person, cell, LABELS, SHARES, rigid=np.arange(4), quotas_of=held)
    return result, held(sides), held(result)


@pytest.mark.parametrize("seed", range(5))
def test_labels_come_to_their_ratios_and_few_persons_move(seed: int) -> None:
    person, cell = population(400, seed)
    sides = np.random.default_rng(seed).choice(3, 400, p=SHARES)
    result, before, after = balanced(sides, person, cell)
    assert deviation(before).max() > 0.01
    rows = np.array([after[label == LABELS].sum() for label in range(2)])
    assert (deviation(after) <= np.maximum(TOLERANCE, 1 / rows) + 1e-9).all()
    assert (result != sides).sum() < 40


def test_labels_that_are_near_enough_are_left_alone() -> None:
    person = np.arange(1000)
    cell = person % 4
    sides = np.repeat(np.array([0] * 8 + [1, 2]), 100)
    assert balanced(sides, person, cell)[0].tolist() == sides.tolist()


def test_nothing_moves_where_nothing_helps() -> None:
    """One person has everything."""
    person, cell = np.zeros(40, dtype=np.int64), np.arange(40) % 4
    sides = np.zeros(1, dtype=np.int64)
    assert balanced(sides, person, cell)[0].tolist() == [0]


def test_cells_with_flexible_pairs_take_no_part() -> None:
    person, cell = population(40, 0)
    sides = np.zeros(40, dtype=np.int64)
    result = balance_labels(
        sides,
        person,
        cell,
        LABELS,
        SHARES,
        rigid=np.empty(0, dtype=np.int64),
        quotas_of=lambda some: crosstab(cell, some[person], (4, 3)),
    )
    assert result.tolist() == sides.tolist()
