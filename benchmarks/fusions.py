"""Text, picture and fusion on 2,000 real paintings, beside what an AutoML system does with them.

    ARTCURATE_REAL_DATA=FOLDER python benchmarks/fusions.py [--seeds 5]

FOLDER/wikiart/small/GENRE/artist_title.jpg: the text is the title's words, the label the genre, and
no artist stands in two splits. Ours: the tier lite, and every fusion head on the peers' features.
AutoGluon's multimodal predictor needs torchvision and pins transformers and pandas below what this
project uses, so its style stands in: frozen features of text and picture, concatenated, through a
multilayer perceptron that stops early on validation, and the mean of one such perceptron per
modality (late fusion). Features: TF-IDF of words and of characters, reduced to 200 components, and
the tier lite's histograms. Beside it, TF-IDF of words with logistic regression. Every peer's
penalty is chosen on validation. Intervals: 95 %, over resampled artists; a gain is that
over the system's own better single modality.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

from artcurate.benchmark.bootstrap import Difference, Estimate, Resampler, difference, estimate
from artcurate.benchmark.dataset import TEST, TRAIN, VALIDATION, Examples
from artcurate.benchmark.lite import encode_pictures
from artcurate.benchmark.metrics import macro_f1
from artcurate.benchmark.presets import FrozenPreset, LitePreset, Preset, load_preset
from artcurate.benchmark.run import evaluate
from artcurate.benchmark.task import Labels, Modality, Role
from artcurate.images.decode import decode
from artcurate.images.faults import Fault
from artcurate.package.lock import Lock
from artcurate.progress import ProgressMode, meter

EPOCHS = 60
PATIENCE = 8
HIDDEN = 128
BATCH = 128
RESAMPLES = 1000
#: What validation chooses a perceptron's and a regression's penalty from.
DECAYS = (1e-3, 1e-1, 3.0)
INVERSE_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)

Probabilities = NDArray[np.float64]
Features = NDArray[np.floating]


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


@dataclass(frozen=True, eq=False)
class Said:
    """What a peer says of the test examples, and its macro-F1 on validation."""

    test: Probabilities
    validation: float


class Peer:
    """scikit-learn's models on frozen features of the same examples and splits."""

    def __init__(self, examples: Examples, preset: LitePreset) -> None:
        self.truth = examples.labels.index
        self.rows = {split: examples.rows(split) for split in (TRAIN, VALIDATION, TEST)}
        self.texts = np.array([str(text) for text in examples.inputs["text"].values[:-1]])  # type: ignore[index]
        pictures = examples.inputs["image"].values
        with meter("encode", len(pictures), unit="picture", mode=ProgressMode.QUIET) as done:
            image, _ = encode_pictures(pictures, preset.image, done)  # type: ignore[arg-type]
        both = make_union(
            TfidfVectorizer(sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2),
        )
        reduced = make_pipeline(both, TruncatedSVD(200, random_state=0))
        reduced.fit(self.texts[self.rows[TRAIN]])
        self.features = {"text": reduced.transform(self.texts), "image": image[:-1]}

    def regression(self) -> Probabilities:
        """TF-IDF of words with logistic regression."""
        vectorizer = TfidfVectorizer(sublinear_tf=True)
        vectorizer.fit(self.texts[self.rows[TRAIN]])
        rows = vectorizer.transform(self.texts)
        tried = [
            self._judged(
                LogisticRegression(C=inverse, max_iter=1000).fit(
                    rows[self.rows[TRAIN]], self.truth[self.rows[TRAIN]]
                ),
                rows,
            )
            for inverse in INVERSE_PENALTIES
        ]
        return best_of(tried).test

    def perceptron(self, seed: int, modalities: Sequence[str]) -> Probabilities:
        """A perceptron on the modalities' features side by side."""
        joined = np.hstack([self.features[name] for name in modalities])
        scaled = StandardScaler().fit(joined[self.rows[TRAIN]]).transform(joined)
        return best_of([self._trained(scaled, seed, decay) for decay in DECAYS]).test

    def _trained(self, features: Features, seed: int, decay: float) -> Said:
        """One perceptron at its best epoch."""
        rows = self.rows[TRAIN]
        model = MLPClassifier((HIDDEN,), alpha=decay, batch_size=BATCH, random_state=seed)
        classes = np.unique(self.truth)
        epochs: list[Said] = []
        for _ in range(EPOCHS):
            model.partial_fit(features[rows], self.truth[rows], classes=classes)
            epochs.append(self._judged(model, features))
            if len(epochs) - 1 - epochs.index(best_of(epochs)) >= PATIENCE:
                break
        return best_of(epochs)

    def _judged(self, model: MLPClassifier | LogisticRegression, features: Features) -> Said:
        """What the fitted `model` says."""
        held_out, test = self.rows[VALIDATION], self.rows[TEST]
        guessed = model.predict(features[held_out])
        score = f1_score(self.truth[held_out], guessed, average="macro", zero_division=0)
        return Said(model.predict_proba(features[test]), score)


