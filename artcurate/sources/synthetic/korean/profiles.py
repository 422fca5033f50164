"""Who talks about what in a synthetic ECC: one row per dialogue, without its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.sources.synthetic.korean.codes import (
    AGES,
    FINE_PER_MAIN,
    MAINS,
    SEXES,
    SITUATION_CODES,
    SITUATIONS_OF,
)
from artcurate.sources.synthetic.korean.dialogue_counts import DialogueCounts
from artcurate.sources.synthetic.scenes import stream

Codes = NDArray[np.int8]

ILL, WELL, NOT_ASKED = range(3)
_ILL_SHARE: Final = 0.45
#: Rows that the spreadsheet of a release has and its JSON has not.
_ONLY_IN_SHEET: Final = {True: 2, False: 1}


@dataclass(frozen=True, slots=True)
class Profiles:
    """n dialogues, those of Training first. All arrays have shape (n,).

    main, age, sex, situation: indices into MAINS, AGES, SEXES and SITUATION_CODES.
    fine: 0..9 within the main class. illness: ILL, WELL or NOT_ASKED.
    number: ECC's number of the profile, which many dialogues share; serial: of the dialogue
        within its profile, over both releases.
    only_in_sheet: the JSON file lacks the dialogue.
    """

    training: NDArray[np.bool_]
    main: Codes
    fine: Codes
    age: Codes
    sex: Codes
    situation: Codes
    illness: Codes
    number: NDArray[np.int64]
    serial: NDArray[np.int64]
    only_in_sheet: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.main)

    @property
    def cell(self) -> NDArray[np.int64]:
        """Number of (main, age, sex)."""
        shape = (len(MAINS), len(AGES), len(SEXES))
        cell: NDArray[np.int64] = np.ravel_multi_index((self.main, self.age, self.sex), shape)
        return cell


def draw_profiles(counts: DialogueCounts, seed: int) -> Profiles:
    """Dialogues of both releases in random order, as many of each cell as `counts` says."""
    generator = stream(seed, "profiles")
    cells = [
        generator.permutation(np.repeat(np.arange(release.size), release.reshape(-1)))
        for release in (counts.training, counts.validation)
    ]
    training = np.repeat([True, False], [len(cell) for cell in cells])
    main, age, sex = np.unravel_index(np.concatenate(cells), counts.training.shape)
    fine = generator.integers(FINE_PER_MAIN, size=len(main))
    situation = _draw_situations(age, generator)
    ill = generator.random(len(main)) < _ILL_SHARE
    illness = np.where(age == AGES.index("senior"), np.where(ill, ILL, WELL), NOT_ASKED)
    number = 1 + np.ravel_multi_index(
        (age, sex, situation, (illness != ILL).astype(np.int64), main, fine),
        (len(AGES), len(SEXES), len(SITUATION_CODES), 2, len(MAINS), FINE_PER_MAIN),
    )
    counted = pl.DataFrame({"number": number}).select(pl.int_range(1, pl.len() + 1).over("number"))
    return Profiles(
        training=training,
        main=main.astype(np.int8),
        fine=fine.astype(np.int8),
        age=age.astype(np.int8),
        sex=sex.astype(np.int8),
        situation=situation.astype(np.int8),
        illness=illness.astype(np.int8),
        number=number,
        serial=counted.to_series().to_numpy(),
        only_in_sheet=_draw_only_in_sheet(training, generator),
    )


def _draw_situations(age: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    counts = np.array([len(SITUATIONS_OF[name]) for name in AGES])
    codes = np.zeros((len(AGES), counts.max()), dtype=np.int64)
    for row, name in enumerate(AGES):
        codes[row, : counts[row]] = [SITUATION_CODES.index(code) for code in SITUATIONS_OF[name]]
    place = (generator.random(len(age)) * counts[age]).astype(np.int64)
    situation: NDArray[np.int64] = codes[age, place]
    return situation


def _draw_only_in_sheet(
    training: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.bool_]:
    marks = np.zeros(len(training), dtype=np.bool_)
    for release, number in _ONLY_IN_SHEET.items():
        rows = np.flatnonzero(training == release)
        marks[generator.permutation(rows)[:number]] = True
    return marks
