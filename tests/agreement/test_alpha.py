"""Alpha against Krippendorff's published examples and against a count of pairs by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from artcurate.agreement.alpha import alpha_from_sums, alpha_terms, krippendorff_alpha


def table(*observers: str) -> np.ndarray:
    """Votes per unit from one string per observer; a dot is no vote."""
    values = sorted(set("".join(observers)) - {"."})
    return np.array(
        [[column.count(value) for value in values] for column in zip(*observers, strict=True)]
    )


def alpha_by_pairs(counts: np.ndarray) -> float:
    """1 - D_o / D_e from lists of votes, pair by pair, as the definition reads."""
    units = [np.repeat(np.arange(len(row)), row).tolist() for row in counts]
    units = [votes for votes in units if len(votes) >= 2]
    everything = [vote for votes in units for vote in votes]
    total = len(everything)
    observed = sum(
        sum(a != b for a, b in itertools.permutations(votes, 2)) / (len(votes) - 1)
        for votes in units
    )
    expected = sum(a != b for a, b in itertools.permutations(everything, 2)) / max(total - 1, 1)
    return 1 - observed / expected if expected else float("nan")


@pytest.mark.parametrize(
    ("observers", "alpha"),
    [
        (("0100000010", "1110010000"), 0.095),  # Krippendorff 2011, part A
        (("aabbdcccedda", "babbbccceddd"), 0.692),  # part B
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),  # part C
    ],
)
def test_published_worked_examples(observers: tuple[str, ...], alpha: float) -> None:
    assert krippendorff_alpha(table(*observers)) == pytest.approx(alpha, abs=0.0005)


def test_perfect_agreement_is_one_and_one_label_alone_is_undefined() -> None:
    assert krippendorff_alpha(np.array([[3, 0], [0, 4]])) == 1.0
    assert np.isnan(krippendorff_alpha(np.array([[3, 0], [4, 0]])))
    assert np.isnan(krippendorff_alpha(np.array([[1, 0], [0, 1]])))


def test_systematic_disagreement_is_negative() -> None:
    assert krippendorff_alpha(np.array([[1, 1], [1, 1], [1, 1]])) < 0


@given(
    hnp.arrays(
        np.int64, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.integers(0, 3)
    )
)
def test_alpha_is_what_counting_pairs_gives(counts: np.ndarray) -> None:
    assert krippendorff_alpha(counts) == pytest.approx(alpha_by_pairs(counts), nan_ok=True)


@given(
    hnp.arrays(np.int64, (5, 3), elements=st.integers(0, 3)),
    st.lists(st.integers(0, 3), min_size=5, max_size=5),
)
def test_weights_count_units_as_often_as_copies_would(
    counts: np.ndarray, weights: list[int]
) -> None:
    weighted = alpha_from_sums(np.array(weights, float) @ alpha_terms(counts))
    copied = krippendorff_alpha(np.repeat(counts, weights, axis=0))
    assert weighted == pytest.approx(copied, nan_ok=True)
