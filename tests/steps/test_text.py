"""Texts get one spelling; what cannot be used is in quarantine, what repeats is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.text import TextParameters, text

Row = tuple[str | None, str, str, str]

SEA = "A calm sea at dawn."


def corpus(rows: Sequence[Row]) -> Corpus:
    """A corpus of (text, language, image_key, emotion) rows."""
    return Corpus(
        annotations=pl.DataFrame(
            {
                "id": [f"00000000-{number:07d}" for number in range(1, len(rows) + 1)],
                "source": ["captions.csv"] * len(rows),
                "row": range(1, len(rows) + 1),
                "text": pl.Series([row[0] for row in rows], dtype=pl.String),
                "language": pl.Series([row[1] for row in rows], dtype=pl.String),
                "image_key": pl.Series([row[2] for row in rows], dtype=pl.String),
                "emotion": pl.Series([row[3] for row in rows], dtype=pl.String),
            }
        ),
        images=pl.DataFrame(),
    )


def texts(*written: str | None) -> Corpus:
    return corpus([(value, "english", "S/a", "awe") for value in written])


def run(raw: Corpus, **parameters: object) -> Corpus:
    return text(raw, parameters=TextParameters.model_validate(parameters))


def quarantine(result: Corpus) -> list[tuple[int, str, str]]:
    return result.quarantine.select("row", "reason", "detail").rows()


def test_one_spelling() -> None:
    result = run(texts("  Cafe\u0301\u00a0 by the sea\n", SEA))
    assert result.annotations["text"].to_list() == ["Café by the sea", SEA]
    assert result.findings["text"]["changed"] == 1
    assert quarantine(result) == []


def test_unusable_texts_are_set_aside_with_their_reason() -> None:
    result = run(texts(SEA, "", None, "\u00a0\u200b", "a\0b", "x" * 21), max_characters=20)
    empty = "The text is empty."
    assert result.annotations["row"].to_list() == [1]
    assert quarantine(result) == [
        (2, "empty_text", empty),
        (3, "empty_text", empty),
        (4, "empty_text", empty),
        (5, "nul_byte", "The text holds a NUL byte, so the file is damaged or not UTF-8."),
        (6, "too_long", "The text has 21 characters; at most 20 are kept."),
    ]
    assert result.findings["text"]["set_aside"] == {"empty_text": 3, "nul_byte": 1, "too_long": 1}


def test_the_length_is_that_of_the_normal_form() -> None:
    padded = "  " + "e\u0301" * 20 + "  "
    assert run(texts(padded), max_characters=20).annotations.height == 1


REPEATED: list[Row] = [
    (SEA, "english", "S/a", "awe"),
    (f" {SEA}", "English", "S/a", "awe"),
    (SEA, "en", "S/a", "fear"),
    (SEA, "english", "S/b", "fear"),
    (SEA, "spanish", "S/a", "awe"),
    ("Another text", "english", "S/a", "awe"),
    ("Two paintings", "english", "S/a", "awe"),
    ("Two paintings", "english", "S/cafe\u0301", "awe"),
    ("Two paintings", "english", "S/caf\u00e9", "awe"),
]


def test_repetitions_are_counted_and_kept() -> None:
    result = run(corpus(REPEATED))
    assert result.annotations.height == len(REPEATED)
    assert result.findings["text"]["repetitions"] == {
        "in_painting": 3,
        "votes": 2,
        "texts_in_several_paintings": 2,
        "rows_in_several_paintings": 7,
        "texts_with_several_emotions": 1,
        "rows_with_several_emotions": 4,
    }


def test_repeated_votes_can_be_dropped() -> None:
    result = run(corpus(REPEATED), duplicates="drop")
    assert result.annotations["row"].to_list() == [1, 3, 4, 5, 6, 7, 8]
    assert quarantine(result) == [
        (2, "duplicate_caption", "The same text as in 00000000-0000001, with the same emotion."),
        (9, "duplicate_caption", "The same text as in 00000000-0000008, with the same emotion."),
    ]
    assert result.quarantine["by_design"].all()
    kept_counts = run(corpus(REPEATED)).findings["text"]["repetitions"]
    assert result.findings["text"]["repetitions"] == kept_counts


def test_a_corpus_without_paintings_or_emotions() -> None:
    raw = corpus(REPEATED)
    bare = Corpus(raw.annotations.select("id", "source", "row", "text"), raw.images)
    result = run(bare)
    assert result.annotations.height == len(REPEATED)
    assert set(result.findings["text"]["repetitions"].values()) == {None}
    with pytest.raises(DataError, match="image_key"):
        run(bare, duplicates="drop")


def test_a_corpus_without_text() -> None:
    with pytest.raises(DataError, match="no text"):
        run(Corpus(pl.DataFrame({"id": ["a"]}), pl.DataFrame()))


def test_no_rows() -> None:
    result = run(corpus([]))
    assert result.annotations.height == 0
    assert result.findings["text"]["repetitions"]["in_painting"] == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a sea", "a  sea", "", "\0", " \u3000", "long " * 3, None, "ein See"]),
            st.sampled_from(["english", "en", "german"]),
            st.sampled_from(["S/a", "S/b"]),
            st.sampled_from(["awe", "fear"]),
        ),
        max_size=12,
    ),
    st.sampled_from(["keep", "drop"]),
)
def test_no_row_is_lost_and_the_result_is_stable(rows: list[Row], duplicates: str) -> None:
    result = run(corpus(rows), duplicates=duplicates, max_characters=10)
    left_out = result.quarantine["row"].to_list()
    assert sorted(result.annotations["row"].to_list() + left_out) == list(range(1, len(rows) + 1))
    findings = result.findings["text"]
    assert findings["rows_in"] == findings["rows_out"] + sum(findings["set_aside"].values())
    assert json.loads(json.dumps(findings)) == findings
    again = run(Corpus(result.annotations, result.images), duplicates=duplicates)
    assert again.annotations.equals(result.annotations)
    assert again.findings["text"]["changed"] == 0
