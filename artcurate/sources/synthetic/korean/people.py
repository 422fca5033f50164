"""The persons of a synthetic CID: few who sent most of the pictures, and many who sent a few."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.published import STRATA
from artcurate.sources.synthetic.korean.apportion import apportion
from artcurate.sources.synthetic.scenes import stream

MINIMUM_PERSONS: Final = 12
#: Persons that CID has, about; a population with the published counts needs as many.
PUBLISHED_PERSONS: Final = 1_100

#: Share of the persons in each of STRATA.
_STRATUM_SHARES: Final = (0.035, 0.055, 0.290, 0.365, 0.100, 0.130, 0.025)
_DECADES: Final = {
    "teen": ((10, 1.0),),
    "young": ((20, 0.75), (30, 0.25)),
    "middle": ((40, 0.6), (50, 0.4)),
    "senior": ((60, 1.0),),
}
#: Of the persons, those whose age is given in years and not as a decade.
_IN_YEARS: Final = 0.12
_PROFESSIONAL: Final = 0.3
# Pictures sent fall off with the rank: of 80 persons, 10 hold 78 % and the first one 16 %.
_DECAY: Final = 0.06
_FLOOR: Final = 0.0087


@dataclass(frozen=True, slots=True)
class People:
    """n persons. Arrays of shape (n,).

    keys: 64 hexadecimal digits, the start of their file names. stratum: index into STRATA.
    age: in years, or a decade. share: relative number of pictures.
    """

    seed: int
    keys: tuple[str, ...]
    stratum: NDArray[np.int8]
    age: NDArray[np.int16]
    professional: NDArray[np.bool_]
    share: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def male(self) -> NDArray[np.bool_]:
        return np.array([stratum.gender == "male" for stratum in STRATA])[self.stratum]


def draw_people(persons: int, seed: int, *, like_published: bool) -> People:
    """`persons` people; none is a man in his sixties.

    like_published: at least 1,100 people, and in every stratum few who hold most of its pictures.

    Raises UsageError when they are too few.
    """
    if persons < MINIMUM_PERSONS:
        raise UsageError(
            f"{persons} persons are too few to show every age and gender; "
            f"ask for at least {MINIMUM_PERSONS}."
        )
    number = max(persons, PUBLISHED_PERSONS) if like_published else persons
    generator = stream(seed, "people")
    counts = np.maximum(apportion(number, _STRATUM_SHARES), 1)
    counts[np.argmax(counts)] -= int(counts.sum()) - number
    stratum = generator.permutation(np.repeat(np.arange(len(STRATA)), counts))
    share = _shares(generator.permutation(number))
    if like_published:
        for column in range(len(STRATA)):
            members = np.flatnonzero(stratum == column)
            share[members] = _shares(generator.permutation(len(members)))
    return People(
        seed=seed,
        keys=tuple(sha256(f"{seed}/person/{row}".encode()).hexdigest() for row in range(number)),
        stratum=stratum.astype(np.int8),
        age=_draw_ages(stratum, generator),
        professional=generator.random(number) < _PROFESSIONAL,
        share=share,
    )


def _shares(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    place = (ranks + 0.5) / len(ranks)
    shares: NDArray[np.float64] = np.exp(-place / _DECAY) + _FLOOR
    return shares


def _draw_ages(stratum: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int16]:
    ages = np.zeros(len(stratum), dtype=np.int16)
    for row, column in enumerate(stratum.tolist()):
        decades, chances = zip(*_DECADES[STRATA[column].age_group], strict=True)
        years = generator.integers(1, 10) if generator.random() < _IN_YEARS else 0
        ages[row] = generator.choice(decades, p=chances) + years
    return ages
