from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from artcurate.benchmark.bootstrap import Resampler, difference, estimate, holm
from artcurate.benchmark.metrics import accuracy, confusion


def rows(count: int) -> np.ndarray:
    return np.arange(count)


def test_the_first_sample_is_the_data_itself() -> None:
    truth, predicted = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    resampler = Resampler([rows(4)], resamples=50, seed=0)

    assert np.array_equal(
        resampler.confusions(truth, predicted, 2)[0], confusion(truth, predicted, 2)
    )


def test_rows_as_clusters_give_scipys_percentile_interval() -> None:
    generator = np.random.default_rng(3)
    right = (generator.random(400) < 0.7).astype(np.float64)
    resampler = Resampler([rows(400)], resamples=4000, seed=1)

    found = estimate(resampler.means(right)[None])
    expected = scipy_bootstrap(
        (right,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval

    assert found.mean == right.mean()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.006)


def test_examples_of_one_cluster_are_drawn_together() -> None:
    # Forty paintings of ten captions each, each right or wrong as a whole: 40 facts, not 400.
    right = np.repeat(np.arange(40) % 2, 10).astype(np.float64)
    clusters = np.repeat(np.arange(40), 10)

    clustered = estimate(Resampler([clusters], resamples=2000, seed=0).means(right)[None])
    naive = estimate(Resampler([rows(400)], resamples=2000, seed=0).means(right)[None])

    ratio = (clustered.high - clustered.low) / (naive.high - naive.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.1)


def test_two_kinds_of_clusters_are_wider_than_either() -> None:
    generator = np.random.default_rng(5)
    person, dialogue = generator.integers(0, 20, 400), generator.integers(0, 30, 400)
    bias = generator.normal(size=20)[person] + generator.normal(size=30)[dialogue]

    def width(*clusters: np.ndarray) -> float:
        one = estimate(Resampler(clusters, resamples=2000, seed=0).means(bias)[None])
        return one.high - one.low

    both = width(person, dialogue)
    assert both > width(person)
    assert both > width(dialogue)


def test_a_paired_difference_forgets_what_both_share() -> None:
    # Two systems that differ in one answer of a hundred.
    generator = np.random.default_rng(2)
    first = (generator.random(100) < 0.5).astype(np.float64)
    second = first.copy()
    second[np.flatnonzero(first == 0)[0]] = 1.0
    resampler = Resampler([rows(100)], resamples=2000, seed=0)

    found = difference(resampler.means(second)[None], resampler.means(first)[None])

    assert found.mean == pytest.approx(0.01)
    assert 0 <= found.low <= found.high < 0.04
    alone = estimate(resampler.means(first)[None])
    assert alone.high - alone.low > 0.15


def test_the_detectable_difference_is_2_8_standard_errors() -> None:
    generator = np.random.default_rng(4)
    gap = generator.normal(0.2, 1.0, 900)
    resampler = Resampler([rows(900)], resamples=4000, seed=0)
    zero = np.zeros_like(resampler.means(gap))[None]

    found = difference(resampler.means(gap)[None], zero)

    assert found.detectable == pytest.approx(2.8016 * gap.std() / 30, rel=0.05)


def test_no_difference_has_a_p_of_one() -> None:
    same = np.full((2, 101), 0.4)

    assert difference(same, same).p == 1.0


def test_seeds_give_the_sd() -> None:
    samples = np.array([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])

    assert estimate(samples).sd == pytest.approx(0.1)
    assert estimate(samples[:1]).sd == 0.0


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls() -> None:
    # By hand: 0.01 x 3 = 0.03, 0.02 x 2 = 0.04, 0.03 x 1 = 0.03 raised to 0.04.
    assert holm([0.03, 0.01, 0.02]) == pytest.approx((0.04, 0.03, 0.04))
    assert holm([]) == ()


def test_a_share_of_a_binomial_covers_the_truth() -> None:
    covered = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        right = (generator.random(200) < 0.6).astype(np.int64)
        resampler = Resampler([rows(200)], resamples=400, seed=seed)
        one = estimate(accuracy(resampler.confusions(np.ones(200, np.int64), right, 2))[None])
        covered += one.low <= 0.6 <= one.high
    assert covered >= 52
