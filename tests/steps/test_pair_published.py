"""The published dataset, rebuilt from populations with its counts."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from artcurate import published
from artcurate.corpus import Corpus, merge
from artcurate.pipeline import load_bundled
from artcurate.progress import ProgressMode
from artcurate.sources.registry import READERS
from artcurate.sources.synthetic.korean.sample import write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode
from artcurate.steps.age_bands import AgeBandsParameters, age_bands
from artcurate.steps.image_labels import ImageLabelsParameters, image_labels
from artcurate.steps.pair import PairParameters, pair
from artcurate.steps.sentences import SentencesParameters, sentences

AGE = {"teen": 10, "young": 30, "middle": 50, "senior": 60}
SURPLUS = 3
PERSONS = 40


def cid() -> pl.DataFrame:
    """Unanimous pictures as Table I needs them, and one that is not for every three."""
    random = np.random.default_rng(0)
    parts = []
    for cell in published.TABLE_1:
        stratum = f"{cell.stratum.age_group} {cell.stratum.gender}"
        number = cell.pairs if cell.limited_by == "images" else SURPLUS * cell.pairs
        weight = np.random.default_rng(len(stratum)).lognormal(0, 1, PERSONS)
        person = random.choice(PERSONS, number + number // 3, p=weight / weight.sum())
        part = pl.DataFrame(
            {
                "person": [f"{stratum} {one}" for one in person.tolist()],
                "uploader_emotion": cell.emotion,
                "stray": np.arange(len(person)) >= number,
                "age": AGE[cell.stratum.age_group],
                "gender": cell.stratum.gender,
            }
        )
        parts.append(part)
    other = pl.when("stray").then(pl.lit(None, pl.String)).otherwise("uploader_emotion")
    return (
        pl.concat(parts)
        .with_columns(
            id=pl.int_range(pl.len()).cast(pl.String),
            annotator_emotions=pl.concat_list("uploader_emotion", other, "uploader_emotion"),
        )
        .drop("stray")
    )


def ecc() -> pl.DataFrame:
    """Dialogues whose distinct sentences of the Training release are those that Table I used.

    Some repeat a sentence of their label, and the Validation release is there too.
    """
    counts: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for cell in published.TABLE_1:
        key = (cell.emotion, cell.stratum.age_group, cell.stratum.gender)
        model = "sadness" if cell.emotion == "neutral" else cell.emotion
        sentences_of = (model, *key[1:])
        surplus = 0 if cell.limited_by == "sentences" else 3
        counts[sentences_of] = max(counts[sentences_of], cell.pairs + surplus)
    rows = []
    for (emotion, age_group, gender), number in counts.items():
        for release, size in (("training", number), ("validation", 20)):
            for first in range(0, size, 2):
                talk = f"{release[:2]} {emotion} {age_group} {gender} {first:05}"
                common = (talk, emotion, age_group, gender, release)
                rows.append((*common, "HS01", "human", f"{talk} 하나"))
                rows.append((*common, "SS01", "system", f"{talk} 대답"))
                # The last dialogue of an odd number repeats what it said.
                second = f"{talk} 둘" if first + 1 < size else f"{talk} 하나"
                rows.append((*common, "HS02", "human", second))
    return pl.DataFrame(
        rows,
        schema=["dialogue", "emotion", "age_group", "gender", "release", "turn", "role", "text"],
        orient="row",
    ).with_columns(
        id=pl.concat_str("dialogue", "turn", separator="_"), fine_emotion=pl.lit(None, pl.String)
    )


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(ecc(), cid())


def build(corpus: Corpus, pipeline: str) -> Corpus:
    """The steps of a bundled pipeline that need neither pixels nor file names."""
    given = {
        name: parameters or {}
        for step in load_bundled(pipeline).steps
        for name, parameters in step.items()
    }
    result = sentences(corpus, parameters=SentencesParameters(**given["sentences"]))
    result = image_labels(result, parameters=ImageLabelsParameters(**given["image_labels"]))
    result = age_bands(result, parameters=AgeBandsParameters(**(given["age_bands"] or {})))
    return pair(result, parameters=PairParameters(**{**given["pair"], "effort": 50}))


def test_table_1_to_the_row(corpus: Corpus) -> None:
    pairs = build(corpus, "korean-paper").pairs
    counted = {
        (e, a, g): n
        for e, a, g, n in pairs.group_by("emotion", "age_group", "gender").len().iter_rows()
    }
    assert counted == {
        (cell.emotion, cell.stratum.age_group, cell.stratum.gender): cell.pairs
        for cell in published.TABLE_1
    }
    totals = dict(pairs["emotion"].value_counts().iter_rows())
    assert [totals[emotion] for emotion in published.SPLITS] == [
        7889,
        9875,
        9713,
        8856,
        6702,
        5270,
        10025,
    ]
    assert pairs.height == 58330
    assert set(pairs["dialogue"].str.slice(0, 2)) == {"tr"}


def test_the_published_rule_leaks_dialogues_and_the_joint_one_does_not(corpus: Corpus) -> None:
    paper = build(corpus, "korean-paper")
    strict = build(corpus, "korean")
    astride = paper.findings["pair"]["straddling"]
    assert astride["persons"] == 0
    assert astride["dialogues"] > 1000
    assert strict.findings["pair"]["straddling"] == {"persons": 0, "dialogues": 0, "texts": 0}


def test_the_joint_split_keeps_every_label_at_its_ratios(corpus: Corpus) -> None:
    found = build(corpus, "korean").findings["pair"]
    assert all(label["deviation"] < 0.1 for label in found["labels"])
    assert sum(found["rows"].values()) >= found["bound"] - 13


def test_raw_files_like_the_published_corpora_give_table_1(tmp_path: Path) -> None:
    write_korean_sample(
        tmp_path / "raw",
        like_published=True,
        pixels=PixelMode.NONE,
        progress=ProgressMode.QUIET,
    )
    corpus = merge(
        [
            READERS["ecc"].read([tmp_path / "raw" / "ecc"], "ecc"),
            READERS["cid"].read([tmp_path / "raw" / "cid"], "cid"),
        ]
    )
    pairs = build(corpus, "korean-paper").pairs
    assert dict(pairs["emotion"].value_counts().iter_rows()) == published.totals_by_emotion()
