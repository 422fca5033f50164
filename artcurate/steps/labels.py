"""Raw emotion words and ids to one label set, with a ledger of what every map moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from artcurate import emotions
from artcurate.corpus import Corpus
from artcurate.emotions import Label, LabelMap, LabelSet
from artcurate.errors import UsageError
from artcurate.steps.registry import Parameters, step

#: Looking for the nearest label is slow; beyond this many unknown words they are not typing errors.
MAX_SUGGESTIONS = 1_000
#: The ledger lists this many spellings, the most frequent first, and counts the rest.
MAX_SPELLINGS = 200


class LabelsParameters(Parameters):
    target: str = "artemis9"
    """The label set that emotions are brought to."""
    maps: tuple[str, ...] = ()
    """Further label sets; each adds a column of its name, null where the map drops the label."""
    mismatch: Literal["quarantine", "name", "id"] = "quarantine"
    """A label id that contradicts the name: set the row aside, or trust one of the two."""
    drop: tuple[str, ...] = ()
    """Those of `maps` whose dropped labels take their rows with them."""

    @model_validator(mode="after")
    def _sets_exist(self) -> Self:
        known = emotions.bundled()
        try:
            known.label_set(self.target)
            for name in self.maps:
                known.label_map(self.target, name)
        except UsageError as error:
            raise ValueError(str(error)) from None
        if repeated := [name for name, times in Counter(self.maps).items() if times > 1]:
            raise ValueError(f"maps: {', '.join(repeated)} stands twice")
        if stray := [name for name in self.drop if name not in self.maps]:
            raise ValueError(f"drop: {', '.join(stray)} is not among maps")
        return self


@dataclass(frozen=True, slots=True)
class Spelling:
    """A raw emotion as the files write it, the label it became, and its rows."""

    written: str
    label: str
    rows: int


@dataclass(frozen=True, slots=True)
class Move:
    """What a map did with one label; `target` is None where it was dropped."""

    label: str
    target: str | None
    rows: int
    source: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class MapLedger:
    """Rows moved by one map. `merged`: target label -> the labels that became one in it."""

    map: str
    moves: tuple[Move, ...]
    merged: dict[str, tuple[str, ...]]
    dropped_rows: int


@dataclass(frozen=True, slots=True)
class LabelLedger:
    """What the step did. rows_in = rows_out + the sum of `set_aside`.

    labels: label of the target set -> rows, before `drop`.
    named_by_id: labelled rows whose emotion was empty and whose id alone said it.
    spellings: the most frequent raw emotions among the labelled rows; `spellings_omitted` counts
        those that are not listed.
    sources: the publications that the set and the maps cite, in full.
    """

    target: str
    rows_in: int
    rows_out: int
    labels: dict[str, int]
    named_by_id: int
    spellings: tuple[Spelling, ...]
    spellings_omitted: int
    maps: tuple[MapLedger, ...]
    set_aside: dict[str, int]
    sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What becomes of one pair of raw emotion and id: a label, or a reason against it."""

    label: Label | None
    reason: str | None = None
    detail: str | None = None


@step(LabelsParameters)
def labels(corpus: Corpus, *, parameters: LabelsParameters) -> Corpus:
    """Bring emotions to one label set, add polarity and maps to other sets.

    Names are understood in English, Arabic, Chinese, Spanish and Korean, in any case, and as bare
    ids. `emotion` becomes the canonical name and `emotion_id` its id in the target set; `polarity`
    and one column per map are added. Rows set aside: missing_emotion, unknown_emotion,
    ambiguous_emotion (a word that means two labels), label_id_mismatch, dropped_by_map. The
    findings are a `LabelLedger`.
    """
    known = emotions.bundled()
    target = known.label_set(parameters.target)
    maps = [known.label_map(target.name, name) for name in parameters.maps]
    raw = _with_raw_columns(corpus.annotations)
    judged = _judge(raw, target, parameters.mismatch)
    labelled, refused = _apply(raw, judged, target, maps)
    result = replace(corpus, annotations=labelled).set_aside("annotations", refused, step="labels")
    counts = _counts(result.annotations["emotion"])
    for label_map in maps:
        if label_map.target in parameters.drop:
            dropped = _dropped_rows(result.annotations, label_map)
            result = result.set_aside("annotations", dropped, step="labels")
    spellings = tuple(_spellings(judged))
    ledgers = tuple(_map_ledger(label_map, counts) for label_map in maps)
    cited = {target.source, *(move.source for ledger in ledgers for move in ledger.moves)}
    ledger = LabelLedger(
        target=target.name,
        rows_in=raw.height,
        rows_out=result.annotations.height,
        labels={name: counts.get(name, 0) for name in target.names},
        named_by_id=_named_by_id(judged),
        spellings=spellings[:MAX_SPELLINGS],
        spellings_omitted=len(spellings[MAX_SPELLINGS:]),
        maps=ledgers,
        set_aside=_counts(result.quarantine[corpus.quarantine.height :]["reason"]),
        sources={source: known.references[source] for source in sorted(cited)},
    )
    return result.with_findings("labels", asdict(ledger))


