from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from artcurate.pairing.order import random_keys
from artcurate.pairing.spread import spread_apart, spread_evenly

GROUPS = st.lists(st.integers(0, 3), max_size=40)


def keys(size: int, seed: int = 0) -> np.ndarray:
    return random_keys(map(str, range(size)), seed, "frames")


@given(GROUPS, st.integers(1, 5), st.integers(0, 9))
def test_every_group_keeps_as_many_as_allowed(groups: list[int], most: int, seed: int) -> None:
    codes = np.array(groups, dtype=np.int64)
    order = np.argsort(keys(len(groups), 1)).astype(np.int64)
    hashes = np.random.default_rng(seed).integers(0, 2**64, len(groups), dtype=np.uint64)
    for kept in (
        spread_evenly(codes, order, keys(len(groups), seed), most),
        spread_apart(codes, hashes, keys(len(groups), seed), most),
    ):
        counts = Counter(codes[kept].tolist())
        assert counts == {group: min(most, n) for group, n in Counter(groups).items()}


def test_an_even_choice_leaves_gaps_of_one_size() -> None:
    burst = np.zeros(36, dtype=np.int64)
    starts = set()
    for seed in range(30):
        kept = np.flatnonzero(spread_evenly(burst, np.arange(36), keys(36, seed), 3))
        assert np.diff(kept).tolist() == [12, 12]
        starts.add(int(kept[0]))
    assert len(starts) > 6


def test_order_and_not_position_says_what_is_even() -> None:
    order = np.array([3, 0, 5, 1, 4, 2])
    kept = spread_evenly(np.zeros(6, dtype=np.int64), order, keys(6), 2)
    assert np.diff(np.sort(order[kept])).tolist() == [3]


def test_near_copies_go_first() -> None:
    """Three clusters of frames: one of each stays, whichever comes first."""
    far = [0x0000_0000_FFFF_FFFF, 0xFFFF_FFFF_0000_0000, 0x0F0F_0F0F_F0F0_F0F0]
    hashes = np.array([base ^ (1 << bit) for base in far for bit in range(8)], dtype=np.uint64)
    for seed in range(5):
        kept = spread_apart(np.zeros(24, dtype=np.int64), hashes, keys(24, seed), 3)
        assert sorted(np.flatnonzero(kept) // 8) == [0, 1, 2]


@given(st.lists(st.integers(0, 255), min_size=4, max_size=9, unique=True), st.integers(0, 5))
def test_the_choice_is_at_least_half_as_far_apart_as_the_best(codes: list[int], seed: int) -> None:
    hashes = np.array(codes, dtype=np.uint64)

    def apart(chosen: tuple[int, ...]) -> int:
        return min((codes[a] ^ codes[b]).bit_count() for a, b in combinations(chosen, 2))

    kept = np.flatnonzero(
        spread_apart(np.zeros(len(codes), dtype=np.int64), hashes, keys(len(codes), seed), 3)
    )
    best = max(apart(choice) for choice in combinations(range(len(codes)), 3))
    assert 2 * apart(tuple(kept.tolist())) >= best
