"""The most pairs whose two classes suit each other: a flow between a handful of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from artcurate.pairing.apportion import Ints


def most_suitable(supply: Ints, stock: Ints, suits: NDArray[np.bool_], most: int) -> Ints:
    """How many items of each class on the left to pair with each class on the right.

    supply: items per class on the left, (left,). stock: on the right, (right,). suits: which
    classes suit each other, (left, right). most: the most pairs wanted.
    Returns int64, (left, right), zero where classes do not suit, with the largest sum possible:
    a maximum flow (Edmonds and Karp, "Theoretical improvements in algorithmic efficiency for
    network flow problems", 1972), begun greedily with the classes that suit the least stock.
    """
    flow = np.zeros(suits.shape, dtype=np.int64)
    supply, stock = supply.copy(), stock.copy()
    for left in np.argsort(suits @ stock, kind="stable"):
        for right in np.flatnonzero(suits[left]):
            amount = min(int(supply[left]), int(stock[right]), most - int(flow.sum()))
            flow[left, right] += amount
            supply[left] -= amount
            stock[right] -= amount
    while flow.sum() < most and (path := _augmenting_path(supply, stock, suits, flow)):
        forward, back = path[0::2], path[1::2]
        amount = min(
            int(supply[path[0][0]]),
            int(stock[path[-1][1]]),
            most - int(flow.sum()),
            *(int(flow[edge]) for edge in back),
        )
        for edge in forward:
            flow[edge] += amount
        for edge in back:
            flow[edge] -= amount
        supply[path[0][0]] -= amount
        stock[path[-1][1]] -= amount
    return flow


def _augmenting_path(
    supply: Ints, stock: Ints, suits: NDArray[np.bool_], flow: Ints
) -> list[tuple[int, int]]:
    """Edges (left, right) from a class with supply to one with stock, or none.

    Every second edge is one whose flow gives way.
    """
    frontier = [int(left) for left in np.flatnonzero(supply)]
    came_to_left: dict[int, int] = {}
    came_to_right: dict[int, int] = {}
    visited = set(frontier)
    while frontier:
        following: list[int] = []
        for left in frontier:
            for right in (int(r) for r in np.flatnonzero(suits[left]) if r not in came_to_right):
                came_to_right[right] = left
                if stock[right]:
                    return _walk_back(right, came_to_left, came_to_right)
                for other in (int(o) for o in np.flatnonzero(flow[:, right]) if o not in visited):
                    visited.add(other)
                    came_to_left[other] = right
                    following.append(other)
        frontier = following
    return []


def _walk_back(
    right: int, came_to_left: dict[int, int], came_to_right: dict[int, int]
) -> list[tuple[int, int]]:
    edges = []
    while True:
        left = came_to_right[right]
        edges.append((left, right))
        if left not in came_to_left:
            return edges[::-1]
        right = came_to_left[left]
        edges.append((left, right))
