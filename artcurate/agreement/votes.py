"""Votes of annotators on units, and the labels that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: How `majority` decides between labels with equally many votes, in words for a card.
TIE_RULE = (
    "the label with the most votes; of several, those whose polarity has more votes on the same "
    "unit; of these, the label with more votes over all units; then the lower id"
)


def count_votes(
    units: NDArray[np.int64],
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    shape: tuple[int, int, int],
) -> NDArray[np.int64]:
    """Votes per unit, group and label: an array of `shape` (units, groups, labels).

    The three index arrays have one entry per vote.
    """
    flat = (units * shape[1] + groups) * shape[2] + labels
    counts = np.bincount(flat.astype(np.int64), minlength=shape[0] * shape[1] * shape[2])
    return counts.astype(np.int64).reshape(shape)


def soft_labels(counts: NDArray[np.int64], smoothing: float = 0.0) -> NDArray[np.float64]:
    """Distributions from votes: (units, labels) float64, rows sum to 1, NaN without votes.

    `smoothing` votes are added to every label first (Lidstone; Manning, Raghavan and Schütze
    2008, section 13.2).
    """
    totals = counts.sum(axis=1, keepdims=True).astype(np.float64)
    weights = np.where(totals > 0, counts + smoothing, np.nan)
    return weights / np.where(totals > 0, totals + smoothing * counts.shape[1], 1.0)


@dataclass(frozen=True, slots=True)
class Majority:
    """The leading label of every unit, as arrays of one length.

    label: int64 label id, -1 where a unit has no votes.
    votes: int64 votes for that label.
    tie: bool, more than one label had that many votes.
    """

    label: NDArray[np.int64]
    votes: NDArray[np.int64]
    tie: NDArray[np.bool_]


def majority(counts: NDArray[np.int64], polarity: NDArray[np.int64]) -> Majority:
    """The label with the most votes per unit; ties by `TIE_RULE`.

    The rule first uses what the unit itself says: of two votes each for awe and fear and one for
    sadness, three are negative, so fear leads. What is still open goes to the label that is more
    probable before anybody has looked at the unit.

    counts: (units, labels). polarity: (labels,) the polarity's number of every label.
    """
    label_count = counts.shape[1]
    leading = (counts == counts.max(axis=1, keepdims=True)) & (counts > 0)
    tie = leading.sum(axis=1) > 1
    same_polarity = (polarity[:, None] == polarity[None, :]).astype(counts.dtype)
    support = np.where(leading, counts @ same_polarity, -1)
    leading &= support == support.max(axis=1, keepdims=True)
    rank = np.empty(label_count, np.int64)
    rank[np.lexsort((np.arange(label_count), -counts.sum(axis=0)))] = np.arange(label_count)
    winner = np.where(leading, rank, label_count).argmin(axis=1)
    voted = counts.any(axis=1)
    return Majority(
        label=np.where(voted, winner, -1),
        votes=counts.max(axis=1).astype(np.int64),
        tie=tie,
    )
