from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from artcurate.benchmark.softmax import SideBySide, fit_softmax


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 4, 300)
    features = generator.normal(size=(300, 12)) + np.eye(4)[truth] @ generator.normal(size=(4, 12))
    return features.astype(np.float32), truth


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_it_is_scikit_learns_logistic_regression(
    data: tuple[np.ndarray, np.ndarray], penalty: float
) -> None:
    features, truth = data
    with threadpool_limits(1):
        oracle = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=2000).fit(features, truth)

    model = fit_softmax(features, one_hot(truth), penalty=penalty, tolerance=1e-9)

    assert model.probabilities(features) == pytest.approx(oracle.predict_proba(features), abs=2e-3)


def test_the_usual_tolerance_changes_no_probability_much(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    features, truth = data
    exact = fit_softmax(features, one_hot(truth), penalty=0.3, tolerance=1e-9)
    usual = fit_softmax(features, one_hot(truth), penalty=0.3)

    assert usual.probabilities(features) == pytest.approx(exact.probabilities(features), abs=0.05)


def test_sparse_and_dense_rows_give_the_same_model(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, truth = data
    dense = fit_softmax(features, one_hot(truth), penalty=1.0, tolerance=1e-9)
    sparse = fit_softmax(csr_array(features), one_hot(truth), penalty=1.0, tolerance=1e-9)

    assert sparse.weights == pytest.approx(dense.weights, abs=1e-3)


def test_dense_columns_beside_sparse_ones_give_the_model_of_one_matrix(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    features, truth = data
    parts = SideBySide((csr_array(features[:, :5]), features[:, 5:9], csr_array(features[:, 9:])))
    whole = fit_softmax(features, one_hot(truth), penalty=1.0, tolerance=1e-9)
    joined = fit_softmax(parts, one_hot(truth), penalty=1.0, tolerance=1e-9)

    assert joined.weights == pytest.approx(whole.weights, abs=1e-3)
    assert joined.probabilities(parts) == pytest.approx(whole.probabilities(features), abs=1e-3)


def test_soft_targets_without_a_telling_feature_give_their_mean() -> None:
    features = np.zeros((4, 2), dtype=np.float32)
    soft = np.array([[0.5, 0.5, 0], [1, 0, 0], [0, 0, 1], [0.5, 0, 0.5]], dtype=np.float32)

    model = fit_softmax(features, soft, penalty=1.0, tolerance=1e-10)

    assert model.probabilities(features)[0] == pytest.approx(soft.mean(axis=0), abs=1e-3)


def test_a_class_without_an_example_keeps_some_probability() -> None:
    features = np.array([[1.0], [-1.0], [1.0]], dtype=np.float32)

    model = fit_softmax(features, one_hot(np.array([0, 1, 0]), 3), penalty=1.0)

    assert 0 < model.probabilities(features)[:, 2].max() < 0.2


def test_the_start_does_not_change_the_minimum(data: tuple[np.ndarray, np.ndarray]) -> None:
    features, truth = data
    strong = fit_softmax(features, one_hot(truth), penalty=30.0)
    cold = fit_softmax(features, one_hot(truth), penalty=0.3, tolerance=1e-9)
    warm = fit_softmax(features, one_hot(truth), penalty=0.3, tolerance=1e-9, start=strong)

    assert warm.probabilities(features) == pytest.approx(cold.probabilities(features), abs=2e-3)


def one_hot(truth: np.ndarray, classes: int = 4) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[truth]
