"""Scores of probabilities against labels, all built from sums over examples.

Whatever is a sum over examples can be resampled by weights: a bootstrap multiplies the sums of each
cluster instead of reading the predictions again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artcurate.benchmark.task import FloatArray, IntArray, Labels

#: Probabilities are kept this far from 0, so that a NLL stays finite.
EPSILON = 1e-7
#: Bins of equal width on the confidence of the predicted class.
ECE_BINS = 15

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one class; 0 where the ratio has no denominator."""

    label: str
    support: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities are from frequencies; lower is better.

    nll: mean -ln p(label). brier: mean squared distance to the one-hot label, 0 to 2. ece: expected
    calibration error over 15 bins of equal width on the largest probability (Guo et al. 2017,
    eq. 3).
    """

    nll: float
    brier: float
    ece: float


def confusion(truth: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """int64 (classes, classes): rows are labels, columns predictions."""
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def f1_per_class(confusions: NDArray[Any]) -> Float64Array:
    """F1 = 2 tp / (2 tp + fp + fn) per class, 0 where nothing is labelled or predicted so.

    confusions: (..., classes, classes), any number of matrices of counts or weights.
    """
    hits = np.diagonal(confusions, axis1=-2, axis2=-1).astype(np.float64)
    both = confusions.sum(axis=-1) + confusions.sum(axis=-2)
    return _ratio(2 * hits, both)


def macro_f1(confusions: NDArray[Any]) -> Float64Array:
    """The mean F1 of the classes that are labelled or predicted at all, as scikit-learn has it."""
    present = (confusions.sum(axis=-1) + confusions.sum(axis=-2)) > 0
    return _mean_over(f1_per_class(confusions), present)


def weighted_f1(confusions: NDArray[Any]) -> Float64Array:
    """F1 per class weighted by how often the class is labelled."""
    support = confusions.sum(axis=-1).astype(np.float64)
    total = support.sum(axis=-1)
    weighted = (f1_per_class(confusions) * support).sum(axis=-1)
    return _ratio(weighted, total)


def accuracy(confusions: NDArray[Any]) -> Float64Array:
    """Share of examples that are predicted right."""
    hits = np.trace(confusions, axis1=-2, axis2=-1).astype(np.float64)
    total = confusions.sum(axis=(-2, -1)).astype(np.float64)
    return _ratio(hits, total)


def balanced_accuracy(confusions: NDArray[Any]) -> Float64Array:
    """The mean recall of the classes that are labelled."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1).astype(np.float64)
    support = confusions.sum(axis=-1).astype(np.float64)
    return _mean_over(_ratio(hits, support), support > 0)


def class_scores(matrix: IntArray, names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """Scores per class of one confusion matrix."""
    hits = np.diagonal(matrix)
    labelled, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = f1_per_class(matrix)
    return tuple(
        ClassScore(
            label=name,
            support=int(labelled[place]),
            precision=float(hits[place] / predicted[place]) if predicted[place] else 0.0,
            recall=float(hits[place] / labelled[place]) if labelled[place] else 0.0,
            f1=float(f1[place]),
        )
        for place, name in enumerate(names)
    )


def negative_log_likelihood(probabilities: FloatArray, truth: IntArray) -> Float64Array:
    """-ln p(label) per example."""
    chosen = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    surprise: Float64Array = -np.log(np.maximum(chosen, EPSILON))
    return surprise


def brier(probabilities: FloatArray, targets: FloatArray) -> Float64Array:
    """Squared distance to the targets per example, summed over classes: 0 to 2 (Brier 1950)."""
    difference = probabilities.astype(np.float64) - targets
    squares: Float64Array = np.square(difference).sum(axis=1)
    return squares


def kl_divergence(targets: FloatArray, probabilities: FloatArray) -> Float64Array:
    """KL(targets || probabilities) per example, in nats."""
    share = targets.astype(np.float64)
    ratio = np.log(np.maximum(share, EPSILON)) - np.log(
        np.maximum(probabilities.astype(np.float64), EPSILON)
    )
    sums: Float64Array = np.where(share > 0, share * ratio, 0.0).sum(axis=1)
    return sums


def expected_calibration_error(probabilities: FloatArray, truth: IntArray) -> float:
    """The mean distance of accuracy and confidence over bins, weighted by the bins' examples."""
    counts, confidence, correct = reliability(probabilities, truth)
    return float(np.abs(correct - confidence).sum() / max(counts.sum(), 1))


def reliability(
    probabilities: FloatArray, truth: IntArray
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Per bin of confidence: examples, their summed confidence, and how many are right."""
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(truth)), predicted].astype(np.float64)
    bins = np.minimum((confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    right = (predicted == truth).astype(np.float64)

    def summed(values: Float64Array) -> Float64Array:
        return np.bincount(bins, values, minlength=ECE_BINS).astype(np.float64)

    return summed(np.ones(len(truth))), summed(confidence), summed(right)


def calibration(probabilities: FloatArray, labels: Labels) -> Calibration:
    """NLL, Brier score and ECE against each example's own label."""
    truth = labels.index
    one_hot = np.eye(len(labels.names), dtype=np.float32)[truth]
    return Calibration(
        nll=float(negative_log_likelihood(probabilities, truth).mean()),
        brier=float(brier(probabilities, one_hot).mean()),
        ece=expected_calibration_error(probabilities, truth),
    )


def macro_f1_of(probabilities: FloatArray, labels: Labels) -> float:
    """Macro-F1 of the likeliest classes."""
    predicted = probabilities.argmax(axis=1)
    return float(macro_f1(confusion(labels.index, predicted, len(labels.names))))


def _mean_over(values: Float64Array, present: NDArray[np.bool_]) -> Float64Array:
    return _ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1))


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Float64Array:
    """`above` / `below`, 0 where `below` is 0."""
    ratio: Float64Array = np.divide(
        above, below, out=np.zeros(np.shape(above), dtype=np.float64), where=np.asarray(below) > 0
    )
    return ratio
