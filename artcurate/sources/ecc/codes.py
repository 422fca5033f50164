"""What ECC's codes and words mean, in one place.

JSON releases hold the codes, spreadsheets the Korean words; both come out the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from unicodedata import normalize

import polars as pl

from artcurate import emotions

#: Name of the turn -> who speaks, in the order of a dialogue.
TURNS: Mapping[str, str] = MappingProxyType(
    {
        f"{letter}S{number:02}": role
        for number in range(1, 5)
        for letter, role in (("H", "human"), ("S", "system"))
    }
)

AGE_GROUPS: Mapping[str, tuple[str, ...]] = {
    "teen": ("A01", "청소년"),
    "young": ("A02", "청년"),
    "middle": ("A03", "중년"),
    "senior": ("A04", "노년"),
}
GENDERS: Mapping[str, tuple[str, ...]] = {
    "male": ("G01", "남성", "남"),
    "female": ("G02", "여성", "여"),
}
SITUATIONS: Mapping[str, tuple[str, ...]] = {
    "S01": ("S01", "가족관계"),
    "S02": ("S02", "학업 및 진로"),
    "S03": ("S03", "학교폭력/따돌림"),
    "S04": ("S04", "대인관계"),
    "S05": ("S05", "연애,결혼,출산"),
    "S06": ("S06", "진로,취업,직장"),
    "S07": ("S07", "대인관계(부부, 자녀)"),
    "S08": ("S08", "재정,은퇴,노후준비"),
    "S09": ("S09", "건강"),
    "S10": ("S10", "직장, 업무 스트레스"),
    "S11": ("S11", "건강,죽음"),
    "S12": ("S12", "대인관계(노년)"),
    "S13": ("S13", "재정"),
}
#: JSON's D02 is both 만성질환 무 (no chronic disease) and 해당없음 (not asked).
DISEASES: Mapping[str, tuple[str, ...]] = {
    "D01": ("D01", "만성질환 유"),
    "D02": ("만성질환 무",),
    "not_asked": ("해당없음",),
    "not_told": ("D02",),
}

_FINE, _MAIN = "ecc60", "korean7"


@dataclass(frozen=True, slots=True)
class EmotionVerdict:
    """What a dialogue's emotion means, or `reason` and `detail` of what is wrong with it.

    emotion: a label of korean7, fine: one of ecc60; fine is None where the finer word is missing
    or unknown.
    """

    emotion: str | None = None
    fine: str | None = None
    reason: str | None = None
    detail: str | None = None


def code_of(raw: pl.Expr, table: Mapping[str, tuple[str, ...]]) -> pl.Expr:
    """The entry of `table` that `raw`, a code or a word, stands for; null where there is none."""
    keys = {_key(word): meaning for meaning, words in table.items() for word in words}
    folded = raw.str.normalize("NFC").str.replace_all(r"\s", "").str.to_uppercase()
    return folded.replace_strict(keys, default=None, return_dtype=pl.String)


def decode_emotions(raw: pl.DataFrame) -> pl.DataFrame:
    """The columns emotion, fine_emotion, emotion_reason and emotion_detail, row by row.

    raw: the columns main (a word, null in JSON) and fine (a word or a code such as E18).
    """
    pairs = raw.select("main", "fine").unique()
    verdicts = [decode_emotion(main, fine) for main, fine in pairs.iter_rows()]
    decoded = pairs.with_columns(
        pl.Series("emotion", [verdict.emotion for verdict in verdicts], pl.String),
        pl.Series("fine_emotion", [verdict.fine for verdict in verdicts], pl.String),
        pl.Series("emotion_reason", [verdict.reason for verdict in verdicts], pl.String),
        pl.Series("emotion_detail", [verdict.detail for verdict in verdicts], pl.String),
    )
    return (
        raw.select("main", "fine")
        .join(decoded, on=["main", "fine"], how="left", nulls_equal=True, maintain_order="left")
        .drop("main", "fine")
    )


def decode_emotion(main: str | None, fine: str | None) -> EmotionVerdict:
    """What the main class `main` and the finer emotion `fine` of a dialogue mean together.

    Two finer words stand under two main classes each, so a finer word counts under its main
    class only.
    """
    known = emotions.bundled()
    mains = known.label_map(_FINE, _MAIN).targets
    main, fine = (main or "").strip(), (fine or "").strip()
    code = fine.upper()
    if not main and code in mains:
        return EmotionVerdict(mains[code], code)
    labels = known.label_set(_MAIN).called(main)
    if len(labels) != 1 or labels[0].name not in mains.values():
        return _refused("unknown_emotion", f"{_short(main or fine)} is no emotion of ECC")
    emotion = labels[0].name
    if code in mains:
        named: Sequence[str] = [code] if mains[code] == emotion else []
    else:
        under = known.called_under(fine, fine=_FINE, coarse=_MAIN, main=emotion)
        named = [label.name for label in under]
    if len(named) == 1:
        return EmotionVerdict(emotion, named[0])
    if code in mains or known.label_set(_FINE).called(fine):
        return _refused(
            "contradictory_emotion", f"{_short(fine)} is none of the emotions under {_short(main)}"
        )
    return EmotionVerdict(emotion)


def _refused(reason: str, detail: str) -> EmotionVerdict:
    return EmotionVerdict(reason=reason, detail=f"{detail}.")


def _short(word: str) -> str:
    return repr(word if len(word) <= 60 else f"{word[:59]}…")


def _key(word: str) -> str:
    return "".join(normalize("NFC", word).split()).upper()
