"""Multinomial logistic regression against hard or soft labels, on the CPU without torch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from artcurate.benchmark.task import FloatArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Matrix: TypeAlias = "FloatArray | csr_array"

#: Newton's method stops when the next step would lower the mean loss by less than this. A
#: thousandth of a nat changes no score; the exact minimum costs ten times as long.
_TOLERANCE = 1e-3
_MAX_STEPS = 100
#: Conjugate gradients stop at this share of the gradient, or after so many products.
_INNER_TOLERANCE = 0.5
_MAX_INNER = 10
#: A step is halved until it gives this share of the decrease that the gradient promises (Armijo).
_SUFFICIENT = 1e-4
_MAX_HALVINGS = 30


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """Matrices with the same rows as one; each keeps the form in which it is multiplied fastest."""

    parts: tuple[Matrix, ...]

    @property
    def columns(self) -> tuple[slice, ...]:
        """Where each part's columns stand in the whole."""
        ends = np.cumsum([part.shape[1] for part in self.parts]).tolist()
        return tuple(map(slice, [0, *ends[:-1]], ends))

    def times(self, weights: FloatArray) -> FloatArray:
        """float32 (n, classes), from weights (columns, classes)."""
        pairs = zip(self.parts, self.columns, strict=True)
        products = [np.asarray(part @ weights[columns]) for part, columns in pairs]
        total: FloatArray = sum(products[1:], start=products[0])
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """weights: float32 (features, classes); bias: float32 (classes,)."""

    weights: FloatArray
    bias: FloatArray

    def probabilities(self, features: Matrix | SideBySide) -> FloatArray:
        """float32 (n, classes), rows sum to 1."""
        logits = _side_by_side(features).times(self.weights).astype(np.float32) + self.bias
        return softmax(logits).astype(np.float32)


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Row by row, in the precision of `logits`."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[Any] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def _side_by_side(features: Matrix | SideBySide) -> SideBySide:
    return features if isinstance(features, SideBySide) else SideBySide((features,))


def fit_softmax(
    features: Matrix | SideBySide,
    targets: FloatArray,
    *,
    penalty: float,
    tolerance: float = _TOLERANCE,
    start: Softmax | None = None,
) -> Softmax:
    """The minimum of sum_i CE(targets_i, softmax(x_i W + b)) + penalty / 2 * |W|^2.

    features: float32 (n, d), dense, sparse or of both kinds. targets: (n, classes), rows sum to 1.
    The bias is not penalised. With one-hot targets it is scikit-learn's
    LogisticRegression(C=1/penalty).

    Truncated Newton's method with diagonally preconditioned conjugate gradients, after Lin, Weng
    and Keerthi, "Trust Region Newton Method for Large-Scale Logistic Regression" (JMLR 2008), with
    a line search in place of the trust region. It starts from zero, or from `start`, such as the
    solution under a stronger penalty, and draws nothing, so the same arguments give the same
    result.
    """
    problem = _Problem.of(_side_by_side(features), targets, penalty)
    point = problem.start() if start is None else np.vstack((start.weights, start.bias))
    with one_thread():
        point = _descend(problem, point, tolerance)
    return Softmax(point[:-1], point[-1])