def _with_raw_columns(annotations: pl.DataFrame) -> pl.DataFrame:
    """The annotations with `emotion` as text and `emotion_id` as i64, which a reader may lack."""
    absent = [
        pl.lit(None).alias(name)
        for name in ("emotion", "emotion_id")
        if name not in annotations.columns
    ]
    return annotations.with_columns(absent).with_columns(
        pl.col("emotion").cast(pl.String), pl.col("emotion_id").cast(pl.Int64)
    )


def _judge(raw: pl.DataFrame, target: LabelSet, mismatch: str) -> pl.DataFrame:
    """One row per distinct (emotion, emotion_id), most frequent first.

    Columns: emotion, emotion_id, rows, label (str, nullable), label_id (i64, nullable), reason and
    detail (str, null where there is a label).
    """
    distinct = (
        raw.group_by("emotion", "emotion_id")
        .agg(rows=pl.len())
        .sort("rows", "emotion", "emotion_id", descending=[True, False, False])
    )
    verdicts: list[_Verdict] = []
    suggestions = MAX_SUGGESTIONS
    for emotion, emotion_id in distinct.select("emotion", "emotion_id").iter_rows():
        verdict = _verdict(emotion, emotion_id, target, mismatch, suggest=suggestions > 0)
        suggestions -= verdict.reason == "unknown_emotion"
        verdicts.append(verdict)
    return distinct.with_columns(
        pl.Series("label", [v.label and v.label.name for v in verdicts], pl.String),
        pl.Series("label_id", [v.label and v.label.id for v in verdicts], pl.Int64),
        pl.Series("reason", [v.reason for v in verdicts], pl.String),
        pl.Series("detail", [v.detail for v in verdicts], pl.String),
    )


def _verdict(
    emotion: str | None, emotion_id: int | None, target: LabelSet, mismatch: str, *, suggest: bool
) -> _Verdict:
    named = _named(emotion, target, suggest=suggest)
    if emotion_id is None:
        return named or _Verdict(None, "missing_emotion", "The row has no emotion.")
    numbered = target.numbered(emotion_id)
    if named is None:
        return _Verdict(numbered) if numbered else _unknown_id(emotion_id, target)
    if numbered and (mismatch == "id" or numbered in target.called(emotion or "")):
        return _Verdict(numbered)
    if named.label is None or named.label == numbered or mismatch == "name":
        return named
    meaning = f"{target.name} calls {numbered.name!r}" if numbered else f"{target.name} lacks"
    return _Verdict(
        None,
        "label_id_mismatch",
        f"The emotion is {_quoted(emotion)} but the id is {emotion_id}, which {meaning}.",
    )


def _named(emotion: str | None, target: LabelSet, *, suggest: bool) -> _Verdict | None:
    """What the emotion's text alone says; None where it is missing."""
    if emotion is None or not emotion.strip():
        return None
    number = emotions.bare_id(emotion)
    if number is not None:
        label = target.numbered(number)
        return _Verdict(label) if label else _unknown_id(number, target)
    found = target.called(emotion)
    if len(found) == 1:
        return _Verdict(found[0])
    if found:
        meanings = " and ".join(label.name for label in found)
        detail = f"{_quoted(emotion)} means both {meanings} in {target.name}."
        return _Verdict(None, "ambiguous_emotion", detail)
    nearest = target.nearest(emotion) if suggest else None
    hint = f"the nearest is {nearest.name!r}" if nearest else f"labels: {_listed(target)}"
    return _Verdict(
        None, "unknown_emotion", f"{_quoted(emotion)} is no label of {target.name}; {hint}."
    )


