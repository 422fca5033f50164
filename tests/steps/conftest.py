"""Small tables in the columns that the Korean readers give."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from artcurate.corpus import Corpus

Record = Mapping[str, Any]

_AGES = {"teen": 10, "young": 20, "middle": 40, "senior": 60}
_BACKGROUND = "숙박 및 거주공간"


def person_id(name: object) -> str:
    """64 hexadecimal digits, as CID has them."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def cid_images(records: Iterable[Record]) -> pl.DataFrame:
    """One image per record; what a record does not say is filled in.

    emotion stands for all four votes; votes gives them one by one, the uploader's first.
    """
    rows = []
    for number, record in enumerate(records):
        person = person_id(record.get("person", 0))
        place = record.get("place", "010")
        taken = record.get("taken", f"{20200101000000 + number}")
        frame = record.get("frame", f"{number % 1000:03}")
        age_group = record.get("age_group", "young")
        uploader, *annotators = record.get("votes", [record.get("emotion", "anger")] * 4)
        background = record.get("background", _BACKGROUND)
        name = f"{person}_여_{_AGES[age_group]}_분노_{background.replace('/', '&')}"
        rows.append(
            {
                "id": f"{name}_{taken}-{place}-{frame}",
                "person": person,
                "gender": record.get("gender", "female"),
                "age": record.get("age", _AGES[age_group]),
                "age_group": age_group,
                "professional": True,
                "emotion": record.get("emotion", "anger"),
                "uploader_emotion": uploader,
                "annotator_emotions": annotators,
                "boxes": [{"left": 10.0, "top": 20.0, "right": 50.0, "bottom": 80.0}] * 3,
                "background": background,
                "place": place,
                "frame": frame,
                "taken": taken,
                "source": "labels.json",
                "row": number + 1,
                "width": 100,
                "height": 200,
                **{key: record[key] for key in ("phash", "boxes") if key in record},
            }
        )
    edges = pl.Struct(dict.fromkeys(("left", "top", "right", "bottom"), pl.Float32))
    return pl.DataFrame(
        rows,
        schema_overrides={
            "annotator_emotions": pl.List(pl.String),
            "boxes": pl.List(edges),
            **({"phash": pl.UInt64} if rows and "phash" in rows[0] else {}),
        },
        infer_schema_length=None,
    )


def ecc_utterances(dialogues: Iterable[Record]) -> pl.DataFrame:
    """The utterances of each dialogue; `said` gives them by turn."""
    rows = []
    for number, dialogue in enumerate(dialogues):
        said = {
            "HS01": f"첫 문장 {number} 정말 힘들어.",
            "SS01": f"대답 {number} 속상하시겠어요.",
            "HS02": f"둘째 문장 {number} 화가 나.",
            "SS02": f"질문 {number} 어떻게 할까요?",
            **dialogue.get("said", {}),
        }
        name = dialogue.get("dialogue", f"Pro_{number:05}_{number:05}")
        rows += [
            {
                "id": f"{name}_{turn}",
                "source": "talks.json",
                "row": number + 1,
                "dialogue": name,
                "turn": turn,
                "role": "human" if turn.startswith("H") else "system",
                "text": text,
                "emotion": dialogue.get("emotion", "anger"),
                "fine_emotion": dialogue.get("fine_emotion", "E18"),
                "age_group": dialogue.get("age_group", "young"),
                "gender": dialogue.get("gender", "female"),
                "situation": dialogue.get("situation", "S01"),
                "disease": None,
                "release": dialogue.get("release", "training"),
            }
            for turn, text in said.items()
            if text
        ]
    return pl.DataFrame(
        rows,
        schema_overrides={"disease": pl.String, "release": pl.String},
        infer_schema_length=None,
    )


@pytest.fixture(scope="session")
def korean() -> Callable[..., Corpus]:
    """`korean(images, dialogues)`: a corpus of such records."""

    def make(images: Sequence[Record] = (), dialogues: Sequence[Record] = ()) -> Corpus:
        empty = pl.DataFrame(schema={"id": pl.String})
        return Corpus(
            annotations=ecc_utterances(dialogues) if dialogues else empty,
            images=cid_images(images) if images else empty,
        )

    return make
