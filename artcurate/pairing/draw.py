"""Which items of two pools are paired within their bins, and how the pairs can be drawn anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from artcurate.pairing.apportion import Ints
from artcurate.pairing.order import Keys, ranks
from artcurate.pairing.suitability import most_suitable


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The items of one pool that may be paired.

    bin: the bin of every item, -1 for none, int64, (items,). keys: their random order, uint64.
    """

    bin: Ints
    keys: Keys

    def first(self, most: Ints) -> Ints:
        """The first `most` items of each bin by key, bins one after another; indices, int64."""
        inside = np.flatnonzero(self.bin >= 0)
        place = ranks(self.bin[inside], self.keys[inside])
        chosen = inside[place < most[self.bin[inside]]]
        return chosen[np.lexsort((self.keys[chosen], self.bin[chosen]))]

    def counts(self, bins: int) -> Ints:
        """Items per bin, int64, (bins,)."""
        return np.bincount(self.bin[self.bin >= 0], minlength=bins).astype(np.int64)


class Pairs(NamedTuple):
    """Pairs as indices into two pools; number: 0.. among the pairs of one item on the left."""

    left: Ints
    right: Ints
    number: Ints


@dataclass(frozen=True, slots=True)
class Portion:
    """How many items on the right go to one on the left.

    each: how many, all different. reuse: an item on the right may go to several on the left; where
    a bin has fewer than `each`, all of them go to each.
    """

    each: int = 1
    reuse: bool = False

    def served(self, stock: Ints) -> Ints:
        """How many items on the left `stock` items on the right are enough for, int64."""
        if self.reuse:
            return np.where(stock > 0, np.int64(2**40), np.int64(0))
        return stock // self.each

    def most(self, left: Ints, right: Ints, limits: Ints) -> Ints:
        """How many of `left` items `right` items are enough for, at most `limits`, int64."""
        return np.minimum(np.minimum(self.served(right), left), limits)

    def of(self, stock: Ints) -> Ints:
        """How many go to one item on the left of a bin with `stock` items on the right, int64."""
        return np.minimum(stock, self.each)


def pair_at_random(left: Bins, right: Bins, quota: Ints, portion: Portion) -> Pairs:
    """`quota` items on the left of each bin, each with its portion of the right, by their keys.

    quota: int64, (bins,), at most what the bin has and what the right can serve.
    """
    stock = right.counts(len(quota))
    chosen = left.first(quota)
    each = portion.of(stock)[left.bin[chosen]]
    rows = np.repeat(chosen, each)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each)
    row_bin = left.bin[rows]
    nth = np.arange(len(rows)) - np.searchsorted(row_bin, row_bin)
    shelf = right.first(stock)
    shelf_start = np.cumsum(stock) - stock
    return Pairs(rows, shelf[shelf_start[row_bin] + nth % np.maximum(stock, 1)[row_bin]], number)


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """What items on the left and on the right are like, and which kinds suit each other.

    left, right: codes of the items of two pools. suits: bool, (left codes, right codes).
    """

    left: Ints
    right: Ints
    suits: NDArray[np.bool_]


def pair_suitably(
    left: Bins, right: Bins, quota: Ints, portion: Portion, classes: Classes
) -> Pairs:
    """As `pair_at_random`, with the most pairs of each bin whose classes suit each other.

    Where each item on the left gets one on the right, items on the left are chosen to that end
    too; where it gets several, they are chosen at random. Raises ValueError for a portion of
    several with reuse.
    """
    if portion.reuse and portion.each > 1:
        raise ValueError("suitable pairs with reuse are made one by one")
    every = [
        _pair_bin(number, int(most), left, right, portion, classes)
        for number, most in enumerate(quota)
        if most
    ]
    rows, partners = (
        np.concatenate([part[side] for part in every] or [np.empty(0, dtype=np.int64)])
        for side in (0, 1)
    )
    return Pairs(rows, partners, np.arange(len(rows)) % portion.each)


def _pair_bin(
    number: int, most: int, left: Bins, right: Bins, portion: Portion, classes: Classes
) -> tuple[Ints, Ints]:
    """Indices (left, right) of the pairs of one bin, ordered by the left's key."""
    items = np.flatnonzero(left.bin == number)
    items = items[np.argsort(left.keys[items], kind="stable")]
    shelf = np.flatnonzero(right.bin == number)
    shelf = shelf[np.argsort(right.keys[shelf], kind="stable")]
    if portion.reuse:
        shelf = np.tile(shelf, -(-most // len(shelf)))
    if portion.each > 1:
        items = np.repeat(items[:most], portion.each)
    wanted = most * portion.each
    kinds, shelf_kinds = classes.left[items], classes.right[shelf]
    flow = most_suitable(
        np.bincount(kinds, minlength=classes.suits.shape[0]),
        np.bincount(shelf_kinds, minlength=classes.suits.shape[1]),
        classes.suits,
        wanted,
    )
    own, partner = _laid_out(kinds, flow.sum(axis=1)), _laid_out(shelf_kinds, flow.sum(axis=0))
    # Both lists go through the classes in order; the flow says how many of which meet.
    pairs_of = np.repeat(np.arange(flow.size), flow.ravel())
    by_right = np.lexsort((pairs_of // flow.shape[1], pairs_of % flow.shape[1]))
    met = np.empty(len(own), dtype=np.int64)
    met[by_right] = partner
    rest = wanted - len(own)
    own = np.concatenate([own, _others(own, len(items))[:rest]])
    met = np.concatenate([met, _others(met, len(shelf))[:rest]])
    order = np.argsort(own, kind="stable")
    return items[own[order]], shelf[met[order]]


def _laid_out(kinds: Ints, taken: Ints) -> Ints:
    """Places of the first `taken` items of each kind, kind by kind."""
    place = ranks(kinds, np.arange(len(kinds)).astype(np.uint64))
    chosen = np.flatnonzero(place < taken[kinds])
    return chosen[np.argsort(kinds[chosen], kind="stable")]


def _others(places: Ints, size: int) -> Ints:
    free = np.ones(size, dtype=bool)
    free[places] = False
    return np.flatnonzero(free)


def redraw(bins: Ints, keys: Keys) -> Ints:
    """A permutation of items within their bins: item i takes the place of item result[i].

    bins: codes, int64, (items,). keys: the random order that makes this draw, uint64.
    """
    permutation = np.empty(len(bins), dtype=np.int64)
    permutation[np.argsort(bins, kind="stable")] = np.lexsort((keys, bins))
    return permutation
