"""Texts in one normal form, what cannot be used set aside, repetitions counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.keys import nfc_key
from artcurate.steps.registry import Parameters, step
from artcurate.text import languages
from artcurate.text.normalise import has_nul, is_blank, normalised

#: What two rows share that say the same at one painting, and that vote the same.
_CAPTION: Final = ("image_key", "language", "text")
_VOTE: Final = (*_CAPTION, "emotion")


class TextParameters(Parameters):
    max_characters: int = Field(default=2_000, ge=1)
    """Texts with more code points are set aside: they are no captions but damaged records."""
    duplicates: Literal["keep", "drop"] = "keep"
    """What becomes of a row that says the same as an earlier one: same painting, language, text
    and emotion. Two annotators may well choose the same words, so `keep` is safe for votes."""


@dataclass(frozen=True, slots=True)
class Repetitions:
    """Rows that say what other rows say, before any is dropped.

    in_painting: rows whose painting has an earlier row with their language and text; `votes` are
        those of them where the earlier row has their emotion too.
    texts_in_several_paintings: distinct texts of one language that several paintings have, in
        `rows_in_several_paintings` rows.
    texts_with_several_emotions: distinct texts of one language that several emotions have, in
        `rows_with_several_emotions` rows.

    A count that needs a column which the annotations lack (image_key, emotion) is None.
    """

    in_painting: int | None
    votes: int | None
    texts_in_several_paintings: int | None
    rows_in_several_paintings: int | None
    texts_with_several_emotions: int | None
    rows_with_several_emotions: int | None


@dataclass(frozen=True, slots=True)
class TextReport:
    """What the step did. rows_in = rows_out + the sum of `set_aside`.

    changed: rows whose text was not in its normal form.
    set_aside: reason -> rows.
    """

    rows_in: int
    rows_out: int
    changed: int
    set_aside: dict[str, int]
    repetitions: Repetitions


@step(TextParameters)
def text(corpus: Corpus, *, parameters: TextParameters) -> Corpus:
    """Bring texts to one normal form and count repetitions.

    `text` becomes NFC with single spaces and without control characters. Rows set aside: nul_byte,
    empty_text (nothing that can be seen), too_long, and with `duplicates: drop` duplicate_caption.
    The findings are a `TextReport`.

    Raises DataError when the annotations have no text, or duplicates are to be dropped and no
    image_key says which painting a row belongs to.
    """
    raw = corpus.annotations
    _check_columns(raw, parameters)
    # The streaming engine shares one column's rows among the cores; the eager one does not.
    spelled = raw.lazy().with_columns(normalised(pl.col("text"))).collect(engine="streaming")
    spelled = spelled.rechunk()
    unusable = _unusable(raw.select("id", "text"), spelled["text"], parameters.max_characters)
    usable = replace(corpus, annotations=spelled).set_aside("annotations", unusable, step="text")
    repeated = _repeated_rows(usable.annotations)
    result = usable
    if parameters.duplicates == "drop":
        result = usable.set_aside("annotations", _duplicates(repeated), step="text", by_design=True)
    reasons = result.quarantine[corpus.quarantine.height :]["reason"].value_counts().sort("reason")
    report = TextReport(
        rows_in=raw.height,
        rows_out=result.annotations.height,
        changed=int((spelled["text"] != raw["text"]).sum()),
        set_aside=dict(reasons.iter_rows()),
        repetitions=_repetitions(repeated),
    )
    return result.with_findings("text", asdict(report))


def _check_columns(annotations: pl.DataFrame, parameters: TextParameters) -> None:
    if "text" not in annotations.columns:
        raise DataError("The annotations have no text; leave the step text out of the pipeline.")
    if parameters.duplicates == "drop" and "image_key" not in annotations.columns:
        raise DataError(
            "The annotations have no image_key, which says whether two texts stand at one "
            "painting; set text.duplicates to keep."
        )


def _unusable(raw: pl.DataFrame, spelled: pl.Series, max_characters: int) -> pl.DataFrame:
    """id, reason and detail of every row whose text cannot be used."""
    length = pl.col("spelled").str.len_chars()
    nul, blank = has_nul(pl.col("text")), is_blank(pl.col("spelled"))
    long = pl.format(f"The text has {{}} characters; at most {max_characters} are kept.", length)
    return (
        raw.with_columns(spelled.alias("spelled"))
        .filter(nul | blank | (length > max_characters))
        .select(
            "id",
            reason=pl.when(nul)
            .then(pl.lit("nul_byte"))
            .when(blank)
            .then(pl.lit("empty_text"))
            .otherwise(pl.lit("too_long")),
            detail=pl.when(nul)
            .then(pl.lit("The text holds a NUL byte, so the file is damaged or not UTF-8."))
            .when(blank)
            .then(pl.lit("The text is empty."))
            .otherwise(long),
        )
    )


def _repeated_rows(annotations: pl.DataFrame) -> pl.DataFrame:
    """The rows whose text stands more than once in their language, in their order.

    Columns: id, text, language (the canonical name where it is known) and, where the annotations
    have them, image_key (in NFC) and emotion.
    """
    optional = [name for name in ("image_key", "emotion") if name in annotations.columns]
    rows = annotations.filter(pl.col("text").is_duplicated())
    declared = rows.get_column("language", default=pl.repeat("", rows.height, eager=True))
    known = languages.bundled().canonical(declared.cast(pl.String))
    rows = rows.select(
        "id", "text", *optional, language=known.zip_with(known.is_not_null(), declared)
    )
    if "image_key" in optional:
        rows = rows.with_columns(nfc_key(pl.col("image_key")))
    return rows.filter(pl.struct("language", "text").is_duplicated())


def _duplicates(repeated: pl.DataFrame) -> pl.DataFrame:
    """id, reason and detail of the rows that repeat the vote of an earlier row."""
    vote = [name for name in _VOTE if name in repeated.columns]
    return (
        repeated.with_columns(first=_first_id(vote))
        .filter(pl.col("id") != pl.col("first"))
        .select(
            "id",
            reason=pl.lit("duplicate_caption"),
            detail=pl.format("The same text as in {}, with the same emotion.", "first"),
        )
    )


def _repetitions(repeated: pl.DataFrame) -> Repetitions:
    has_painting, has_emotion = (name in repeated.columns for name in ("image_key", "emotion"))
    several_paintings = _several(repeated, "image_key") if has_painting else (None, None)
    several_emotions = _several(repeated, "emotion") if has_emotion else (None, None)
    return Repetitions(
        in_painting=_later_rows(repeated, _CAPTION) if has_painting else None,
        votes=_later_rows(repeated, _VOTE) if has_painting and has_emotion else None,
        texts_in_several_paintings=several_paintings[0],
        rows_in_several_paintings=several_paintings[1],
        texts_with_several_emotions=several_emotions[0],
        rows_with_several_emotions=several_emotions[1],
    )


def _first_id(columns: Sequence[str]) -> pl.Expr:
    """The id of the first row that has the same values in `columns`."""
    return pl.col("id").first().over(columns)


def _later_rows(repeated: pl.DataFrame, columns: Sequence[str]) -> int:
    """How many rows have an earlier row with the same values in `columns`."""
    return repeated.filter(pl.col("id") != _first_id(columns)).height


def _several(repeated: pl.DataFrame, column: str) -> tuple[int, int]:
    """(distinct texts of one language with several values in `column`, rows of these texts)."""
    texts = (
        repeated.group_by("language", "text")
        .agg(values=pl.col(column).n_unique(), rows=pl.len())
        .filter(pl.col("values") > 1)
    )
    return texts.height, int(texts["rows"].sum())
