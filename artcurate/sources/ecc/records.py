"""ECC's JSON release: from records to rows, as they are written there."""

from __future__ import annotations

from typing import Any

import polars as pl

from artcurate.archives.documents import Content
from artcurate.sources.ecc.codes import TURNS
from artcurate.sources.json_records import decode, iter_records

#: Columns of a dialogue as a release writes it: codes or words, and its sentences.
RAW_SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "talk": pl.String(),
        "counter": pl.String(),
        "persona": pl.String(),
        "age": pl.String(),
        "gender": pl.String(),
        "situation": pl.String(),
        "disease": pl.String(),
        "main": pl.String(),
        "fine": pl.String(),
        "malformed": pl.String(),
        **dict.fromkeys(TURNS, pl.String()),
    }
)

#: Keys that stand near the start of a JSON release of ECC and of nothing else.
_MARKS = (b'"persona-id"', b'"talk-id"', b'"HS01"')


def looks_like_dialogues(start: bytes) -> bool:
    """Whether the first bytes of a file are those of ECC's JSON."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{") and any(
        mark in start for mark in _MARKS
    )


def read_dialogues(content: Content) -> pl.DataFrame:
    """The dialogues of a JSON release (`RAW_SCHEMA`), one row per record.

    A record of another shape has a sentence in `malformed` and nulls elsewhere.

    Raises:
        DataError: the file is cut off, damaged, or in neither UTF-8 nor CP949.
    """
    place = content.document.path
    text = decode(content.data, place)
    rows = [_row(number, record) for number, record in enumerate(iter_records(text, place), 1)]
    return pl.DataFrame(rows, schema=RAW_SCHEMA, orient="row")


def _row(number: int, record: Any) -> tuple[int | str | None, ...]:
    talk = _at(record, "talk", "id", "talk-id")
    content = _at(record, "talk", "content")
    malformed = _malformation(talk, content)
    if malformed:
        return (number, *[None] * 9, malformed, *[None] * len(TURNS))
    age, gender = _codes(_at(record, "profile", "persona", "human"), "AG")
    situation, disease = _codes(_at(record, "profile", "emotion", "situation"), "SD")
    return (
        number,
        talk,
        None,
        _text(_at(record, "profile", "persona-id")),
        age,
        gender,
        situation,
        disease,
        None,
        _text(_at(record, "profile", "emotion", "type")),
        None,
        *[content.get(turn) for turn in TURNS],
    )


def _malformation(talk: Any, content: Any) -> str | None:
    """What makes a record none of ECC's, as a sentence."""
    if not isinstance(talk, str) or not talk:
        return "The record has no talk-id."
    if not isinstance(content, dict):
        return "The record has no talk.content."
    for turn, sentence in content.items():
        if not isinstance(sentence, str | None):
            return f"{turn} is no text."
        if sentence and turn not in TURNS:
            return f"{turn[:60]!r} is no turn of a dialogue; known: {', '.join(TURNS)}."
    return None


def _at(value: Any, *path: str) -> Any:
    """What stands at `path` in nested JSON objects, None where nothing does."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _codes(values: Any, letters: str) -> list[str | None]:
    """For each of `letters` the first of `values` that begins with it."""
    codes = (
        [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
    )
    return [next((code for code in codes if code.startswith(letter)), None) for letter in letters]