def best_of(tried: Sequence[Said]) -> Said:
    """The first of those that are best on validation."""
    return max(tried, key=lambda said: said.validation)


class Table:
    """Prints a row per system."""

    def __init__(self) -> None:
        print("| system | macro-F1 [95 %] | gain over one modality [95 %] | s per seed |")
        print("|---|---|---|---:|")

    def add(self, name: str, score: Estimate, gain: Difference | None, seconds: float) -> None:
        gained = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]" if gain else ""
        interval = f"{score.mean:.3f} [{score.low:.3f}, {score.high:.3f}]"
        print(f"| {name} | {interval} | {gained} | {seconds:.2f} |", flush=True)


def show_ours(table: Table, title: str, examples: Examples, preset: Preset) -> None:
    """Every system of `preset` on `examples`."""
    scores = evaluate(examples, preset, preset_name=preset.tier, controls=frozenset()).scores
    alone = [one for one in scores.systems if one.role is Role.UNIMODAL]
    best = max(alone, key=lambda one: one.macro_f1.mean).name
    gains = {pair.first: pair.macro_f1 for pair in scores.pairs if pair.second == best}
    for one in scores.systems:
        table.add(f"{title}, {one.name}", one.macro_f1, gains.get(one.name), one.seconds)


def show_peers(table: Table, examples: Examples, peer: Peer, seeds: int) -> None:
    """Every peer on the same test examples; the perceptrons with `seeds` seeds."""
    rows = examples.rows(TEST)
    truth, classes = examples.labels.index[rows], len(examples.labels.names)
    resampler = Resampler([examples.clusters["artist"][rows]], resamples=RESAMPLES, seed=1)

    def samples(said: Sequence[Probabilities]) -> NDArray[np.float64]:
        guesses = [one.argmax(axis=1) for one in said]
        return np.stack([macro_f1(resampler.confusions(truth, one, classes)) for one in guesses])

    started = time.perf_counter()
    plain = samples([peer.regression()])
    spent = time.perf_counter() - started
    table.add("TF-IDF + logistic regression, text", estimate(plain), None, spent)
    said: dict[str, list[Probabilities]] = {}
    seconds: dict[str, float] = {}
    for name, modalities in {
        "MLP, text": ("text",),
        "MLP, image": ("image",),
        "MLP on concatenated features (AutoGluon style)": ("text", "image"),
    }.items():
        started = time.perf_counter()
        said[name] = [peer.perceptron(seed, modalities) for seed in range(seeds)]
        seconds[name] = (time.perf_counter() - started) / seeds
    text, image = said["MLP, text"], said["MLP, image"]
    mean = "mean of two MLPs (AutoGluon style)"
    said[mean] = [first + second for first, second in zip(text, image, strict=True)]
    seconds[mean] = seconds["MLP, text"] + seconds["MLP, image"]
    found = {name: samples(one) for name, one in said.items()}
    best = max((found["MLP, text"], found["MLP, image"]), key=lambda one: one[:, 0].mean())
    for name, one in found.items():
        gain = difference(one, best) if "AutoGluon" in name else None
        table.add(name, estimate(one), gain, seconds[name])


def on_features(examples: Examples, features: Mapping[str, Features]) -> Examples:
    """`examples` with `features` in place of texts and pictures; zeros stand for nothing."""
    inputs = {
        name: Modality(
            np.vstack([rows, np.zeros((1, rows.shape[1]))]).astype(np.float32),
            np.arange(len(examples)),
        )
        for name, rows in features.items()
    }
    return replace(examples, inputs=inputs)


def presets(seeds: int) -> tuple[LitePreset, FrozenPreset]:
    """The tier lite, and every head with as many epochs as the peers but one learning rate."""
    lite, frozen = load_preset("lite"), load_preset("frozen")
    if not isinstance(lite, LitePreset) or not isinstance(frozen, FrozenPreset):
        raise TypeError("the bundled presets are of other tiers than their names say")
    budget = {"hidden": HIDDEN, "batch_size": BATCH, "epochs": EPOCHS, "patience": PATIENCE}
    budget |= {"seeds": seeds}
    return (
        lite.model_copy(update={"seeds": seeds}),
        frozen.model_copy(update=budget),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    lite, frozen = presets(given.seeds)
    examples = genres(Path(os.environ["ARTCURATE_REAL_DATA"]) / "wikiart" / "small")
    tested, classes = len(examples.rows(TEST)), len(examples.labels.names)
    print(f"{len(examples):,} paintings, {classes} genres, {tested} of them test\n")
    table = Table()
    show_ours(table, "lite", examples, lite)
    peer = Peer(examples, lite)
    show_ours(table, "heads", on_features(examples, peer.features), frozen)
    show_peers(table, examples, peer, given.seeds)


if __name__ == "__main__":
    main()
