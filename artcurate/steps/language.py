"""Declared languages under one name each, checked against the texts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.registry import Parameters, step
from artcurate.text import languages
from artcurate.text.identify import Method, Thresholds, check_declared
from artcurate.text.languages import Catalogue

#: Looking for the nearest language is slow; so many unknown names are no misspellings.
_MAX_SUGGESTIONS: Final = 1_000
#: An unknown name is quoted up to this length: the column may hold something else altogether.
_QUOTED: Final = 60


class LanguageParameters(Parameters):
    contradictions: Literal["quarantine", "keep"] = "quarantine"
    """What becomes of a text that contradicts its declared language."""
    min_letters: int = Field(default=4, ge=1)
    """A text contradicts by its script only with so many letters of foreign scripts."""
    script_share: float = Field(default=0.9, gt=0.5, le=1)
    """And only when this share of its letters is foreign; the rest may quote another language."""
    vote_margin: int = Field(default=3, ge=1)
    """Within a script, a text contradicts only with so many more function words of another
    language than signs of the declared one."""
    langdetect_letters: int = Field(default=20, ge=1)
    """Shorter texts are not shown to langdetect."""
    langdetect_probability: float = Field(default=0.95, gt=0, le=1)
    """Less probable guesses of langdetect decide nothing."""
    seed: int = Field(default=0, ge=0)
    """Seed of langdetect's sampling, used afresh for every text."""

    def thresholds(self) -> Thresholds:
        return Thresholds(**self.model_dump(exclude={"contradictions"}))


@dataclass(frozen=True, slots=True)
class DeclaredLanguage:
    """The rows of one declared language: written: spelling in the raw files -> rows."""

    language: str
    rows: int
    written: dict[str, int]
    agree: int
    contradict: int
    undecidable: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Rows declared to be in one language that speak for another; `detected` None: unnamed."""

    declared: str
    detected: str | None
    method: str
    rows: int


@dataclass(frozen=True, slots=True)
class LanguageReport:
    """What the step found. rows_in = rows_out + the sum of `set_aside`.

    methods: what decided -> rows, over all rows whose declared language is known.
    languages, contradictions: the same rows by declared language, and those that contradict it.
    set_aside: reason -> rows.
    """

    rows_in: int
    rows_out: int
    methods: dict[str, int]
    languages: tuple[DeclaredLanguage, ...]
    contradictions: tuple[Contradiction, ...]
    set_aside: dict[str, int]


@step(LanguageParameters)
def language(corpus: Corpus, *, parameters: LanguageParameters) -> Corpus:
    """Check the declared language of every text, by script first, then by its words.

    `language` becomes the canonical name of `schemas/languages.yaml`. Added: language_detected
    (str, null where nothing was found), language_method (str: script, function_words, langdetect
    or undecidable) and language_agrees (bool, null where undecidable). Rows set aside:
    unknown_language, and wrong_language where the text contradicts its declaration; what is
    undecidable stays. The findings are a `LanguageReport`. Texts should be in NFC, as the step
    `text` leaves them.

    Raises DataError when the annotations have no text or no language.
    """
    raw = corpus.annotations
    if absent := [name for name in ("text", "language") if name not in raw.columns]:
        raise DataError(
            f"The annotations have no {' and no '.join(absent)}; leave the step language out of "
            "the pipeline."
        )
    catalogue = languages.bundled()
    written = _written_names(raw["language"].cast(pl.String), catalogue)
    unknown = _unknown_rows(raw, written, catalogue)
    known = corpus.set_aside("annotations", unknown, step="language")
    checked = _check(known.annotations, catalogue, parameters.thresholds())
    result = replace(known, annotations=checked)
    if parameters.contradictions == "quarantine":
        result = result.set_aside("annotations", _wrong_rows(checked), step="language")
    report = LanguageReport(
        rows_in=raw.height,
        rows_out=result.annotations.height,
        methods=_counts(checked["language_method"]),
        languages=_by_declared(checked, written),
        contradictions=_contradictions(checked),
        set_aside=_counts(result.quarantine[corpus.quarantine.height :]["reason"]),
    )
    return result.with_findings("language", asdict(report))


def _written_names(declared: pl.Series, catalogue: Catalogue) -> pl.DataFrame:
    """One row per distinct declaration, most frequent first.

    Columns: written (str, nullable), rows (u32), language (str, the canonical name, null where
    the catalogue lacks it).
    """
    names = (
        declared.alias("written")
        .value_counts(name="rows")
        .sort("rows", "written", descending=[True, False])
    )
    return names.with_columns(catalogue.canonical(names["written"]).alias("language"))


def _unknown_rows(raw: pl.DataFrame, written: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """id, reason and detail of the rows whose declared language nobody knows."""
    unknown = written.filter(pl.col("language").is_null())["written"].to_list()
    details = [
        _unknown_detail(name, catalogue, suggest=place < _MAX_SUGGESTIONS)
        for place, name in enumerate(unknown)
    ]
    table = pl.DataFrame(
        {"language": unknown, "detail": details},
        schema={"language": pl.String, "detail": pl.String},
    )
    return (
        raw.select("id", pl.col("language").cast(pl.String))
        .join(table, on="language", how="inner", nulls_equal=True, maintain_order="left")
        .select("id", "detail", reason=pl.lit("unknown_language"))
    )


def _unknown_detail(name: str | None, catalogue: Catalogue, *, suggest: bool) -> str:
    if name is None or not name.strip():
        return "The row declares no language."
    nearest = catalogue.nearest(name) if suggest else None
    hint = f"; the nearest is {nearest.name!r}" if nearest else ""
    shown = name if len(name) <= _QUOTED else f"{name[: _QUOTED - 1]}…"
    return f"{shown!r} is no known language{hint}."


def _check(annotations: pl.DataFrame, catalogue: Catalogue, thresholds: Thresholds) -> pl.DataFrame:
    """The annotations with canonical languages and the verdicts' columns."""
    canonical = catalogue.canonical(annotations["language"].cast(pl.String))
    verdicts = check_declared(annotations["text"], canonical, catalogue, thresholds)
    return annotations.with_columns(canonical.alias("language"), *verdicts)


