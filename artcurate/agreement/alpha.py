"""Krippendorff's alpha for nominal labels and any number of votes per unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def alpha_terms(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each unit adds to alpha: (units, 1 + labels) float64.

    Column 0 holds the unit's disagreeing pairs, (m^2 - sum_k n_k^2) / (m - 1), where n_k are its
    votes and m their sum; the others hold n_k. Units with fewer than two votes hold no pair and
    add nothing. Alpha of any weighted set of units follows from the weighted sums of the rows, so
    that a bootstrap draw costs one product of a matrix with a vector.
    """
    votes = counts.astype(np.float64)
    totals = votes.sum(axis=1, keepdims=True)
    votes = np.where(totals >= 2, votes, 0.0)
    totals = votes.sum(axis=1, keepdims=True)
    pairs = (totals**2 - (votes**2).sum(axis=1, keepdims=True)) / np.maximum(totals - 1, 1)
    return np.concatenate([pairs, votes], axis=1)


def alpha_from_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha from sums of `alpha_terms` along the last axis: shape (..., 1 + labels) -> (...).

    alpha = 1 - D_o / D_e with D_o = S_0 / n and D_e = (n^2 - sum_k n_k^2) / (n (n - 1)), where
    n_k are the pairable votes per label, n their sum and S_0 the disagreeing pairs (Krippendorff
    2004, Content Analysis, 2nd ed., section 11.3; Krippendorff 2011, Computing Krippendorff's
    Alpha-Reliability, part C, the coincidence matrix summed over its diagonal). NaN where all
    votes name one label or no unit has two.
    """
    by_label = sums[..., 1:]
    total = by_label.sum(axis=-1)
    expected = total**2 - (by_label**2).sum(axis=-1)
    defined = expected > 0
    ratio = (total - 1) * sums[..., 0] / np.where(defined, expected, 1.0)
    return np.where(defined, 1.0 - ratio, np.nan)


def krippendorff_alpha(counts: NDArray[np.int64]) -> float:
    """Nominal alpha of votes (units, labels): 1 perfect, 0 as by chance, below 0 worse, or NaN.

    Alpha needs no names of annotators: it compares pairs of votes within a unit with pairs of
    votes at large. Where the annotators are unknown it therefore says how far a unit's votes
    exceed what votes drawn from the whole pool would share. It cannot tell a dispute between
    annotators from the taste of one who voted often, and a person who voted twice on a unit
    counts as two.
    """
    return float(alpha_from_sums(alpha_terms(counts).sum(axis=0)))
