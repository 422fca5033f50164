"""Votes, labels and agreement of pictures, as the images table and the findings show them."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate import emotions
from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.agreement import AgreementParameters, agreement

NAMES = emotions.bundled().label_set("artemis9").names
COLUMNS = {
    "votes": pl.List(pl.Struct({"language": pl.String, "counts": pl.List(pl.Int32)})),
    "vote_count": pl.Int32,
    "emotion": pl.String,
    "emotion_share": pl.Float32,
    "soft_label": pl.List(pl.Float32),
    "tie": pl.Boolean,
    "disagreement": pl.Float32,
}

Caption = tuple[str, str, str]


def corpus(captions: list[Caption], pictures: list[str], groups: list[Any] | None = None) -> Corpus:
    annotations = pl.DataFrame(
        captions, schema=dict.fromkeys(("image_id", "language", "emotion"), pl.String), orient="row"
    ).with_row_index("id")
    images = pl.DataFrame({"id": pictures}, schema={"id": pl.String}).with_columns(
        style=pl.col("id").str.split("/").list.first()
    )
    if groups is not None:
        images = images.with_columns(duplicate_group=pl.Series(groups, dtype=pl.String))
    return Corpus(annotations.with_columns(pl.col("id").cast(pl.String)), images)


def run(captions: list[Caption], pictures: list[str], **parameters: Any) -> Corpus:
    parameters = {"draws": 50, "min_votes": 2, **parameters}
    return agreement(corpus(captions, pictures), parameters=AgreementParameters(**parameters))


CAPTIONS: list[Caption] = [
    ("Cubism/a", "english", "awe"),
    ("Cubism/a", "english", "awe"),
    ("Cubism/a", "english", "fear"),
    ("Cubism/a", "arabic", "sadness"),
    ("Cubism/a", "arabic", "fear"),
    ("Rococo/b", "english", "awe"),
    ("Rococo/b", "arabic", "awe"),
]


def test_pictures_get_votes_labels_and_disagreement() -> None:
    images = run(CAPTIONS, ["Rococo/b", "Cubism/a", "Cubism/silent"]).images
    assert images["id"].to_list() == ["Rococo/b", "Cubism/a", "Cubism/silent"]
    assert {name: images.schema[name] for name in COLUMNS} == COLUMNS

    rows = {row["id"]: row for row in images.iter_rows(named=True)}
    a = rows["Cubism/a"]
    assert a["votes"] == [
        {"language": "arabic", "counts": [0, 0, 0, 0, 0, 0, 1, 1, 0]},
        {"language": "english", "counts": [0, 2, 0, 0, 0, 0, 1, 0, 0]},
    ]
    assert (a["vote_count"], a["tie"]) == (5, True)
    # Awe and fear have two votes each; three of the five votes are negative.
    assert a["emotion"] == "fear"
    assert a["emotion_share"] == pytest.approx(0.4)
    assert a["soft_label"] == pytest.approx([0, 0.4, 0, 0, 0, 0, 0.4, 0.2, 0])
    # p = (awe 2/3, fear 1/3), q = (fear 1/2, sadness 1/2): H(1/3, 5/12, 1/4) - (H(p) + 1) / 2.
    assert a["disagreement"] == pytest.approx(1.55459 - (0.91830 + 1) / 2, abs=1e-4)

    b = rows["Rococo/b"]
    assert (b["emotion"], b["emotion_share"], b["tie"]) == ("awe", 1.0, False)
    assert b["disagreement"] is None

    silent = rows["Cubism/silent"]
    assert (silent["votes"], silent["vote_count"], silent["tie"]) == ([], 0, False)
    assert [
        silent[name] for name in ("emotion", "emotion_share", "soft_label", "disagreement")
    ] == [None] * 4


def test_findings_say_what_was_measured_and_are_plain_json() -> None:
    found = run(CAPTIONS, ["Cubism/a", "Rococo/b", "Cubism/silent"]).findings["agreement"]
    json.dumps(found, allow_nan=False)
    assert (found["pictures"], found["pictures_without_votes"], found["votes"]) == (2, 1, 7)
    assert found["votes_by_language"] == {"arabic": 3, "english": 4}
    assert found["tie_share"] == 0.5
    assert found["mean_share"] == 0.7
    assert found["pictures_compared"] == 1
    # Disagreeing ordered pairs over votes less one: a 20 - 4 = 16 of 4, b none; n = 7, and
    # 49 - (16 + 4 + 1) = 28 ordered pairs of unlike votes at large.
    assert found["overall"]["alpha"]["value"] == pytest.approx(1 - 6 * (16 / 4) / 28, abs=1e-6)
    assert [entry["group"] for entry in found["by_language"]] == ["arabic", "english"]
    assert [entry["stratum"] for entry in found["by_style"]] == ["Cubism", "Rococo"]
    assert len(found["by_style_and_language"]) == 4
    (pair,) = found["between"]
    assert (pair["first"], pair["second"], pair["units"]) == ("arabic", "english", 1)


def test_smoothing_moves_the_soft_labels_alone() -> None:
    images = run(CAPTIONS, ["Cubism/a", "Rococo/b"], smoothing=1.0).images
    assert images["soft_label"][1].to_list() == pytest.approx([1 / 11, 3 / 11, *[1 / 11] * 7])
    assert images["emotion_share"][1] == 1.0


def test_running_twice_replaces_the_columns() -> None:
    once = run(CAPTIONS, ["Cubism/a", "Rococo/b"])
    twice = agreement(once, parameters=AgreementParameters(draws=50, min_votes=2))
    assert twice.images.equals(once.images)
    assert twice.findings == once.findings


captions = st.lists(
    st.tuples(
        st.sampled_from(["S/a", "S/b", "T/c", "T/d"]),
        st.sampled_from(["english", "arabic", "chinese"]),
        st.sampled_from(NAMES),
    ),
    max_size=40,
)


@settings(max_examples=50, deadline=None)
@given(captions, st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_rows(drawn: list[Caption], random: Any) -> None:
    pictures = ["S/a", "S/b", "T/c", "T/d"]
    straight = run(drawn, pictures)
    random.shuffle(drawn)
    random.shuffle(pictures)
    shuffled = run(drawn, pictures)
    assert shuffled.images.sort("id").equals(straight.images.sort("id"))
    assert shuffled.findings == straight.findings


@settings(max_examples=50, deadline=None)
@given(captions)
def test_votes_hold_every_caption_and_soft_labels_sum_to_one(drawn: list[Caption]) -> None:
    images = run(drawn, ["S/a", "S/b", "T/c", "T/d"], draws=0).images
    votes = images.explode("votes").unnest("votes")
    assert (votes["counts"].list.sum().sum() or 0) == len(drawn)
    assert images["vote_count"].sum() == len(drawn)
    assert all(
        row["soft_label"] is None or sum(row["soft_label"]) == pytest.approx(1, abs=1e-5)
        for row in images.iter_rows(named=True)
    )
    assert images["emotion"].null_count() == (images["vote_count"] == 0).sum()


def test_near_duplicates_are_drawn_together() -> None:
    """Five copies each of eight works hold no more independent evidence than the eight."""
    votes_of = [("awe", "awe", "awe"), ("fear", "fear", "awe"), ("anger", "awe", "fear")]
    works = [(f"S/{work}-{copy}", work) for work in range(8) for copy in range(5)]
    pictures = [picture for picture, _ in works]
    drawn = [
        (picture, "english", emotion)
        for picture, work in works
        for emotion in votes_of[work % len(votes_of)]
    ]

    def width(groups: list[str] | None) -> float:
        result = agreement(
            corpus(drawn, pictures, groups), parameters=AgreementParameters(draws=500)
        )
        interval = result.findings["agreement"]["overall"]["alpha"]
        return float(interval["high"] - interval["low"])

    together = width([f"work {work}" for _, work in works])
    assert together == pytest.approx(5**0.5 * width(None), rel=0.2)


def test_captions_that_earlier_steps_should_have_settled_are_refused_together() -> None:
    drawn = [("S/a", "english", "joyful"), ("S/zzz", "english", "awe")]
    with pytest.raises(DataError) as caught:
        run(drawn, ["S/a"])
    assert len(caught.value.problems) == 2
    assert "join" in caught.value.problems[0]
    assert "labels" in caught.value.problems[1]


def test_a_language_column_with_something_else_in_it_is_refused() -> None:
    drawn = [("S/a", f"speech {number}", "awe") for number in range(101)]
    with pytest.raises(DataError, match="101 languages"):
        run(drawn, ["S/a"])


def test_another_label_set_has_its_own_length() -> None:
    drawn = [("S/a", "korean", "hurt"), ("S/a", "korean", "hurt"), ("S/a", "korean", "anger")]
    images = run(drawn, ["S/a"], target="korean7").images
    assert images["emotion"].to_list() == ["hurt"]
    assert images["soft_label"].list.len().to_list() == [7]


def test_empty_tables_stay_empty() -> None:
    result = run([], [])
    assert result.images.is_empty()
    assert result.findings["agreement"]["overall"]["alpha"]["value"] is None
