"""Which of CID's backgrounds suit which of ECC's situations: this project's own judgement.

A background suits a situation when a person who tells of the situation may well be there, or when
what is told happens there. Nobody has measured it; the table only serves the pairing rule
`background`, and the share of suitable pairs that any rule reaches is counted by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.pairing.draw import Classes

HOME = "숙박 및 거주공간"
SHOPS = "상업시설/점포/시장"
CITY = "도심 환경"
PUBLIC = "공공시설/종교/의료시설"
NATURE = "실외 자연환경"
TRANSPORT = "교통/이동수단(엘리베이터 포함)"
AMUSEMENT = "오락/공연시설"
OFFICE = "행사/사무공간"
SPORTS = "스포츠 관람 및 레저시설"
HERITAGE = "문화재 및 유적지"

SUITABLE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "S01": frozenset({HOME}),  # family
        "S02": frozenset({PUBLIC, OFFICE, HOME}),  # study and career choice
        "S03": frozenset({PUBLIC, CITY}),  # bullying at school
        "S04": frozenset({SHOPS, AMUSEMENT, SPORTS, CITY}),  # relations with others
        "S05": frozenset({HOME, SHOPS, AMUSEMENT, NATURE, HERITAGE}),  # love, marriage, birth
        "S06": frozenset({OFFICE, TRANSPORT, CITY}),  # career, job hunting, workplace
        "S07": frozenset({HOME}),  # spouse and children
        "S08": frozenset({HOME, PUBLIC, OFFICE}),  # finances, retirement, old age
        "S09": frozenset({PUBLIC, SPORTS, NATURE, HOME}),  # health
        "S10": frozenset({OFFICE, TRANSPORT}),  # workplace, stress at work
        "S11": frozenset({PUBLIC, HOME}),  # health and death
        "S12": frozenset({PUBLIC, NATURE, HERITAGE, HOME}),  # relations in old age
        "S13": frozenset({SHOPS, PUBLIC, HOME}),  # finances
    }
)


def classes_of(situations: pl.Series, backgrounds: pl.Series) -> Classes:
    """Situations and backgrounds as codes, with which of them suit each other.

    Missing situations and unknown backgrounds suit nothing.
    """
    lefts = [None, *SUITABLE]
    rights = [None, *sorted(frozenset().union(*SUITABLE.values()))]
    return Classes(
        left=_codes(situations, lefts),
        right=_codes(backgrounds, rights),
        suits=np.array([[_suits(left, right) for right in rights] for left in lefts], dtype=bool),
    )


def suitable(situations: pl.Series, backgrounds: pl.Series) -> NDArray[np.bool_]:
    """Which rows have a background that suits their situation, bool, (rows,)."""
    classes = classes_of(situations, backgrounds)
    return np.asarray(classes.suits[classes.left, classes.right])


def _suits(situation: str | None, background: str | None) -> bool:
    return situation is not None and background in SUITABLE[situation]


def _codes(values: pl.Series, known: list[str | None]) -> NDArray[np.int64]:
    places = {value: place for place, value in enumerate(known) if value is not None}
    codes: NDArray[np.int64] = values.replace_strict(
        places, default=0, return_dtype=pl.Int64
    ).to_numpy()
    return codes
