"""Which turns of the dialogues become sentences with a label, and each of them once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.pairing.style import Leak, letters_key, measure_leak, plain_form
from artcurate.steps.registry import Parameters, step

NEUTRAL = "neutral"

HumanTurn = Literal["HS01", "HS02", "HS03", "HS04"]
Release = Literal["training", "validation"]
_SYSTEM_TURNS = ("SS01", "SS02", "SS03", "SS04")
_NEEDED = ("dialogue", "turn", "role", "text", "emotion", "fine_emotion", "age_group", "gender")
_CELL = ("emotion", "age_group", "gender")


class SentencesParameters(Parameters):
    turns: tuple[HumanTurn, ...] = Field(("HS01", "HS02"), min_length=1)
    """The person's turns that become sentences, each a row of its own with the dialogue's label."""
    releases: tuple[Release, ...] = Field(("training", "validation"), min_length=1)
    """The releases whose dialogues are used. Dialogues of an unknown release need both."""
    neutral: Literal["system_matched", "system_first", "system_plain", "none"] = "system_matched"
    """Where neutral sentences come from; the person's own are never neutral.
    `system_matched`: the first system sentence of a dialogue, with the dialogue's age group and
    gender. `system_first`: the same sentence, which goes with pictures of any age and gender.
    `system_plain`: the first system sentence that has a plain form and no honorific, question or
    exclamation mark, its polite ending 요 dropped, matched likewise: it cannot be told by how it
    ends, but stands in the dataset otherwise than in ECC. `none`: no neutral label.
    All of them are replies of a chatbot, so the findings say how well their style alone gives them
    away (`leak`): in ECC the polite ending does it without fail, whichever turn is taken."""
    duplicates: Literal["first", "drop_conflicting", "first_per_label"] = "drop_conflicting"
    """What becomes of equal sentences. `first`: the first stays, whatever the labels.
    `drop_conflicting`: the first stays where all have one label, otherwise none.
    `first_per_label`: the first of each label stays. First in the files' order."""
    same_text: Literal["letters", "exact"] = "letters"
    """What makes sentences equal: their letters and digits, or every character."""


