"""ECC dialogues decoded, each with what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from artcurate.archives.names import nfc
from artcurate.sources.ecc.codes import (
    AGE_GROUPS,
    DISEASES,
    GENDERS,
    SITUATIONS,
    TURNS,
    code_of,
    decode_emotions,
)
from artcurate.sources.releases import Release

#: Turns every dialogue has; the last system sentence of a dialogue may be missing, and so may
#: whole turns at its end.
_FEWEST_SENTENCES = 3
#: Between the sentences of a dialogue in `content`.
SEPARATOR = "\x1f"


def decode_dialogues(raw: pl.DataFrame, release: Release | None) -> pl.DataFrame:
    """The rows of `raw` (`ecc_json.RAW_SCHEMA`) decoded.

    Columns: row, talk, counter, persona, release, age_group, gender, situation, disease (a key of
    `DISEASES`), emotion, fine_emotion, the turns as written ("" where there is none), content (the
    sentences without white space at their ends, in NFC, joined: equal for equal dialogues),
    unknown_fine (a finer emotion that ECC does not know), reason and detail (what is wrong with
    the dialogue, null where nothing is).
    """
    decoded = (
        raw.with_columns(pl.col(*TURNS).fill_null(""))
        .hstack(decode_emotions(raw))
        .with_columns(
            release=pl.lit(release, pl.String),
            age_group=code_of(pl.col("age"), AGE_GROUPS),
            gender_code=code_of(pl.col("gender"), GENDERS),
            situation_code=code_of(pl.col("situation"), SITUATIONS),
            disease_code=code_of(pl.col("disease"), DISEASES),
            content=pl.concat_str(pl.col(*TURNS).str.strip_chars(), separator=SEPARATOR),
        )
    )
    reason, detail = _verdict()
    return decoded.with_columns(reason=reason, detail=detail).select(
        "row",
        "talk",
        "counter",
        "persona",
        "release",
        "age_group",
        "emotion",
        "fine_emotion",
        *TURNS,
        "reason",
        "detail",
        gender="gender_code",
        situation="situation_code",
        disease="disease_code",
        content=nfc(decoded["content"]),
        unknown_fine=pl.when(_given("fine") & pl.col("emotion").is_not_null()).then(
            pl.when(pl.col("fine_emotion").is_null()).then("fine")
        ),
    )


def _verdict() -> tuple[pl.Expr, pl.Expr]:
    """(reason, detail) of the first thing that is wrong with a dialogue."""
    faults = {
        "malformed_record": (pl.col("malformed").is_not_null(), pl.col("malformed")),
        "emotion": (pl.col("emotion_reason").is_not_null(), pl.col("emotion_detail")),
        "unknown_age": _unknown("age", pl.col("age_group").is_null(), AGE_GROUPS),
        "unknown_gender": _unknown("gender", pl.col("gender_code").is_null(), GENDERS),
        "unknown_situation": _unknown(
            "situation", pl.col("situation_code").is_null() & _given("situation"), SITUATIONS
        ),
        "unknown_disease": _unknown(
            "disease", pl.col("disease_code").is_null() & _given("disease"), DISEASES
        ),
        "missing_sentence": _missing_sentence(),
    }
    reason = detail = pl.lit(None, pl.String)
    for name, (found, sentence) in reversed(faults.items()):
        named = pl.col("emotion_reason") if name == "emotion" else pl.lit(name)
        reason = pl.when(found).then(named).otherwise(reason)
        detail = pl.when(found).then(sentence).otherwise(detail)
    return reason, detail


def _given(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.strip_chars() != ""


def _unknown(
    column: str, found: pl.Expr, table: Mapping[str, tuple[str, ...]]
) -> tuple[pl.Expr, pl.Expr]:
    known = ", ".join(words[0] for words in table.values())
    value = pl.col(column).fill_null("").str.slice(0, 60)
    return found, pl.format(
        f"The {column} is {{}}, which ECC does not know; known: {known}.", value
    )


def _missing_sentence() -> tuple[pl.Expr, pl.Expr]:
    """A dialogue is short of a sentence before its last one, or shorter than two turns."""
    present = [pl.col(turn).str.strip_chars() != "" for turn in TURNS]
    last = pl.max_horizontal(
        pl.when(there).then(number).otherwise(0) for number, there in enumerate(present, 1)
    )
    needed = pl.max_horizontal(last, pl.lit(_FEWEST_SENTENCES))
    first_missing = pl.coalesce(
        pl.when(~there).then(pl.lit(turn)) for turn, there in zip(TURNS, present, strict=True)
    )
    count = pl.sum_horizontal(there.cast(pl.Int32) for there in present)
    return count < needed, pl.format("The sentence {} is missing.", first_missing)
