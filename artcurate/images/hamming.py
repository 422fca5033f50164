"""All pairs of 64-bit hashes within a Hamming distance, exactly.

Multi-index hashing (Norouzi, Punjani and Fleet, "Fast Exact Search in Hamming Space with
Multi-Index Hashing", PAMI 2014, section 3) over several chunks at once: the bits are dealt to
d + r chunks; two hashes that differ in at most d bits agree on at least r whole chunks, so they
meet in a bucket of at least one of the C(d + r, r) tables keyed by r chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb, log2

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.int64]

BITS = 64

#: Hashes fewer than this are compared each with each: cheaper than any table.
_FEW = 1024
#: Buckets up to this size are compared in one vectorised sweep, larger ones one by one.
_SMALL_BUCKET = 64
#: Comparisons per numpy call; bounds the memory of a sweep to some 40 MB.
_BLOCK = 2**20
#: Comparisons per numpy call when all are compared with all: what fits a core's cache.
_TILE = 2**17

# Nanoseconds per element of a sort and its level, per candidate of a sweep and per comparison of
# a full one. Only their ratios matter, and only for speed.
_SORT_COST, _SWEEP_COST, _COMPARE_COST = 5.0, 15.0, 2.0


def pairs_within(hashes: Hashes, distance: int) -> Iterator[Pairs]:
    """Pairs of indices whose hashes differ in at most `distance` bits, block by block.

    hashes: uint64 array (n,) without repetition. Equal hashes have to be grouped beforehand: a
        million of them would be half a billion pairs.
    distance: 0 to 64, in bits.

    Yields int64 arrays (m, 2) with i < j, each pair in exactly one of them, in no stated order.
    Memory is bounded by the input, not by the number of pairs.

    Raises ValueError where a hash stands twice or `distance` is out of range.
    """
    if not 0 <= distance <= BITS:
        raise ValueError(f"distance must lie between 0 and {BITS}, not {distance}")
    values = np.ascontiguousarray(hashes, dtype=np.uint64)
    if np.unique(values).size != values.size:
        raise ValueError("hashes must be distinct; group equal ones first")
    yield from _search(values, np.arange(values.size, dtype=np.int64), distance)


def hamming(hashes: Hashes, pairs: Pairs) -> npt.NDArray[np.int64]:
    """The Hamming distance of each pair: int64 (m,) for `pairs` (m, 2)."""
    differing = hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]
    return np.asarray(np.bitwise_count(differing), dtype=np.int64)


def _search(values: Hashes, members: Pairs, distance: int) -> Iterator[Pairs]:
    """Pairs among `members` (indices into `values`)."""
    held = values[members]
    tables = _choose_tables(held, distance) if members.size > _FEW else ()
    blocks = _search_tables(held, tables, distance) if tables else _compare_all(held, distance)
    for pairs in blocks:
        yield np.sort(members[pairs], axis=1)


def _search_tables(held: Hashes, tables: tuple[int, ...], distance: int) -> Iterator[Pairs]:
    for number, table in enumerate(tables):
        earlier = np.array(tables[:number], dtype=np.uint64)
        for pairs in _search_buckets(held, np.uint64(table), distance):
            differing = held[pairs[:, 0]] ^ held[pairs[:, 1]]
            found_before = np.zeros(len(pairs), dtype=bool)
            for mask in earlier:
                found_before |= (differing & mask) == 0
            if not found_before.all():
                yield pairs[~found_before]


def _search_buckets(held: Hashes, table: np.uint64, distance: int) -> Iterator[Pairs]:
    """Pairs of hashes that agree on every bit of `table`."""
    keys = held & table
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    sizes = np.diff(starts, append=keys.size)
    small = (sizes > 1) & (sizes <= _SMALL_BUCKET)
    yield from _sweep(held, order, starts[small], sizes[small], distance)
    for bucket in np.flatnonzero(sizes > _SMALL_BUCKET):
        members = order[starts[bucket] : starts[bucket] + sizes[bucket]]
        yield from _search(held, members, distance)


def _sweep(
    held: Hashes, order: Pairs, starts: Pairs, sizes: Pairs, distance: int
) -> Iterator[Pairs]:
    """Pairs inside many small buckets (`order[start : start + size]`) at once."""
    first = _ranges(starts, sizes - 1)
    partners = np.repeat(starts + sizes - 1, sizes - 1) - first
    ends = np.cumsum(partners)
    done = 0
    while done < first.size:
        before = ends[done - 1] if done else 0
        stop = max(int(np.searchsorted(ends, before + _BLOCK, side="right")), done + 1)
        count = partners[done:stop]
        left = np.repeat(first[done:stop], count)
        right = _ranges(first[done:stop] + 1, count)
        pairs = np.stack([order[left], order[right]], axis=1)
        near = np.bitwise_count(held[pairs[:, 0]] ^ held[pairs[:, 1]]) <= distance
        if near.any():
            yield pairs[near]
        done = stop


def _ranges(starts: Pairs, lengths: Pairs) -> Pairs:
    """start, start + 1, ... for `length` numbers each, end to end."""
    offsets = np.cumsum(lengths) - lengths
    shifts: Pairs = np.repeat(starts - offsets, lengths)
    return np.arange(shifts.size, dtype=np.int64) + shifts


def _compare_all(held: Hashes, distance: int) -> Iterator[Pairs]:
    rows = max(1, _TILE // max(1, held.size))
    for top in range(0, held.size, rows):
        block = held[top : top + rows]
        for side in range(top, held.size, _TILE):
            others = held[side : side + _TILE]
            near = np.flatnonzero(np.bitwise_count(block[:, None] ^ others) <= distance)
            left, right = np.divmod(near, others.size)
            left, right = left + top, right + side
            once = left < right
            if once.any():
                yield np.stack([left[once], right[once]], axis=1)


@dataclass(frozen=True, slots=True)
class _Plan:
    tables: tuple[int, ...]
    cost: float


def _choose_tables(held: Hashes, distance: int) -> tuple[int, ...]:
    """Bit masks of the cheapest set of tables, or none where comparing all is cheaper.

    Bits that are the same in all of `held` tell nothing and belong to no table, so that every
    bucket of a table has fewer telling bits than the whole: recursion ends.
    """
    n = held.size
    ones = np.array([np.count_nonzero(held & np.uint64(1 << bit)) for bit in range(BITS)]) / n
    agreement = ones**2 + (1 - ones) ** 2
    telling = [int(bit) for bit in np.argsort(agreement, kind="stable") if agreement[bit] < 1]
    best = _Plan((), _COMPARE_COST * n * n / 2)
    for agreeing in (1, 2, 3):
        chunks = distance + agreeing
        sort_cost = comb(chunks, agreeing) * n * log2(n) * _SORT_COST
        if chunks > len(telling) or sort_cost >= best.cost:
            break
        plan = _plan(telling, agreement, n, chunks, agreeing, sort_cost)
        best = min(best, plan, key=lambda candidate: candidate.cost)
    return best.tables


def _plan(
    telling: list[int],
    agreement: npt.NDArray[np.float64],
    n: int,
    chunks: int,
    agreeing: int,
    sort_cost: float,
) -> _Plan:
    dealt = [telling[chunk::chunks] for chunk in range(chunks)]
    masks = [sum(1 << bit for bit in bits) for bits in dealt]
    meeting = [float(np.prod(agreement[bits])) for bits in dealt]
    tables = []
    cost = sort_cost
    for choice in combinations(range(chunks), agreeing):
        tables.append(sum(masks[chunk] for chunk in choice))
        in_bucket = n * float(np.prod([meeting[chunk] for chunk in choice]))
        cost += n * in_bucket / 2 * (_SWEEP_COST if in_bucket <= _SMALL_BUCKET else _COMPARE_COST)
    return _Plan(tuple(tables), cost)
