"""Fusion of decisions: what the unimodal probabilities alone make of a pair.

It is the same for every tier, and it is the yardstick of learned fusion: where text and picture
share nothing but the label, the product of experts already has all there is to gain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from artcurate.benchmark.metrics import EPSILON, kl_divergence
from artcurate.benchmark.softmax import Softmax, fit_softmax, softmax
from artcurate.benchmark.task import (
    FloatArray,
    Labels,
    Predictions,
    Role,
    System,
    Trained,
)

LATE = "late"
PRODUCT = "product_of_experts"
STACKING = "stacking"

_TEMPERATURES = (0.05, 20.0)
_GOLDEN = (np.sqrt(5) - 1) / 2
_SEARCH_STEPS = 40
_STACKING_PENALTY = 1.0


def derived_systems(unimodal: Sequence[System]) -> tuple[System, ...]:
    """Late fusion, product of experts and stacking of the unimodal systems; none below two."""
    if len(unimodal) < 2:
        return ()
    modalities = tuple(name for system in unimodal for name in system.modalities)
    return tuple(System(name, modalities, Role.FUSION) for name in (LATE, PRODUCT, STACKING))


def one_hot(labels: Labels) -> FloatArray:
    """Each example's own class as a distribution: float32 (n, classes)."""
    return np.eye(len(labels.names), dtype=np.float32)[labels.index]


def label_shares(labels: Labels) -> FloatArray:
    """Shares of the classes with one example added to each: float32 (classes,), none is 0."""
    counts = np.bincount(labels.index, minlength=len(labels.names)) + 1.0
    shares: FloatArray = (counts / counts.sum()).astype(np.float32)
    return shares


def late(experts: Sequence[FloatArray]) -> FloatArray:
    """The mean of the experts' probabilities, each (n, classes)."""
    mean: FloatArray = np.mean(np.stack(experts), axis=0, dtype=np.float32)
    return mean


def product_of_experts(experts: Sequence[FloatArray], prior: FloatArray) -> FloatArray:
    """prod_m P(y|m) / P(y)^(M-1), normalised: exact where modalities are independent given y.

    experts: M arrays (n, classes). prior: (classes,), the label shares that the experts learned
    from.
    """
    logits = sum(_logarithms(one) for one in experts)
    return softmax(logits - (len(experts) - 1) * np.log(prior))


def temperature(probabilities: FloatArray, targets: FloatArray) -> float:
    """The temperature T that minimises the cross-entropy of softmax(ln p / T), from 0.05 to 20.

    probabilities, targets: (n, classes), rows sum to 1; one-hot targets make it the NLL. Guo et
    al., "On Calibration of Modern Neural Networks" (ICML 2017), section 4.2. The loss has one
    minimum in 1/T, which golden-section search on ln T finds.
    """
    logits = _logarithms(probabilities)

    def loss(log_temperature: float) -> float:
        scaled = softmax(logits / np.float32(np.exp(log_temperature)))
        return float(kl_divergence(targets, scaled).mean())

    low, high = (float(np.log(edge)) for edge in _TEMPERATURES)
    for _ in range(_SEARCH_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if loss(left) <= loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def scale(probabilities: FloatArray, at: float) -> FloatArray:
    """softmax(ln p / T) for the temperature `at`."""
    return softmax(_logarithms(probabilities) / np.float32(at))


def calibrated(trained: Mapping[str, Trained], targets: FloatArray) -> dict[str, Trained]:
    """Every system with probabilities scaled by its validation temperature, kept as a fact.

    targets: (n, classes), of the validation examples.
    """
    result = {}
    for name, one in trained.items():
        at = temperature(one.validation.probabilities, targets)
        result[name] = replace(
            one,
            validation=Predictions(scale(one.validation.probabilities, at)),
            evaluations={
                view: Predictions(scale(given.probabilities, at))
                for view, given in one.evaluations.items()
            },
            facts={**one.facts, "temperature": round(at, 4)},
        )
    return result


def fuse_decisions(
    experts: Sequence[Trained], validation: Labels, prior: FloatArray
) -> dict[str, Trained]:
    """Late fusion, product of experts and stacking of calibrated unimodal systems.

    Stacking is a logistic regression on the experts' log-probabilities, learned on validation, so
    its own validation probabilities are those of data it has seen.
    """
    held_out = [one.validation.probabilities for one in experts]
    stacker = _stack(held_out, validation)
    recipes: dict[str, Callable[[Sequence[FloatArray]], FloatArray]] = {
        LATE: late,
        PRODUCT: lambda given: product_of_experts(given, prior),
        STACKING: lambda given: stacker.probabilities(_side_by_side(given)),
    }
    seconds = sum(one.seconds for one in experts)
    return {
        name: Trained(
            validation=Predictions(fuse(held_out)),
            evaluations={
                view: Predictions(fuse([one.evaluations[view].probabilities for one in experts]))
                for view in experts[0].evaluations
            },
            seconds=seconds,
            facts={},
        )
        for name, fuse in recipes.items()
    }


def _stack(experts: Sequence[FloatArray], labels: Labels) -> Softmax:
    return fit_softmax(_side_by_side(experts), one_hot(labels), penalty=_STACKING_PENALTY)


def _side_by_side(experts: Sequence[FloatArray]) -> FloatArray:
    return np.hstack([_logarithms(one) for one in experts])


def _logarithms(probabilities: FloatArray) -> FloatArray:
    logarithms: FloatArray = np.log(np.maximum(probabilities, np.float32(EPSILON)))
    return logarithms
