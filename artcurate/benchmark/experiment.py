"""Run a tier on a dataset: encode once, learn per seed, and keep what the statistics need."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from artcurate import interruption
from artcurate.benchmark.controls import Control, broken_views, shuffled_labels
from artcurate.benchmark.dataset import TEST, TRAIN, VALIDATION, Examples
from artcurate.benchmark.decision import (
    calibrated,
    derived_systems,
    fuse_decisions,
    label_shares,
    one_hot,
)
from artcurate.benchmark.metrics import Calibration, calibration
from artcurate.benchmark.presets import Preset
from artcurate.benchmark.side_by_side import SharedMeter, in_threads
from artcurate.benchmark.task import (
    FloatArray,
    Fold,
    IntArray,
    Modality,
    Role,
    System,
    Tier,
    Trained,
    View,
)
from artcurate.errors import DataError
from artcurate.progress import ProgressMode, meter

#: A culture with fewer training examples than this says nothing about transfer.
LEAST_TO_LEARN_FROM = 50

_SEED_OF_DRAWS = 0


@dataclass(frozen=True, slots=True, eq=False)
class SeedResult:
    """What all systems did with one seed; everything is in the order of the test examples.

    test: calibrated probabilities per system. uncalibrated: calibration before the temperature.
    broken: per control and view the predicted class per system.
    """

    test: Mapping[str, FloatArray]
    uncalibrated: Mapping[str, Calibration]
    broken: Mapping[str, Mapping[str, Mapping[str, IntArray]]]
    seconds: Mapping[str, float]
    facts: Mapping[str, Mapping[str, str | int | float]]


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """Systems trained on some languages only, and what they predict for every test example."""

    trained_on: tuple[str, ...]
    predicted: Mapping[str, IntArray]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An example no system saw, and why."""

    id: str
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Everything a tier predicted.

    examples: less those that could not be encoded. rows: places of the test examples in them.
    shuffled: per training with shuffled labels, the predicted test classes per system.
    encoders: per modality what its encoder says of itself.
    """

    examples: Examples
    rows: IntArray
    systems: tuple[System, ...]
    seeds: tuple[SeedResult, ...]
    shuffled: tuple[Mapping[str, IntArray], ...]
    transfers: tuple[Transfer, ...]
    left_out: tuple[LeftOut, ...]
    encoders: Mapping[str, Mapping[str, str | int | float]]


def run_experiment(
    tier: Tier,
    examples: Examples,
    preset: Preset,
    wanted: Collection[Control],
    *,
    progress: ProgressMode = ProgressMode.QUIET,
) -> Outcome:
    """Every system of `tier` on `examples`, for as many seeds as `preset` says.

    Raises DataError when too little is left after examples that cannot be encoded.
    """
    encoded, left_out, encoders = _encode(tier, examples, progress)
    rows = encoded.rows(TEST)
    train, held_out = (encoded.fold(encoded.rows(split)) for split in (TRAIN, VALIDATION))
    transfers = list(_transfer_rows(encoded)) if Control.TRANSFER in wanted else []
    shuffles = preset.shuffles if Control.LABELS_SHUFFLED in wanted else 0
    test = encoded.fold(rows)
    broken = broken_views(encoded, rows, wanted, draws=preset.draws, seed=_SEED_OF_DRAWS)
    alone = {TEST: test.inputs}
    planned = [
        *(_Training(train, held_out, _views(test, broken), seed) for seed in range(preset.seeds)),
        *(
            _Training(
                shuffled_labels(train, seed=seed), shuffled_labels(held_out, seed=seed), alone, 0
            )
            for seed in range(shuffles)
        ),
        *(
            _Training(encoded.fold(rows_to_learn), encoded.fold(rows_to_stop), alone, 0)
            for _, rows_to_learn, rows_to_stop in transfers
        ),
    ]
    with meter("train", len(planned) * len(tier.systems), unit="system", mode=progress) as done:
        bench = _Bench(tier, SharedMeter(done), soft=preset.targets == "soft")
        with closing(bench.learn_each(planned)) as learned:
            seeds = tuple(_seed_result(next(learned), test, broken) for _ in range(preset.seeds))
            shuffled = tuple(_classes(next(learned).scaled, TEST) for _ in range(shuffles))
            transferred = tuple(
                Transfer(languages, _classes(next(learned).scaled, TEST))
                for languages, _, _ in transfers
            )
    return Outcome(
        examples=encoded,
        rows=rows,
        systems=bench.systems,
        seeds=seeds,
        shuffled=shuffled,
        transfers=transferred,
        left_out=left_out,
        encoders=encoders,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    """What a tier's `learn` needs."""

    train: Fold
    validation: Fold
    views: Mapping[str, View]
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """All systems, the derived fusions among them, before and after temperature scaling."""

    raw: Mapping[str, Trained]
    scaled: Mapping[str, Trained]