def _unknown_id(number: int, target: LabelSet) -> _Verdict:
    last = len(target.labels) - 1
    return _Verdict(
        None, "unknown_emotion", f"{target.name} has the ids 0 to {last}, not {number}."
    )


def _named_by_id(judged: pl.DataFrame) -> int:
    unnamed = pl.col("emotion").is_null() | (pl.col("emotion").str.strip_chars() == "")
    return int(judged.filter(unnamed & pl.col("label").is_not_null())["rows"].sum())


def _quoted(emotion: str | None) -> str:
    return repr(_cut(emotion or ""))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _listed(target: LabelSet) -> str:
    names = target.names
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:11])}, …"


def _apply(
    raw: pl.DataFrame, judged: pl.DataFrame, target: LabelSet, maps: Sequence[LabelMap]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(every row with its labels, null where it has none; id, reason and detail of those rows)."""
    verdicts = raw.select("emotion", "emotion_id").join(
        judged, on=["emotion", "emotion_id"], how="left", nulls_equal=True, maintain_order="left"
    )
    polarity = {label.name: label.polarity for label in target.labels}
    labelled = raw.with_columns(
        verdicts["label"].alias("emotion"), verdicts["label_id"].alias("emotion_id")
    ).with_columns(
        _column(target, polarity, "polarity"),
        *(_column(target, label_map.targets, label_map.target) for label_map in maps),
    )
    refused = raw.select("id").hstack(verdicts.select("reason", "detail")).drop_nulls("reason")
    return labelled, refused


def _column(target: LabelSet, mapping: Mapping[str, str | None], name: str) -> pl.Expr:
    """The target labels in `emotion` put through `mapping`, as the column `name`."""
    return (
        pl.col("emotion")
        .replace_strict(
            list(target.names),
            [mapping[label] for label in target.names],
            default=None,
            return_dtype=pl.String,
        )
        .alias(name)
    )


def _dropped_rows(annotations: pl.DataFrame, label_map: LabelMap) -> pl.DataFrame:
    details = {
        entry.label: f"{entry.label!r} has no {label_map.target} label: {entry.reason}."
        for entry in label_map.entries
        if entry.target is None
    }
    return annotations.filter(pl.col(label_map.target).is_null()).select(
        "id",
        reason=pl.lit("dropped_by_map"),
        detail=pl.col("emotion").replace_strict(details, default=None, return_dtype=pl.String),
    )


def _counts(column: pl.Series) -> dict[str, int]:
    """Value -> how often it stands, in the order of the values."""
    tally = column.alias("value").value_counts(name="rows").sort("value")
    return dict(tally.iter_rows())


def _spellings(judged: pl.DataFrame) -> Iterator[Spelling]:
    """Raw spellings of labelled rows, most frequent first; a row with an id alone is `id 7`."""
    written = judged.drop_nulls("label").with_columns(
        written=pl.when(pl.col("emotion").str.strip_chars().fill_null("") == "")
        .then(pl.format("id {}", "emotion_id"))
        .otherwise("emotion")
    )
    tally = (
        written.group_by("written", "label")
        .agg(pl.col("rows").sum())
        .sort("rows", "written", "label", descending=[True, False, False])
    )
    for text, label, rows in tally.iter_rows():
        yield Spelling(_cut(text), label, rows)


def _map_ledger(label_map: LabelMap, counts: dict[str, int]) -> MapLedger:
    moves = tuple(
        Move(entry.label, entry.target, counts.get(entry.label, 0), entry.source, entry.reason)
        for entry in label_map.entries
    )
    sources: dict[str, list[str]] = {}
    for move in moves:
        if move.target is not None:
            sources.setdefault(move.target, []).append(move.label)
    return MapLedger(
        map=label_map.target,
        moves=moves,
        merged={to: tuple(labels) for to, labels in sources.items() if len(labels) > 1},
        dropped_rows=sum(move.rows for move in moves if move.target is None),
    )
