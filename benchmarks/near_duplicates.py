"""Exact near-duplicate search over 64-bit hashes: multi-index hashing against comparing all.

    python benchmarks/near_duplicates.py [--runs N]

Each row runs in a process of its own, so that its peak memory is its own. A peer that would take
minutes compares a sample of the hashes with all others and is scaled up, marked with `~`.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context

import imagehash
import numpy as np

from artcurate.images.hamming import Hashes, pairs_within

DISTANCE = 4


@dataclass(frozen=True, slots=True)
class Case:
    """`count` hashes in families of `members` that differ from a centre in up to two bits."""

    name: str
    count: int
    members: int

    def hashes(self) -> Hashes:
        random = np.random.default_rng(0)
        centres = random.integers(0, 2**64, self.count // self.members, dtype=np.uint64)
        hashes = np.repeat(centres, self.members)
        for _ in range(2):
            bits = random.integers(0, 64, hashes.size).astype(np.uint64)
            hashes ^= np.where(random.random(hashes.size) < 0.9, np.uint64(1) << bits, 0).astype(
                np.uint64
            )
        return random.permutation(np.unique(hashes))


@dataclass(frozen=True, slots=True)
class Measured:
    """seconds: median for the whole case; pairs: those found, None for a sample."""

    seconds: float
    pairs: int | None
    peak_megabytes: int


CASES = (
    Case("80,000 hashes, pairs", 80_000, 2),
    Case("500,000 hashes, pairs", 500_000, 2),
    Case("500,000 hashes, film-like families of 40", 500_000, 40),
)


def multi_index(hashes: Hashes) -> tuple[int, float]:
    return sum(len(block) for block in pairs_within(hashes, DISTANCE)), 1.0


def naive_numpy(hashes: Hashes) -> tuple[int, float]:
    """Each hash against all later ones; beyond 80,000 a sample of rows."""
    step = max(1, round(hashes.size / 80_000)) ** 2
    rows = range(0, hashes.size, step)
    found = sum(
        int(np.count_nonzero(np.bitwise_count(hashes[row + 1 :] ^ hashes[row]) <= DISTANCE))
        for row in rows
    )
    return found, hashes.size / len(rows)


def imagehash_objects(hashes: Hashes) -> tuple[int, float]:
    """`a - b <= distance` on ImageHash objects, as imagehash's examples do; a sample."""
    sample = [imagehash.hex_to_hash(f"{value:016x}") for value in hashes[:600].tolist()]
    found = sum(sample[i] - sample[j] <= DISTANCE for i in range(len(sample)) for j in range(i))
    return found, (hashes.size / len(sample)) ** 2


SEARCHES: dict[str, Callable[[Hashes], tuple[int, float]]] = {
    "artcurate, multi-index hashing": multi_index,
    "numpy, each against all": naive_numpy,
    "imagehash, object by object": imagehash_objects,
}


def measure(case: Case, search: str, runs: int) -> Measured:
    hashes = case.hashes()
    seconds = []
    found, scale = 0, 1.0
    for _ in range(runs):
        start = time.perf_counter()
        found, scale = SEARCHES[search](hashes)
        seconds.append((time.perf_counter() - start) * scale)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Measured(statistics.median(seconds), found if scale == 1.0 else None, peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="runs per row (median)")
    runs = parser.parse_args().runs
    print(f"| hashes, distance <= {DISTANCE} | search | seconds | ratio | pairs | peak MB |")
    print("|---|---|---:|---:|---:|---:|")
    for case in CASES:
        ours = None
        for search in SEARCHES:
            with get_context("spawn").Pool(1) as pool:
                once = runs if search.startswith("artcurate") else 1
                result = pool.apply(measure, (case, search, once))
            ours = ours or result.seconds
            mark = "" if result.pairs is not None else "~"
            pairs = f"{result.pairs:,}" if result.pairs is not None else "sample"
            print(
                f"| {case.name} | {search} | {mark}{result.seconds:,.2f} "
                f"| {mark}{result.seconds / ours:,.0f} | {pairs} | {result.peak_megabytes} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