class _Bench:
    """A tier with the derived fusions beside it."""

    def __init__(self, tier: Tier, done: SharedMeter, *, soft: bool) -> None:
        """soft: temperatures fit the votes, not each example's own label."""
        self._tier, self._done, self._soft = tier, done, soft
        self._experts = [one for one in tier.systems if one.role is Role.UNIMODAL]
        self._own = tuple(tier.systems)
        self.systems = (*self._own, *derived_systems(self._experts))

    def learn_each(self, trainings: Sequence[_Training]) -> Generator[_Learned, None, None]:
        """In the order of `trainings`."""
        shares = self._tier.shares
        parts = [(training, share) for training in trainings for share in shares]
        with (
            self._tier.side_by_side() as threads,
            closing(in_threads(self._learn, parts, threads, self._done)) as learned,
        ):
            for training in trainings:
                alone = ChainMap(*(next(learned) for _ in shares))
                yield self._fused(training, {one.name: alone[one.name] for one in self._own})

    def _learn(self, part: tuple[_Training, Sequence[System]]) -> dict[str, Trained]:
        interruption.check()
        one, share = part
        learned = self._tier.learn(
            share, one.train, one.validation, one.views, seed=one.seed, meter=self._done
        )
        return dict(learned)

    def _fused(self, training: _Training, learned: dict[str, Trained]) -> _Learned:
        """All systems before and after temperature scaling on validation."""
        train, validation = training.train, training.validation
        targets = validation.labels.soft if self._soft else one_hot(validation.labels)
        scaled = calibrated(learned, targets)
        if len(self._experts) < 2:
            return _Learned(learned, scaled)
        experts = [scaled[system.name] for system in self._experts]
        fused = fuse_decisions(experts, validation.labels, label_shares(train.labels))
        return _Learned({**learned, **fused}, {**scaled, **calibrated(fused, targets)})


def _views(test: Fold, broken: Mapping[str, Mapping[str, View]]) -> dict[str, View]:
    """The test examples as they are, and under "control/view" as each control breaks them."""
    return {TEST: test.inputs} | {
        f"{control}/{name}": view for control in broken for name, view in broken[control].items()
    }


def _seed_result(
    learned: _Learned, test: Fold, broken: Mapping[str, Mapping[str, View]]
) -> SeedResult:
    raw, scaled = learned.raw, learned.scaled
    return SeedResult(
        test={name: one.evaluations[TEST].probabilities for name, one in scaled.items()},
        uncalibrated={
            name: calibration(one.evaluations[TEST].probabilities, test.labels)
            for name, one in raw.items()
        },
        broken={
            control: {view: _classes(scaled, f"{control}/{view}") for view in broken[control]}
            for control in broken
        },
        seconds={name: one.seconds for name, one in scaled.items()},
        facts={name: one.facts for name, one in scaled.items()},
    )


def _classes(trained: Mapping[str, Trained], view: str) -> dict[str, IntArray]:
    return {
        name: one.evaluations[view].probabilities.argmax(axis=1).astype(np.int64)
        for name, one in trained.items()
    }


def _encode(
    tier: Tier, examples: Examples, progress: ProgressMode
) -> tuple[Examples, tuple[LeftOut, ...], dict[str, Mapping[str, str | int | float]]]:
    """The examples with features for raw inputs, less those that an encoder could not read."""
    inputs: dict[str, Modality] = {}
    reasons: dict[int, str] = {}
    encoders: dict[str, Mapping[str, str | int | float]] = {}
    for name, modality in examples.inputs.items():
        values = modality.values
        count = values.shape[0] if hasattr(values, "shape") else len(values)
        with meter(f"encode {name}", count, unit="input", mode=progress) as done:
            encoded = tier.encode(name, values, done)
        inputs[name] = Modality(encoded.values, modality.index)
        encoders[name] = encoded.facts
        for row in np.flatnonzero(np.isin(modality.index, list(encoded.faults))):
            reasons.setdefault(int(row), f"{name}: {encoded.faults[int(modality.index[row])]}")
    left_out = tuple(LeftOut(str(examples.ids[row]), reasons[row]) for row in sorted(reasons))
    kept = replace(examples, inputs=inputs)
    if reasons:
        gone = np.zeros(len(examples), dtype=np.bool_)
        gone[list(reasons)] = True
        kept = kept.without(gone)
    for split in (TRAIN, VALIDATION, TEST):
        if not len(kept.rows(split)):
            why = f", the first because: {left_out[0].detail}" if left_out else "."
            raise DataError(
                f"no example of the split {split} can be read{why} Run `artcurate validate` on the "
                "dataset."
            )
    return kept, left_out, encoders


def _transfer_rows(
    examples: Examples,
) -> Iterator[tuple[tuple[str, ...], IntArray, IntArray]]:
    """Training and validation rows of each language alone, and of all languages but one."""
    languages = examples.attributes.get("language")
    if languages is None:
        return
    train, held_out = examples.rows(TRAIN), examples.rows(VALIDATION)
    counts = {
        str(name): int((languages[train] == name).sum())
        for name in np.unique(languages[train])
        if (languages[held_out] == name).any()
    }
    known = [name for name, count in counts.items() if count >= LEAST_TO_LEARN_FROM]
    if len(known) < 2:
        return
    others = [tuple(name for name in known if name != left) for left in known]
    chosen = dict.fromkeys([*((name,) for name in known), *others])
    for names in chosen:
        yield (
            names,
            train[np.isin(languages[train], names)],
            held_out[np.isin(languages[held_out], names)],
        )
