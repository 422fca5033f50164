"""Few out of many that are nearly alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from artcurate.pairing.apportion import Ints
from artcurate.pairing.order import Keys, ranks

Hashes = NDArray[np.uint64]

#: Bits of a group's mixed keys that shift where its selection starts.
_OFFSET_BITS = 20


def spread_evenly(groups: Ints, order: Ints, keys: Keys, most: int) -> NDArray[np.bool_]:
    """At most `most` items of each group, as far apart in `order` as they get; bool, (items,).

    groups: int64, (items,). order: the place of every item in time, int64, (items,). keys: uint64,
    (items,); those of a group together decide where the systematic sample starts.
    """
    size = np.bincount(groups, minlength=1)[groups]
    place = ranks(groups, order.astype(np.uint64))
    mixed = np.zeros(int(groups.max(initial=0)) + 1, dtype=np.uint64)
    np.bitwise_xor.at(mixed, groups, keys)
    offset = (mixed[groups] >> np.uint64(64 - _OFFSET_BITS)).astype(np.int64)

    # place * most / size + offset, a fraction of a step, in whole numbers; each step keeps one.
    unit = size * 2**_OFFSET_BITS
    at = place * most * 2**_OFFSET_BITS + offset * size
    kept: NDArray[np.bool_] = (at + most * 2**_OFFSET_BITS) // unit > at // unit
    return kept | (size <= most)


def spread_apart(groups: Ints, hashes: Hashes, keys: Keys, most: int) -> NDArray[np.bool_]:
    """At most `most` items of each group that differ most; bool, (items,).

    hashes: perceptual hashes, uint64, (items,). The first is the one with the least key, each
    following one that with the largest Hamming distance from its nearest chosen neighbour, by key
    where several have it (Gonzalez, "Clustering to minimize the maximum intercluster distance",
    1985: no choice has more than twice the distance).
    """
    kept = np.bincount(groups, minlength=1)[groups] <= most
    crowded = np.flatnonzero(~kept)
    crowded = crowded[np.lexsort((keys[crowded], groups[crowded]))]
    starts = np.flatnonzero(np.diff(groups[crowded], prepend=-1))
    for members in np.split(crowded, starts[1:]) if len(crowded) else []:
        kept[members[_farthest(hashes[members], most)]] = True
    return kept


def _farthest(hashes: Hashes, most: int) -> list[int]:
    chosen = [0]
    nearest = np.bitwise_count(hashes ^ hashes[0]).astype(np.int64)
    nearest[0] = -1
    while len(chosen) < most:
        following = int(nearest.argmax())
        chosen.append(following)
        nearest = np.minimum(nearest, np.bitwise_count(hashes ^ hashes[following]))
        nearest[following] = -1
    return chosen
