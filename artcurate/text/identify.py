"""Declared language against the text: its script, then its words, then langdetect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.text.detector import guess
from artcurate.text.languages import Catalogue
from artcurate.text.scripts import COLUMN, SCRIPTS, Script, letter_counts
from artcurate.text.votes import Lexicon, Votes

#: Texts that are looked at together; it bounds the memory and changes no result.
_ROWS: Final = 32_768
#: Most of the time goes to polars and numpy, which leave the interpreter to another thread.
_THREADS: Final = 2
#: Only the first characters of a text are looked at.
_HEAD: Final = 1_000
#: Guesses of langdetect that are remembered, so that a repeated text is shown to it once.
_REMEMBERED: Final = 65_536
#: Japanese mixes Han with kana; so many of them tell it from Chinese with an ornamental の.
_KANA: Final = 2
_KANA_SHARE: Final = 0.1
#: A text may quote another language. Function words of the other language alone outvote the
#: declared one only when they are this many times as many as the signs of the declared alone.
_OUTVOTES: Final = 4
#: Stands for no language among language numbers.
_NONE: Final = -1

Numbers = NDArray[np.int64]
#: Letters per text and script, as `letter_counts` gives them.
Letters = NDArray[np.int32]


class Method(StrEnum):
    """What decided whether the declared language agrees with the text."""

    SCRIPT = "script"
    FUNCTION_WORDS = "function_words"
    LANGDETECT = "langdetect"
    UNDECIDABLE = "undecidable"


#: In the order of the numbers that stand for them while texts are judged.
_METHODS: Final = tuple(Method)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a decision takes. A contradiction takes more than agreement, for which the declaration
    itself is evidence.

    min_letters, script_share: a text contradicts by its script when at least this many of its
        letters, and this share of them, stand in scripts that the declared language lacks.
    vote_margin: a text contradicts by its words when at least this many more of them are function
        words of another language alone than signs of the declared one alone.
    langdetect_letters: texts with fewer letters are not shown to langdetect.
    langdetect_probability: less probable guesses of langdetect decide nothing.
    seed: where langdetect's sampling starts, for every text anew.
    """

    min_letters: int = 4
    script_share: float = 0.9
    vote_margin: int = 3
    langdetect_letters: int = 20
    langdetect_probability: float = 0.95
    seed: int = 0


def check_declared(
    texts: pl.Series, declared: pl.Series, catalogue: Catalogue, thresholds: Thresholds
) -> pl.DataFrame:
    """Whether each text is written in the language it is declared to be in.

    `texts` (str, NFC) and `declared` (str, canonical names of the catalogue) have one length. The
    result has a row per text, which depends on that row alone: language_detected (str, null
    where none was found), language_method (str, a `Method`) and language_agrees (bool, null where
    undecidable). The first of these that can decides:

    1. The script. Letters in scripts that the declared language lacks contradict; letters in a
       script that no other language of the catalogue is written in agree. Kana makes the Han
       beside it Japanese.
    2. The words, where languages share the script. More signs (function words, endings, letters)
       of the declared language than of any other agree; a clear majority of another's function
       words contradicts. Languages that the catalogue calls close are no rivals.
    3. langdetect, where it knows the declared language. It agrees alone, but contradicts only with
       function words on its side: on a short text it is often wrong, and sure of it.
    """
    judge = _Judge(catalogue, thresholds)
    numbers = declared.replace_strict(
        list(catalogue.names), range(len(catalogue.names)), return_dtype=pl.Int64
    ).to_numpy()
    heads = texts.fill_null("").str.slice(0, _HEAD)

    def check(start: int) -> pl.DataFrame:
        return judge.check(heads.slice(start, _ROWS), numbers[start : start + _ROWS])

    with ThreadPoolExecutor(_THREADS) as pool:
        parts = list(pool.map(check, range(0, max(len(heads), 1), _ROWS)))
    return pl.concat(parts, rechunk=True)


