"""`scores.json`: reference scores with their uncertainty, controls and alarms, tied to shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from artcurate.benchmark.bootstrap import Difference, Estimate
from artcurate.benchmark.experiment import LeftOut
from artcurate.benchmark.floors import Floor, Human
from artcurate.benchmark.metrics import Calibration, ClassScore
from artcurate.benchmark.overlap import Overlap
from artcurate.benchmark.task import Role
from artcurate.errors import DataError, UsageError
from artcurate.package.lock import Lock

FILE_NAME = "scores.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SystemScore:
    """One system on the test set.

    modalities: what it looks at. The estimates are of calibrated probabilities; `uncalibrated` is
    the mean over seeds before the temperature, `ece` after it. soft_kl (nats) and soft_brier are
    against the distribution of the item's votes. confusion (rows are labels) is the mean over
    seeds, and per_class is taken from it. seconds: median per seed. facts: of seed 0.
    """

    name: str
    role: Role
    modalities: tuple[str, ...]
    accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    balanced_accuracy: Estimate
    nll: Estimate
    brier: Estimate
    ece: float
    uncalibrated: Calibration
    soft_kl: Estimate
    soft_brier: Estimate
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[float, ...], ...]
    seconds: float
    facts: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class PairScore:
    """`first` minus `second` in macro-F1. holm: p adjusted for the whole list of pairs."""

    first: str
    second: str
    macro_f1: Difference
    holm: float


@dataclass(frozen=True, slots=True)
class ControlScore:
    """A system in a broken set-up.

    case: which one, where the control has several (`text_removed`). macro_f1: over draws and
    seeds. against: what `change` compares with, `test` (the same system, unbroken) or `chance`
    (predictions of the same shares that know nothing).
    """

    control: str
    case: str
    system: str
    draws: int
    macro_f1: Estimate
    against: str
    change: Difference


@dataclass(frozen=True, slots=True)
class CellScore:
    """A system on the test examples of one culture or demographic cell."""

    attribute: str
    value: str
    system: str
    examples: int
    macro_f1: Estimate


@dataclass(frozen=True, slots=True)
class TransferScore:
    """A system trained on some languages (seed 0), on the test examples of one language."""

    trained_on: tuple[str, ...]
    tested_on: str
    system: str
    examples: int
    macro_f1: Estimate


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a reader has to know before trusting a score.

    code: snake_case. text: one sentence.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the scores came about.

    tier, preset: the preset's tier and name; parameters: the preset with every value filled in.
    controls: those that were run. seconds: wall clock; peak_memory: MiB.
    """

    tier: str
    preset: str
    parameters: Mapping[str, Any]
    controls: tuple[str, ...]
    device: str
    threads: int
    seconds: float
    peak_memory: float
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything that `artcurate benchmark` found out about one dataset.

    shards: `shards_digest` of the lock. splits: examples per split; clusters: per kind and split.
    left_out: examples no system saw.
    """

    schema: str
    shards: str
    classes: tuple[str, ...]
    conditions: Conditions
    splits: Mapping[str, int]
    clusters: Mapping[str, Mapping[str, int]]
    left_out: tuple[LeftOut, ...]
    encoders: Mapping[str, Mapping[str, str | int | float]]
    systems: tuple[SystemScore, ...]
    pairs: tuple[PairScore, ...]
    floors: tuple[Floor, ...]
    controls: tuple[ControlScore, ...]
    cells: tuple[CellScore, ...]
    transfer: tuple[TransferScore, ...]
    human: Human | None
    overlap: Overlap | None
    alarms: tuple[Alarm, ...]
    notes: tuple[str, ...]
    format: int = FORMAT

    def system(self, name: str) -> SystemScore:
        """The system called `name`. Raises KeyError where there is none."""
        for one in self.systems:
            if one.name == name:
                return one
        raise KeyError(name)

    def to_json(self) -> str:
        """The file's text, figures to six decimals."""
        content = _rounded(asdict(self))
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def shards_digest(lock: Lock) -> str:
    """sha256 over names and hashes of all shards, in the order of their names."""
    lines = sorted(f"{shard.name} {shard.sha256}\n" for shard in lock.shards)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_scores(folder: Path, lock: Lock) -> Scores:
    """The scores in `folder`.

    Raises:
        UsageError: there are none.
        DataError: they cannot be read, or belong to other shards than the lock's.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"{folder} holds no {FILE_NAME}; run `artcurate benchmark {folder}` first."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from None
    try:
        scores = TypeAdapter(Scores).validate_json(text)
    except ValidationError as error:
        places = [".".join(map(str, one["loc"])) or "the file" for one in error.errors()]
        raise DataError(f"{path}: not scores; wrong at {', '.join(places[:5])}.") from None
    if scores.shards != shards_digest(lock):
        raise DataError(
            f"{path}: the scores are stale, the shards changed since they were made; run "
            f"`artcurate benchmark {folder}` again."
        )
    return scores


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `scores.json`, as `schemas/scores.schema.json` holds it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(Scores).json_schema(mode="serialization"),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value
