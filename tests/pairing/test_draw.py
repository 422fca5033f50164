from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from artcurate.pairing.draw import (
    Bins,
    Classes,
    Pairs,
    Portion,
    pair_at_random,
    pair_suitably,
    redraw,
)
from artcurate.pairing.order import random_keys

POOL = st.lists(st.integers(-1, 3), max_size=30)


def bins(values: list[int], purpose: str) -> Bins:
    return Bins(
        np.array(values, dtype=np.int64), random_keys(map(str, range(len(values))), 0, purpose)
    )


def quota(left: Bins, right: Bins, portion: Portion) -> np.ndarray:
    return portion.most(left.counts(4), right.counts(4), np.full(4, 10**6))


def check(pairs: Pairs, left: Bins, right: Bins, portion: Portion) -> None:
    """What holds of every draw, by plain counting."""
    assert (left.bin[pairs.left] == right.bin[pairs.right]).all()
    assert (left.bin[pairs.left] >= 0).all()
    couples = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert len(set(couples)) == len(couples)
    numbered = list(zip(pairs.left.tolist(), pairs.number.tolist(), strict=True))
    assert len(set(numbered)) == len(numbered)
    if not portion.reuse:
        assert len(set(pairs.right.tolist())) == len(pairs.right)
    wanted = quota(left, right, portion)
    each = portion.of(right.counts(4))
    counts = Counter(left.bin[pairs.left].tolist())
    assert [counts[number] for number in range(4)] == (wanted * each).tolist()


@given(POOL, POOL, st.integers(1, 3), st.booleans())
def test_random_pairs(left_bins: list[int], right_bins: list[int], each: int, reuse: bool) -> None:
    left, right, portion = bins(left_bins, "l"), bins(right_bins, "r"), Portion(each, reuse)
    pairs = pair_at_random(left, right, quota(left, right, portion), portion)
    check(pairs, left, right, portion)
    if reuse:
        used = Counter(pairs.right.tolist())
        for number in range(4):
            shelf = [used[place] for place in np.flatnonzero(right.bin == number).tolist()]
            assert not shelf or max(shelf) - min(shelf) <= 1 or not pairs.left.size


CLASSED = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 2)), max_size=16)


@given(CLASSED, CLASSED, st.lists(st.booleans(), min_size=9, max_size=9))
def test_suitable_pairs_are_as_many_as_a_matching_has(
    lefts: list[tuple[int, int]], rights: list[tuple[int, int]], suits: list[bool]
) -> None:
    left, right = bins([b for b, _ in lefts], "l"), bins([b for b, _ in rights], "r")
    classes = Classes(
        np.array([c for _, c in lefts], dtype=np.int64),
        np.array([c for _, c in rights], dtype=np.int64),
        np.array(suits).reshape(3, 3),
    )
    portion = Portion()
    pairs = pair_suitably(left, right, quota(left, right, portion), portion, classes)
    check(pairs, left, right, portion)
    suitable = classes.suits[classes.left[pairs.left], classes.right[pairs.right]].sum()
    if lefts and rights:
        edges = classes.suits[classes.left][:, classes.right]
        edges &= (left.bin[:, None] == right.bin) & (left.bin[:, None] >= 0)
        matching = maximum_bipartite_matching(csr_array(edges), perm_type="column")
        assert suitable == (matching >= 0).sum()


@pytest.mark.parametrize("portion", [Portion(2), Portion(3), Portion(1, reuse=True)])
def test_suitable_pairs_of_other_portions(portion: Portion) -> None:
    left, right = bins([0] * 7 + [1] * 3, "l"), bins([0] * 15 + [1] * 4, "r")
    classes = Classes(
        np.arange(10, dtype=np.int64) % 2,
        np.arange(19, dtype=np.int64) % 2,
        np.eye(2, dtype=bool),
    )
    pairs = pair_suitably(left, right, quota(left, right, portion), portion, classes)
    check(pairs, left, right, portion)
    suitable = classes.left[pairs.left] == classes.right[pairs.right]
    assert suitable.mean() > 0.7
    with pytest.raises(ValueError, match="one by one"):
        pair_suitably(left, right, np.array([1, 1, 0, 0]), Portion(2, reuse=True), classes)


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(0, 3))
def test_a_redraw_moves_pictures_within_their_bin(values: list[int], seed: int) -> None:
    codes = np.array(values, dtype=np.int64)
    places = redraw(codes, random_keys(map(str, range(len(values))), seed, "draw 1"))
    assert sorted(places.tolist()) == list(range(len(values)))
    assert (codes[places] == codes).all()
