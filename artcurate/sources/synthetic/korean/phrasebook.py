"""The bundled phrases, spelled out: every slot filled with everything it can stand for.

A dialogue's words are then numbers, each an index into one table of phrases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from string import Formatter
from typing import Any

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from artcurate.sources.synthetic.korean.codes import (
    AGES,
    MAINS,
    SEXES,
    SITUATION_CODES,
    SITUATIONS_OF,
)
from artcurate.sources.synthetic.korean.hangul import with_particle

Indices = NDArray[np.int64]
_Book = Mapping[str, Any]
_Filler = tuple[str, str]

PLEASANT = "happiness"
#: Feelings and thoughts that do not tell the emotions of one kind apart.
VAGUE = ("unpleasant", "pleasant")
TONES = (*MAINS, *VAGUE)
EVENTS = 15
_LETTERS: Mapping[str, str] = {
    "A": "anger",
    "S": "sadness",
    "N": "anxiety",
    "H": "hurt",
    "E": "embarrassment",
    "J": "happiness",
}
#: How much likelier an event is under the emotion it suits best, and second best.
_COMMON = ("much", "much_polite", "answer", "decision", "stock_reply")
_FIRST_SUITED, _SECOND_SUITED, _UNSUITED, _OPPOSITE = 3.6, 2.4, 1.0, 0.12


@dataclass(frozen=True, slots=True)
class Table:
    """Phrases in groups. forms: each phrase in its forms, series of equal length.

    starts, counts: first phrase and number of phrases of every group.
    """

    forms: Mapping[str, pl.Series]
    starts: Indices
    counts: Indices

    def draw(self, groups: Indices, generator: np.random.Generator) -> Indices:
        """One phrase of each of the given groups."""
        chances = generator.random(len(groups))
        return self.starts[groups] + (chances * self.counts[groups]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """Everything people and the system say.

    tables: by name. Their groups are numbered by `ravel_multi_index` over
        event: (AGES, SEXES, SITUATION_CODES, EVENTS), told in three forms;
        plan: (VAGUE, AGES, SEXES, SITUATION_CODES), in two forms;
        feeling: (MAINS, FINE_PER_MAIN), then VAGUE, in three forms;
        thought: (TONES, stories); topic, prospect, question, hope: (VAGUE, stories);
        when: AGES; the other tables have a single group.
    patterns: turn -> its sentences, cut into (literal, slot) parts.
    suitability: (MAINS, stories, EVENTS) chances of the events, summing to 1 over the last axis.
    stories: (AGES, SITUATION_CODES) -> the story, the set of events, that dialogues are about.
    """

    tables: Mapping[str, Table]
    patterns: Mapping[str, tuple[tuple[tuple[str, str | None], ...], ...]]
    suitability: NDArray[np.float64]
    stories: Indices


@cache
def phrasebook() -> Phrasebook:
    """The bundled phrasebook."""
    events, feelings, talk, people = map(_read, ("events", "feelings", "talk", "people"))
    own = [group for main in MAINS for group in feelings["feelings"][main]]
    bright = [tone in (PLEASANT, VAGUE[1]) for tone in TONES]
    thoughts = [feelings["thoughts"][tone] for tone in TONES]
    return Phrasebook(
        tables={
            "event": _table(("past", "reason", "told"), _happenings(events, people)),
            "plan": _table(("plan", "plan_told"), _plans(events, people, talk["celebrations"])),
            "feeling": _table(
                ("feeling", "feeling_reason", "feeling_polite"),
                [*own, *(feelings["vague"][kind] for kind in VAGUE)],
            ),
            "thought": _table(("thought",), _about(events, zip(thoughts, bright, strict=True))),
            "topic": _table(
                ("topic",), _about(events, [(["{topic}"], False), (["{topic}"], True)])
            ),
            **{
                slot: _table((slot,), _about(events, _by_mood(talk[f"{slot}s"])))
                for slot in ("prospect", "question", "hope")
            },
            "when": _table(("when",), (_alone(talk["when"][age]) for age in AGES)),
            **{slot: _table((slot,), [_alone(talk[slot])]) for slot in _COMMON},
        },
        patterns={
            turn: tuple(tuple(_parts(pattern)) for pattern in patterns)
            for turn, patterns in talk["patterns"].items()
        },
        suitability=_suitability(events),
        stories=np.array([[_story(age, code) for code in SITUATION_CODES] for age in AGES]),
    )


def _read(name: str) -> Any:
    source = files("artcurate.sources.synthetic.korean") / "phrases" / f"{name}.yaml"
    return yaml.safe_load(source.read_text(encoding="utf-8"))


def _table(forms: Sequence[str], groups: Iterable[Iterable[Sequence[str]]]) -> Table:
    listed = [list(group) for group in groups]
    counts = np.array([len(group) for group in listed], dtype=np.int64)
    phrases = [phrase for group in listed for phrase in group]
    return Table(
        forms={
            form: pl.Series(form, [phrase[number] for phrase in phrases], dtype=pl.String)
            for number, form in enumerate(forms)
        },
        starts=np.cumsum(counts) - counts,
        counts=counts,
    )


def _alone(phrases: Iterable[str]) -> list[tuple[str]]:
    return [(phrase,) for phrase in phrases]


def _story(age: str, situation: str) -> int:
    # ECC files seniors' relations under S04 as well, where the young have theirs.
    code = "S12" if age == "senior" and situation == "S04" else situation
    return SITUATION_CODES.index(code)


def _happenings(events: _Book, people: _Book) -> Iterator[list[tuple[str, ...]]]:
    """The phrases of every event, as each age and sex tells it in each of its situations."""
    for story, fillers in _voices(people):
        for _, past, reason, told in events[story]["events"]:
            yield list(_spelled((past, reason), (told,), fillers)) if fillers else []


def _plans(
    events: _Book, people: _Book, celebrations: Sequence[Sequence[str]]
) -> Iterator[list[tuple[str, ...]]]:
    """What the troubled plan in every situation, then how the glad celebrate."""
    for bright in (False, True):
        for story, fillers in _voices(people):
            plans = celebrations if bright else events[story]["plans"]
            yield [
                words
                for plan, told in (plans if fillers else [])
                for words in _spelled((plan,), (told,), fillers)
            ]


def _voices(people: _Book) -> Iterator[tuple[str, dict[str, list[_Filler]]]]:
    """(story, what its slots can stand for) of every age, sex and situation.

    Nothing fills the slots where people of that age do not talk about the situation.
    """
    for age, sex, code in product(AGES, SEXES, SITUATION_CODES):
        known = code in SITUATIONS_OF[age]
        yield SITUATION_CODES[_story(age, code)], _fillers(people, age, sex) if known else {}


def _by_mood(phrases: Mapping[str, list[str]]) -> list[tuple[list[str], bool]]:
    return [(phrases[kind], kind == VAGUE[1]) for kind in VAGUE]


def _about(
    events: _Book, groups: Iterable[tuple[list[str], bool]]
) -> Iterator[list[tuple[str, ...]]]:
    """Every group's phrases about the topics, or the bright topics, of every story."""
    for (phrases, bright), story in product(list(groups), events.values()):
        topics = [(topic, topic) for topic in story["bright_topics" if bright else "topics"]]
        yield [words for phrase in phrases for words in _spelled((phrase,), (), {"topic": topics})]


