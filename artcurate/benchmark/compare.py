"""Whether two benchmarks differ by more than noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from artcurate.benchmark.bootstrap import Difference, Resampler, difference, holm
from artcurate.benchmark.metrics import Float64Array, macro_f1
from artcurate.benchmark.predictions import EXAMPLES_FILE
from artcurate.benchmark.publish import PREDICTIONS_FOLDER
from artcurate.benchmark.scores import Scores, read_scores
from artcurate.benchmark.shards import verified_shards
from artcurate.benchmark.task import IntArray
from artcurate.errors import DataError, UsageError

#: Below this share of common test examples the two test sets are taken for different samples.
_COMMON = 0.5
_RESAMPLES = 2000
_SEED = 7
_LEVEL = 0.05
#: Parameters that change no system's expected score: how often something is drawn, which heads
#: stand beside it, and words.
_INDIFFERENT = frozenset(
    ("seeds", "resamples", "draws", "shuffles", "title", "source", "deviations", "heads")
)


@dataclass(frozen=True, slots=True)
class Change:
    """A system in both benchmarks: `second` minus `first` in macro-F1.

    examples: test examples that were compared. holm: p adjusted for all systems. beyond_noise:
    holm below 0.05.
    """

    system: str
    first: float
    second: float
    change: Difference
    holm: float
    examples: int
    beyond_noise: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """paired: the same test examples were compared; otherwise two samples of them."""

    paired: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    scores: Scores
    examples: pl.DataFrame
    predictions: Mapping[str, pl.DataFrame]


def compare(first: Path, second: Path) -> Comparison:
    """The change of every system that both folders scored.

    Test examples that both have are compared in pairs, on the same resampled clusters; where they
    have less than half in common, each test set is resampled on its own.

    Raises:
        UsageError: a folder has no scores, or the two cannot be compared.
        DataError: scores are stale or damaged.
    """
    sides = _read(first), _read(second)
    _check_comparable(first, second, *sides)
    names = [one.name for one in sides[0].scores.systems if one.name in sides[1].predictions]
    common = sides[0].examples.join(sides[1].examples, on=["id", "label"], how="semi").sort("id")
    smaller = min(side.examples.height for side in sides)
    paired = common.height >= _COMMON * smaller
    samples = {
        name: _paired(name, common, *sides) if paired else _unpaired(name, *sides) for name in names
    }
    found = {name: difference(after, before) for name, (before, after) in samples.items()}
    adjusted = dict(zip(found, holm([one.p for one in found.values()]), strict=True))
    return Comparison(
        paired=paired,
        changes=tuple(
            Change(
                system=name,
                first=float(samples[name][0][:, 0].mean()),
                second=float(samples[name][1][:, 0].mean()),
                change=found[name],
                holm=adjusted[name],
                examples=common.height if paired else smaller,
                beyond_noise=adjusted[name] < _LEVEL,
            )
            for name in names
        ),
    )


def _read(folder: Path) -> _Side:
    scores = read_scores(folder, verified_shards(folder))
    place = folder / PREDICTIONS_FOLDER
    try:
        examples = pl.read_parquet(place / EXAMPLES_FILE)
        predictions = {
            one.name: pl.read_parquet(
                place / f"{one.name}.parquet", columns=["id", "seed", "predicted"]
            )
            for one in scores.systems
        }
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(
            f"{place}: cannot be read ({reason}); run `artcurate benchmark {folder}` again."
        ) from None
    return _Side(scores, examples, predictions)


def _check_comparable(first: Path, second: Path, before: _Side, after: _Side) -> None:
    if before.scores.classes != after.scores.classes:
        raise UsageError(f"{first} and {second} have other classes and cannot be compared.")
    presets = [side.scores.conditions.preset for side in (before, after)]
    if presets[0] != presets[1]:
        raise UsageError(
            f"{first} was scored with the preset {presets[0]} and {second} with {presets[1]}; "
            "compare datasets under one preset."
        )
    if settings := _other_settings(before.scores, after.scores):
        raise UsageError(
            f"{first} and {second} were scored with other settings ({', '.join(settings)}); score "
            "both anew with the same."
        )


def _other_settings(before: Scores, after: Scores) -> list[str]:
    """What differs between two runs beside the dataset, less how often something is drawn."""
    settings = [
        {
            **one.conditions.parameters,
            **{
                f"{name} encoder's weights": facts["encoder_sha256"]
                for name, facts in one.encoders.items()
                if "encoder_sha256" in facts
            },
        }
        for one in (before, after)
    ]
    names = sorted({*settings[0], *settings[1]} - _INDIFFERENT)
    return [name for name in names if settings[0].get(name) != settings[1].get(name)]


def _paired(
    name: str, common: pl.DataFrame, before: _Side, after: _Side
) -> tuple[Float64Array, Float64Array]:
    resampler = _resampler(common)
    return (
        _samples(common, before.predictions[name], before.scores, resampler),
        _samples(common, after.predictions[name], after.scores, resampler),
    )


def _unpaired(name: str, before: _Side, after: _Side) -> tuple[Float64Array, Float64Array]:
    """Independent draws of both test sets, put side by side."""
    sides = [
        _samples(
            side.examples, side.predictions[name], side.scores, _resampler(side.examples, place)
        )
        for place, side in enumerate((before, after))
    ]
    shortest = min(one.shape[1] for one in sides)
    return sides[0][:, :shortest], sides[1][:, :shortest]


def _resampler(examples: pl.DataFrame, number: int = 0) -> Resampler:
    clusters = [
        examples[name].to_numpy() for name in examples.columns if name.startswith("cluster_")
    ]
    return Resampler(clusters, resamples=_RESAMPLES, seed=_SEED + number)


def _samples(
    examples: pl.DataFrame, predictions: pl.DataFrame, scores: Scores, resampler: Resampler
) -> Float64Array:
    """Macro-F1 per seed: (seeds, resamples + 1)."""
    places = {name: place for place, name in enumerate(scores.classes)}
    truth = _numbers(examples["label"], places)
    samples = []
    for _, one in sorted(predictions.group_by("seed"), key=lambda item: item[0]):
        ordered = examples.join(one, on="id", how="left", maintain_order="left")
        predicted = _numbers(ordered["predicted"], places)
        samples.append(macro_f1(resampler.confusions(truth, predicted, len(places))))
    return np.stack(samples)


def _numbers(words: pl.Series, places: Mapping[str, int]) -> IntArray:
    return words.replace_strict(places, return_dtype=pl.Int64).to_numpy()
