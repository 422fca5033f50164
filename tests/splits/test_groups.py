"""Groups are the transitive closure of "belongs together"."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.splits.groups import connected_groups, first_appearance, groups_by_keys

ITEMS = 12


def closure(items: int, edges: list[tuple[int, int]]) -> list[int]:
    """Labels by walking the graph, one item after another."""
    neighbours = defaultdict(set)
    for one, other in edges:
        neighbours[one].add(other)
        neighbours[other].add(one)
    labels: dict[int, int] = {}
    for item in range(items):
        if item in labels:
            continue
        label = len(set(labels.values()))
        waiting = [item]
        while waiting:
            here = waiting.pop()
            if here not in labels:
                labels[here] = label
                waiting += neighbours[here]
    return [labels[item] for item in range(items)]


@given(edges=st.lists(st.tuples(st.integers(0, ITEMS - 1), st.integers(0, ITEMS - 1)), max_size=20))
def test_groups_are_those_of_a_walk_through_the_graph(edges: list[tuple[int, int]]) -> None:
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)

    labels = connected_groups(ITEMS, [(ends[:, 0], ends[:, 1])])

    assert labels.tolist() == closure(ITEMS, edges)


def test_a_long_chain_in_random_order_is_one_group() -> None:
    order = np.random.Generator(np.random.PCG64(0)).permutation(100_000)

    assert not connected_groups(100_000, [(order[:-1], order[1:])]).any()


def test_edges_of_several_kinds_close_together() -> None:
    first = (np.array([0]), np.array([3]))
    second = (np.array([3]), np.array([4]))

    assert connected_groups(5, [first, second]).tolist() == [0, 1, 2, 0, 0]


def test_without_edges_every_item_is_its_own_group() -> None:
    assert connected_groups(3, []).tolist() == [0, 1, 2]
    assert connected_groups(0, []).tolist() == []


def test_items_with_a_common_key_in_any_column_share_a_group() -> None:
    duplicates = np.array([-1, 7, 7, -1, -1])
    artists = np.array([0, 1, 2, 2, -1])

    assert groups_by_keys([duplicates, artists]).tolist() == [0, 1, 1, 1, 2]


def test_items_without_a_key_share_nothing() -> None:
    assert groups_by_keys([np.array([-1, -1, -1])]).tolist() == [0, 1, 2]


def test_labels_are_numbered_by_first_appearance() -> None:
    assert first_appearance(np.array([5, 2, 5, 9, 2])).tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize("end", [-1, 3])
def test_an_edge_to_nowhere_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        connected_groups(3, [(np.array([0]), np.array([end]))])


def test_keys_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        groups_by_keys([np.array([0, 1]), np.array([0])])
