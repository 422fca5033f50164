from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from artcurate import emotions
from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.image_labels import ImageLabelsParameters, image_labels

A, B, C = "anger", "sadness", "neutral"
VOTES: dict[str, list[Any]] = {
    "all agree": [A, A, A, A],
    "one differs": [A, A, B, A],
    "uploader differs": [B, A, A, A],
    "one unknown": [A, A, None, A],
    "two unknown": [A, None, None, A],
    "two and two": [A, B, B, A],
    "most of three": [A, B, A, C],
    "four kinds": [A, B, C, "hurt"],
    "only the uploader": [C, None, None, None],
}


@pytest.fixture
def corpus(korean: Callable[..., Corpus]) -> Corpus:
    made = korean([{"votes": votes} for votes in VOTES.values()])
    return Corpus(
        made.annotations,
        made.images.drop("emotion").with_columns(pl.Series("id", list(VOTES))),
    )


def run(corpus: Corpus, choice: str) -> Corpus:
    return image_labels(
        corpus,
        parameters=ImageLabelsParameters(choice=choice),  # type: ignore[arg-type]
    )


LABELS = {
    "unanimous": {"all agree": A},
    "majority": {"all agree": A, "one differs": A, "uploader differs": A, "one unknown": A},
    "uploader": {name: votes[0] for name, votes in VOTES.items()},
    "soft": {
        "all agree": A,
        "one differs": A,
        "uploader differs": A,
        "one unknown": A,
        "two unknown": A,
        "most of three": A,
        "only the uploader": C,
    },
}


@pytest.mark.parametrize("choice", LABELS)
def test_each_choice_labels_what_it_says(corpus: Corpus, choice: str) -> None:
    result = run(corpus, choice)
    assert dict(result.images.select("id", "emotion").iter_rows()) == LABELS[choice]
    assert set(result.quarantine["id"]) == set(VOTES) - set(LABELS[choice])
    assert result.quarantine["by_design"].all()


def test_the_reason_says_which_rule_failed(corpus: Corpus) -> None:
    reasons = {choice: set(run(corpus, choice).quarantine["reason"]) for choice in LABELS}
    assert reasons == {
        "unanimous": {"not_unanimous"},
        "majority": {"no_majority"},
        "uploader": set(),
        "soft": {"tied_votes"},
    }


def test_a_distribution_counts_the_votes_that_were_cast(corpus: Corpus) -> None:
    images = run(corpus, "soft").images
    names = emotions.bundled().label_set("korean7").names
    shares = {
        row["id"]: {n: s for n, s in zip(names, row["soft_label"], strict=True) if s}
        for row in images.iter_rows(named=True)
    }
    assert shares["one differs"] == {A: 0.75, B: 0.25}
    assert shares["one unknown"] == {A: 1.0}
    assert shares["only the uploader"] == {C: 1.0}
    assert images.schema["soft_label"] == pl.List(pl.Float32)
    assert "soft_label" not in run(corpus, "majority").images.columns


def test_findings_tell_how_far_people_agree(corpus: Corpus) -> None:
    found = run(corpus, "majority").findings["image_labels"]
    assert found["agreement"] == {"1": 2, "2": 3, "3": 3, "4": 1}
    assert found["unknown_votes"] == 6
    assert found["uploader_overruled"] == 1
    assert found["labels"][A] == 4
    assert found["set_aside"] == {"no_majority": 5}


def test_votes_that_cannot_be_read_are_refused(corpus: Corpus) -> None:
    strange = Corpus(
        corpus.annotations, corpus.images.with_columns(uploader_emotion=pl.lit("boredom"))
    )
    with pytest.raises(DataError, match="boredom"):
        run(strange, "unanimous")
    with pytest.raises(DataError, match="no uploader_emotion"):
        run(Corpus(corpus.annotations, corpus.images.select("id")), "unanimous")


def test_no_vote_at_all(korean: Callable[..., Corpus]) -> None:
    nobody = korean([{"votes": [None] * 4}])
    images = nobody.images.drop("emotion").with_columns(pl.col("uploader_emotion").cast(pl.String))
    for choice, reason in (("uploader", "no_votes"), ("soft", "no_votes")):
        result = run(Corpus(nobody.annotations, images), choice)
        assert result.images.is_empty()
        assert result.quarantine["reason"].to_list() == [reason]
