"""Phrases in three languages, parallel entry by entry, and the sentences made of them.

A caption's meaning (`Meanings`) is a handful of indices; a phrasebook puts it into words. The same
meaning in another phrasebook is a literal translation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from itertools import accumulate
from string import Formatter
from typing import Any

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from artcurate.sources.synthetic.scenes import AMBIGUITIES, EMOTIONS, PALETTES, SUBJECTS

NOUNS = 3
DETAILS = 6
PALETTE_PHRASES = 3
#: What a caption says about its emotion; `plain` says nothing.
KINDS: tuple[str, ...] = ("adjective", "feeling", "reaction", "plain")
#: Groups of cues: one per emotion, then one per ambiguity.
CUE_GROUPS: tuple[str, ...] = EMOTIONS + AMBIGUITIES


@dataclass(frozen=True, slots=True)
class Meanings:
    """What n captions say. All arrays have shape (n,).

    kind: index into KINDS; template: index among the templates of that kind.
    subject, palette: what the painting shows; noun, detail, palette_phrase: which words for it.
    cue: index among all cues of the kind (see `Phrasebook.cue_range`).
    opener, remark: indices of the remaining phrases.
    lead, tail: what comes before and after the sentence; 0 is nothing.
    """

    kind: NDArray[np.int8]
    template: NDArray[np.int8]
    subject: NDArray[np.int8]
    palette: NDArray[np.int8]
    noun: NDArray[np.int8]
    detail: NDArray[np.int8]
    palette_phrase: NDArray[np.int8]
    cue: NDArray[np.int16]
    opener: NDArray[np.int8]
    remark: NDArray[np.int8]
    lead: NDArray[np.int8]
    tail: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: NDArray[np.int64]) -> Meanings:
        """The meanings of the given rows, in that order."""
        return Meanings(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def copied(self, rows: NDArray[np.int64], sources: NDArray[np.int64]) -> Meanings:
        """The same meanings, except that `rows` say what `sources` say."""
        order = np.arange(len(self))
        order[rows] = sources
        return self.take(order)


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """One language's phrases, flattened so that an index is enough to find one.

    phrases: slot name -> its phrases; a capitalised slot holds them with a capital letter.
    templates: kind -> its sentences without their full stop, cut into (literal, slot) parts.
    cue_edges: kind -> where each group of CUE_GROUPS begins among its cues, and their number.
    """

    phrases: Mapping[str, pl.Series]
    templates: Mapping[str, tuple[tuple[tuple[str, str | None], ...], ...]]
    cue_edges: Mapping[str, tuple[int, ...]]
    stop: str

    def cue_range(self, kind: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(first cue, number of cues) of every group in CUE_GROUPS."""
        edges = np.array(self.cue_edges[kind], dtype=np.int64)
        return edges[:-1], np.diff(edges)

    def realise(self, meanings: Meanings) -> pl.Series:
        """The captions, in the order of `meanings`; dtype String."""
        code = meanings.kind.astype(np.int64) * 64 + meanings.template
        order = np.argsort(code, kind="stable")
        starts = np.flatnonzero(np.diff(code[order], prepend=-1))
        parts = [
            self._fill(*divmod(int(code[rows[0]]), 64), meanings.take(rows))
            for rows in np.split(order, starts[1:])
            if len(rows)
        ]
        if not parts:
            return pl.Series("text", [], dtype=pl.String)
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return self._frame(pl.concat(parts).gather(places), meanings)

    def _frame(self, sentences: pl.Series, meanings: Meanings) -> pl.Series:
        """The sentences with their lead, tail and full stop."""
        text = pl.lit(sentences)
        led = pl.when(text.str.starts_with("I ")).then(text).otherwise(_uncapitalised(text))
        whole = pl.concat_str(
            pl.lit(self.phrases["lead"].gather(meanings.lead)),
            pl.when(pl.lit(meanings.lead) == 0).then(text).otherwise(led),
            pl.lit(self.phrases["tail"].gather(meanings.tail)),
            pl.lit(self.stop),
        )
        return pl.select(whole.alias("text")).to_series()

    def _fill(self, kind: int, template: int, meanings: Meanings) -> pl.Series:
        pieces: list[pl.Expr] = []
        for literal, slot in self.templates[KINDS[kind]][template]:
            if literal:
                pieces.append(pl.lit(literal))
            if slot is not None:
                rows = _phrase_rows(slot.lower(), meanings)
                pieces.append(pl.lit(self.phrases[slot].gather(rows)))
        return pl.select(pl.concat_str(pieces).alias("text")).to_series()


@cache
def phrasebook(language: str) -> Phrasebook:
    """The bundled phrasebook of english, arabic or chinese."""
    text = (files("artcurate.sources.synthetic") / "phrases" / f"{language}.yaml").read_text(
        encoding="utf-8"
    )
    book = yaml.safe_load(text)
    cues = [book["emotions"][name] for name in EMOTIONS]
    cues += [book["ambiguous"][name] for name in AMBIGUITIES]
    degrees = book["degrees"]
    by_kind = {
        "adjective": [_with_degrees(group["adjectives"], degrees) for group in cues],
        "feeling": [group["feelings"] for group in cues],
        "reaction": [group["reactions"] for group in cues],
    }
    phrases = {
        "opener": book["openers"],
        "remark": book["remarks"],
        "lead": ["", *book["leads"]],
        "tail": ["", *book["tails"]],
        "noun": _flat(book["subjects"][name]["nouns"] for name in SUBJECTS),
        "detail": _flat(book["subjects"][name]["details"] for name in SUBJECTS),
        "palette": _flat(book["palettes"][name] for name in PALETTES),
        **{kind: _flat(groups) for kind, groups in by_kind.items()},
    }
    capitalised = {
        slot.capitalize(): [phrase[:1].upper() + phrase[1:] for phrase in values]
        for slot, values in phrases.items()
    }
    return Phrasebook(
        phrases={slot: pl.Series(values) for slot, values in (phrases | capitalised).items()},
        templates={
            kind: tuple(_parse(sentence[:-1]) for sentence in book["templates"][kind])
            for kind in KINDS
        },
        cue_edges={
            kind: tuple(accumulate(map(len, groups), initial=0)) for kind, groups in by_kind.items()
        },
        stop=book["templates"]["plain"][0][-1],
    )


def _phrase_rows(slot: str, meanings: Meanings) -> NDArray[np.int64]:
    if slot == "noun":
        return meanings.subject.astype(np.int64) * NOUNS + meanings.noun
    if slot == "detail":
        return meanings.subject.astype(np.int64) * DETAILS + meanings.detail
    if slot == "palette":
        return meanings.palette.astype(np.int64) * PALETTE_PHRASES + meanings.palette_phrase
    rows = {"opener": meanings.opener, "remark": meanings.remark}.get(slot, meanings.cue)
    return rows.astype(np.int64)


def _uncapitalised(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(text.str.slice(0, 1).str.to_lowercase(), text.str.slice(1))


def _parse(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, slot) for literal, slot, _, _ in Formatter().parse(template))


def _with_degrees(adjectives: Iterable[str], degrees: Iterable[str]) -> list[str]:
    return [degree.format(adjective) for adjective in adjectives for degree in degrees]


def _flat(groups: Iterable[Any]) -> list[str]:
    return [phrase for group in groups for phrase in group]
