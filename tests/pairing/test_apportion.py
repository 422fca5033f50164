from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.pairing.apportion import apportion, apportion_within

SHARES = np.array([0.8, 0.1, 0.1])


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        # The Alabama paradox: one seat more for the house, one less for the smallest.
        (10, [6, 6, 2], [4, 4, 2]),
        (11, [6, 6, 2], [5, 5, 1]),
        (30, [8, 1, 1], [24, 3, 3]),
        (0, [1, 1], [0, 0]),
    ],
)
def test_largest_remainders(total: int, weights: list[int], expected: list[int]) -> None:
    assert apportion(total, np.array(weights)).tolist() == expected


@given(st.integers(0, 1000), st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_everybody_gets_the_exact_part_rounded_down_or_up(total: int, weights: list[int]) -> None:
    if not any(weights):
        return
    dealt = apportion(total, np.array(weights))
    exact = total * np.array(weights) / sum(weights)
    assert dealt.sum() == total
    assert (np.abs(dealt - exact) < 1 + 1e-6).all()


@given(st.integers(0, 12), st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_within_caps_nothing_lies_nearer(total: int, caps: list[int]) -> None:
    dealt = apportion_within(total, SHARES, np.array(caps))
    wanted = min(total, sum(caps))
    best = min(
        sum((x - wanted * share) ** 2 for x, share in zip(choice, SHARES, strict=True))
        for choice in product(*(range(cap + 1) for cap in caps))
        if sum(choice) == wanted
    )
    assert dealt.sum() == wanted
    assert (dealt <= caps).all()
    assert ((dealt - wanted * SHARES) ** 2).sum() == pytest.approx(best)
