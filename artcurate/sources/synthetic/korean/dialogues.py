"""The dialogues of a synthetic ECC: who says what, with the dirt and the repeats of real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.sources.synthetic.korean.dialogue_counts import DialogueCounts, dialogue_counts
from artcurate.sources.synthetic.korean.profiles import Profiles, draw_profiles
from artcurate.sources.synthetic.korean.speech import speak
from artcurate.sources.synthetic.scenes import stream

Rows = NDArray[np.int64]

MINIMUM_DIALOGUES: Final = 100
_NBSP: Final = "\u00a0"
#: Kind of dirt -> share of the texts that have it.
_DIRT: Final = {"trailing": 0.004, "leading": 0.001, "double": 0.005, "no-break": 0.001}
#: Of the dialogues of a release, those whose first sentence stands under two labels; at least 2.
_TWO_LABELS: Final = 0.0003
#: Of the dialogues of Validation, those whose first sentence is one of Training; at least 2.
_IN_BOTH_RELEASES: Final = 0.002


@dataclass(frozen=True, slots=True)
class Dialogues:
    """n dialogues. turns: turn -> its texts, of length n, null after the end of a dialogue."""

    profiles: Profiles
    turns: Mapping[str, pl.Series]

    def __len__(self) -> int:
        return len(self.profiles)


def draw_dialogues(
    dialogues: int, seed: int, *, like_published: bool, fourth_turn: bool
) -> Dialogues:
    """About `dialogues` dialogues of both releases.

    Raises UsageError when they are too few to hold every kind of fault, or too many to word.
    """
    if dialogues < MINIMUM_DIALOGUES:
        raise UsageError(
            f"{dialogues} dialogues are too few to hold every kind of fault; "
            f"ask for at least {MINIMUM_DIALOGUES}."
        )
    counts = dialogue_counts(dialogues, like_published=like_published)
    profiles = draw_profiles(counts, seed)
    generator = stream(seed, "dialogues")
    turns = {
        name: _soiled(text, generator)
        for name, text in speak(profiles, seed, fourth_turn=fourth_turn).items()
    }
    return Dialogues(profiles, _with_repeats(turns, profiles, counts, generator))


def _soiled(text: pl.Series, generator: np.random.Generator) -> pl.Series:
    """The texts with a few stray spaces; none of them becomes equal to another."""
    chance = generator.random(len(text))
    edges = np.cumsum(list(_DIRT.values()))
    kind = np.searchsorted(edges, chance, side="right")
    column, soiled = pl.lit(text), pl.lit(pl.Series(kind))
    return pl.select(
        pl.when(soiled == 0)
        .then(column + " ")
        .when(soiled == 1)
        .then(" " + column)
        .when(soiled == 2)
        .then(column.str.replace(" ", "  ", literal=True))
        .when(soiled == 3)
        .then(column.str.replace(" ", _NBSP, literal=True))
        .otherwise(column)
        .alias("text")
    ).to_series()


def _with_repeats(
    turns: dict[str, pl.Series],
    profiles: Profiles,
    counts: DialogueCounts,
    generator: np.random.Generator,
) -> dict[str, pl.Series]:
    """Let sentences stand twice: within a cell of Training, under two labels, in both releases.

    No dialogue takes part in two repeats, so that every cell loses as many distinct sentences as
    `counts.repeats` says, whatever the other repeats are.
    """
    order = {turn: np.arange(len(profiles)) for turn in ("HS01", "HS02")}
    rows = generator.permutation(np.flatnonzero(profiles.training))
    used = [np.empty(0, np.int64)]
    for cell, number in enumerate(counts.repeats.reshape(-1).tolist()):
        members = rows[profiles.cell[rows] == cell]
        copies, sources = members[:number], members[number : 2 * number]
        second = generator.random(number) < 0.5
        for turn, chosen in (("HS01", ~second), ("HS02", second)):
            order[turn][copies[chosen]] = sources[chosen]
        used += [copies, sources]
    free = np.setdiff1d(np.arange(len(profiles)), np.concatenate(used))
    _repeat_elsewhere(order["HS01"], generator.permutation(free), profiles)
    return {
        turn: text.gather(order[turn]) if turn in order else text for turn, text in turns.items()
    }


def _repeat_elsewhere(order: Rows, free: Rows, profiles: Profiles) -> None:
    """Let texts of `order` stand under two labels of a release, and in both releases."""
    training, validation = (free[profiles.training[free] == release] for release in (True, False))
    for rows in (training, validation):
        number = min(max(2, round(_TWO_LABELS * len(rows))), len(rows) // 20)
        copies, sources = rows[:number], rows[number : 3 * number]
        for copy in copies.tolist():
            others = sources[profiles.main[sources] != profiles.main[copy]]
            if len(others):
                order[copy] = others[0]
                sources = sources[sources != others[0]]
    training, validation = training[::-1], validation[::-1]
    number = min(max(2, round(_IN_BOTH_RELEASES * len(validation))), len(validation) // 20)
    for copy in validation[:number].tolist():
        alike = training[profiles.cell[training] == profiles.cell[copy]][:1]
        order[copy] = alike[0] if len(alike) else order[copy]
