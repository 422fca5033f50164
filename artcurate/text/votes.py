"""Votes of words for languages: function words, and the weaker signs of endings and letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.text.languages import Language

#: A run of letters and marks; a Han character alone, since Han writes no spaces between words.
_WORD: Final = r"\p{Han}|[\p{L}\p{M}&&[^\p{Han}]]+"
#: Words whose languages are remembered: more than most corpora have.
_REMEMBERED: Final = 131_072
_NOBODY: Final[frozenset[int]] = frozenset()


class Lexicon:
    """Which languages a word speaks for.

    A word counts as a function word of a language also when it is longer than one of its prefixes
    and begins with it. It is a sign of a language when it is a function word of it, holds one of
    its letters, or is longer than one of its suffixes and ends with it.
    """

    def __init__(self, languages: Sequence[Language]) -> None:
        self.size = len(languages)
        self._words = _numbers(language.function_words for language in languages)
        self._prefixes = _numbers(language.prefixes for language in languages)
        self._suffixes = _numbers(language.suffixes for language in languages)
        self._letters = _numbers(language.letters for language in languages)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._suffix_lengths = sorted({len(suffix) for suffix in self._suffixes})
        self.sign_of = lru_cache(_REMEMBERED)(self._sign_of)

    def function_word_of(self, word: str) -> frozenset[int]:
        """The numbers of the languages that have the lower-case `word` as a function word."""
        found = self._words.get(word, _NOBODY)
        for length in self._prefix_lengths:
            if length < len(word):
                found |= self._prefixes.get(word[:length], _NOBODY)
        return found

    def _sign_of(self, word: str) -> frozenset[int]:
        """The numbers of the languages that the lower-case `word` is a sign of."""
        found = self.function_word_of(word)
        for length in self._suffix_lengths:
            if length < len(word):
                found |= self._suffixes.get(word[-length:], _NOBODY)
        if not word.isascii():
            for letter in word:
                found |= self._letters.get(letter, _NOBODY)
        return found


def _numbers(features: Iterable[Iterable[str]]) -> dict[str, frozenset[int]]:
    """Feature -> the positions in `features` where it stands."""
    positions: defaultdict[str, set[int]] = defaultdict(set)
    for number, of_language in enumerate(features):
        for feature in of_language:
            positions[feature].add(number)
    return {feature: frozenset(numbers) for feature, numbers in positions.items()}


class Votes:
    """The words of some texts that are signs of any language."""

    def __init__(self, texts: pl.Series, lexicon: Lexicon) -> None:
        """Split `texts` (NFC, no nulls) into words; letter case does not matter."""
        words = texts.str.to_lowercase().str.extract_all(_WORD)
        per_text = words.list.len().to_numpy()
        spoken = (
            words.filter(pl.Series(per_text > 0))
            .explode()
            .to_arrow(compat_level=pl.CompatLevel.newest())
            .dictionary_encode()
        )
        self._lexicon = lexicon
        self._vocabulary: list[str] = spoken.dictionary.to_pylist()
        self._sign = _ballots(self._vocabulary, lexicon.sign_of, lexicon.size)
        code = spoken.indices.to_numpy()
        useful = np.asarray(self._sign.any(axis=1))[code]
        self._texts = len(texts)
        self._owner = np.repeat(np.arange(len(texts)), per_text)[useful]
        self._code = code[useful]

    @cached_property
    def _function_word(self) -> NDArray[np.bool_]:
        return _ballots(self._vocabulary, self._lexicon.function_word_of, self._lexicon.size)

    def signs(self) -> NDArray[np.int64]:
        """How many words of each text are signs of each language: shape (texts, languages)."""
        return self._totals(self._sign)

    def function_words(self) -> NDArray[np.int64]:
        """How many are function words of each language: shape (texts, languages)."""
        return self._totals(self._function_word)

    def between(
        self, rival: NDArray[np.int64], declared: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(ahead, behind) per text, in favour of `declared[text]` where in doubt.

        ahead: function words of `rival[text]` that are no sign of the declared language; behind:
        signs of the declared language that are no function words of the rival.
        """
        for_rival = self._function_word[self._code, rival[self._owner]]
        for_declared = self._sign[self._code, declared[self._owner]]
        return (
            np.bincount(self._owner[for_rival & ~for_declared], minlength=self._texts),
            np.bincount(self._owner[for_declared & ~for_rival], minlength=self._texts),
        )

    def _totals(self, ballots: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Votes per text and language; every word is repeated once per language it votes for."""
        words, languages = np.nonzero(ballots)
        first = np.searchsorted(words, np.arange(len(ballots)))
        repeats = ballots.sum(axis=1)[self._code]
        within = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        voted = languages[np.repeat(first[self._code], repeats) + within]
        size = self._lexicon.size
        cells = np.repeat(self._owner, repeats) * size + voted
        return np.bincount(cells, minlength=self._texts * size).reshape(self._texts, size)


def _ballots(
    vocabulary: Sequence[str], voted: Callable[[str], frozenset[int]], languages: int
) -> NDArray[np.bool_]:
    """Which words vote for which languages: shape (words, languages)."""
    ballots = np.zeros((len(vocabulary), languages), dtype=bool)
    cells = [
        row * languages + number for row, word in enumerate(vocabulary) for number in voted(word)
    ]
    ballots.reshape(-1)[cells] = True
    return ballots
