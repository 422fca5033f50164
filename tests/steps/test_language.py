"""Declared languages get one name each; only texts that contradict theirs are left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.language import LanguageParameters, language

Row = tuple[str | None, str | None]

ENGLISH = "The woman sits by the window and she looks sad"
SPANISH = "La mujer está sentada junto a la ventana y parece triste"
ARABIC = "المرأة تنظر من النافذة وتبدو حزينة"
CHINESE = "女人坐在窗边，看起来很忧伤。"
ZULU = "Owesifazane uhlezi ngasefasiteleni futhi udabukile kakhulu"


def corpus(rows: Sequence[Row]) -> Corpus:
    """A corpus of (declared language, text) rows."""
    return Corpus(
        annotations=pl.DataFrame(
            {
                "id": [f"00000000-{number:07d}" for number in range(1, len(rows) + 1)],
                "source": ["captions.csv"] * len(rows),
                "row": range(1, len(rows) + 1),
                "language": pl.Series([row[0] for row in rows], dtype=pl.String),
                "text": pl.Series([row[1] for row in rows], dtype=pl.String),
            }
        ),
        images=pl.DataFrame(),
    )


def run(rows: Sequence[Row], **parameters: object) -> Corpus:
    return language(corpus(rows), parameters=LanguageParameters.model_validate(parameters))


def quarantine(result: Corpus) -> list[tuple[int, str, str]]:
    return result.quarantine.select("row", "reason", "detail").rows()


def test_declared_names_become_one_name() -> None:
    result = run([("EN", ENGLISH), ("english", ENGLISH), ("en-GB", ENGLISH), ("zh", CHINESE)])
    assert result.annotations["language"].to_list() == ["english"] * 3 + ["chinese"]
    declared = result.findings["language"]["languages"]
    assert [entry["language"] for entry in declared] == ["chinese", "english"]
    assert declared[1]["written"] == {"EN": 1, "en-GB": 1, "english": 1}


def test_the_columns() -> None:
    result = run([("english", ENGLISH), ("chinese", CHINESE), ("english", "Sunset")])
    columns = ["language_detected", "language_method", "language_agrees"]
    assert result.annotations.select(columns).rows() == [
        ("english", "function_words", True),
        ("chinese", "script", True),
        (None, "undecidable", None),
    ]
    assert result.annotations.schema["language_agrees"] == pl.Boolean


def test_only_contradictions_are_set_aside() -> None:
    rows = [
        ("english", ENGLISH),
        ("english", SPANISH),
        ("arabic", ENGLISH),
        ("chinese", ARABIC),
        ("korean", "Mer calme"),
        ("english", "1914"),
        ("english", ZULU),
    ]
    result = run(rows)
    assert result.annotations["row"].to_list() == [1, 6]
    assert quarantine(result) == [
        (2, "wrong_language", "Declared english, but its words are spanish."),
        (3, "wrong_language", "Declared arabic, but its letters are those of english."),
        (4, "wrong_language", "Declared chinese, but its letters are those of arabic."),
        (5, "wrong_language", "Declared korean, but its letters are of another script."),
        (7, "wrong_language", "Declared english, but its words are of other languages."),
    ]
    assert not result.quarantine["by_design"].any()
    findings = result.findings["language"]
    assert findings["set_aside"] == {"wrong_language": 5}
    assert {
        "declared": "english",
        "detected": "spanish",
        "method": "function_words",
        "rows": 1,
    } in (findings["contradictions"])


def test_contradictions_can_be_kept() -> None:
    result = run([("english", SPANISH), ("english", ENGLISH)], contradictions="keep")
    assert result.annotations["language_agrees"].to_list() == [False, True]
    assert result.annotations["language_detected"].to_list() == ["spanish", "english"]
    assert quarantine(result) == []


def test_unknown_languages_are_set_aside_with_the_nearest_name() -> None:
    result = run([("englsh", ENGLISH), ("xx", ENGLISH), (None, ENGLISH), (" ", ENGLISH)])
    assert quarantine(result) == [
        (1, "unknown_language", "'englsh' is no known language; the nearest is 'english'."),
        (2, "unknown_language", "'xx' is no known language."),
        (3, "unknown_language", "The row declares no language."),
        (4, "unknown_language", "The row declares no language."),
    ]
    assert result.annotations.height == 0


def test_a_threshold_of_the_pipeline() -> None:
    rows: list[Row] = [("chinese", "Impressionism 的画")]
    assert run(rows).annotations.height == 1
    assert run(rows, script_share=0.8).annotations.height == 0
    with pytest.raises(ValidationError):
        LanguageParameters(script_share=0.2)


def test_a_column_that_holds_something_else_is_quoted_briefly() -> None:
    detail = quarantine(run([("the sea " * 100, ENGLISH)]))[0][2]
    assert len(detail) < 100


def test_missing_columns() -> None:
    with pytest.raises(DataError, match="no text and no language"):
        language(
            Corpus(pl.DataFrame({"id": ["a"]}), pl.DataFrame()), parameters=LanguageParameters()
        )


def test_no_rows() -> None:
    result = run([])
    assert result.annotations.columns[-3:] == [
        "language_detected",
        "language_method",
        "language_agrees",
    ]
    assert result.findings["language"]["methods"] == {}


def test_the_step_can_run_twice() -> None:
    once = run([("EN", ENGLISH), ("zh", CHINESE), ("zh", "お")])
    twice = language(once, parameters=LanguageParameters())
    assert twice.annotations.equals(once.annotations)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows: list[Row] = [
        (declared, text)
        for declared in ("english", "spanish", "arabic", "chinese", "Zulu", None)
        for text in (ENGLISH, SPANISH, ARABIC, CHINESE, ZULU, "Gloomy empty streets, heavy rain")
    ]
    forward, backward = run(rows), run(rows[::-1])
    columns = ["language", "text", "language_detected", "language_method", "language_agrees"]
    order = ["language", "text"]
    assert (
        forward.annotations.select(columns)
        .sort(order)
        .equals(backward.annotations.select(columns).sort(order))
    )
    assert forward.findings == backward.findings
    findings = forward.findings["language"]
    assert findings["rows_in"] == findings["rows_out"] + sum(findings["set_aside"].values())
    assert json.loads(json.dumps(findings)) is not None


def test_real_captions_agree_with_their_language(real_data: Path) -> None:
    release = real_data / "artelingo" / "artelingo_release.csv"
    raw = pl.read_csv(release, columns=["language", "utterance"])
    result = run(raw.rows())
    assert result.annotations["language_agrees"].to_list() == [True] * 48
    assert (result.annotations["language_detected"] == raw["language"]).all()
