"""A fusion score must mean something: text beats pictures, and both together beat either."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from artcurate.sources.synthetic.captions import captions, draw_hands
from artcurate.sources.synthetic.gallery import draw_gallery
from artcurate.sources.synthetic.pictures import paint
from artcurate.sources.synthetic.votes import draw_votes
from artcurate.sources.synthetic.wikiart import PixelMode, picture_batches

PAINTINGS, SEED = 900, 4


def words(text: str) -> list[str]:
    characters = re.findall("[\u4e00-\u9fff]", text)
    pairs = [a + b for a, b in pairwise(characters)]
    return re.findall(r"[a-z']+|[\u0600-\u06ff]+", text.lower()) + pairs


def colours_and_gradients(image: Image.Image) -> NDArray[np.float64]:
    small = image.resize((48, 48))
    hue, saturation, value = np.moveaxis(np.asarray(small.convert("HSV"), dtype=np.int64), 2, 0)
    colour = np.bincount(
        (hue // 32 * 16 + saturation // 64 * 4 + value // 64).ravel(), minlength=128
    )
    down, right = np.gradient(np.asarray(small.convert("L"), dtype=np.float64))
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) % np.pi / np.pi * 8).astype(np.int64) % 8
    oriented = np.bincount(direction.ravel(), weights=strength.ravel(), minlength=8)
    return np.concatenate(
        [np.sqrt(colour / colour.sum()), oriented / strength.sum(), [strength.mean() / 50]]
    )


@pytest.fixture(scope="module")
def scores() -> dict[str, float]:
    gallery = draw_gallery(PAINTINGS, SEED)
    votes = draw_votes(gallery, None)
    texts = captions(votes, draw_hands(votes, SEED), np.arange(len(votes))).fill_null("")
    text = TfidfVectorizer(analyzer=words, min_df=2, sublinear_tf=True).fit_transform(
        texts.to_list()
    )
    features = np.zeros((PAINTINGS, 137))
    rows = {key: row for row, key in enumerate(gallery.keys)}
    batches = picture_batches(gallery, Path(), side=64, pixels=PixelMode.FULL)
    for file in (file for batch in batches for file in batch.files):
        features[rows[file.location.removesuffix(".jpg")]] = colours_and_gradients(
            paint(file.picture)
        )
    image = StandardScaler().fit_transform(features)[votes.painting]
    # Copies stay with their originals, so that no picture is on both sides.
    tested = (gallery.picture % 4 == 0)[votes.painting]
    inputs = {
        "text": text,
        "image": sparse.csr_matrix(image * 0.02),
        "both": sparse.hstack([text, sparse.csr_matrix(image * 0.02)]).tocsr(),
    }
    # On inputs of this size more threads only wait for each other.
    with threadpool_limits(1):
        return {name: macro_f1(x, votes.emotion, tested) for name, x in inputs.items()}


def macro_f1(x: sparse.csr_matrix, emotion: NDArray[np.int8], tested: NDArray[np.bool_]) -> float:
    model = LogisticRegression(C=3.0, max_iter=100, tol=1e-3).fit(x[~tested], emotion[~tested])
    return float(f1_score(emotion[tested], model.predict(x[tested]), average="macro"))


def test_text_tells_most_and_the_picture_something(scores: dict[str, float]) -> None:
    # Always saying contentment scores 0.05.
    assert 0.4 < scores["text"] < 0.75
    assert 0.15 < scores["image"] < 0.4


def test_fusion_beats_both(scores: dict[str, float]) -> None:
    assert scores["both"] > max(scores["text"], scores["image"]) + 0.02
