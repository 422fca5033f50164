from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.images.hamming import Hashes, hamming, pairs_within


def _found(hashes: Hashes, distance: int) -> np.ndarray:
    """All pairs found, (m, 2), sorted; a pair found twice stands twice."""
    blocks = list(pairs_within(hashes, distance))
    pairs = np.concatenate([np.empty((0, 2), np.int64), *blocks])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _all_pairs(hashes: Hashes, distance: int) -> np.ndarray:
    values = [int(value) for value in hashes]
    pairs = [
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= distance
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _all_pairs_fast(hashes: Hashes, distance: int) -> np.ndarray:
    near = np.bitwise_count(hashes[:, None] ^ hashes[None, :]) <= distance
    return np.argwhere(np.triu(near, k=1))


def _families(seed: int, members: int, families: int, flips: int) -> Hashes:
    """Distinct hashes that differ in up to `flips` bits from one of `families` centres."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**64, families, dtype=np.uint64)[
        random.integers(0, families, members)
    ]
    for _ in range(flips):
        hashes ^= np.uint64(1) << random.integers(0, 64, members).astype(np.uint64)
    unique = np.unique(hashes)
    random.shuffle(unique)
    return unique


@given(
    st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=60),
    st.integers(0, 64),
    st.integers(0, 2**64 - 1),
)
def test_finds_what_comparing_all_finds(values: list[int], distance: int, mask: int) -> None:
    hashes = np.unique(np.array([value & mask for value in values], dtype=np.uint64))
    np.testing.assert_array_equal(_found(hashes, distance), _all_pairs(hashes, distance))


@pytest.mark.parametrize("distance", [0, 1, 2, 4, 6, 10, 20])
@pytest.mark.parametrize(
    "hashes",
    [
        np.unique(np.random.default_rng(0).integers(0, 2**64, 2500, dtype=np.uint64)),
        _families(1, 2500, families=600, flips=4),
        _families(2, 2500, families=2, flips=8),
        np.random.default_rng(3).permutation(2**11).astype(np.uint64),
        np.random.default_rng(4).permutation(2**11).astype(np.uint64) << np.uint64(53),
    ],
    ids=["random", "families", "one crowd", "low bits only", "high bits only"],
)
def test_tables_miss_nothing_and_repeat_nothing(hashes: Hashes, distance: int) -> None:
    np.testing.assert_array_equal(_found(hashes, distance), _all_pairs_fast(hashes, distance))


def test_crowded_buckets_are_searched_again_not_compared_blindly() -> None:
    # 20,000 hashes share 40 bits, so every bucket keyed by some of those holds all of them.
    random = np.random.default_rng(5)
    low = np.unique(random.integers(0, 2**24, 20_000, dtype=np.uint64))
    hashes = low | np.uint64(0xABCDEF0123 << 24)
    sample = random.choice(low.size, 300, replace=False)
    near = np.bitwise_count(hashes[sample][:, None] ^ hashes[None, :]) <= 4
    expected = {
        (min(int(sample[i]), int(j)), max(int(sample[i]), int(j)))
        for i, j in zip(*np.nonzero(near), strict=True)
        if sample[i] != j
    }
    found = _found(hashes, 4)
    touched = found[np.isin(found, sample).any(axis=1)]
    assert {(int(a), int(b)) for a, b in touched} == expected
    assert len(touched) == len(expected)


def test_distances_of_pairs() -> None:
    hashes = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    assert hamming(hashes, pairs).tolist() == [1, 64, 63]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_for_a_pair(count: int) -> None:
    assert len(_found(np.arange(count, dtype=np.uint64), 64)) == 0


def test_repeated_hashes_are_refused() -> None:
    with pytest.raises(ValueError, match="distinct"):
        list(pairs_within(np.array([7, 7], dtype=np.uint64), 4))


@pytest.mark.parametrize("distance", [-1, 65])
def test_distances_out_of_range_are_refused(distance: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 64"):
        list(pairs_within(np.array([1], dtype=np.uint64), distance))
