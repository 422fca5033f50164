"""Scores that need no input at all, and what people make of the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from artcurate.benchmark.decision import label_shares, one_hot
from artcurate.benchmark.metrics import accuracy, confusion, macro_f1
from artcurate.benchmark.softmax import fit_softmax
from artcurate.benchmark.task import IntArray, Labels

TEXT_PEER = "tfidf_lr"
MAJORITY, PRIOR_SAMPLED, BEST_CONSTANT = "majority", "prior_sampled", "best_constant"
#: Every name under which a floor or a peer stands in the scores.
FLOORS = (MAJORITY, PRIOR_SAMPLED, BEST_CONSTANT, TEXT_PEER)
#: One over scikit-learn's C; its own C of 1 scores lower on captions.
_PEER_PENALTY = 0.1


@dataclass(frozen=True, slots=True)
class Floor:
    """What a rule without inputs, or the plainest text model, scores on the test set."""

    name: str
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Human:
    """What people's votes allow, on items with two votes and more.

    items, votes: how many. best_per_item: accuracy of the one answer per item that agrees with
    most of its votes, which no system that sees only the item can pass. agreement: accuracy of the
    other votes' majority as a guess at each vote, ties shared; macro_f1: of the same guesses.
    """

    items: int
    votes: int
    best_per_item: float
    agreement: float
    macro_f1: float


def floors(train: Labels, test: Labels) -> tuple[Floor, ...]:
    """Majority of train, labels drawn by train's shares, and the best constant on test.

    `prior_sampled` is the expectation of the confusion matrix, not one draw.
    """
    classes = len(test.names)
    support = np.bincount(test.index, minlength=classes).astype(np.float64)
    majority = int(np.bincount(train.index, minlength=classes).argmax())
    constants = [_constant(test.index, label, classes) for label in range(classes)]
    best = max(constants, key=lambda matrix: float(macro_f1(matrix)))
    sampled = np.outer(support, label_shares(train))
    return (
        _floor(MAJORITY, constants[majority]),
        _floor(PRIOR_SAMPLED, sampled),
        _floor(BEST_CONSTANT, best),
    )


def text_peer(
    train: Sequence[str], train_labels: Labels, test: Sequence[str], test_labels: Labels
) -> Floor | None:
    """scikit-learn's TF-IDF of words with logistic regression; None where no text has a word.

    What anybody gets in five lines: a text system that is not above it has earned nothing. The
    regression is that of `LogisticRegression(C=10)`, by the solver that is faster on sparse rows.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(any(map(str.isalnum, text)) for text in train):
        return None
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")  # noqa: S106
    rows = csr_array(words.fit_transform(train).astype(np.float32))
    model = fit_softmax(rows, one_hot(train_labels), penalty=_PEER_PENALTY)
    said = model.probabilities(csr_array(words.transform(test).astype(np.float32))).argmax(axis=1)
    return _floor(TEXT_PEER, confusion(test_labels.index, said, len(test_labels.names)))


def chance_macro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Macro-F1 of predictions with the same shares that know nothing of the labels.

    confusions: (..., classes, classes). The expected matrix of independent labels and predictions
    is the outer product of the margins over the total.
    """
    labelled, predicted = confusions.sum(axis=-1), confusions.sum(axis=-2)
    total = np.maximum(confusions.sum(axis=(-2, -1)), 1e-12)
    expected = labelled[..., :, None] * predicted[..., None, :] / total[..., None, None]
    return macro_f1(expected)


def human_ceiling(votes: NDArray[np.float32]) -> Human | None:
    """From counts of votes (items, classes); None where no item has two votes."""
    counts = votes[votes.sum(axis=1) >= 2].astype(np.float64)
    if not len(counts):
        return None
    total = counts.sum()
    matrix = np.zeros((counts.shape[1], counts.shape[1]))
    for label in range(counts.shape[1]):
        others = counts.copy()
        others[:, label] -= 1
        guesses = others == others.max(axis=1, keepdims=True)
        shares = guesses / guesses.sum(axis=1, keepdims=True)
        matrix[label] = (shares * counts[:, [label]]).sum(axis=0)
    return Human(
        items=len(counts),
        votes=int(total),
        best_per_item=float(counts.max(axis=1).sum() / total),
        agreement=float(accuracy(matrix)),
        macro_f1=float(macro_f1(matrix)),
    )


def by_cell(
    train: Sequence[NDArray[np.str_]], labels: Labels, test: Sequence[NDArray[np.str_]]
) -> IntArray:
    """Test predictions from attributes alone: the commonest training label of the same cell.

    train, test: one array of words per attribute. A cell that train lacks gets train's majority.
    """
    classes = len(labels.names)
    overall = int(np.bincount(labels.index, minlength=classes).argmax())
    both = np.stack([np.concatenate(pair) for pair in zip(train, test, strict=True)], axis=1)
    cell = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1)
    known, asked = cell[: len(labels)], cell[len(labels) :]
    counts = np.zeros((cell.max() + 1, classes), dtype=np.int64)
    np.add.at(counts, (known, labels.index), 1)
    best = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), overall)
    return best[asked].astype(np.int64)


def _constant(truth: IntArray, label: int, classes: int) -> IntArray:
    return confusion(truth, np.full(len(truth), label, dtype=np.int64), classes)


def _floor(name: str, matrix: NDArray[np.float64] | IntArray) -> Floor:
    return Floor(name, float(accuracy(matrix)), float(macro_f1(matrix)))
