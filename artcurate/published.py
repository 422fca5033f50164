"""What was published of the first pairing of the two Korean corpora: its counts, and no data.

Source: the paper that introduced VL-KE-T5, Table I (pairs per emotion, age group and gender) and
its list of split sizes. Which side limits a cell was recomputed from the two corpora by the rule
that the authors' notebooks apply, n = min(images, sentences). The paper prints 46,582 training
pairs; its rows per emotion sum to the 46,581 that stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

AgeGroup = Literal["teen", "young", "middle", "senior"]
Gender = Literal["male", "female"]
#: The side with fewer items than the other: ECC's sentences or CID's images.
Side = Literal["sentences", "images"]


@dataclass(frozen=True, slots=True)
class Stratum:
    """People of one age group and gender."""

    age_group: AgeGroup
    gender: Gender


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of Table I: its number of pairs, and the side that had no more to give."""

    emotion: str
    stratum: Stratum
    pairs: int
    limited_by: Side


@dataclass(frozen=True, slots=True)
class SplitSizes:
    """Pairs in each split."""

    train: int
    validation: int
    test: int

    @property
    def total(self) -> int:
        return self.train + self.validation + self.test


#: The columns of Table I. Senior men have no column: no unanimous image shows one.
STRATA: tuple[Stratum, ...] = (
    Stratum("teen", "male"),
    Stratum("teen", "female"),
    Stratum("young", "male"),
    Stratum("young", "female"),
    Stratum("middle", "male"),
    Stratum("middle", "female"),
    Stratum("senior", "female"),
)

#: Pairs along STRATA; one sign per column, * where ECC's sentences limit the cell and . where
#: CID's images do. Labels of the set korean7, in the order of Table I.
_ROWS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "happiness": ((157, 553, 1587, 2407, 1359, 1644, 182), "..****."),
    "sadness": ((143, 249, 2345, 2922, 1962, 2124, 130), "..****."),
    "anger": ((140, 228, 2156, 3042, 1785, 2282, 80), "..****."),
    "embarrassment": ((115, 277, 1930, 2862, 1704, 1944, 24), "..****."),
    "anxiety": ((71, 129, 2088, 3096, 565, 737, 16), "..**..."),
    "hurt": ((68, 92, 1997, 2260, 365, 479, 9), "..*...."),
    "neutral": ((125, 428, 2345, 2922, 1962, 2124, 119), "..****."),
}


def _cells() -> Iterator[Cell]:
    for emotion, (pairs, signs) in _ROWS.items():
        for stratum, count, sign in zip(STRATA, pairs, signs, strict=True):
            yield Cell(emotion, stratum, count, "sentences" if sign == "*" else "images")


#: Table I, row by row. Sentences of the neutral row ignore age and gender; its cells were capped
#: at the numbers of sad sentences.
TABLE_1: tuple[Cell, ...] = tuple(_cells())

#: Published splits, persons 80/10/10.
SPLITS: Mapping[str, SplitSizes] = MappingProxyType(
    {
        "happiness": SplitSizes(6349, 762, 778),
        "sadness": SplitSizes(7835, 1048, 992),
        "anger": SplitSizes(7737, 1099, 877),
        "embarrassment": SplitSizes(6992, 1002, 862),
        "anxiety": SplitSizes(5320, 795, 587),
        "hurt": SplitSizes(4292, 561, 417),
        "neutral": SplitSizes(8056, 980, 989),
    }
)

TOTAL = sum(cell.pairs for cell in TABLE_1)


def totals_by_emotion() -> dict[str, int]:
    """Pairs per emotion, in the order of Table I."""
    return {emotion: sum(pairs) for emotion, (pairs, _) in _ROWS.items()}
