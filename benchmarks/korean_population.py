"""Tables of the size and shape of ECC's and CID's, made of random numbers."""

from __future__ import annotations

import numpy as np
import polars as pl

LABELS = ("happiness", "sadness", "anger", "embarrassment", "anxiety", "hurt", "neutral")
#: Unanimous records per label and all records, in units that sum to the release's proportions.
UNANIMOUS = np.array([62, 30, 33, 33, 10, 5, 49], dtype=float)
PLACES = (
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
AGES = (10, 20, 30, 40, 50, 60)
AGE_SHARES = (0.06, 0.38, 0.27, 0.16, 0.11, 0.02)
HUMAN_ENDINGS = ("어.", "해.", "네.", "다.", "까?", "야!")
SYSTEM_ENDINGS = ("시겠어요.", "군요.", "까요?", "바라요.", "네요.")


def images(records: int, persons: int, seed: int) -> pl.DataFrame:
    """Label records in the columns that CID's reader gives."""
    random = np.random.default_rng(seed)
    weight = random.lognormal(0, 1.5, persons)
    person = random.choice(persons, records, p=weight / weight.sum())
    names = np.array([random.bytes(32).hex() for _ in range(persons)])
    age = random.choice(AGES, persons, p=AGE_SHARES)
    female = random.random(persons) < 0.6
    female |= age == 60
    label = random.choice(len(LABELS), records)
    # Each label's share of unanimous records follows the release's.
    unanimous = random.random(records) < (UNANIMOUS / 62)[label]
    votes = np.repeat(label[:, None], 4, axis=1)
    stray = np.where(unanimous, -1, random.integers(0, 4, records))
    votes[stray >= 0, stray[stray >= 0]] = random.integers(0, len(LABELS), (stray >= 0).sum())
    place = random.integers(0, len(PLACES), records)
    words = np.array(LABELS)
    number = np.arange(records)
    edges = random.random((records, 3, 4)).astype(np.float32) * 1000
    frame = pl.DataFrame(
        {
            "person": names[person],
            "gender": np.where(female[person], "female", "male"),
            "age": age[person].astype(np.int64),
            "professional": random.random(persons)[person] < 0.5,
            "uploader_emotion": words[votes[:, 0]],
            "annotator_emotions": words[votes[:, 1:]].tolist(),
            "background": np.array(PLACES)[place],
            "place": [f"{one + 1:03}" for one in place.tolist()],
            "frame": [f"{one % 40:03}" for one in number.tolist()],
            "taken": [f"2020{one % 10**10:010}" for one in number.tolist()],
            "source": ["img_emotion_training_data.json"] * records,
            "row": number + 1,
            "width": np.full(records, 1440, dtype=np.int32),
            "height": np.full(records, 1083, dtype=np.int32),
        }
    )
    boxes = pl.Series(edges.reshape(-1, 4)).arr.to_struct(["left", "top", "right", "bottom"])
    return frame.with_columns(
        boxes.reshape((records, 3)).arr.to_list().alias("boxes"),
        id=pl.concat_str("person", pl.lit("_남_30_기쁨_집_"), "taken", pl.lit("-"), "place", "row"),
    )


def utterances(dialogues: int, seed: int) -> pl.DataFrame:
    """Utterances in the columns that ECC's reader gives; a few texts stand more than once."""
    random = np.random.default_rng(seed)
    turns = ("HS01", "SS01", "HS02", "SS02", "HS03", "SS03")
    label = random.integers(0, 6, dialogues)
    age = random.choice(4, dialogues, p=(0.2, 0.4, 0.2, 0.2))
    gender = random.integers(0, 2, dialogues)
    situation = random.integers(1, 14, dialogues)
    training = random.random(dialogues) < 0.886
    rows = dialogues * len(turns)
    human = np.tile([turn.startswith("H") for turn in turns], dialogues)
    said = random.integers(0, 40 * rows, rows)
    said[random.random(rows) < 0.01] = 7
    ending = np.where(
        human,
        np.array(HUMAN_ENDINGS)[random.integers(0, len(HUMAN_ENDINGS), rows)],
        np.array(SYSTEM_ENDINGS)[random.integers(0, len(SYSTEM_ENDINGS), rows)],
    )

    def each(values: np.ndarray) -> np.ndarray:
        return np.repeat(values, len(turns))

    number = each(np.arange(dialogues))
    frame = pl.DataFrame(
        {
            "dialogue": [f"Pro_{one:05}_{one:05}" for one in number.tolist()],
            "turn": list(turns) * dialogues,
            "role": np.where(human, "human", "system"),
            "text": [
                f"오늘은 {a} 그래서 {b}"
                for a, b in zip(said.tolist(), ending.tolist(), strict=True)
            ],
            "emotion": np.array(LABELS)[each(label)],
            "fine_emotion": ["E18"] * rows,
            "age_group": np.array(["teen", "young", "middle", "senior"])[each(age)],
            "gender": np.array(["male", "female"])[each(gender)],
            "situation": [f"S{one:02}" for one in each(situation).tolist()],
            "disease": ["D02"] * rows,
            "release": np.where(each(training), "training", "validation"),
            "source": ["final.json"] * rows,
            "row": number + 1,
        }
    )
    return frame.with_columns(id=pl.concat_str("dialogue", "turn", separator="_"))
