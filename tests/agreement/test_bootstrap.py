"""The weighted bootstrap against drawing units one by one."""

from __future__ import annotations

import numpy as np
import pytest

from artcurate.agreement import bootstrap
from artcurate.agreement.alpha import alpha_from_sums, alpha_terms, krippendorff_alpha
from artcurate.agreement.bootstrap import Resampling, percentile_interval

START = np.zeros(1, np.int64)


def votes(units: int, seed: int = 0) -> np.ndarray:
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(5, generator.dirichlet(np.ones(4), size=units))


def overall_alpha(sums: np.ndarray) -> np.ndarray:
    return alpha_from_sums(sums[:, 0])


def naive_interval(counts: np.ndarray, clusters: np.ndarray, draws: int) -> tuple[float, float]:
    """Alpha of samples put together cluster by cluster, with other random numbers."""
    generator = np.random.Generator(np.random.PCG64(99))
    members = [np.flatnonzero(clusters == cluster) for cluster in range(clusters.max() + 1)]
    values = []
    for _ in range(draws):
        taken = generator.choice(len(members), size=len(members))
        sample = np.concatenate([members[cluster] for cluster in taken])
        values.append(krippendorff_alpha(counts[sample]))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("copies", [1, 4])
def test_intervals_are_those_of_a_loop_over_samples(copies: int) -> None:
    counts = np.repeat(votes(30), copies, axis=0)
    clusters = np.repeat(np.arange(30), copies)
    resampling = Resampling(clusters, draws=4_000, seed=7)
    drawn = resampling.statistics(alpha_terms(counts), START, overall_alpha)
    low, high = percentile_interval(drawn, 0.95)
    expected = naive_interval(counts, clusters, 2_000)
    width = expected[1] - expected[0]
    assert (float(low), float(high)) == pytest.approx(expected, abs=0.1 * width)


def test_copies_drawn_together_do_not_narrow_the_interval() -> None:
    counts = np.repeat(votes(40), 5, axis=0)
    terms = alpha_terms(counts)
    widths = {}
    for name, clusters in (("apart", np.arange(200)), ("together", np.repeat(np.arange(40), 5))):
        drawn = Resampling(clusters, 1_000, 0).statistics(terms, START, overall_alpha)
        low, high = percentile_interval(drawn, 0.95)
        widths[name] = float(high - low)
    assert widths["together"] == pytest.approx(5**0.5 * widths["apart"], rel=0.2)


def test_the_same_seed_gives_the_same_draws_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terms = alpha_terms(votes(50))
    resampling = Resampling(np.arange(50), draws=30, seed=3)
    whole = resampling.statistics(terms, START, overall_alpha)
    monkeypatch.setattr(bootstrap, "BLOCK_BYTES", 8 * 50 * 7)
    in_blocks = resampling.statistics(terms, START, overall_alpha)
    assert in_blocks == pytest.approx(whole, abs=1e-12)
    other = Resampling(np.arange(50), draws=30, seed=4).statistics(terms, START, overall_alpha)
    assert not np.allclose(other, whole)


def test_strata_are_summed_apart() -> None:
    terms = np.arange(10, dtype=np.float64)[:, None]
    resampling = Resampling(np.arange(10), draws=5, seed=0)
    sums = resampling.statistics(terms, np.array([0, 4]), lambda block: block[:, :, 0])
    whole = resampling.statistics(terms, START, lambda block: block[:, :, 0])
    assert sums.shape == (5, 2)
    assert sums.sum(axis=1) == pytest.approx(whole[:, 0])


def test_a_figure_that_is_often_undefined_gets_no_interval() -> None:
    drawn = np.array([[0.1, np.nan], [0.2, np.nan], [0.3, 0.5]])
    low, high = percentile_interval(drawn, 0.5)
    assert low[0] == pytest.approx(0.15)
    assert high[0] == pytest.approx(0.25)
    assert np.isnan(low[1])
    assert np.isnan(high[1])