@dataclass(frozen=True, slots=True)
class DroppedCell:
    """Sentences of one cell that repeat others; age_group and gender None for any."""

    emotion: str
    age_group: str | None
    gender: str | None
    sentences: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another source of neutral sentences: how many dialogues have one, and its leak."""

    neutral: str
    sentences: int
    leak: Leak


@dataclass(frozen=True, slots=True)
class SentencesFindings:
    """What was said and what is used.

    sentences: by label. set_aside: reason -> utterances. conflicting_texts: texts with several
    labels. leak: how outward features tell neutral sentences from the others, None without both.
    alternatives: sources of other neutral sentences. cells: where repeated sentences were left
    out.
    """

    utterances: int
    dialogues: int
    sentences: dict[str, int]
    set_aside: dict[str, int]
    conflicting_texts: int
    neutral: str
    leak: Leak | None
    alternatives: tuple[Alternative, ...]
    cells: tuple[DroppedCell, ...]


@step(SentencesParameters)
def sentences(corpus: Corpus, *, parameters: SentencesParameters) -> Corpus:
    """Choose the turns that are paired, give neutral ones their label, and keep each text once.

    Neutral rows have the emotion `neutral` and no fine emotion; with `system_first` also neither
    age group nor gender, which stands for any. Rows left out by design: other_release,
    turn_not_used, duplicate_text, conflicting_labels. The findings are a `SentencesFindings`.

    Raises DataError when the annotations are no dialogues or nothing is left of them.
    """
    missing = [name for name in _NEEDED if name not in corpus.annotations.columns]
    if missing:
        raise DataError(f"The annotations have no {', '.join(missing)}; sentences needs ECC.")
    labelled = _labelled(corpus.annotations, parameters)
    unused = _unused(labelled, parameters)
    used = replace(corpus, annotations=labelled).set_aside(
        "annotations", unused, step="sentences", by_design=True
    )
    equal = _equal_texts(used.annotations, parameters)
    repeated = _repeated(equal, parameters.duplicates)
    result = used.set_aside("annotations", repeated, step="sentences", by_design=True)
    if result.annotations.is_empty():
        raise DataError(
            f"No sentence is left of {corpus.annotations.height:,} utterances; look at "
            "sentences.turns and sentences.releases."
        )
    findings = SentencesFindings(
        utterances=corpus.annotations.height,
        dialogues=result.annotations["dialogue"].n_unique(),
        sentences=_counts(result.annotations["emotion"]),
        set_aside=_counts(pl.concat([unused["reason"], repeated["reason"]])),
        conflicting_texts=equal.filter(pl.col("labels") > 1)["key"].n_unique(),
        neutral=parameters.neutral,
        leak=_leak(result.annotations),
        alternatives=tuple(_alternatives(corpus.annotations, result.annotations, parameters)),
        cells=tuple(_dropped_cells(used.annotations, repeated)),
    )
    return result.with_findings("sentences", asdict(findings))


def _labelled(annotations: pl.DataFrame, parameters: SentencesParameters) -> pl.DataFrame:
    """The annotations, those that speak for neutral with their label and text."""
    if parameters.neutral == "none":
        return annotations
    chosen = _speakers(annotations, parameters.neutral)
    neutral = pl.col("spoken").is_not_null()
    nobody = neutral if parameters.neutral == "system_first" else pl.lit(False)
    nothing = pl.lit(None, pl.String)
    return (
        annotations.join(chosen.select("id", "spoken"), on="id", how="left", maintain_order="left")
        .with_columns(
            text=pl.coalesce("spoken", "text"),
            emotion=pl.when(neutral).then(pl.lit(NEUTRAL)).otherwise("emotion"),
            fine_emotion=pl.when(neutral).then(nothing).otherwise("fine_emotion"),
            age_group=pl.when(nobody).then(nothing).otherwise("age_group"),
            gender=pl.when(nobody).then(nothing).otherwise("gender"),
        )
        .drop("spoken")
    )


def _speakers(annotations: pl.DataFrame, neutral: str) -> pl.DataFrame:
    """id, dialogue, turn and spoken (the text) of the first neutral sentence of each dialogue."""
    return (
        annotations.filter(pl.col("role") == "system")
        .select("id", "dialogue", "turn", spoken=_spoken(neutral))
        .filter(pl.col("spoken").is_not_null())
        .sort("dialogue", "turn", maintain_order=True)
        .unique("dialogue", keep="first", maintain_order=True)
    )


def _spoken(neutral: str) -> pl.Expr:
    """The text of a system sentence as a neutral sentence, null where it cannot be one."""
    if neutral == "system_plain":
        return pl.when(pl.col("turn").is_in(_SYSTEM_TURNS)).then(plain_form(pl.col("text")))
    return pl.when(pl.col("turn") == _SYSTEM_TURNS[0]).then("text")


def _unused(labelled: pl.DataFrame, parameters: SentencesParameters) -> pl.DataFrame:
    """id, reason and detail of utterances that are no sentences of the dataset."""
    both = set(parameters.releases) == {"training", "validation"}
    release = pl.col("release") if "release" in labelled.columns else pl.lit(None, pl.String)
    other = pl.lit(False) if both else ~release.is_in(parameters.releases).fill_null(False)
    turn = ~(pl.col("turn").is_in(parameters.turns) | (pl.col("emotion") == NEUTRAL))
    return labelled.filter(other | turn).select(
        "id",
        reason=pl.when(other).then(pl.lit("other_release")).otherwise(pl.lit("turn_not_used")),
        detail=pl.when(other)
        .then(pl.format("Of the release {}.", release.fill_null("that no path tells")))
        .otherwise(pl.format("{} is not among the turns that are used.", "turn")),
    )


def _equal_texts(rows: pl.DataFrame, parameters: SentencesParameters) -> pl.DataFrame:
    """The rows whose text stands more than once, in the files' order.

    Columns: id, emotion, key (equal for equal texts), labels (how many the text has).
    """
    exact = parameters.same_text == "exact"
    key = pl.col("text") if exact else letters_key(pl.col("text"))
    order = [name for name in ("source", "row", "turn") if name in rows.columns]
    return (
        rows.with_columns(key=key)
        .filter(pl.col("key").is_duplicated())
        .sort(*order, "id")
        .select("id", "emotion", "key", labels=pl.col("emotion").n_unique().over("key"))
    )


def _repeated(equal: pl.DataFrame, duplicates: str) -> pl.DataFrame:
    """id, reason and detail of the rows of `equal` that are left out."""
    over = ["key", "emotion"] if duplicates == "first_per_label" else ["key"]
    first = pl.col("id").first().over(over)
    conflict = (pl.col("labels") > 1) & (duplicates == "drop_conflicting")
    return (
        equal.with_columns(first=first)
        .filter(conflict | (pl.col("id") != pl.col("first")))
        .select(
            "id",
            reason=pl.when(conflict)
            .then(pl.lit("conflicting_labels"))
            .otherwise(pl.lit("duplicate_text")),
            detail=pl.when(conflict)
            .then(pl.format("The same text stands under {} labels.", "labels"))
            .otherwise(pl.format("The same text as in {}.", "first")),
        )
    )


def _leak(rows: pl.DataFrame) -> Leak | None:
    neutral = pl.col("emotion") == NEUTRAL
    texts, others = rows.filter(neutral)["text"], rows.filter(~neutral)["text"]
    return measure_leak(texts, others) if texts.len() and others.len() else None


def _alternatives(
    annotations: pl.DataFrame, used: pl.DataFrame, parameters: SentencesParameters
) -> Iterator[Alternative]:
    """What other sources of neutral sentences would offer, beside the same other sentences."""
    others = used.filter(pl.col("emotion") != NEUTRAL)["text"]
    # The published way takes the sentences of system_matched.
    taken = parameters.neutral.replace("system_first", "system_matched")
    for neutral in ("system_matched", "system_plain"):
        texts = _speakers(annotations, neutral)["spoken"]
        if neutral != taken and texts.len() and others.len():
            yield Alternative(neutral, texts.len(), measure_leak(texts, others))


def _dropped_cells(rows: pl.DataFrame, dropped: pl.DataFrame) -> Sequence[DroppedCell]:
    counted: list[dict[str, Any]] = (
        rows.join(dropped.select("id"), on="id")
        .group_by(_CELL)
        .agg(sentences=pl.len())
        .sort(_CELL)
        .to_dicts()
    )
    return [DroppedCell(**cell) for cell in counted]


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(values.alias("value").value_counts(name="rows").sort("value").iter_rows())
