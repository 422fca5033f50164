"""Splitting whole groups 8:1:1: how far the worst stratum stays off, against scikit-learn.

    python benchmarks/splits.py [--runs N]

The bound is what no assignment of whole groups can better in its worst stratum, computed from the
strata's sizes alone (artcurate.splits.bounds). StratifiedGroupKFold is taken at its best.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from artcurate.splits.bounds import stratum_bounds
from artcurate.splits.families import Family, family_of_counts, family_of_rows, stack
from artcurate.splits.solver import solve

Ints = NDArray[np.int64]

RATIOS = np.array([0.8, 0.1, 0.1])


@dataclass(frozen=True, slots=True)
class Case:
    """Rows with their group, their cell and their label; `families` are what is judged."""

    name: str
    group: Ints
    cell: Ints
    label: Ints
    families: tuple[Family, ...]

    @property
    def groups(self) -> int:
        return self.families[0].counts.groups


def persons(number: int) -> Case:
    """58,330 rows of persons of heavy-tailed size; 7 labels, and one of 8 age-gender each."""
    random = np.random.Generator(np.random.PCG64(1))
    size = random.lognormal(0, 1.3, number)
    size = np.maximum(1, np.rint(size / size.sum() * 58_330)).astype(np.int64)
    labels = np.array([0.135, 0.17, 0.166, 0.152, 0.115, 0.09, 0.172])
    taste = random.dirichlet(3 * labels, number)
    block = random.choice(8, number, p=np.array([6, 8, 16, 20, 16, 18, 6, 10]) / 100)
    counts = np.zeros((number, 8, 7), dtype=np.int64)
    counts[np.arange(number), block] = random.multinomial(size, taste)
    cells = counts.reshape(number, 56)
    group, cell = (np.repeat(of, cells[np.nonzero(cells)]) for of in np.nonzero(cells))
    family = family_of_counts("label x age x gender", [str(i) for i in range(56)], cells)
    return Case(f"{number:,} persons, 56 cells", group, cell, cell % 7, (family,))


def paintings(number: int) -> Case:
    """Paintings with about 14 captions in 3 languages, 9 emotions, and 27 styles."""
    random = np.random.Generator(np.random.PCG64(2))
    mood = random.dirichlet(
        4 * np.array([0.1, 0.16, 0.28, 0.08, 0.02, 0.05, 0.09, 0.11, 0.11]), number
    )
    captions = [random.integers(*span, number) for span in ((5, 8), (2, 5), (4, 6))]
    cells = np.concatenate([random.multinomial(n, mood) for n in captions], axis=1)
    share = 1 / np.arange(1, 28) ** 1.2
    style = random.choice(27, number, p=share / share.sum())
    group, cell = (np.repeat(of, cells[np.nonzero(cells)]) for of in np.nonzero(cells))
    families = (
        family_of_counts("emotion x language", [str(i) for i in range(27)], cells),
        family_of_rows("style", [str(i) for i in range(27)], number, group, style[group]),
    )
    return Case(f"{number:,} paintings, 27 cells + 27 styles", group, cell, cell % 9, families)


def ours(case: Case) -> Ints:
    return solve(case.families, RATIOS, seed=0)


def stratified_on_cells(case: Case) -> Ints:
    return _of_folds(case, case.cell)


def stratified_on_labels(case: Case) -> Ints:
    return _of_folds(case, case.label)


def _of_folds(case: Case, stratum: Ints) -> Ints:
    """Of ten folds the two for validation and test that leave the worst stratum least off."""
    fold_of = np.zeros(case.groups, dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = StratifiedGroupKFold(10).split(case.group, stratum, case.group)
        for fold, (_, rows) in enumerate(folds):
            fold_of[case.group[rows]] = fold
    candidates = [
        np.where(fold_of == validation, 1, np.where(fold_of == test, 2, 0))
        for validation, test in combinations(range(10), 2)
    ]
    return min(candidates, key=lambda sides: float(deviations(case, sides).max()))


def shuffled(case: Case) -> Ints:
    sides = np.zeros(case.groups, dtype=np.int64)
    rest = np.arange(case.groups)
    for side, share in ((2, 0.1), (1, 1 / 9)):
        chosen = GroupShuffleSplit(1, test_size=share, random_state=0)
        _, test = next(chosen.split(rest, groups=rest))
        sides[rest[test]] = side
        rest = np.delete(rest, test)
    return sides


METHODS: dict[str, tuple[Callable[[Case], Ints], bool]] = {
    "artcurate": (ours, True),
    "StratifiedGroupKFold on cells": (stratified_on_cells, False),
    "StratifiedGroupKFold on labels": (stratified_on_labels, False),
    "GroupShuffleSplit": (shuffled, True),
}


def deviations(case: Case, sides: Ints) -> NDArray[np.float64]:
    """Percentage points of every stratum in its worst split."""
    counts = stack(case.families)
    held = counts.rows_per_split(sides, len(RATIOS))
    return np.abs(held / counts.rows_per_stratum()[:, None] - RATIOS).max(axis=1) * 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of the quick ones (median)")
    runs = parser.parse_args().runs
    print("| groups | method | seconds | worst stratum, points | times the bound | mean |")
    print("|---|---|---:|---:|---:|---:|")
    for case in (persons(2_000), persons(20_000), paintings(80_000)):
        bound = stratum_bounds(stack(case.families), RATIOS).max()
        print(f"| {case.name} | the proven bound | | {bound:.3f} | 1.00 | |")
        for name, (method, quick) in METHODS.items():
            seconds = []
            for _ in range(runs if quick else 1):
                start = time.perf_counter()
                sides = method(case)
                seconds.append(time.perf_counter() - start)
            off = deviations(case, sides)
            print(
                f"| {case.name} | {name} | {statistics.median(seconds):.2f} | {off.max():.3f} "
                f"| {off.max() / bound:.2f} | {off.mean():.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
