"""The emotion can be guessed from text and face, with room for better models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import f1_score

from artcurate.sources.synthetic.korean.codes import MAINS
from artcurate.sources.synthetic.korean.dialogues import Dialogues, draw_dialogues
from artcurate.sources.synthetic.korean.faces import draw_look, expression


@pytest.fixture(scope="module")
def dialogues() -> Dialogues:
    return draw_dialogues(1000, 2, like_published=False, fourth_turn=False)


def test_a_plain_classifier_reads_the_emotion_from_the_text_moderately(
    dialogues: Dialogues,
) -> None:
    labels = [MAINS[main] for main in dialogues.profiles.main]
    texts = dialogues.turns["HS01"].to_list() + dialogues.turns["SS01"].to_list()
    truth = np.array(labels + ["neutral"] * len(labels))
    test = np.tile(np.random.default_rng(0).random(len(labels)) < 0.25, 2)
    # Of six human sentences one system sentence, as in a balanced set of seven labels.
    kept = np.arange(len(texts)) < len(labels)
    kept |= np.random.default_rng(1).random(len(texts)) < 1 / 6
    vectors = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 3), max_features=6000
    ).fit_transform(texts)
    model = RidgeClassifier().fit(vectors[kept & ~test], truth[kept & ~test])
    guesses = model.predict(vectors[kept & test])
    score = f1_score(truth[kept & test], guesses, average=None, labels=[*MAINS, "neutral"])
    assert 0.45 < score.mean() < 0.75
    # A polite reply gives itself away: the published neutral class scores 1.00.
    assert score[-1] > 0.95


def test_clear_faces_of_a_label_are_alike_whoever_shows_them() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(7), 60)
    moves = np.array(
        [
            expression(draw_look(0, person, male=True, age=20), label, label, 0.9, generator)
            for person, label in enumerate(labels.tolist())
        ]
    )
    centres = np.array([moves[labels == label][::2].mean(axis=0) for label in range(7)])
    distance = np.linalg.norm(moves[1::2, None] - centres[None], axis=2)
    assert np.mean(distance.argmin(axis=1) == labels[1::2]) > 0.9
