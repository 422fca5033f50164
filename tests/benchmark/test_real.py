"""Real paintings: title words and pictures to their genre, grouped by artist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import Examples
from artcurate.benchmark.presets import load_preset
from artcurate.benchmark.run import evaluate
from artcurate.benchmark.scores import Scores
from artcurate.benchmark.task import Labels, Modality
from artcurate.images.decode import decode
from artcurate.images.faults import Fault
from artcurate.package.lock import Lock


@dataclass(frozen=True)
class Files:
    """Pictures in files, and a grey one at the end."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths) + 1

    def decode(self, place: int, *, min_side: int | None = None) -> Image.Image | Fault:
        if place == len(self.paths):
            return Image.new("RGB", (64, 64), (128, 128, 128))
        decoded = decode(self.paths[place].read_bytes(), min_side=min_side)
        return decoded if isinstance(decoded, Fault) else decoded.image.convert("RGB")


def words(path: Path) -> str:
    title = path.stem.partition("_")[2]
    return " ".join(re.findall(r"[^\W\d_]+", title)) or "untitled"


@pytest.fixture(scope="module")
def paintings(real_data: Path) -> Examples:
    paths = tuple(sorted((real_data / "wikiart" / "small").glob("*/*.jpg")))
    genres = tuple(sorted({path.parent.name for path in paths}))
    truth = np.array([genres.index(path.parent.name) for path in paths])
    names = [path.stem.partition("_")[0] for path in paths]
    artists, artist = np.unique(names, return_inverse=True)
    side = np.random.Generator(np.random.PCG64(0)).permutation(len(artists)) % 5
    sides = np.array(["train", "train", "train", "validation", "test"])
    return Examples(
        schema="wikiart",
        lock=Lock("none", "0", "none", "0", (), {}, {}, ()),
        ids=np.array([path.stem for path in paths]),
        splits=sides[side[artist]],
        labels=Labels(genres, truth, np.eye(len(genres), dtype=np.float32)[truth]),
        inputs={
            "text": Modality((*map(words, paths), ""), np.arange(len(paths))),
            "image": Modality(Files(paths), np.arange(len(paths))),
        },
        clusters={"artist": artist},
        attributes={},
        votes=np.zeros((0, len(genres)), dtype=np.float32),
        draws=None,
        by_label_only=False,
    )


@pytest.fixture(scope="module")
def scores(paintings: Examples) -> Scores:
    with threadpool_limits(1):
        return evaluate(
            paintings, load_preset("lite"), preset_name="lite", controls=frozenset(Control)
        ).scores


def test_every_modality_is_above_the_floor_and_shuffled_labels_are_not(scores: Scores) -> None:
    floor = max(one.macro_f1 for one in scores.floors if one.name != "tfidf_lr")

    for name in ("text", "image", "concatenation", "product_of_experts"):
        assert scores.system(name).macro_f1.low > floor
    assert "shuffled_labels_above_chance" not in {alarm.code for alarm in scores.alarms}


def test_fusion_is_not_below_the_better_modality(scores: Scores) -> None:
    better = max(scores.system(name).macro_f1.mean for name in ("text", "image"))

    assert scores.system("product_of_experts").macro_f1.mean > better


def test_text_stands_beside_tf_idf_with_logistic_regression(scores: Scores) -> None:
    peer = next(one for one in scores.floors if one.name == "tfidf_lr")

    assert scores.system("text").macro_f1.mean > peer.macro_f1 - 0.05
