"""Jensen-Shannon divergence between the votes of groups, and how much of it chance explains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def jensen_shannon(counts: NDArray[np.int64], min_votes: int = 1) -> NDArray[np.float64]:
    """Divergence in bits between the groups of every unit: (units, groups, labels) -> (units,).

    H(mean of p_g) - mean of H(p_g) over the groups g with at least `min_votes` votes, all with the
    same weight (Lin 1991, Divergence Measures Based on the Shannon Entropy, eq. 5.1). It lies
    between 0 and log2 of the number of these groups. NaN where fewer than two groups are left.

    Few votes per group push it up even where the groups do not differ;
    `chance_jensen_shannon` says how far.
    """
    totals = counts.sum(axis=2)
    present = totals >= max(min_votes, 1)
    shares = np.where(present[:, :, None], counts / np.maximum(totals, 1)[:, :, None], 0.0)
    number = present.sum(axis=1)
    divisor = np.maximum(number, 1)
    mixture = shares.sum(axis=1) / divisor[:, None]
    entropy_of_mean = -_xlog2x(mixture).sum(axis=1)
    mean_entropy = -_xlog2x(shares).sum(axis=(1, 2)) / divisor
    return np.where(number >= 2, np.maximum(entropy_of_mean - mean_entropy, 0.0), np.nan)


def chance_jensen_shannon(
    first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Expected divergence of two groups if a unit's votes fell to them at random: (units,) bits.

    first, second: (units, labels) votes. The mean of `jensen_shannon` over all ways to deal a
    unit's pooled votes to two groups of the same sizes, exactly: the divergence is a sum over
    labels, and the votes that one label gives to the first group are hypergeometric. NaN where a
    group has no votes.
    """
    pooled = first + second
    size_first, size_second = first.sum(axis=1), second.sum(axis=1)
    sizes, size_case = np.unique(
        size_first * (size_second.max(initial=0) + 1) + size_second, return_inverse=True
    )
    largest = int(pooled.max(initial=0)) + 1
    cases, case = np.unique(size_case[:, None] * largest + pooled, return_inverse=True)
    size = sizes[cases // largest]
    terms = _expected_terms(
        votes=cases % largest,
        size_first=size // (size_second.max(initial=0) + 1),
        size_second=size % (size_second.max(initial=0) + 1),
    )
    per_label = terms[case.reshape(pooled.shape)]
    both = (size_first > 0) & (size_second > 0)
    return np.where(both, np.maximum(per_label.sum(axis=1), 0.0), np.nan)


def _expected_terms(
    votes: NDArray[np.int64],
    size_first: NDArray[np.int64],
    size_second: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Mean over x of one label's part of the divergence, x of its `votes` going to the first group.

    All arrays have the shape (cases,).
    """
    least = np.maximum(0, votes - size_second)
    most = np.minimum(votes, size_first)
    lengths = most - least + 1
    case = np.repeat(np.arange(votes.size), lengths)
    x = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + least[case]
    v, a, b = votes[case], size_first[case], size_second[case]
    largest = int((size_first + size_second).max(initial=0))
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 1)))])
    probability = np.exp(
        _log_choose(log_factorial, v, x)
        + _log_choose(log_factorial, a + b - v, a - x)
        - _log_choose(log_factorial, a + b, a)
    )
    share_first = x / np.maximum(a, 1)
    share_second = (v - x) / np.maximum(b, 1)
    term = 0.5 * (_xlog2x(share_first) + _xlog2x(share_second)) - _xlog2x(
        0.5 * (share_first + share_second)
    )
    sums = np.bincount(case, weights=probability * term, minlength=votes.size)
    return np.asarray(sums, np.float64)


def _log_choose(
    log_factorial: NDArray[np.float64], n: NDArray[np.int64], k: NDArray[np.int64]
) -> NDArray[np.float64]:
    return np.asarray(log_factorial[n] - log_factorial[k] - log_factorial[n - k], np.float64)


def _xlog2x(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(share * np.log2(np.where(share > 0, share, 1.0)), np.float64)
