"""What people and the system say in synthetic dialogues.

A speaker tells what happened and, mostly, how it feels; the feeling shows the emotion of the
dialogue, or a kindred one, or only whether it is pleasant, so that the emotion can be guessed from
the text, but not read off it. People speak plainly, as in ECC, and the system politely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.sources.synthetic.korean.codes import (
    AGES,
    FINE_PER_MAIN,
    MAINS,
    SEXES,
    SITUATION_CODES,
)
from artcurate.sources.synthetic.korean.phrasebook import (
    EVENTS,
    PLEASANT,
    VAGUE,
    Indices,
    phrasebook,
)
from artcurate.sources.synthetic.korean.profiles import Profiles
from artcurate.sources.synthetic.scenes import draw_rows, stream

Rows = NDArray[np.int64]

_KINDRED: Final[Mapping[str, Mapping[str, float]]] = {
    "anger": {"hurt": 0.4, "sadness": 0.2, "anxiety": 0.15, "embarrassment": 0.25},
    "sadness": {"hurt": 0.4, "anxiety": 0.25, "anger": 0.15, "embarrassment": 0.2},
    "anxiety": {"embarrassment": 0.4, "sadness": 0.3, "anger": 0.1, "hurt": 0.2},
    "hurt": {"sadness": 0.35, "anger": 0.35, "anxiety": 0.1, "embarrassment": 0.2},
    "embarrassment": {"anxiety": 0.4, "hurt": 0.25, "sadness": 0.15, "anger": 0.2},
    "happiness": {"anxiety": 0.4, "embarrassment": 0.4, "sadness": 0.2},
}


@dataclass(frozen=True, slots=True)
class _Shares:
    """How often words show a kindred emotion, or only whether it is pleasant."""

    kindred: float
    vague: float


_FEELING: Final = _Shares(kindred=0.20, vague=0.30)
_THOUGHT: Final = _Shares(kindred=0.20, vague=0.50)
_KINDRED_WHEN_PLEASANT: Final = 0.4
_PLAIN_SHARE: Final = 0.27
_POLITE_SHARE: Final = 0.03
_STOCK_SHARE: Final = 0.01
_TRIALS: Final = 60


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn, and the phrases drawn for it; its other phrases are those of the turns before.

    varied: no two dialogues have the same text there.
    """

    name: str
    drawn: tuple[str, ...]
    varied: bool = True


_TURNS: Final = (
    _Turn("HS01", ("event", "when", "much", "feeling", "thought")),
    _Turn("SS01", ("much_polite", "topic")),
    _Turn("HS02", ("answer", "thought", "other_event", "when", "much", "feeling")),
    _Turn("SS02", ("topic", "much_polite", "question")),
    _Turn("HS03", ("decision", "plan", "prospect", "topic")),
    _Turn("SS03", ("hope", "topic", "much_polite"), varied=False),
)
_FOURTH_TURNS: Final = (
    _Turn("HS04", ("answer", "plan", "prospect", "topic")),
    _Turn("SS04", ("hope", "topic", "much_polite"), varied=False),
)

#: Slot of a pattern -> (what is drawn for it, the form in which it is said).
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "past": ("event", "past"),
    "reason": ("event", "reason"),
    "told": ("event", "told"),
    "other_past": ("other_event", "past"),
    "feeling_reason": ("feeling", "feeling_reason"),
    "feeling_polite": ("feeling", "feeling_polite"),
    "plan_told": ("plan", "plan_told"),
}
#: Turn -> share of dialogues that end before it.
_ENDINGS: Final[Mapping[str, float]] = {"HS03": 1 / 3, "HS04": 0.6}


