"""A synthetic ECC as its files: four zip archives, of which two and two share a name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from artcurate.progress import Meter
from artcurate.sources.synthetic.korean.codes import (
    AGE_CODES,
    AGE_WORDS,
    FINE_PER_MAIN,
    ILLNESS_WORDS,
    SEX_CODES,
    SEX_WORDS,
    SITUATION_CODES,
    SITUATION_WORDS,
    fine_codes,
    fine_words,
    label_words,
)
from artcurate.sources.synthetic.korean.dialogues import Dialogues
from artcurate.sources.synthetic.korean.profiles import ILL
from artcurate.sources.synthetic.xlsx import Cell, workbook
from artcurate.sources.synthetic.zips import ZipWriter

Release = Literal["Training", "Validation"]
RELEASES: Final[tuple[Release, ...]] = ("Training", "Validation")

_ROOT = "018.감성대화"
_SHEETS, _LABELS = "원천데이터", "라벨링데이터"
_HEADER: Final = ("연령", "성별", "상황키워드", "신체질환", "감정_대분류", "감정_소분류")
_HUMAN = "사람문장"
#: Of the older release's main classes, every so many has a stray space.
_STRAY: Final = 9


def write_ecc(folder: Path, dialogues: Dialogues, *, older: bool, counted: Meter) -> list[Path]:
    """Write `018.감성대화` into `folder`; returns the four archives.

    older: the spreadsheets have the older release's columns: 번호 instead of a nameless counter,
        시스템응답 instead of 시스템문장, and stray spaces in 감정_대분류.
    """
    written = []
    for release in RELEASES:
        rows = np.flatnonzero(dialogues.profiles.training == (release == "Training"))
        name = f"감성대화말뭉치(최종데이터)_{release}"
        contents = {
            _SHEETS: (f"{name}.xlsx", workbook(_sheet(dialogues, rows, older=older))),
            _LABELS: (f"{name}.json", _json(dialogues, rows, marked=release == "Validation")),
        }
        for kind, (member, data) in contents.items():
            path = folder / _ROOT / f"{release}_221115_add" / kind / f"{name}.zip"
            path.parent.mkdir(parents=True)
            with path.open("wb") as out, ZipWriter(out) as archive:
                archive.add(member.encode("cp949"), data)
            written.append(path)
        counted.advance(len(rows))
    return written


def _sheet(
    dialogues: Dialogues, rows: np.ndarray[Any, Any], *, older: bool
) -> Iterator[list[Cell]]:
    """The header and one row per dialogue; a missing turn is an empty cell."""
    system = "시스템응답" if older else "시스템문장"
    turns = [
        f"{_HUMAN if turn.startswith('H') else system}{int(turn[2:])}" for turn in dialogues.turns
    ]
    yield ["번호" if older else None, *_HEADER, *turns]
    profiles, mains, fines = dialogues.profiles, label_words(), fine_words()
    texts = [text.gather(rows).to_list() for text in dialogues.turns.values()]
    for number, (row, spoken) in enumerate(
        zip(rows.tolist(), zip(*texts, strict=True), strict=True)
    ):
        main = int(profiles.main[row])
        stray = " " if older and number % _STRAY == 0 else ""
        yield [
            number + 1,
            AGE_WORDS[profiles.age[row]],
            SEX_WORDS[profiles.sex[row]],
            SITUATION_WORDS[profiles.situation[row]],
            ILLNESS_WORDS[profiles.illness[row]],
            mains[main] + stray,
            fines[main * FINE_PER_MAIN + int(profiles.fine[row])],
            *spoken,
        ]


def _json(dialogues: Dialogues, rows: np.ndarray[Any, Any], *, marked: bool) -> bytes:
    """The list of dialogues; a missing turn is "". marked: with a byte order mark."""
    profiles = dialogues.profiles
    listed = rows[~profiles.only_in_sheet[rows]]
    turns = {turn: text.gather(listed).fill_null("") for turn, text in dialogues.turns.items()}
    codes = fine_codes()
    records = [
        _record(dialogues, row, codes, dict(zip(turns, spoken, strict=True)))
        for row, spoken in zip(listed.tolist(), zip(*turns.values(), strict=True), strict=True)
    ]
    text = json.dumps(records, ensure_ascii=False, indent=1)
    return text.encode("utf-8-sig" if marked else "utf-8")


def _record(
    dialogues: Dialogues, row: int, codes: tuple[str, ...], content: Mapping[str, str]
) -> dict[str, Any]:
    profiles = dialogues.profiles
    age, sex = AGE_CODES[profiles.age[row]], SEX_CODES[profiles.sex[row]]
    situation = SITUATION_CODES[profiles.situation[row]]
    disease = "D01" if profiles.illness[row] == ILL else "D02"
    emotion = codes[int(profiles.main[row]) * FINE_PER_MAIN + int(profiles.fine[row])]
    profile = f"Pro_{profiles.number[row]:05}"
    return {
        "profile": {
            "persona-id": profile,
            "persona": {
                "persona-id": f"{age}_{sex}_C01",
                "human": [age, sex],
                "computer": ["C01"],
            },
            "emotion": {
                "emotion-id": f"{situation}_{disease}_{emotion}",
                "type": emotion,
                "situation": [situation, disease],
            },
        },
        "talk": {
            "id": {
                "profile-id": profile,
                "talk-id": f"{profile}_{profiles.serial[row]:05}",
            },
            "content": dict(content),
        },
    }