def one_thread() -> AbstractContextManager[object]:
    """A block whose matrix products are summed in one order, whatever the machine's cores.

    At the sizes here more threads would only wait for each other.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


def _descend(problem: _Problem, point: FloatArray, tolerance: float) -> FloatArray:
    state = problem.evaluate(point)
    for _ in range(_MAX_STEPS):
        direction = _newton_direction(problem, state)
        slope = _dot(state.gradient, direction)
        if -slope / 2 < tolerance * problem.rows:
            break
        moved = _line_search(problem, point, state, direction, slope)
        if moved is None:
            break
        point, state = moved
    return point


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The loss at a point, its gradient, and the probabilities that the Hessian needs."""

    loss: float
    gradient: FloatArray
    probabilities: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """A point is float32 (features + 1, classes): the weights, and the bias in the last row."""

    features: SideBySide
    columns: tuple[slice, ...]
    transposed: tuple[Matrix, ...]
    squared: tuple[Matrix, ...]
    targets: FloatArray
    penalty: float

    @staticmethod
    def of(features: SideBySide, targets: FloatArray, penalty: float) -> _Problem:
        transposed = tuple(map(_transposed, features.parts))
        squared = tuple(map(_squared, transposed))
        return _Problem(features, features.columns, transposed, squared, targets, penalty)

    @property
    def width(self) -> int:
        """Columns of the features."""
        return sum(part.shape[1] for part in self.features.parts)

    @property
    def rows(self) -> int:
        return len(self.targets)

    def start(self) -> FloatArray:
        """No weights, and the bias that gives the smoothed shares of the classes."""
        point = np.zeros((self.width + 1, self.targets.shape[1]), dtype=np.float32)
        point[-1] = np.log(self.targets.mean(axis=0) + 1 / self.rows)
        return point

    def evaluate(self, point: FloatArray) -> _State:
        logits = self._forward(point)
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1, keepdims=True)
        fit = np.log(sums).sum(dtype=np.float64) - np.vdot(self.targets, logits)
        probabilities = exponentials / sums
        gradient = self._backward(probabilities - self.targets, point)
        weights = point[:-1]
        return _State(
            float(fit) + self.penalty / 2 * _dot(weights, weights), gradient, probabilities
        )

    def curvature(self, state: _State, direction: FloatArray) -> FloatArray:
        """The Hessian times `direction`."""
        logits = self._forward(direction) * state.probabilities
        logits -= state.probabilities * logits.sum(axis=1, keepdims=True)
        return self._backward(logits, direction)

    def diagonal(self, state: _State) -> FloatArray:
        """The Hessian's diagonal."""
        spread = state.probabilities * (1 - state.probabilities)
        result = np.empty((self.width + 1, self.targets.shape[1]), dtype=np.float32)
        self._per_column(self.squared, spread, result)
        result[:-1] += np.float32(self.penalty)
        result[-1] = np.maximum(spread.sum(axis=0), np.float32(1e-6))
        return result

    def _forward(self, point: FloatArray) -> FloatArray:
        logits: FloatArray = self.features.times(point[:-1]) + point[-1]
        return logits

    def _backward(self, residual: FloatArray, point: FloatArray) -> FloatArray:
        result = np.empty_like(point)
        self._per_column(self.transposed, residual, result)
        result[:-1] += np.float32(self.penalty) * point[:-1]
        result[-1] = residual.sum(axis=0)
        return result

    def _per_column(self, parts: tuple[Matrix, ...], rows: FloatArray, result: FloatArray) -> None:
        """Put the products of the transposed `parts` with `rows` into `result`."""
        for part, columns in zip(parts, self.columns, strict=True):
            result[columns] = part @ rows


def _transposed(part: Matrix) -> Matrix:
    return part.T if isinstance(part, np.ndarray) else part.T.tocsr()


def _squared(part: Matrix) -> Matrix:
    if isinstance(part, np.ndarray):
        return np.square(part)
    squared = part.copy()
    np.square(squared.data, out=squared.data)
    return squared


def _newton_direction(problem: _Problem, state: _State) -> FloatArray:
    """About -H^-1 g, by preconditioned conjugate gradients."""
    diagonal = problem.diagonal(state)
    residual = -state.gradient
    direction = np.zeros_like(residual)
    scaled = residual / diagonal
    search = scaled
    size = first = _dot(residual, scaled)
    for _ in range(_MAX_INNER):
        if size <= _INNER_TOLERANCE**2 * first:
            break
        bent = problem.curvature(state, search)
        length = np.float32(size / _dot(search, bent))
        direction += length * search
        residual -= length * bent
        scaled = residual / diagonal
        size, before = _dot(residual, scaled), size
        search = scaled + np.float32(size / before) * search
    return direction


def _line_search(
    problem: _Problem, point: FloatArray, state: _State, direction: FloatArray, slope: float
) -> tuple[FloatArray, _State] | None:
    """The first of the steps 1, 1/2, 1/4, ... that lowers the loss enough; None where none does."""
    length = np.float32(1)
    for _ in range(_MAX_HALVINGS):
        moved = point + length * direction
        there = problem.evaluate(moved)
        if there.loss <= state.loss + _SUFFICIENT * float(length) * slope:
            return moved, there
        length /= 2
    return None


def _dot(first: FloatArray, second: FloatArray) -> float:
    return float(np.vdot(first, second))
