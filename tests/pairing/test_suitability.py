from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from artcurate.pairing.suitability import most_suitable

NUMBERS = st.integers(0, 9)


def oracle(supply: np.ndarray, stock: np.ndarray, suits: np.ndarray) -> int:
    left, right = suits.shape
    graph = np.zeros((left + right + 2, left + right + 2), dtype=np.int32)
    graph[0, 1 : left + 1] = supply
    graph[1 : left + 1, left + 1 : -1] = suits * 1000
    graph[left + 1 : -1, -1] = stock
    return int(maximum_flow(csr_array(graph), 0, left + right + 1).flow_value)


@given(
    st.integers(1, 5).flatmap(
        lambda left: st.integers(1, 5).flatmap(
            lambda right: st.tuples(
                st.lists(NUMBERS, min_size=left, max_size=left),
                st.lists(NUMBERS, min_size=right, max_size=right),
                st.lists(
                    st.lists(st.booleans(), min_size=right, max_size=right),
                    min_size=left,
                    max_size=left,
                ),
                st.integers(0, 60),
            )
        )
    )
)
def test_the_flow_is_a_largest_one(
    case: tuple[list[int], list[int], list[list[bool]], int],
) -> None:
    supply, stock, suits = np.array(case[0]), np.array(case[1]), np.array(case[2], dtype=bool)
    flow = most_suitable(supply, stock, suits, case[3])
    assert (flow >= 0).all()
    assert not flow[~suits].any()
    assert (flow.sum(axis=1) <= supply).all()
    assert (flow.sum(axis=0) <= stock).all()
    assert flow.sum() == min(oracle(supply, stock, suits), case[3])