def _fillers(people: _Book, age: str, sex: str) -> dict[str, list[_Filler]]:
    """Slot -> what it can stand for, as said by the speaker and as told by the system."""
    slots = people["anyone"][age] | people[sex][age]
    return {
        slot: [(said, told or said) for said, _, told in (word.partition("/") for word in words)]
        for slot, words in slots.items()
    }


def _spelled(
    said: Sequence[str], told: Sequence[str], fillers: Mapping[str, Sequence[_Filler]]
) -> Iterator[tuple[str, ...]]:
    """The forms of one phrase with every combination of what their slots can stand for."""
    slots = sorted({slot for form in (*said, *told) for _, slot in _parts(form) if slot})
    names = sorted({slot.partition(":")[0] for slot in slots})
    for chosen in product(*(fillers[name] for name in names)):
        words = dict(zip(names, chosen, strict=True))
        yield tuple(
            "".join(_fill(literal, slot, words, spoken) for literal, slot in _parts(form))
            for spoken, forms in ((0, said), (1, told))
            for form in forms
        )


def _fill(literal: str, slot: str | None, words: Mapping[str, _Filler], spoken: int) -> str:
    if slot is None:
        return literal
    name, _, particle = slot.partition(":")
    word = words[name][spoken]
    return literal + (with_particle(word, particle) if particle else word)


def _parts(pattern: str) -> Iterator[tuple[str, str | None]]:
    """(literal, slot) parts; a slot that asks for a particle keeps it: friend:이."""
    for literal, slot, particle, _ in Formatter().parse(pattern):
        yield literal, f"{slot}:{particle}" if particle else slot


def _suitability(events: _Book) -> NDArray[np.float64]:
    weights = np.array(
        [
            [[_weight(main, event[0]) for event in story["events"]] for story in events.values()]
            for main in MAINS
        ]
    )
    chances: NDArray[np.float64] = weights / weights.sum(axis=2, keepdims=True)
    return chances


def _weight(main: str, letters: str) -> float:
    suits = [_LETTERS[letter] for letter in letters]
    if main in suits:
        return (_FIRST_SUITED, _SECOND_SUITED)[suits.index(main)]
    return _UNSUITED if (main == PLEASANT) == (suits == [PLEASANT]) else _OPPOSITE
