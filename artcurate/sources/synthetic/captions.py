"""Captions as annotators type them: meanings in words, with careless spacing, case and spelling."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.sources.synthetic.phrasebook import phrasebook
from artcurate.sources.synthetic.scenes import LANGUAGES, stream
from artcurate.sources.synthetic.votes import Votes

_NO_BREAK_SPACE = "\u00a0"


class Hand(IntEnum):
    """How a caption was typed."""

    CLEAN = 0
    NO_STOP = 1
    LOWER = 2
    UPPER = 3
    TWO_SPACES = 4
    NO_BREAK = 5
    TRAILING = 6
    LETTER_LOST = 7
    LOOSE_LETTERS = 8
    EMPTY = 9
    BLANK = 10


_HANDS: Final = {
    "english": {
        Hand.CLEAN: 0.70,
        Hand.NO_STOP: 0.14,
        Hand.LOWER: 0.08,
        Hand.UPPER: 0.01,
        Hand.TWO_SPACES: 0.03,
        Hand.NO_BREAK: 0.01,
        Hand.TRAILING: 0.02,
        Hand.LETTER_LOST: 0.01,
    },
    "arabic": {
        Hand.CLEAN: 0.28,
        Hand.NO_STOP: 0.49,
        Hand.LOOSE_LETTERS: 0.15,
        Hand.TWO_SPACES: 0.04,
        Hand.NO_BREAK: 0.01,
        Hand.TRAILING: 0.02,
        Hand.LETTER_LOST: 0.01,
    },
    "chinese": {
        Hand.CLEAN: 0.89,
        Hand.NO_STOP: 0.07,
        Hand.TWO_SPACES: 0.01,
        Hand.NO_BREAK: 0.01,
        Hand.TRAILING: 0.02,
    },
}


def draw_hands(votes: Votes, seed: int) -> NDArray[np.int8]:
    """How each caption was typed; a repeated caption is typed like the one it repeats."""
    generator = stream(seed, "hands")
    hands = np.empty(len(votes), dtype=np.int8)
    for index, language in enumerate(LANGUAGES):
        rows = np.flatnonzero(votes.text_language == index)
        shares = _HANDS[language]
        hands[rows] = generator.choice(
            np.array(list(shares), dtype=np.int8), size=len(rows), p=list(shares.values())
        )
    repeated = np.flatnonzero(votes.repeated)
    hands[repeated] = hands[repeated - 1]
    empty = np.flatnonzero(votes.empty)
    hands[empty] = Hand.EMPTY
    hands[empty[:1]] = Hand.BLANK
    return hands


def captions(votes: Votes, hands: NDArray[np.int8], rows: NDArray[np.int64]) -> pl.Series:
    """The captions of the given rows as typed; an empty one is null."""
    text_language = votes.text_language[rows]
    order = np.argsort(text_language, kind="stable")
    parts = [
        phrasebook(language).realise(votes.meanings.take(rows[text_language == index]))
        for index, language in enumerate(LANGUAGES)
    ]
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    typed = pl.DataFrame(
        {
            "text": pl.concat(parts).gather(places),
            "hand": hands[rows],
            # Where a letter gets lost: somewhere inside the text, the same on every run.
            "at": 3 + rows % 23,
        }
    )
    return typed.select(_typed().alias("utterance")).to_series()


def spelled(utterance: pl.Expr) -> pl.Expr:
    """The release's lossy `utterance_spelled`: compatibility forms, single spaces."""
    return utterance.str.normalize("NFKC").str.replace_all(r"\s+", " ").str.strip_chars()


def _typed() -> pl.Expr:
    text = pl.col("text")
    hand = pl.col("hand")
    unstopped = text.str.strip_chars_end(".。")
    first_gap = r"([ ，])"
    return (
        pl.when(hand == Hand.CLEAN)
        .then(text)
        .when(hand == Hand.NO_STOP)
        .then(unstopped)
        .when(hand == Hand.LOWER)
        .then(unstopped.str.to_lowercase())
        .when(hand == Hand.UPPER)
        .then(text.str.to_uppercase())
        .when(hand == Hand.TWO_SPACES)
        .then(text.str.replace(first_gap, "${1} "))
        .when(hand == Hand.NO_BREAK)
        .then(text.str.replace("[ ]|$", _NO_BREAK_SPACE))
        .when(hand == Hand.TRAILING)
        .then(pl.concat_str(text, pl.lit(" ")))
        .when(hand == Hand.LETTER_LOST)
        .then(pl.concat_str(text.str.slice(0, pl.col("at")), text.str.slice(pl.col("at") + 1)))
        .when(hand == Hand.LOOSE_LETTERS)
        .then(unstopped.str.replace_many(["أ", "إ", "آ", "ة"], ["ا", "ا", "ا", "ه"]))
        .when(hand == Hand.BLANK)
        .then(pl.lit(" "))
        .otherwise(pl.lit(None, dtype=pl.String))
    )
