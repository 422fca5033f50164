"""Text, picture and fusion on 2,000 real paintings, beside what an AutoML system does with them.

    ARTCURATE_REAL_DATA=FOLDER python benchmarks/fusions.py [--seeds 5]

FOLDER/wikiart/small/GENRE/artist_title.jpg: the text is the title's words, the label the genre, and
no artist stands in two splits. AutoGluon's multimodal predictor needs torchvision and pins
transformers and pandas below what this project uses, so its style stands in: frozen features of
text and picture, concatenated, through a multilayer perceptron that stops early on validation, and
the mean of one such perceptron per modality (late fusion). Features: TF-IDF of words and of
characters, reduced to 200 components, and the tier lite's histograms. Beside it, TF-IDF of words
with logistic regression. Intervals: 95 %, over resampled artists.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from artcurate.benchmark.bootstrap import Estimate, Resampler, estimate
from artcurate.benchmark.dataset import TEST, TRAIN, VALIDATION, Examples
from artcurate.benchmark.lite import encode_pictures
from artcurate.benchmark.metrics import macro_f1
from artcurate.benchmark.presets import LitePreset, load_preset
from artcurate.benchmark.run import evaluate
from artcurate.benchmark.task import Labels, Modality
from artcurate.images.decode import decode
from artcurate.images.faults import Fault
from artcurate.package.lock import Lock
from artcurate.progress import ProgressMode, meter

EPOCHS = 60
PATIENCE = 8
RESAMPLES = 1000

Probabilities = NDArray[np.float64]


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

    def digest(self, place: int) -> bytes:
        data = self.paths[place].read_bytes() if place < len(self.paths) else b""
        return hashlib.sha256(data).digest()


def words(path: Path) -> str:
    """The title's words in the file's name."""
    title = path.stem.partition("_")[2]
    return " ".join(re.findall(r"[^\W\d_]+", title)) or "untitled"


def genres(folder: Path) -> Examples:
    """The paintings in `folder` by genre; artists are split 3 : 1 : 1."""
    paths = tuple(sorted(folder.glob("*/*.jpg")))
    names = tuple(sorted({path.parent.name for path in paths}))
    truth = np.array([names.index(path.parent.name) for path in paths])
    artists, artist = np.unique(
        [path.stem.partition("_")[0] for path in paths], return_inverse=True
    )
    side = np.random.Generator(np.random.PCG64(0)).permutation(len(artists)) % 5
    sides = np.array([TRAIN, TRAIN, TRAIN, VALIDATION, TEST])
    return Examples(
        schema="wikiart",
        lock=Lock("none", "0", "none", "0", (), {}, {}, ()),
        ids=np.array([path.stem for path in paths]),
        splits=sides[side[artist]],
        labels=Labels(names, truth, np.eye(len(names), dtype=np.float32)[truth]),
        inputs={
            "text": Modality((*map(words, paths), ""), np.arange(len(paths))),
            "image": Modality(Files(paths), np.arange(len(paths))),
        },
        clusters={"artist": artist},
        attributes={},
        votes=np.zeros((0, len(names)), dtype=np.float32),
        draws=None,
        by_label_only=False,
    )


class Peer:
    """scikit-learn's models on frozen features of the same examples and splits."""

    def __init__(self, examples: Examples, preset: LitePreset) -> None:
        self.truth = examples.labels.index
        self.rows = {split: examples.rows(split) for split in (TRAIN, VALIDATION, TEST)}
        self.texts = np.array([str(text) for text in examples.inputs["text"].values[:-1]])  # type: ignore[index]
        pictures = examples.inputs["image"].values
        with meter("encode", len(pictures), unit="picture", mode=ProgressMode.QUIET) as done:
            self.image, _ = encode_pictures(pictures, preset.image, done)  # type: ignore[arg-type]
        both = make_union(
            TfidfVectorizer(sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2),
        )
        reduced = make_pipeline(both, TruncatedSVD(200, random_state=0))
        reduced.fit(self.texts[self.rows[TRAIN]])
        self.text = reduced.transform(self.texts)
        self.image = self.image[:-1]

    def perceptron(self, features: NDArray[np.floating], seed: int) -> Probabilities:
        """Test probabilities of the epoch that was best on validation."""
        parts = {split: features[rows] for split, rows in self.rows.items()}
        scaler = StandardScaler().fit(parts[TRAIN])
        scaled = {split: scaler.transform(part) for split, part in parts.items()}
        model = MLPClassifier((128,), alpha=1e-3, random_state=seed)
        classes, truth = np.unique(self.truth), self.truth
        best, waited = (-1.0, np.zeros((0, 0))), 0
        for _ in range(EPOCHS):
            model.partial_fit(scaled[TRAIN], truth[self.rows[TRAIN]], classes)
            said = model.predict(scaled[VALIDATION])
            score = f1_score(truth[self.rows[VALIDATION]], said, average="macro", zero_division=0)
            waited += 1
            if score > best[0]:
                best, waited = (score, model.predict_proba(scaled[TEST])), 0
            if waited > PATIENCE:
                break
        return best[1]

    def regression(self) -> Probabilities:
        """TF-IDF of words with logistic regression."""
        vectorizer = TfidfVectorizer(sublinear_tf=True)
        train = vectorizer.fit_transform(self.texts[self.rows[TRAIN]])
        model = LogisticRegression(C=10, max_iter=500).fit(train, self.truth[self.rows[TRAIN]])
        return model.predict_proba(vectorizer.transform(self.texts[self.rows[TEST]]))

    def systems(self) -> Mapping[str, Callable[[int], Probabilities]]:
        joined = np.hstack([self.text, self.image])
        return {
            "TF-IDF + logistic regression, text": lambda _: self.regression(),
            "MLP, text": lambda seed: self.perceptron(self.text, seed),
            "MLP, image": lambda seed: self.perceptron(self.image, seed),
            "MLP on concatenated features (AutoGluon style)": lambda seed: self.perceptron(
                joined, seed
            ),
            "mean of two MLPs (AutoGluon style)": lambda seed: (
                self.perceptron(self.text, seed) + self.perceptron(self.image, seed)
            ),
        }


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    folder = Path(os.environ["ARTCURATE_REAL_DATA"]) / "wikiart" / "small"
    preset = load_preset("lite")
    assert isinstance(preset, LitePreset)
    preset = preset.model_copy(update={"seeds": given.seeds})
    examples = genres(folder)
    rows = examples.rows(TEST)
    truth, classes = examples.labels.index[rows], len(examples.labels.names)
    resampler = Resampler([examples.clusters["artist"][rows]], resamples=RESAMPLES, seed=1)
    print(f"{len(examples):,} paintings, {classes} genres, {len(rows)} of them test\n")
    print("| system | macro-F1 [95 %] | s per seed |\n|---|---|---:|")

    def show(name: str, one: Estimate, seconds: float) -> None:
        print(f"| {name} | {one.mean:.3f} [{one.low:.3f}, {one.high:.3f}] | {seconds:.2f} |")

    scores = evaluate(examples, preset, preset_name="lite", controls=frozenset()).scores
    for system in scores.systems:
        show(f"artcurate lite, {system.name}", system.macro_f1, system.seconds)
    for name, learn in Peer(examples, preset).systems().items():
        spent: list[float] = []
        samples = []
        for seed in range(given.seeds):
            with timed(spent):
                said = learn(seed).argmax(axis=1)
            samples.append(macro_f1(resampler.confusions(truth, said, classes)))
        show(name, estimate(np.stack(samples)), float(np.median(spent)))


if __name__ == "__main__":
    main()
