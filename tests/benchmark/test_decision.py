from __future__ import annotations

import numpy as np
import pytest

from artcurate.benchmark.decision import (
    fuse_decisions,
    label_shares,
    late,
    product_of_experts,
    scale,
    temperature,
)
from artcurate.benchmark.independence import expected_accuracy
from artcurate.benchmark.published import published
from artcurate.benchmark.task import Labels, Predictions, Trained

PRIOR = np.array([0.5, 0.3, 0.2], dtype=np.float32)


def posterior(likelihood: np.ndarray) -> np.ndarray:
    joint = likelihood * PRIOR
    return (joint / joint.sum(axis=1, keepdims=True)).astype(np.float32)


def test_the_product_is_bayes_rule_where_modalities_are_independent_given_the_label() -> None:
    generator = np.random.default_rng(0)
    text, image = generator.random((2, 40, 3))

    found = product_of_experts([posterior(text), posterior(image)], PRIOR)

    assert found == pytest.approx(posterior(text * image), abs=1e-5)


def test_an_expert_that_only_knows_the_prior_changes_nothing() -> None:
    expert = posterior(np.random.default_rng(1).random((10, 3)))
    ignorant = np.tile(PRIOR, (10, 1))

    assert product_of_experts([expert, ignorant], PRIOR) == pytest.approx(expert, abs=1e-6)


def test_late_fusion_is_the_mean() -> None:
    one = np.array([[0.8, 0.2]], dtype=np.float32)
    other = np.array([[0.4, 0.6]], dtype=np.float32)

    assert late([one, other])[0] == pytest.approx([0.6, 0.4])


def test_label_shares_are_smoothed_by_one_example_each() -> None:
    labels = Labels(("a", "b", "c"), np.array([0, 0, 1]), np.zeros((3, 3), dtype=np.float32))

    assert label_shares(labels) == pytest.approx([3 / 6, 2 / 6, 1 / 6])


def test_the_temperature_undoes_overconfidence() -> None:
    generator = np.random.default_rng(2)
    honest = generator.dirichlet(np.ones(4), 4000).astype(np.float32)
    truth = np.array([generator.choice(4, p=row / row.sum()) for row in honest.astype(np.float64)])

    targets = np.eye(4, dtype=np.float32)[truth]
    assert temperature(scale(honest, 1 / 3), targets) == pytest.approx(3, rel=0.06)
    assert scale(scale(honest, 1 / 3), 3.0) == pytest.approx(honest, abs=0.01)


def test_stacking_learns_to_ignore_an_expert_that_guesses() -> None:
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 3, 300)
    good = np.full((300, 3), 0.1, dtype=np.float32)
    good[np.arange(300), truth] = 0.8
    guess = generator.dirichlet(np.ones(3) * 0.3, 300).astype(np.float32)
    labels = Labels(("a", "b", "c"), truth, np.eye(3, dtype=np.float32)[truth])
    experts = [
        Trained(Predictions(one), {"test": Predictions(one)}, 0.0, {}) for one in (good, guess)
    ]

    fused = fuse_decisions(experts, labels, label_shares(labels))

    def right(name: str) -> float:
        found = fused[name].evaluations["test"].probabilities.argmax(axis=1)
        return float((found == truth).mean())

    assert right("stacking") == 1.0
    assert right("late") < 1.0


def test_hard_decisions_that_agree_by_chance_only() -> None:
    # Two coins that tell the label in 80 % of cases: two equal answers are right in 0.64 of cases
    # and wrong in 0.04; of two that differ, 0.32, half can be saved.
    coin = np.array([[0.8, 0.2], [0.2, 0.8]])
    sure = np.eye(2)
    prior = np.array([0.5, 0.5])

    assert expected_accuracy(prior, coin, coin) == pytest.approx(0.8)
    assert expected_accuracy(prior, coin, sure) == pytest.approx(1.0)


def test_independence_explains_most_of_the_published_fusion() -> None:
    known = {one.system: one for one in published()}
    fused = known["VL-KE-T5, text and image"]
    text = known["VL-KE-T5's text branch"].accuracy
    image = known["VL-KE-T5's image branch"].accuracy
    assert fused.accuracy
    assert text
    assert image
    # The published test pairs, neutral last; text tells neutral with F1 1.00, so its accuracy on
    # the others follows. Errors are taken to be spread evenly, as no confusion was published.
    prior = np.array([778, 992, 877, 862, 587, 417, 989]) / 5502
    told = (text - prior[-1]) / (1 - prior[-1])
    by_text = np.zeros((7, 7))
    by_text[:6, :6] = (1 - told) / 5
    np.fill_diagonal(by_text, told)
    by_text[6, 6] = 1.0
    by_image = np.full((7, 7), (1 - image) / 6)
    np.fill_diagonal(by_image, image)

    expected = expected_accuracy(prior, by_text, by_image)

    assert expected > image
    assert expected == pytest.approx(fused.accuracy, abs=0.03)


def test_published_f1_per_class_gives_the_published_macro_f1() -> None:
    fused = next(one for one in published() if one.f1_per_class)

    assert np.mean(list(fused.f1_per_class.values())) == pytest.approx(fused.macro_f1, abs=5e-4)