class _Verdicts:
    """Per text: the method, the detected language's number, and agreement; all open at first."""

    def __init__(self, declared: Numbers) -> None:
        self.declared = declared
        self._method = np.full(len(declared), _METHODS.index(Method.UNDECIDABLE), dtype=np.int64)
        self._detected = np.full(len(declared), _NONE, dtype=np.int64)
        self._agrees = np.zeros(len(declared), dtype=bool)

    def agree(self, rows: Numbers, method: Method) -> None:
        self._method[rows] = _METHODS.index(method)
        self._detected[rows] = self.declared[rows]
        self._agrees[rows] = True

    def contradict(self, rows: Numbers, method: Method, detected: Numbers) -> None:
        self._method[rows] = _METHODS.index(method)
        self._detected[rows] = detected

    def frame(self, names: tuple[str, ...]) -> pl.DataFrame:
        method = _named(self._method, _METHODS).alias("language_method")
        return pl.DataFrame(
            [
                _named(self._detected, names).alias("language_detected"),
                method,
                pl.Series("language_agrees", self._agrees),
            ]
        ).with_columns(
            language_agrees=pl.when(method != Method.UNDECIDABLE).then("language_agrees")
        )


def _named(numbers: Numbers, names: tuple[str, ...]) -> pl.Series:
    """The names under `numbers`, null where there is none."""
    return pl.Series(numbers).replace_strict(
        range(len(names)), list(names), default=None, return_dtype=pl.String
    )


