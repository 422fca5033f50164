"""Random order that depends on an item's name and a seed, on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


def random_keys(names: Iterable[str], seed: int, purpose: str) -> Keys:
    """One uniform key per name, uint64: sorting by it shuffles the names.

    The key is the first 8 bytes, big-endian, of the sha256 of `{seed}:{purpose}:{name}`. Adding or
    removing names leaves the order of the others as it was; different purposes are independent.
    """
    prefix = f"{seed}:{purpose}:".encode()
    digests = [hashlib.sha256(prefix + name.encode()).digest()[:8] for name in names]
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def ranks(groups: NDArray[np.int64], keys: Keys) -> NDArray[np.int64]:
    """The place of every item in its group, from 0, in the order of the keys; int64, (items,).

    Equal keys keep the order of the items.
    """
    order = np.lexsort((keys, groups))
    ordered = groups[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    lengths = np.diff(starts, append=len(ordered))
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return places


def deal(keys: Keys, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Items shuffled and dealt to 0..places-1 by number; int64, (items,).

    The places end at the floors of the cumulated shares, which sum to 1.
    """
    ends = np.floor(np.cumsum(shares) * len(keys) + 1e-9)[:-1]
    places = np.empty(len(keys), dtype=np.int64)
    places[np.argsort(keys, kind="stable")] = np.searchsorted(
        ends, np.arange(len(keys)), side="right"
    )
    return places
