"""Groups: the classes of items that must stay on the same side of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def connected_groups(
    items: int, edges: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> NDArray[np.int64]:
    """Transitive closure of "belongs together" over `items` items.

    edges: pairs of equally long arrays of item indices; `left[i]` belongs with `right[i]`.
    Returns one label per item, shape (items,), int64: 0..k-1 in order of first appearance, so the
    labels do not depend on the order of the edges.
    Raises ValueError for an index outside 0..items-1 or arrays of unequal length.

    Every round hooks the root of each component onto the smallest root that an edge leads to and
    halves the paths (Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982),
    so a million items take a few array passes.
    """
    left = _concatenate([np.asarray(a, dtype=np.int64) for a, _ in edges])
    right = _concatenate([np.asarray(b, dtype=np.int64) for _, b in edges])
    if left.shape != right.shape:
        raise ValueError("an edge needs a left and a right end")
    if left.size and (min(left.min(), right.min()) < 0 or max(left.max(), right.max()) >= items):
        raise ValueError(f"an edge names an item outside 0..{items - 1}")
    parent = np.arange(items, dtype=np.int64)
    while left.size:
        low, high = np.minimum(parent[left], parent[right]), np.maximum(parent[left], parent[right])
        apart = low != high
        left, right, low, high = left[apart], right[apart], low[apart], high[apart]
        np.minimum.at(parent, high, low)
        parent = _roots(parent)
    return first_appearance(parent)


def groups_by_keys(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Groups of items that share a value in any of several key columns, transitively.

    keys: integer codes, one array per column, all of the same length; a negative code means that
    the item has no key in that column and shares it with nobody.
    Returns labels as `connected_groups` does. Raises ValueError for columns of unequal length or
    for no column at all.
    """
    if not keys or len({len(column) for column in keys}) != 1:
        raise ValueError("grouping needs at least one key column, all of one length")
    return connected_groups(len(keys[0]), [shared_key_edges(column) for column in keys])


def shared_key_edges(
    codes: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges from every item to the first of its (non-negative) code, for `connected_groups`."""
    keyed = np.flatnonzero(np.asarray(codes) >= 0)
    _, first, inverse = np.unique(codes[keyed], return_index=True, return_inverse=True)
    return keyed[first[inverse]], keyed


def first_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same classes numbered 0..k-1 in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]


def _roots(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return parent
        parent = above


def _concatenate(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
