from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from artcurate.pairing.quotas import quotas

SHARES = np.array([0.8, 0.1, 0.1])
PLENTY = 10**6


def test_cells_that_can_have_the_ratios_have_them() -> None:
    caps = np.array([[900, 300, 300], [PLENTY] * 3])
    result = quotas(caps, np.array([1000, 50]), np.array([0, 1]), SHARES)
    assert result.tolist() == [[800, 100, 100], [40, 5, 5]]


def test_no_pair_is_given_up_for_the_ratios() -> None:
    caps = np.array([[9, 0, 0], [10, 50, 40]])
    result = quotas(caps, np.array([PLENTY, PLENTY]), np.array([0, 1]), SHARES)
    assert result.tolist() == caps.tolist()


def test_a_flexible_cell_makes_up_for_one_that_is_not() -> None:
    caps = np.array([[90, 5, 25], [PLENTY] * 3])
    result = quotas(caps, np.array([120, 4880]), np.array([0, 0]), SHARES)
    assert result[0].tolist() == [90, 5, 25]
    deviation = np.abs(result.sum(axis=0) - 5000 * SHARES)
    assert deviation.max() <= 2.5
    assert np.abs(result[1] - 4880 * SHARES).max() <= 13


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 200), min_size=3, max_size=3),
            st.integers(0, 400),
            st.integers(0, 2),
        ),
        max_size=8,
    )
)
def test_as_many_as_caps_and_limits_allow(cells: list[tuple[list[int], int, int]]) -> None:
    caps = np.array([cap for cap, _, _ in cells], dtype=np.int64).reshape(-1, 3)
    limits = np.array([limit for _, limit, _ in cells], dtype=np.int64)
    labels = np.array([label for _, _, label in cells], dtype=np.int64)
    result = quotas(caps, limits, labels, SHARES)
    assert (result >= 0).all()
    assert (result <= caps).all()
    assert result.sum(axis=1).tolist() == np.minimum(limits, caps.sum(axis=1)).tolist()