def speak(profiles: Profiles, seed: int, *, fourth_turn: bool) -> dict[str, pl.Series]:
    """Turn -> its texts, one per dialogue, null where the dialogue has ended before.

    People never say the same twice, neither in one turn nor in HS01 and HS02; the system repeats
    stock replies and wishes.

    Raises UsageError when there are more dialogues than the phrasebook can word.
    """
    generator = stream(seed, "speech")
    speech = _Speech(profiles, generator)
    turns: dict[str, pl.Series] = {}
    for turn in (*_TURNS, *(_FOURTH_TURNS if fourth_turn else ())):
        avoided = turns["HS01"] if turn.name == "HS02" else pl.Series(dtype=pl.String)
        turns[turn.name] = speech.say(turn, avoided)
    turns["SS01"] = _with_stock_replies(turns["SS01"], generator)
    polite = generator.random(len(profiles)) < _POLITE_SHARE
    ended = np.zeros(len(profiles), dtype=np.bool_)
    for name, text in turns.items():
        if name in _ENDINGS:
            ended |= generator.random(len(profiles)) < _ENDINGS[name]
        spoken = _polite(text, polite) if name.startswith("H") else text
        turns[name] = spoken.set(pl.Series(ended), None)
    return turns


class _Speech:
    """Chooses phrases turn by turn; `_chosen` has the latest phrase of every slot and dialogue."""

    def __init__(self, profiles: Profiles, generator: np.random.Generator) -> None:
        self._book = phrasebook()
        self._profiles = profiles
        self._generator = generator
        self._chosen: dict[str, Indices] = {}
        self._event = np.full(len(profiles), -1, dtype=np.int64)
        story = self._book.stories[profiles.age, profiles.situation]
        stories = len(SITUATION_CODES)
        voice = np.ravel_multi_index(
            (profiles.age, profiles.sex, profiles.situation), (len(AGES), len(SEXES), stories)
        )
        pleasant = (profiles.main == MAINS.index(PLEASANT)).astype(np.int64)
        self._story, self._voice, self._pleasant = story, voice, pleasant
        about = pleasant * stories + story
        self._groups: Mapping[str, Indices] = {
            "topic": about,
            "hope": about,
            "prospect": about,
            "question": about,
            "plan": pleasant * len(AGES) * len(SEXES) * stories + voice,
            "when": profiles.age.astype(np.int64),
        }
        self._pattern = np.zeros(len(profiles), dtype=np.int64)

    def say(self, turn: _Turn, avoided: pl.Series) -> pl.Series:
        """The turn's texts; if `turn.varied`, different from each other and from `avoided`."""
        rows = np.arange(len(self._profiles))
        for _ in range(_TRIALS):
            self._draw(turn, rows)
            text = self._realise(turn.name)
            first = pl.concat([avoided, text]).is_first_distinct()
            rows = (~first[len(avoided) :]).arg_true().to_numpy().astype(np.int64)
            if not (turn.varied and len(rows)):
                return text
        raise UsageError(
            f"{len(text):,} dialogues are more than the phrases can word; ask for fewer dialogues."
        )

    def _draw(self, turn: _Turn, rows: Rows) -> None:
        for slot in turn.drawn:
            table = self._book.tables[_table_of(slot)]
            drawn = table.draw(self._groups_of(slot, rows), self._generator)
            self._chosen.setdefault(slot, np.zeros(len(self._profiles), np.int64))[rows] = drawn
        number = len(self._book.patterns[turn.name])
        self._pattern[rows] = self._generator.integers(number, size=len(rows))
        if turn.name == "HS01":
            plain = rows[self._generator.random(len(rows)) < _PLAIN_SHARE]
            kinds = len(self._book.patterns["HS01_plain"])
            self._pattern[plain] = number + self._generator.integers(kinds, size=len(plain))

    def _groups_of(self, slot: str, rows: Rows) -> Indices:
        if _table_of(slot) == "event":
            return self._voice[rows] * EVENTS + self._draw_events(slot, rows)
        if slot == "feeling":
            tone = self._draw_tones(_FEELING, rows)
            own = tone * FINE_PER_MAIN + self._draw_fine(tone, rows)
            vague = len(MAINS) * FINE_PER_MAIN + tone - len(MAINS)
            return np.where(tone < len(MAINS), own, vague)
        if slot == "thought":
            return self._draw_tones(_THOUGHT, rows) * len(SITUATION_CODES) + self._story[rows]
        groups = self._groups.get(slot)
        return np.zeros(len(rows), np.int64) if groups is None else groups[rows]

    def _draw_events(self, slot: str, rows: Rows) -> Indices:
        chances = self._book.suitability[self._profiles.main[rows], self._story[rows]]
        if slot == "other_event":
            chances = chances.copy()
            chances[np.arange(len(rows)), self._event[rows]] = 0.0
        event = draw_rows(self._generator, chances).astype(np.int64)
        if slot == "event":
            self._event[rows] = event
        return event

    def _draw_tones(self, shares: _Shares, rows: Rows) -> Indices:
        """Index into TONES: whose words are used."""
        main = self._profiles.main[rows].astype(np.int64)
        pleasant = self._pleasant[rows]
        kindred = draw_rows(self._generator, _kindred()[main])
        chance = self._generator.random(len(rows))
        strange = shares.kindred * np.where(pleasant == 1, _KINDRED_WHEN_PLEASANT, 1.0)
        vague = len(MAINS) + VAGUE.index("pleasant") * pleasant
        tone = np.where(chance < strange, kindred, main)
        return np.where(chance > 1 - shares.vague, vague, tone).astype(np.int64)

    def _draw_fine(self, tone: Indices, rows: Rows) -> Indices:
        """The dialogue's own fine emotion, mostly, where the tone is its own; any one elsewhere."""
        any_ = self._generator.integers(FINE_PER_MAIN, size=len(rows))
        own = (tone == self._profiles.main[rows]) & (self._generator.random(len(rows)) < 0.75)
        return np.where(own, self._profiles.fine[rows], any_)

    def _realise(self, turn: str) -> pl.Series:
        patterns = self._book.patterns[turn] + self._book.patterns.get(f"{turn}_plain", ())
        order = np.argsort(self._pattern, kind="stable")
        parts = [pl.Series(dtype=pl.String)]
        for number, pattern in enumerate(patterns):
            rows = order[self._pattern[order] == number]
            parts.append(self._fill(pattern, rows))
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return pl.concat(parts).gather(places)

    def _fill(self, pattern: tuple[tuple[str, str | None], ...], rows: Rows) -> pl.Series:
        pieces: list[pl.Expr] = []
        for literal, slot in pattern:
            pieces.append(pl.lit(literal))
            if slot is not None:
                drawn, form = _FORMS.get(slot, (slot, slot))
                phrases = self._book.tables[_table_of(drawn)].forms[form]
                pieces.append(pl.lit(phrases.gather(self._chosen[drawn][rows])))
        return pl.select(pl.concat_str(pieces).alias("text")).to_series()


def _table_of(drawn: str) -> str:
    return "event" if drawn == "other_event" else drawn


def _kindred() -> NDArray[np.float64]:
    return np.array([[_KINDRED[main].get(other, 0.0) for other in MAINS] for main in MAINS])


def _with_stock_replies(text: pl.Series, generator: np.random.Generator) -> pl.Series:
    table = phrasebook().tables["stock_reply"]
    replies = table.forms["stock_reply"].gather(
        table.draw(np.zeros(len(text), np.int64), generator)
    )
    return replies.zip_with(pl.Series(generator.random(len(text)) < _STOCK_SHARE), text)


def _polite(text: pl.Series, rows: NDArray[np.bool_]) -> pl.Series:
    """The plain sentences of `rows` in the polite style."""
    polite = (
        text.str.replace_all(r"([^요.?])\.", "${1}요.")
        .str.replace_all("야요.", "예요.", literal=True)
        .str.replace("^응요", "네")
    )
    return polite.zip_with(pl.Series(rows), text)