class _Judge:
    """Tables of one catalogue: rows are languages by number, columns scripts or languages."""

    def __init__(self, catalogue: Catalogue, thresholds: Thresholds) -> None:
        languages, names = catalogue.languages, catalogue.names
        self._names = names
        self._thresholds = thresholds
        self._lexicon = Lexicon(languages)
        self._main = np.array([[s in lang.scripts for s in SCRIPTS] for lang in languages])
        minor = np.array([[s in lang.minor_scripts for s in SCRIPTS] for lang in languages])
        self._possible = self._main | minor
        self._sole = np.where(self._main.sum(axis=0) == 1, self._main.argmax(axis=0), _NONE)
        self._close = np.array(
            [[one == other or catalogue.confusable(one, other) for other in names] for one in names]
        )
        self._by_code = {code: n for n, lang in enumerate(languages) for code in lang.langdetect}
        self._in_langdetect = np.array([bool(lang.langdetect) for lang in languages])
        self._guess = lru_cache(_REMEMBERED)(partial(guess, seed=thresholds.seed))

    def check(self, texts: pl.Series, declared: Numbers) -> pl.DataFrame:
        verdicts = _Verdicts(declared)
        letters = _fold_han_into_kana(letter_counts(texts))
        rows = self._by_script(texts, letters, verdicts)
        rows = self._agreed_by_words(texts, letters, rows, verdicts)
        rows = self._contradicted_by_words(texts, letters, rows, verdicts)
        self._by_langdetect(texts, letters, rows, verdicts)
        return verdicts.frame(self._names)

    def _by_script(self, texts: pl.Series, letters: Letters, verdicts: _Verdicts) -> Numbers:
        """Settle what scripts settle; the texts that are left to their words."""
        declared = verdicts.declared
        total = letters.sum(axis=1)
        own = np.where(self._possible[declared], letters, 0).sum(axis=1)
        telling = np.where(self._sole == declared[:, None], letters, 0).sum(axis=1)
        foreign = total - own
        confirmed = (telling > 0) & (2 * telling >= total)
        contradicted = (foreign >= self._thresholds.min_letters) & (
            foreign >= self._thresholds.script_share * total
        )
        verdicts.agree(np.flatnonzero(confirmed), Method.SCRIPT)
        rows = np.flatnonzero(contradicted & ~confirmed)
        verdicts.contradict(rows, Method.SCRIPT, self._written(texts.gather(rows), letters[rows]))
        return np.flatnonzero(~confirmed & ~contradicted & (own > 0) & (2 * own >= total))

    def _written(self, texts: pl.Series, letters: Letters) -> Numbers:
        """The language that each text's main script or, where several share it, its words show."""
        script = letters.argmax(axis=1)
        signs, owners = self._votes(texts).signs(), self._main.T[script]
        leader, most, second = _leader(signs, owners)
        _, most_of_others, _ = _leader(signs, owners & ~self._close[leader])
        clear = (most > second) & (most - most_of_others >= self._thresholds.vote_margin)
        spoken = np.where(clear, leader, _NONE)
        return np.where(self._sole[script] != _NONE, self._sole[script], spoken)

    def _agreed_by_words(
        self, texts: pl.Series, letters: Letters, rows: Numbers, verdicts: _Verdicts
    ) -> Numbers:
        """Settle the `rows` whose words agree with their declaration; those that are left."""
        signs = self._votes(texts.gather(rows)).signs()
        _, most, _ = _leader(signs, self._rivals(letters, rows, verdicts))
        agreed = signs[np.arange(len(rows)), verdicts.declared[rows]] > most
        verdicts.agree(rows[agreed], Method.FUNCTION_WORDS)
        return rows[~agreed]

    def _contradicted_by_words(
        self, texts: pl.Series, letters: Letters, rows: Numbers, verdicts: _Verdicts
    ) -> Numbers:
        """Settle the `rows` whose words contradict their declaration; those that are left."""
        votes = self._votes(texts.gather(rows))
        rivals = self._rivals(letters, rows, verdicts)
        rival, most, second = _leader(votes.function_words(), rivals)
        ahead, behind = votes.between(rival, verdicts.declared[rows])
        lead = ahead - behind >= self._thresholds.vote_margin
        contradicted = (most > 0) & lead & (ahead >= _OUTVOTES * behind)
        winner = np.where(most > second, rival, _NONE)
        verdicts.contradict(rows[contradicted], Method.FUNCTION_WORDS, winner[contradicted])
        return rows[~contradicted]

    def _rivals(self, letters: Letters, rows: Numbers, verdicts: _Verdicts) -> NDArray[np.bool_]:
        """Which languages each row's declared one can be mistaken for: those of its script."""
        declared = verdicts.declared[rows]
        script = np.where(self._possible[declared], letters[rows], _NONE).argmax(axis=1)
        rivals: NDArray[np.bool_] = self._main.T[script] & ~self._close[declared]
        return rivals

    def _by_langdetect(
        self, texts: pl.Series, letters: Letters, rows: Numbers, verdicts: _Verdicts
    ) -> None:
        """Settle what langdetect settles among `rows`."""
        enough = letters[rows].sum(axis=1) >= self._thresholds.langdetect_letters
        rows = rows[enough & self._in_langdetect[verdicts.declared[rows]]]
        asked, declared = texts.gather(rows), verdicts.declared[rows]
        guessed = np.array([self._guessed(text) for text in asked.to_list()], dtype=np.int64)
        other = (guessed != _NONE) & ~self._close[declared, guessed]
        ahead, behind = self._votes(asked).between(np.where(other, guessed, declared), declared)
        contradicted = other & (ahead > _OUTVOTES * behind)
        verdicts.agree(rows[guessed == declared], Method.LANGDETECT)
        verdicts.contradict(rows[contradicted], Method.LANGDETECT, guessed[contradicted])

    def _guessed(self, text: str) -> int:
        found = self._guess(text)
        if found is None or found.probability < self._thresholds.langdetect_probability:
            return _NONE
        return self._by_code.get(found.code, _NONE)

    def _votes(self, texts: pl.Series) -> Votes:
        return Votes(texts, self._lexicon)


def _fold_han_into_kana(letters: Letters) -> Letters:
    """Count the Han letters of a text with enough kana as kana: both are Japanese there."""
    kana, han = COLUMN[Script.KANA], COLUMN[Script.HAN]
    both = letters[:, kana] + letters[:, han]
    japanese = (letters[:, kana] >= _KANA) & (letters[:, kana] >= _KANA_SHARE * both)
    folded = letters.copy()
    folded[japanese, kana] += letters[japanese, han]
    folded[japanese, han] = 0
    return folded


def _leader(totals: Numbers, candidates: NDArray[np.bool_]) -> tuple[Numbers, Numbers, Numbers]:
    """Per text the candidate with most votes, its votes, and those of the next candidate.

    Both votes are 0 where there is nobody to have them; of equals the first leads.
    """
    votes = np.where(candidates, totals, _NONE)
    leader = votes.argmax(axis=1)
    places = np.arange(len(votes))
    most = votes[places, leader]
    votes[places, leader] = _NONE
    return leader, most.clip(0), votes.max(axis=1).clip(0)
