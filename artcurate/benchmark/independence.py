"""What two classifiers give together when their inputs share nothing but the label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]


def expected_accuracy(prior: Float64Array, first: Float64Array, second: Float64Array) -> float:
    """Accuracy of the best guess from two hard decisions that are independent given the label.

    prior: (classes,), shares of the labels. first, second: (classes, classes), rows are labels and
    sum to 1, P(decision | label). The best guess takes argmax_y P(y) P(a|y) P(b|y), so the accuracy
    is the sum over all pairs of decisions of its maximum. Graded probabilities in place of hard
    decisions can only raise it.
    """
    joint = prior[:, None, None] * first[:, :, None] * second[:, None, :]
    return float(joint.max(axis=0).sum())
