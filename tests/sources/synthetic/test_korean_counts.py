from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.sources.synthetic.korean.apportion import apportion
from artcurate.sources.synthetic.korean.dialogue_counts import dialogue_counts
from artcurate.sources.synthetic.korean.hangul import with_particle

WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(lambda w: sum(w) > 1e-3)


@given(st.integers(0, 100_000), WEIGHTS)
def test_shares_sum_to_the_total_and_are_off_by_less_than_one(
    total: int, weights: list[float]
) -> None:
    shares = apportion(total, weights)
    exact = total * np.array(weights) / sum(weights)
    assert shares.sum() == total
    assert (np.abs(shares - exact) < 1 + 1e-6).all()


@given(st.integers(0, 5_000), WEIGHTS, st.integers(0, 300))
def test_no_share_exceeds_the_cap(total: int, weights: list[float], cap: int) -> None:
    shares = apportion(total, weights, cap=cap)
    assert shares.max() <= cap
    assert shares.sum() == min(total, cap * np.count_nonzero(weights))


def test_what_a_cap_cuts_off_goes_to_the_others() -> None:
    assert apportion(100, [5, 1, 1], cap=40).tolist() == [40, 30, 30]


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("친구", "이", "친구가"),
        ("팀장님", "이", "팀장님이"),
        ("딸", "과", "딸과"),
        ("언니", "과", "언니와"),
        ("돈", "으로", "돈으로"),
        ("연필", "으로", "연필로"),
        ("주식", "을", "주식을"),
        ("선생님", "한테", "선생님께"),
        ("동생", "한테", "동생한테"),
        ("회사", "에서", "회사에서"),
    ],
)
def test_particles_follow_the_last_sound(word: str, particle: str, expected: str) -> None:
    assert with_particle(word, particle) == expected


def test_a_whole_ecc_has_the_sizes_of_the_real_one() -> None:
    counts = dialogue_counts(58_271, like_published=False)
    assert counts.training.sum() == 51_630
    assert counts.validation.sum() == 6_641
    # Main classes in the order of their codes: E10 to E60.
    assert counts.training.sum(axis=(1, 2)).tolist() == [9160, 9125, 9320, 9143, 8756, 6126]
    assert counts.validation.sum(axis=(1, 2)).tolist() == [1257, 1003, 1113, 1007, 1048, 1213]
