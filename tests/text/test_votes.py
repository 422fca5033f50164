from __future__ import annotations

import numpy as np
import polars as pl

from artcurate.text.languages import Language
from artcurate.text.scripts import Script
from artcurate.text.votes import Lexicon, Votes


def language(
    name: str,
    words: str,
    *,
    prefixes: tuple[str, ...] = (),
    suffixes: tuple[str, ...] = (),
    letters: str = "",
) -> Language:
    return Language(
        name=name,
        iso="xx",
        aliases=(),
        scripts=frozenset({Script.LATIN}),
        minor_scripts=frozenset(),
        langdetect=(),
        function_words=frozenset(words.split()),
        prefixes=prefixes,
        suffixes=suffixes,
        letters=frozenset(letters),
    )


LEXICON = Lexicon(
    [
        language("one", "the a of", suffixes=("ing",)),
        language("two", "el la a de", letters="ñ"),
        language("three", "他 是", prefixes=("ال",)),
    ]
)


def signs(*texts: str) -> list[list[int]]:
    return Votes(pl.Series(texts, dtype=pl.String), LEXICON).signs().tolist()


def test_words_are_counted_whatever_their_case_and_punctuation() -> None:
    assert signs("The end of THE road.", "…", "La casa, a la vista") == [
        [3, 0, 0],
        [0, 0, 0],
        [1, 3, 0],
    ]


def test_a_word_counts_once_for_a_language() -> None:
    assert signs("the theing ing ñaña niño") == [[2, 2, 0]]


def test_an_apostrophe_ends_a_word() -> None:
    assert signs("a'the l’of") == [[3, 1, 0]]


def test_prefix_and_han() -> None:
    assert signs("البحر ال", "他是学生") == [[0, 0, 1], [0, 0, 2]]


def test_only_function_words_count_against_the_declared_language() -> None:
    votes = Votes(pl.Series(["the running a niño la", "singing el de"]), LEXICON)
    one, two = np.array([0, 0]), np.array([1, 1])
    ahead, behind = votes.between(one, two)
    # "running" and "singing" speak for language one when it is declared, not against another.
    assert (ahead.tolist(), behind.tolist()) == ([1, 0], [2, 2])
    ahead, behind = votes.between(two, one)
    assert (ahead.tolist(), behind.tolist()) == ([1, 2], [2, 1])


def test_no_texts() -> None:
    votes = Votes(pl.Series([], dtype=pl.String), LEXICON)
    nobody = np.array([], dtype=np.int64)
    assert votes.signs().shape == (0, 3)
    assert [part.tolist() for part in votes.between(nobody, nobody)] == [[], []]
