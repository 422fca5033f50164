"""Raw emotion words become labels, and every row that does not is in quarantine with a reason."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.steps.labels import LabelsParameters, labels

Raw = tuple[str | None, int | None]


def corpus(rows: Sequence[Raw]) -> Corpus:
    return Corpus(
        annotations=pl.DataFrame(
            {
                "id": [f"00000000-{number:07d}" for number in range(1, len(rows) + 1)],
                "source": ["captions.csv"] * len(rows),
                "row": range(1, len(rows) + 1),
                "emotion": [emotion for emotion, _ in rows],
                "emotion_id": [emotion_id for _, emotion_id in rows],
            },
            schema={
                "id": pl.String,
                "source": pl.String,
                "row": pl.Int64,
                "emotion": pl.String,
                "emotion_id": pl.Int64,
            },
        ),
        images=pl.DataFrame(schema={"id": pl.String}),
    )


def run(rows: Sequence[Raw], **parameters: Any) -> Corpus:
    return labels(corpus(rows), parameters=LabelsParameters(**parameters))


def left_out(result: Corpus) -> dict[int, str]:
    return dict(result.quarantine.select("row", "reason").iter_rows())


def test_words_ids_and_both_become_names_ids_and_polarity() -> None:
    result = run([("Fear", 6), ("敬畏", None), ("8", None), (None, 0), ("", 7), ("3.0", 3)])
    assert result.annotations.select("emotion", "emotion_id", "polarity").rows() == [
        ("fear", 6, "negative"),
        ("awe", 1, "positive"),
        ("something else", 8, "other"),
        ("amusement", 0, "positive"),
        ("sadness", 7, "negative"),
        ("excitement", 3, "positive"),
    ]
    assert result.quarantine.is_empty()
    assert result.findings["labels"]["named_by_id"] == 2


def test_rows_without_a_label_are_set_aside_with_a_reason_and_the_nearest_label() -> None:
    result = run([("sadnes", None), ("qqq", None), (None, None), (" ", None), ("12", None)])
    assert result.annotations.is_empty()
    assert left_out(result) == {
        1: "unknown_emotion",
        2: "unknown_emotion",
        3: "missing_emotion",
        4: "missing_emotion",
        5: "unknown_emotion",
    }
    details = result.quarantine["detail"].to_list()
    assert details[0] == "'sadnes' is no label of artemis9; the nearest is 'sadness'."
    assert "amusement, awe" in details[1]
    assert details[4] == "artemis9 has the ids 0 to 8, not 12."


def test_an_id_that_contradicts_the_name_is_set_aside_or_one_of_them_is_trusted() -> None:
    rows: list[Raw] = [("awe", 2), ("awe", 99), ("awe", 1)]
    strict = run(rows)
    assert left_out(strict) == {1: "label_id_mismatch", 2: "label_id_mismatch"}
    assert strict.quarantine["detail"][0] == (
        "The emotion is 'awe' but the id is 2, which artemis9 calls 'contentment'."
    )
    by_name = run(rows, mismatch="name").annotations
    assert by_name.select("emotion", "emotion_id").rows() == [("awe", 1)] * 3
    by_id = run(rows, mismatch="id")
    assert by_id.annotations["emotion"].to_list() == ["contentment", "awe"]
    assert left_out(by_id) == {2: "label_id_mismatch"}


def test_a_word_with_two_meanings_needs_its_id() -> None:
    result = run([("고립된", None), ("고립된", 33), ("고립된", 41), ("고립된", 0)], target="ecc60")
    assert result.annotations["emotion"].to_list() == ["E43", "E51"]
    assert left_out(result) == {1: "ambiguous_emotion", 4: "ambiguous_emotion"}


def test_maps_add_columns_and_a_ledger_of_what_they_merged_and_dropped() -> None:
    rows: list[Raw] = [("Amusement", None), ("amusement", None), ("excitement", None)]
    rows += [("awe", None), ("something_else", None), ("anger", None)]
    result = run(rows, maps=("ekman6", "valence"))
    assert result.annotations["ekman6"].to_list() == ["happiness"] * 3 + [None, None, "anger"]
    assert result.annotations["valence"].to_list() == ["positive"] * 4 + [None, "negative"]

    found = result.findings["labels"]
    assert found["labels"]["amusement"] == 2
    assert found["labels"]["disgust"] == 0
    spelled = {entry["written"]: (entry["label"], entry["rows"]) for entry in found["spellings"]}
    assert spelled["Amusement"] == ("amusement", 1)
    assert spelled["something_else"] == ("something else", 1)
    ekman, valence = found["maps"]
    assert ekman["merged"] == {"happiness": ("amusement", "excitement", "contentment")}
    assert ekman["dropped_rows"] == 2
    assert valence["dropped_rows"] == 1
    awe = next(move for move in ekman["moves"] if move["label"] == "awe")
    assert awe["target"] is None
    assert awe["rows"] == 1
    assert "wonder" in awe["reason"]
    assert "Demszky" in found["sources"]["demszky2020"]
    json.dumps(found, allow_nan=False)


def test_rows_leave_with_a_dropped_label_only_on_request() -> None:
    rows: list[Raw] = [("awe", None), ("anger", None), ("other", None)]
    assert run(rows, maps=("ekman6",)).annotations.height == 3
    result = run(rows, maps=("ekman6", "valence"), drop=("ekman6", "valence"))
    assert result.annotations["emotion"].to_list() == ["anger"]
    assert left_out(result) == {1: "dropped_by_map", 3: "dropped_by_map"}
    assert "'awe' has no ekman6 label" in result.quarantine["detail"][0]
    assert result.findings["labels"]["set_aside"] == {"dropped_by_map": 2}


def test_the_korean_target_keeps_its_own_classes() -> None:
    result = run(
        [("불안", None), ("fear", None), ("중립", None)], target="korean7", maps=["ekman6"]
    )
    assert result.annotations.select("emotion", "polarity", "ekman6").rows() == [
        ("anxiety", "negative", "fear"),
        ("anxiety", "negative", "fear"),
        ("neutral", "neutral", None),
    ]


def test_an_empty_table_stays_empty_and_gets_its_columns() -> None:
    result = run([], maps=("ekman6",))
    assert result.annotations.is_empty()
    assert result.annotations.schema["polarity"] == pl.String
    assert result.annotations.schema["ekman6"] == pl.String


def test_hostile_words_are_quoted_briefly_and_never_slow_the_build() -> None:
    result = run([("x" * 100_000, None), *((f"q{number}zx", None) for number in range(3_000))])
    assert result.annotations.is_empty()
    assert result.quarantine.height == 3_001
    assert max(map(len, result.quarantine["detail"])) < 300


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target": "artemis"}, "artemis9"),
        ({"maps": ("ekman",)}, "ekman6"),
        ({"maps": ("ekman6", "ekman6")}, "twice"),
        ({"maps": ("ekman6",), "drop": ("valence",)}, "not among maps"),
        ({"mismatch": "ignore"}, "quarantine"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(
    parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        LabelsParameters(**parameters)


_words = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.sampled_from(["awe", "FEAR", "other", "7", "99", "슬픔", "sad ness", "joy"]),
)


@given(
    st.lists(st.tuples(_words, st.one_of(st.none(), st.integers(-2, 12))), max_size=30),
    st.sampled_from(["quarantine", "name", "id"]),
    st.booleans(),
)
def test_rows_in_are_rows_out_plus_quarantine_and_keep_their_order(
    rows: list[Raw], mismatch: str, drop: bool
) -> None:
    drops = ("ekman6",) if drop else ()
    result = run(rows, mismatch=mismatch, maps=("ekman6",), drop=drops)
    kept, refused = result.count("annotations")
    assert kept + refused == len(rows)
    assert result.annotations["emotion"].null_count() == 0
    assert result.annotations["polarity"].null_count() == 0
    assert result.annotations["row"].is_sorted()
    assert result.quarantine["detail"].null_count() == 0
    ledger = result.findings["labels"]
    assert ledger["rows_in"] == ledger["rows_out"] + sum(ledger["set_aside"].values())
    assert sum(entry["rows"] for entry in ledger["spellings"]) == sum(ledger["labels"].values())


def test_the_real_excerpt_loses_no_row() -> None:
    folder = os.environ.get("ARTCURATE_REAL_DATA")
    if folder is None:
        pytest.skip("ARTCURATE_REAL_DATA is not set")
    raw = pl.read_csv(
        Path(folder) / "artelingo" / "artelingo_release.csv", columns=["emotion", "emotion_label"]
    )
    result = run(list(raw.iter_rows()))
    assert result.count("annotations") == (48, 0)
    assert result.annotations["emotion"].to_list() == raw["emotion"].to_list()
