from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from artcurate.pairing.order import deal, random_keys, ranks


def test_a_key_is_the_start_of_a_sha256_anyone_can_recompute() -> None:
    expected = int.from_bytes(hashlib.sha256("7:images:얼굴".encode()).digest()[:8], "big")
    assert random_keys(["얼굴"], 7, "images").tolist() == [expected]


def test_keys_differ_by_seed_and_purpose_and_not_by_company() -> None:
    alone, among = random_keys(["b"], 0, "x"), random_keys(["a", "b", "c"], 0, "x")
    assert alone[0] == among[1]
    assert alone[0] != random_keys(["b"], 1, "x")[0]
    assert alone[0] != random_keys(["b"], 0, "y")[0]
    assert random_keys([], 0, "x").shape == (0,)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=40))
def test_ranks_are_places_within_the_group(items: list[tuple[int, int]]) -> None:
    groups = np.array([group for group, _ in items], dtype=np.int64)
    keys = np.array([key for _, key in items], dtype=np.uint64)
    expected = [
        sorted((key, place) for place, (other, key) in enumerate(items) if other == group).index(
            (own, place)
        )
        for place, (group, own) in enumerate(items)
    ]
    assert ranks(groups, keys).tolist() == expected


@given(st.integers(0, 300), st.integers(0, 5))
def test_deal_gives_every_place_its_part(size: int, seed: int) -> None:
    keys = random_keys(map(str, range(size)), seed, "deal")
    sides = deal(keys, np.array([0.8, 0.1, 0.1]))
    ends = [size * 8 // 10, size * 9 // 10, size]
    assert np.bincount(sides, minlength=3).tolist() == np.diff([0, *ends]).tolist()
