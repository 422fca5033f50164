from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

from artcurate.benchmark.floors import by_cell, chance_macro_f1, floors, human_ceiling, text_peer
from artcurate.benchmark.metrics import confusion, macro_f1
from artcurate.benchmark.task import Labels


def labels(index: list[int]) -> Labels:
    return Labels(("a", "b", "c"), np.array(index), np.eye(3, dtype=np.float32)[index])


def test_majority_is_scikit_learns_most_frequent() -> None:
    train, test = labels([0, 0, 1, 2]), labels([0, 1, 1, 2])
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((4, 1)), train.index)
    guessed = dummy.predict(np.zeros((4, 1)))

    majority, _, best = floors(train, test)

    assert majority.accuracy == accuracy_score(test.index, guessed)
    assert majority.macro_f1 == pytest.approx(f1_score(test.index, guessed, average="macro"))
    # Always saying b is right in two of four cases: F1 2/3, over three classes.
    assert (best.accuracy, best.macro_f1) == pytest.approx((0.5, 2 / 9))


def test_sampling_by_the_priors_scores_their_squares() -> None:
    many = [0] * 600 + [1] * 300 + [2] * 100

    sampled = floors(labels(many), labels(many))[1]

    assert sampled.accuracy == pytest.approx(0.36 + 0.09 + 0.01, abs=2e-3)
    assert sampled.macro_f1 == pytest.approx(1 / 3, abs=2e-3)


def test_chance_is_what_shuffled_predictions_score() -> None:
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(0, 3, 3000), generator.choice(3, 3000, p=[0.7, 0.2, 0.1])
    shuffled = [
        float(macro_f1(confusion(truth, generator.permutation(predicted), 3))) for _ in range(50)
    ]

    expected = float(chance_macro_f1(confusion(truth, predicted, 3).astype(np.float64)))

    assert np.mean(shuffled) == pytest.approx(expected, abs=3e-3)


def test_the_ceiling_of_votes_by_hand() -> None:
    # Item one: a a b. The best answer a agrees with 2 of 3. A vote a has one a and one b beside
    # it, a tie, half right; the vote b has two a beside it, wrong. Item two: c c, always right.
    # Item three has one vote and says nothing.
    found = human_ceiling(np.array([[2, 1, 0], [0, 0, 2], [1, 0, 0]], dtype=np.float32))

    assert found is not None
    assert (found.items, found.votes) == (2, 5)
    assert found.best_per_item == pytest.approx(4 / 5)
    assert found.agreement == pytest.approx((2 * 0.5 + 0 + 2) / 5)


def test_single_votes_have_no_ceiling() -> None:
    assert human_ceiling(np.eye(3, dtype=np.float32)) is None


def test_the_text_peer_is_the_usual_pipeline() -> None:
    train = ["bright sun", "bright sea", "dark storm", "dark night"] * 5
    expected = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10))
    truth = labels([0, 0, 1, 1] * 5)
    test = ["bright storm", "dark sun", "night night", "sea"]
    said = expected.fit(train, truth.index).predict(test)

    found = text_peer(train, truth, test, labels([0, 1, 1, 0]))

    assert found is not None
    assert found.accuracy == accuracy_score([0, 1, 1, 0], said)


def test_texts_without_a_word_have_no_peer() -> None:
    assert text_peer(["", "..."], labels([0, 1]), [""], labels([0])) is None


def test_attributes_give_the_commonest_label_of_their_cell() -> None:
    train = [np.array(["old", "old", "old", "young"]), np.array(["m", "m", "f", "f"])]
    test = [np.array(["old", "young", "young"]), np.array(["m", "f", "m"])]

    found = by_cell(train, labels([1, 1, 0, 2]), test)

    # The last cell is unknown and gets train's majority.
    assert found.tolist() == [1, 2, 1]
