from __future__ import annotations

import numpy as np
import pytest

from artcurate.sources.synthetic.captions import captions, draw_hands
from artcurate.sources.synthetic.gallery import Gallery, draw_gallery
from artcurate.sources.synthetic.scenes import EMOTIONS, LANGUAGES, balanced, confusion, prior
from artcurate.sources.synthetic.votes import Votes, draw_votes


@pytest.fixture(scope="module")
def drawn() -> tuple[Gallery, Votes]:
    gallery = draw_gallery(4_000, 2)
    return gallery, draw_votes(gallery, None)


def shares(votes: Votes, language: str) -> np.ndarray:
    chosen = votes.emotion[votes.language == LANGUAGES.index(language)]
    return np.bincount(chosen, minlength=9) / len(chosen)


def test_balanced_keeps_both_margins() -> None:
    rows, columns = np.array([0.2, 0.8]), np.array([0.5, 0.1, 0.4])
    joint = balanced(np.array([[1.0, 2.0, 3.0], [5.0, 1.0, 1.0]]), rows, columns)
    assert np.allclose(joint.sum(axis=1), rows)
    assert np.allclose(joint.sum(axis=0), columns)


def test_second_thoughts_leave_the_shares_of_emotions_alone() -> None:
    assert np.allclose(prior() @ confusion(), prior())


def test_emotions_have_the_shares_of_artemis(drawn: tuple[Gallery, Votes]) -> None:
    _, votes = drawn
    measured = np.bincount(votes.emotion, minlength=9) / len(votes)
    # Label counts of ArtEmis v1 over 454,684 captions.
    counts = [45_336, 72_927, 126_134, 37_636, 6_640, 22_411, 41_577, 49_061, 52_962]
    assert np.abs(measured - np.array(counts) / 454_684).max() < 0.02


def test_cultures_disagree_measurably(drawn: tuple[Gallery, Votes]) -> None:
    _, votes = drawn
    contentment, awe = EMOTIONS.index("contentment"), EMOTIONS.index("awe")
    assert shares(votes, "chinese")[contentment] > shares(votes, "english")[contentment] + 0.03
    assert shares(votes, "arabic")[awe] > shares(votes, "chinese")[awe] + 0.03


def test_annotators_of_a_painting_agree_more_than_chance_but_not_fully(
    drawn: tuple[Gallery, Votes],
) -> None:
    _, votes = drawn
    english = votes.language == LANGUAGES.index("english")
    painting, emotion = votes.painting[english], votes.emotion[english]
    same = painting[1:] == painting[:-1]
    agreement = float((emotion[1:] == emotion[:-1])[same].mean())
    chance = float((shares(votes, "english") ** 2).sum())
    assert chance + 0.1 < agreement < 0.7


def test_translations_say_the_same_with_another_emotion(drawn: tuple[Gallery, Votes]) -> None:
    _, votes = drawn
    rows = np.flatnonzero(votes.translated)
    assert len(rows) > 50
    english = votes.language == LANGUAGES.index("english")
    for row in rows[:50].tolist():
        assert votes.language[row] == LANGUAGES.index("arabic")
        said = [
            other
            for other in np.flatnonzero(english & (votes.painting == votes.painting[row]))
            if all(
                getattr(votes.meanings, name)[row] == getattr(votes.meanings, name)[other]
                for name in ("kind", "template", "noun", "detail", "cue", "remark", "lead", "tail")
            )
        ]
        assert any(votes.emotion[other] != votes.emotion[row] for other in said)


def test_distinct_paintings_seldom_share_a_caption(drawn: tuple[Gallery, Votes]) -> None:
    gallery, votes = drawn
    texts = captions(votes, draw_hands(votes, gallery.seed), np.arange(len(votes))).drop_nulls()
    assert texts.n_unique() > 0.98 * len(texts)
    words = texts.filter(texts.str.contains("[a-z]")).str.split(" ").list.len().mean()
    assert words == pytest.approx(18, abs=2)
