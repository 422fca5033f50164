"""The certificate says what was achieved, and its JSON is enough to recompute every figure."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from typing import Any

import numpy as np
import pytest

from artcurate.splits.certificate import Certificate, certify
from artcurate.splits.families import family_of_counts
from artcurate.splits.solver import solve

SPLITS = ("train", "validation", "test")
RATIOS = (8, 1, 1)


def certificate_of(
    counts: np.ndarray, sides: np.ndarray, judged: np.ndarray | None = None
) -> Certificate:
    return certify(
        [
            family_of_counts("cell", [f"cell {i}" for i in range(counts.shape[1])], counts),
            family_of_counts("total", ["rows"], counts.sum(axis=1, keepdims=True)),
        ],
        sides,
        splits=SPLITS,
        ratios=RATIOS,
        rows_per_group=counts.sum(axis=1),
        group_keys=[f"painting-{i}" for i in range(len(counts))],
        judged=judged,
    )


def lower_bound(stratum: dict[str, Any], ratios: list[float]) -> float:
    """In percentage points, from the certificate's JSON alone."""
    rows, few = stratum["rows"], stratum["group_rows"]
    units = rows // stratum["unit"]
    floors = [int(ratio * units + 1e-9) for ratio in ratios]
    rest = sorted(
        (ratio * units - low for ratio, low in zip(ratios, floors, strict=True)), reverse=True
    )
    up = units - sum(floors)
    bounds = [max([1 - x for x in rest[:up]] + rest[up:]) / units]
    bounds += [stratum["largest_group"] / rows - max(ratios)]
    for sides in [product(range(len(ratios)), repeat=len(few))] if few else []:
        held = (
            [sum(n for n, s in zip(few, a, strict=True) if s == i) for i in range(len(ratios))]
            for a in sides
        )
        bounds += [
            min(max(abs(x / rows - r) for x, r in zip(h, ratios, strict=True)) for h in held)
        ]
    return 100 * max(bounds)


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """A certificate as someone reads it back from split.json."""
    generator = np.random.Generator(np.random.PCG64(4))
    counts = np.floor(generator.lognormal(0, 1.5, (90, 7)) * (generator.random((90, 7)) < 0.5))
    counts[:, 0] *= 3
    counts[4:, 1] = 0
    counts[0, 2] = 10 * counts[:, 2].sum()
    counts = counts.astype(np.int64)
    sides = solve([family_of_counts("cell", list("abcdefg"), counts)], RATIOS, seed=0, effort=50)
    return json.loads(json.dumps(certificate_of(counts, sides).to_json()))


def test_bounds_are_recomputed_from_the_json_alone(published: dict[str, Any]) -> None:
    strata, ratios = published["strata"], published["ratios"]
    bounds = [lower_bound(stratum, ratios) for stratum in strata]

    assert [s["lower_bound"] for s in strata] == pytest.approx(bounds, abs=1e-5)
    assert published["lower_bound"] == pytest.approx(max(bounds), abs=1e-5)
    assert any(stratum["group_rows"] for stratum in strata)
    assert any(stratum["unit"] == 3 for stratum in strata)


def test_deviations_are_recomputed_from_the_json_alone(published: dict[str, Any]) -> None:
    worst = 0.0
    for stratum in published["strata"]:
        shares = [count / sum(stratum["counts"]) for count in stratum["counts"]]
        points = [100 * abs(x - r) for x, r in zip(shares, published["ratios"], strict=True)]
        assert stratum["deviation"] == pytest.approx(points, abs=1e-5)
        worst = max(worst, *points)

    assert published["worst_deviation"] == pytest.approx(worst, abs=1e-5)
    gap = published["worst_deviation"] - published["lower_bound"]
    assert published["gap"] == pytest.approx(gap, abs=1e-5)


def test_the_hash_is_that_of_sorted_lines() -> None:
    counts = np.ones((3, 1), dtype=np.int64)

    certificate = certificate_of(counts, np.array([2, 0, 1]))

    lines = b"painting-0\ttest\npainting-1\ttrain\npainting-2\tvalidation\n"
    assert certificate.assignment_sha256 == hashlib.sha256(lines).hexdigest()


def test_figures_of_a_split_known_by_hand() -> None:
    # 10 groups of 10 rows; 7 in train, 2 in validation, 1 in test.
    counts = np.full((10, 1), 10)

    certificate = certificate_of(counts, np.array([0] * 7 + [1] * 2 + [2]))

    cell, total = certificate.strata
    assert cell.counts == (70, 20, 10)
    assert cell.deviation == (10, 10, 0)
    assert (cell.rows, cell.groups, cell.largest_group, cell.unit) == (100, 10, 10, 10)
    assert (certificate.worst_deviation, certificate.lower_bound, certificate.gap) == (10, 0, 10)
    assert certificate.worst_stratum == "cell: cell 0"
    assert (certificate.groups, certificate.rows) == ((7, 2, 1), (70, 20, 10))
    assert [family.worst_deviation for family in certificate.families] == [10, 10]
    assert total.counts == (70, 20, 10)


def test_groups_that_are_not_judged_count_in_the_totals_alone() -> None:
    counts = np.full((10, 1), 10)
    sides = np.array([0] * 8 + [1, 2])

    certificate = certificate_of(counts, sides, judged=sides != 2)

    assert certificate.strata[0].counts == (80, 10, 0)
    assert certificate.rows == (80, 10, 10)


def test_an_empty_stratum_is_left_out() -> None:
    counts = np.array([[1, 0], [1, 0]])

    certificate = certificate_of(counts, np.array([0, 1]))

    assert [stratum.stratum for stratum in certificate.strata] == ["cell 0", "rows"]


def test_few_groups_with_shared_strata_have_a_bound_of_their_own() -> None:
    """No stratum's bound explains the deviation, but no assignment is better."""
    counts = np.array([[6, 1], [1, 6], [3, 3], [2, 5]])
    sides = solve([family_of_counts("cell", ["a", "b"], counts)], RATIOS, seed=0, effort=50)
    told = json.loads(json.dumps(certificate_of(counts, sides).to_json()))
    (joint,) = [one for one in told["joint"] if one["family"] == "cell"]
    assert joint["strata"] == ["cell 0", "cell 1"]
    assert joint["group_rows"] == counts.tolist()
    worst = min(
        max(
            100 * abs(sum(r[c] for r, x in zip(counts.tolist(), a, strict=True) if x == s) / n - q)
            for c, n in enumerate(counts.sum(axis=0).tolist())
            for s, q in enumerate((0.8, 0.1, 0.1))
        )
        for a in product(range(3), repeat=len(counts))
    )
    assert joint["lower_bound"] == pytest.approx(worst, abs=1e-5)
    assert told["gap"] == 0
    assert told["lower_bound"] > max(stratum["lower_bound"] for stratum in told["strata"])
