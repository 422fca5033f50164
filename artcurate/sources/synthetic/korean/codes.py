"""The order in which the makers count emotions, age groups, genders and situations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from artcurate import emotions
from artcurate.sources.ecc.codes import AGE_GROUPS, DISEASES, GENDERS, SITUATIONS

AGES: Final[tuple[str, ...]] = tuple(AGE_GROUPS)
SEXES: Final[tuple[str, ...]] = tuple(GENDERS)
SITUATION_CODES: Final[tuple[str, ...]] = tuple(SITUATIONS)
#: Main classes of ECC, in the order of their codes: E10, E20, … E60.
MAINS: Final = ("anger", "sadness", "anxiety", "hurt", "embarrassment", "happiness")
#: Labels of CID.
LABELS: Final = (*MAINS, "neutral")
FINE_PER_MAIN: Final = 10

#: Situations that dialogues of an age group are about.
SITUATIONS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "teen": ("S01", "S02", "S03"),
    "young": ("S04", "S05", "S06"),
    "middle": ("S07", "S08", "S09", "S10"),
    "senior": ("S04", "S11", "S12", "S13"),
}
#: Chronic disease: yes, no, not asked. JSON knows only whether it is the first.
ILLNESS_WORDS: Final = (DISEASES["D01"][-1], DISEASES["D02"][-1], DISEASES["not_asked"][-1])

AGE_CODES: Final = tuple(words[0] for words in AGE_GROUPS.values())
AGE_WORDS: Final = tuple(words[1] for words in AGE_GROUPS.values())
SEX_CODES: Final = tuple(words[0] for words in GENDERS.values())
SEX_WORDS: Final = tuple(words[1] for words in GENDERS.values())
SITUATION_WORDS: Final = tuple(words[1] for words in SITUATIONS.values())
#: As CID's labels and file names spell a gender.
SEX_SYLLABLES: Final = ("남", "여")

#: CID's backgrounds; a background's number in a file name is its place here, counted from 1.
PLACES: Final = (
    "공공시설/종교/의료시설",
    "교통/이동수단(엘리베이터 포함)",
    "상업시설/점포/시장",
    "스포츠 관람 및 레저시설",
    "오락/공연시설",
    "행사/사무공간",
    "실외 자연환경",
    "도심 환경",
    "문화재 및 유적지",
    "숙박 및 거주공간",
)


def label_words() -> tuple[str, ...]:
    """The Korean words of LABELS."""
    labels = emotions.bundled().label_set("korean7")
    return tuple(labels[name].called("korean") for name in LABELS)


def fine_words() -> tuple[str, ...]:
    """The Korean words of E10, E11, … E69."""
    return tuple(label.called("korean") for label in emotions.bundled().label_set("ecc60").labels)


def fine_codes() -> tuple[str, ...]:
    """E10, E11, … E69."""
    return emotions.bundled().label_set("ecc60").names
