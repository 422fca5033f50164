"""The tier `lite`: no download, no torch; hashed n-grams, histograms and linear models."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import cast

import numpy as np

from artcurate.benchmark.blocks import Blocks
from artcurate.benchmark.histograms import histogram_width, picture_histograms
from artcurate.benchmark.metrics import macro_f1_of, negative_log_likelihood
from artcurate.benchmark.ngrams import hashed_ngrams
from artcurate.benchmark.presets import LiteImage, LitePreset
from artcurate.benchmark.softmax import Softmax, fit_softmax, one_thread
from artcurate.benchmark.task import (
    Encoded,
    FloatArray,
    Fold,
    IntArray,
    Labels,
    Pictures,
    Predictions,
    Role,
    System,
    Trained,
    Values,
    View,
)
from artcurate.images.faults import Fault
from artcurate.progress import Meter

CONCATENATION = "concatenation"


class LiteTier:
    """Linear models on each modality, and on all of them side by side."""

    def __init__(self, preset: LitePreset, modalities: Sequence[str]) -> None:
        """modalities: names of what the dataset offers."""
        self._preset = preset
        self._modalities = tuple(modalities)

    @property
    def systems(self) -> Sequence[System]:
        alone = [System(name, (name,), Role.UNIMODAL) for name in self._modalities]
        return [*alone, System(CONCATENATION, self._modalities, Role.FUSION)]

    @property
    def shares(self) -> Sequence[Sequence[System]]:
        """One: fusions build on what the modalities' own models found."""
        return [self.systems]

    def encode(self, name: str, values: Values, meter: Meter) -> Encoded:
        """Texts become hashed counts, pictures histograms; arrays stay as they are."""
        started = time.perf_counter()
        faults: dict[int, str] = {}
        encoded: Values
        if isinstance(values, np.ndarray):
            encoded, method = values, "features as given"
            meter.advance(len(values))
        elif hasattr(values, "decode"):
            pictures = cast("Pictures", values)
            encoded, faults = encode_pictures(pictures, self._preset.image, meter)
            method = "HSV histogram and histogram of oriented gradients"
        else:
            texts = cast("Sequence[str]", values)
            encoded = hashed_ngrams(texts, self._preset.text)
            method = "hashed n-grams of words and characters"
            meter.advance(len(texts))
        seconds = round(time.perf_counter() - started, 3)
        return Encoded(encoded, faults, {"modality": name, "method": method, "seconds": seconds})

    def side_by_side(self) -> AbstractContextManager[int]:
        """One: its systems are fitted in threads already."""
        return nullcontext(1)

    def learn(
        self,
        share: Sequence[System],
        train: Fold,
        validation: Fold,
        evaluations: Mapping[str, View],
        *,
        seed: int,
        meter: Meter,
    ) -> dict[str, Trained]:
        """Each system trained on the seed's share of the training groups.

        A convex loss has one minimum whatever the order of rows, so a seed draws `train_share` of
        the groups: the spread over seeds is that of the training data.
        """
        with one_thread():
            return self._learn(share, train, validation, evaluations, seed, meter)

    def _learn(
        self,
        share: Sequence[System],
        train: Fold,
        validation: Fold,
        evaluations: Mapping[str, View],
        seed: int,
        meter: Meter,
    ) -> dict[str, Trained]:
        drawn = train.take(_share_of_groups(train.groups, self._preset.train_share, seed))
        unit = Blocks.learn(drawn.inputs, self._preset.image.components)
        chosen = {name: self._fit_dense(unit, name, drawn, validation) for name in unit.dense}
        blocks = unit.scaled({name: one.length for name, one in chosen.items()})

        def run(system: System) -> Trained:
            started = time.perf_counter()
            alone = chosen.get(system.name)
            fitted = alone or self._fit(blocks, system.modalities, drawn, validation)
            spent = alone.seconds if alone else 0.0
            return Trained(
                validation=_predict(fitted.model, blocks, system, validation.inputs),
                evaluations={
                    name: _predict(fitted.model, blocks, system, view)
                    for name, view in evaluations.items()
                },
                seconds=spent + time.perf_counter() - started,
                facts=fitted.facts,
            )

        trained = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for system, one in zip(share, pool.map(run, share), strict=True):
                trained[system.name] = one
                told = _standing(one.validation.probabilities, validation.labels)
                meter.note(f"seed {seed}, {system.name}, {told}")
                meter.advance()
        return trained

    def _fit(
        self, blocks: Blocks, modalities: Sequence[str], train: Fold, validation: Fold
    ) -> _Fitted:
        """The penalty with the best validation macro-F1, of equals the strongest, and its model."""
        penalties = sorted(self._preset.penalties, reverse=True)
        best, model = self._best(blocks, modalities, penalties, train, validation)
        return _Fitted(model, penalties[best], 1.0, 0.0)

    def _fit_dense(self, blocks: Blocks, name: str, train: Fold, validation: Fold) -> _Fitted:
        """Penalty and length of a dense modality by itself, chosen like a penalty.

        `blocks` have length 1. A length divides the weights, so it is tried by its penalty alone.
        """
        started = time.perf_counter()
        pairs = sorted(
            product(self._preset.penalties, self._preset.lengths),
            key=lambda pair: (-pair[0] / pair[1] ** 2, pair),
        )
        effective = [penalty / length**2 for penalty, length in pairs]
        best, model = self._best(blocks, (name,), effective, train, validation)
        penalty, length = pairs[best]
        longer = Softmax(model.weights / np.float32(length), model.bias)
        return _Fitted(longer, penalty, length, time.perf_counter() - started)

    def _best(
        self,
        blocks: Blocks,
        modalities: Sequence[str],
        penalties: Sequence[float],
        train: Fold,
        validation: Fold,
    ) -> tuple[int, Softmax]:
        """The place among falling `penalties` of the best on validation, the first of equals.

        Each model starts from the one under the next stronger penalty.
        """
        features = blocks.features(modalities, train.inputs)
        held_out = blocks.features(modalities, validation.inputs)
        targets = _targets(train.labels, soft=self._preset.targets == "soft")
        models: list[Softmax] = []
        for penalty in penalties:
            before = models[-1] if models else None
            models.append(fit_softmax(features, targets, penalty=penalty, start=before))
        scores = [macro_f1_of(model.probabilities(held_out), validation.labels) for model in models]
        best = int(np.argmax(scores))
        return best, models[best]


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A model and what validation chose for it; length: of a dense modality, else 1."""

    model: Softmax
    penalty: float
    length: float
    seconds: float

    @property
    def facts(self) -> dict[str, str | int | float]:
        features = int(self.model.weights.shape[0])
        return {"penalty": self.penalty, "length": self.length, "features": features}


def encode_pictures(
    pictures: Pictures, form: LiteImage, meter: Meter
) -> tuple[FloatArray, dict[int, str]]:
    """Histograms (pictures, width) of all pictures, and why some of them have zeros only."""
    features = np.zeros((len(pictures), histogram_width(form)), dtype=np.float32)
    faults: dict[int, str] = {}

    def encode(place: int) -> str | None:
        picture = pictures.decode(place, min_side=form.side)
        if isinstance(picture, Fault):
            return picture.detail
        features[place] = picture_histograms(picture, form)
        return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for place, fault in enumerate(pool.map(encode, range(len(pictures)))):
            if fault is not None:
                faults[place] = fault
            meter.advance(skipped=int(fault is not None))
    return features, faults


def _share_of_groups(groups: IntArray, share: float, seed: int) -> IntArray:
    """The rows, rising, of `share` of the groups, drawn with `seed`."""
    known = np.unique(groups)
    kept = max(1, round(share * len(known)))
    drawn = np.random.Generator(np.random.PCG64(seed)).permutation(known)[:kept]
    return np.flatnonzero(np.isin(groups, drawn))


def _targets(labels: Labels, *, soft: bool) -> FloatArray:
    if soft:
        return labels.soft
    return np.eye(len(labels.names), dtype=np.float32)[labels.index]


def _standing(probabilities: FloatArray, labels: Labels) -> str:
    """What a bar says of a model by its probabilities on validation."""
    loss = float(negative_log_likelihood(probabilities, labels.index).mean())
    return f"validation loss {loss:.3f}, macro-F1 {macro_f1_of(probabilities, labels):.3f}"


def _predict(model: Softmax, blocks: Blocks, system: System, view: View) -> Predictions:
    return Predictions(blocks.scores(model, system.modalities, view))
