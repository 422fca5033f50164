from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn import metrics as oracle

from artcurate.benchmark import metrics
from artcurate.benchmark.task import Labels

CLASSES = 4
predictions = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=60
)


def matrix(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, predicted = np.array(pairs).T
    return truth, predicted, metrics.confusion(truth, predicted, CLASSES)


@given(predictions)
def test_scores_of_classes_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted, confusion = matrix(pairs)

    assert metrics.macro_f1(confusion) == pytest.approx(
        oracle.f1_score(truth, predicted, average="macro", zero_division=0)
    )
    assert metrics.weighted_f1(confusion) == pytest.approx(
        oracle.f1_score(truth, predicted, average="weighted", zero_division=0)
    )
    assert metrics.accuracy(confusion) == pytest.approx(oracle.accuracy_score(truth, predicted))
    recall = oracle.recall_score(
        truth, predicted, labels=np.unique(truth), average="macro", zero_division=0
    )
    assert metrics.balanced_accuracy(confusion) == pytest.approx(recall)


@given(predictions)
def test_a_stack_of_matrices_gives_what_each_gives_alone(pairs: list[tuple[int, int]]) -> None:
    _, _, confusion = matrix(pairs)
    stack = np.stack([confusion, 3 * confusion, np.eye(CLASSES)])

    assert metrics.macro_f1(stack) == pytest.approx([float(metrics.macro_f1(one)) for one in stack])


def test_class_scores_agree_with_scikit_learn() -> None:
    truth = np.array([0, 0, 1, 1, 1, 2, 3])
    predicted = np.array([0, 1, 1, 1, 0, 2, 2])
    found = metrics.class_scores(metrics.confusion(truth, predicted, 4), ("a", "b", "c", "d"))

    expected = oracle.precision_recall_fscore_support(truth, predicted, zero_division=0)
    for place, one in enumerate(found):
        assert (one.precision, one.recall, one.f1, one.support) == pytest.approx(
            tuple(float(column[place]) for column in expected)
        )


def test_probability_scores_agree_with_scikit_learn_and_scipy() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), 50).astype(np.float32)
    soft = generator.dirichlet(np.ones(4), 50).astype(np.float32)
    truth = generator.integers(0, 4, 50)

    assert metrics.negative_log_likelihood(probabilities, truth).mean() == pytest.approx(
        oracle.log_loss(truth, probabilities, labels=range(4)), rel=1e-5
    )
    expected = np.mean([entropy(p, q) for p, q in zip(soft, probabilities, strict=True)])
    assert metrics.kl_divergence(soft, probabilities).mean() == pytest.approx(expected, rel=1e-4)


def test_a_sure_wrong_answer_costs_a_brier_score_of_two() -> None:
    sure = np.array([[1.0, 0.0]], dtype=np.float32)

    assert metrics.brier(sure, np.array([[0.0, 1.0]], dtype=np.float32))[0] == 2.0
    assert metrics.brier(sure, sure)[0] == 0.0


def test_ece_is_the_gap_between_confidence_and_accuracy() -> None:
    # Ten answers of 0.75 of which six are right, and ten of 0.95 of which all are right.
    first = np.tile([0.75, 0.25], (10, 1))
    second = np.tile([0.95, 0.05], (10, 1))
    probabilities = np.concatenate([first, second]).astype(np.float32)
    truth = np.array([0] * 6 + [1] * 4 + [0] * 10)

    found = metrics.expected_calibration_error(probabilities, truth)

    assert found == pytest.approx(0.5 * 0.15 + 0.5 * 0.05, abs=1e-6)


def test_macro_f1_of_probabilities_takes_the_likeliest_class() -> None:
    labels = Labels(("a", "b"), np.array([0, 1]), np.eye(2, dtype=np.float32))

    found = metrics.macro_f1_of(np.array([[0.6, 0.4], [0.2, 0.8]], dtype=np.float32), labels)

    assert found == 1.0