def _wrong_rows(checked: pl.DataFrame) -> pl.DataFrame:
    """id, reason and detail of the rows that contradict their declared language."""
    found, by = pl.col("language_detected"), pl.col("language_method")
    return checked.filter(~pl.col("language_agrees")).select(
        "id",
        reason=pl.lit("wrong_language"),
        detail=pl.when(by == Method.LANGDETECT)
        .then(pl.format("Declared {}, but langdetect finds {}.", "language", found))
        .when((by == Method.FUNCTION_WORDS) & found.is_null())
        .then(pl.format("Declared {}, but its words are of other languages.", "language"))
        .when(by == Method.FUNCTION_WORDS)
        .then(pl.format("Declared {}, but its words are {}.", "language", found))
        .when(found.is_null())
        .then(pl.format("Declared {}, but its letters are of another script.", "language"))
        .otherwise(pl.format("Declared {}, but its letters are those of {}.", "language", found)),
    )


def _counts(column: pl.Series) -> dict[str, int]:
    """Value -> how often it stands, in the order of the values."""
    return dict(column.value_counts(name="rows").sort(column.name).iter_rows())


def _by_declared(checked: pl.DataFrame, written: pl.DataFrame) -> tuple[DeclaredLanguage, ...]:
    agrees = pl.col("language_agrees")
    tally = (
        checked.group_by("language")
        .agg(
            rows=pl.len(),
            agree=agrees.sum(),
            contradict=(~agrees).sum(),
            undecidable=agrees.null_count(),
        )
        .sort("language")
    )
    return tuple(
        DeclaredLanguage(
            **row,
            written={
                name: rows
                for name, rows, language in written.iter_rows()
                if language == row["language"]
            },
        )
        for row in tally.iter_rows(named=True)
    )


def _contradictions(checked: pl.DataFrame) -> tuple[Contradiction, ...]:
    tally = (
        checked.filter(~pl.col("language_agrees"))
        .group_by(declared="language", detected="language_detected", method="language_method")
        .agg(rows=pl.len())
        .sort("rows", "declared", "detected", "method", descending=[True, False, False, False])
    )
    return tuple(Contradiction(**row) for row in tally.iter_rows(named=True))
