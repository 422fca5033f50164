"""`artcurate benchmark`: from a built folder to scores in it."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import cast

import numpy as np

from artcurate import __version__, home
from artcurate.benchmark.alarms import Evidence, alarms
from artcurate.benchmark.analysis import Analysis
from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import (
    TEST,
    TEXT,
    TRAIN,
    VALIDATION,
    Examples,
    Words,
    read_examples,
)
from artcurate.benchmark.decision import derived_systems
from artcurate.benchmark.experiment import Outcome, run_experiment
from artcurate.benchmark.features_file import with_features
from artcurate.benchmark.floors import floors, human_ceiling, text_peer
from artcurate.benchmark.overlap import find_overlap
from artcurate.benchmark.presets import Preset
from artcurate.benchmark.publish import publish
from artcurate.benchmark.scores import Conditions, Scores, shards_digest
from artcurate.benchmark.task import Labels, Role, Tier
from artcurate.benchmark.tiers import device_name, make_tier
from artcurate.errors import UsageError
from artcurate.progress import ProgressMode

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pillow", "torch", "transformers")

NOTES = (
    "Intervals are percentiles of a bootstrap over clusters, never over rows; estimates are means "
    "over seeds, and an interval speaks of other test sets, the sd of other seeds.",
    "Every pair of systems is one comparison: read the Holm-adjusted p where several are looked "
    "at. `detectable` is the smallest true difference that a test set like this one would show in "
    "four of five cases.",
    "The test split is scored once with what validation chose; temperatures come from validation.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Benchmarked:
    """A finished benchmark: the scores, and the predictions behind them."""

    scores: Scores
    outcome: Outcome


def benchmark(
    folder: Path,
    preset: Preset,
    *,
    preset_name: str,
    controls: Collection[Control] = frozenset(Control),
    features: Mapping[str, Path] | None = None,
    device: str = "auto",
    progress: ProgressMode = ProgressMode.QUIET,
) -> Benchmarked:
    """Score the dataset built in `folder` and put the scores beside its shards.

    features: Parquet files of precomputed features by modality name (columns `id`, `features`).

    scores.json, predictions/, figures/, eval.yaml and the card's block appear together or not at
    all.

    Raises:
        UsageError: `folder` is no built dataset, or a library is missing.
        DataError: its shards differ from the lock, or a benchmark cannot be learned from it.
    """
    raw = with_features(read_examples(folder), features or {})
    done = evaluate(
        raw, preset, preset_name=preset_name, controls=controls, device=device, progress=progress
    )
    publish(folder, done.scores, done.outcome, raw)
    return done


def evaluate(
    raw: Examples,
    preset: Preset,
    *,
    preset_name: str,
    controls: Collection[Control] = frozenset(Control),
    device: str = "auto",
    progress: ProgressMode = ProgressMode.QUIET,
) -> Benchmarked:
    """The scores of examples from anywhere; writes nothing but the tier's own cache."""
    started = time.perf_counter()
    digest = shards_digest(raw.lock)
    workspace = home.data_home() / "benchmark" / f"{Path(preset_name).stem}-{digest[:16]}"
    tier = make_tier(preset, tuple(raw.inputs), device=device, workspace=workspace)
    _require_own_names(tier)
    overlap = find_overlap(raw, progress=progress) if Control.OVERLAP in controls else None
    outcome = run_experiment(tier, raw, preset, controls, progress=progress)
    analysis = Analysis.of(outcome, preset.resamples)
    examples = outcome.examples
    systems, pairs = analysis.system_scores(), analysis.pair_scores()
    broken = analysis.control_scores()
    peer = text_peer(
        *_texts(raw, examples.ids[examples.rows(TRAIN)]),
        *_texts(raw, examples.ids[outcome.rows]),
    )
    human = human_ceiling(examples.votes)
    if Control.ATTRIBUTES in controls:
        broken += analysis.attribute_scores()
    scores = Scores(
        schema=examples.schema,
        shards=digest,
        classes=examples.labels.names,
        conditions=Conditions(
            tier=preset.tier,
            preset=preset_name,
            parameters=preset.model_dump(mode="json"),
            controls=tuple(control.value for control in Control if control in controls),
            device=device_name(preset, device),
            threads=os.cpu_count() or 1,
            seconds=time.perf_counter() - started,
            peak_memory=_peak_memory(),
            versions=_versions(),
        ),
        splits={split: len(examples.rows(split)) for split in (TRAIN, VALIDATION, TEST)},
        clusters={
            kind: {
                split: len(np.unique(values[examples.rows(split)]))
                for split in (TRAIN, VALIDATION, TEST)
            }
            for kind, values in examples.clusters.items()
        },
        left_out=outcome.left_out,
        encoders=outcome.encoders,
        systems=systems,
        pairs=pairs,
        floors=(
            *floors(examples.labels.take(examples.rows(TRAIN)), analysis.labels),
            *([peer] if peer else []),
        ),
        controls=broken,
        cells=analysis.cell_scores(),
        transfer=analysis.transfer_scores(),
        human=human,
        overlap=overlap,
        alarms=alarms(
            Evidence(
                examples=examples,
                systems=systems,
                pairs=pairs,
                controls=broken,
                overlap=overlap,
                left_out=outcome.left_out,
                empty_texts=_empty_texts(raw),
                small_cells=analysis.small_cells(),
                human=human,
            )
        ),
        notes=NOTES,
    )
    return Benchmarked(scores, outcome)


def _require_own_names(tier: Tier) -> None:
    """Raise UsageError where a modality is called as a fusion is."""
    alone = [one for one in tier.systems if one.role is Role.UNIMODAL]
    fusions = {one.name for one in (*tier.systems, *derived_systems(alone)) if one not in alone}
    if taken := sorted({one.name for one in alone} & fusions):
        raise UsageError(
            f"--features {taken[0]}: a fusion of the benchmark has that name; choose another."
        )


def _texts(raw: Examples, ids: Words) -> tuple[list[str], Labels]:
    """Texts and labels of the examples called `ids`; nothing where there is no text."""
    rows = np.flatnonzero(np.isin(raw.ids, ids))
    modality = raw.inputs.get(TEXT)
    if modality is None or isinstance(modality.values, np.ndarray):
        return [], raw.labels.take(rows)
    texts = cast("Sequence[str]", modality.values)
    return [texts[place] for place in modality.index[rows]], raw.labels.take(rows)


def _empty_texts(raw: Examples) -> int:
    texts, _ = _texts(raw, raw.ids)
    return sum(not any(map(str.isalnum, text)) for text in texts)


def _peak_memory() -> float:
    """The largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _versions() -> dict[str, str]:
    versions = {"artcurate": __version__, "python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
