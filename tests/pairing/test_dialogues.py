from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate.pairing.dialogues import split_dialogues
from artcurate.pairing.order import random_keys
from artcurate.pairing.quotas import quotas

SHARES = np.array([0.8, 0.1, 0.1])


def split(
    sizes: list[dict[int, int]],
    wanted: list[list[int]],
    secondary: list[bool] | None = None,
    room: list[list[int]] | None = None,
) -> np.ndarray:
    """sizes: for each dialogue, cell -> sentences. room: as wanted where it is not given."""
    rows = [
        (number, cell)
        for number, sentences in enumerate(sizes)
        for cell, count in sentences.items()
        for _ in range(count)
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return split_dialogues(
        table[:, 0],
        table[:, 1],
        np.array(wanted, dtype=np.int64),
        np.array(room or wanted, dtype=np.int64),
        SHARES,
        secondary=np.array(secondary or [False] * len(wanted)),
        keys=random_keys(map(str, range(len(sizes))), 0, "dialogues"),
    )


def held(sizes: list[dict[int, int]], sides: np.ndarray, cells: int) -> np.ndarray:
    table = np.zeros((cells, 3), dtype=np.int64)
    for sentences, side in zip(sizes, sides, strict=True):
        for cell, count in sentences.items():
            table[cell, side] += count
    return table


@settings(max_examples=200)
@given(
    st.lists(st.integers(1, 2), min_size=1, max_size=6),
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
def test_no_assignment_has_more_pairs_of_one_cell(sizes: list[int], room: list[int]) -> None:
    dialogues = [{0: size} for size in sizes]
    wanted = quotas(
        np.array([room]), np.array([sum(sizes)]), np.zeros(1, dtype=np.int64), SHARES
    ).tolist()
    sides = split(dialogues, wanted, room=[room])
    best = max(
        int(np.minimum(held(dialogues, np.array(choice), 1), room).sum())
        for choice in product(range(3), repeat=len(sizes))
    )
    assert np.minimum(held(dialogues, sides, 1), room).sum() == best


def test_secondary_cells_decide_between_equals() -> None:
    """Two dialogues of ten have a neutral sentence, and only test wants one."""
    dialogues = [{0: 2, 1: 1}] * 2 + [{0: 2}] * 8
    sides = split(dialogues, [[8, 8, 4], [0, 0, 2]], [False, True])
    assert held(dialogues, sides, 2).tolist() == [[8, 8, 4], [0, 0, 2]]


def test_spare_dialogues_serve_secondary_cells_and_then_the_ratios() -> None:
    dialogues = [{0: 2, 1: 1}] * 100
    sides = split(dialogues, [[2, 0, 0], [0, 0, 30]], [False, True])
    counts = np.bincount(sides, minlength=3)
    assert held(dialogues, sides, 2)[1, 2] >= 30
    # One for train, thirty for test, 69 dealt 8:1:1.
    assert counts.tolist() == [1 + 55, 7, 30 + 7]


def test_nothing_to_place() -> None:
    assert split([], [[1, 1, 1]]).shape == (0,)
