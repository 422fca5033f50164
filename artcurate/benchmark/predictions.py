"""What every system predicted for every test example, as Parquet."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.benchmark.dataset import IMAGE, TEXT, Examples
from artcurate.benchmark.experiment import Outcome
from artcurate.benchmark.scores import Scores
from artcurate.benchmark.task import IntArray, Role

EXAMPLES_FILE = "examples.parquet"
SHOWN_FILE = "fusion_right.parquet"
#: Examples that are kept with their text for each set of modalities that are wrong alone.
_SHOWN = 50


def prediction_files(outcome: Outcome, shown: pl.DataFrame | None) -> dict[str, bytes]:
    """Parquet files by their name. shown: the table of `fusion_right`.

    `examples.parquet` has id, label, clusters and attributes of every test example; one file per
    system has id, seed, predicted class and calibrated probabilities in the order of the classes;
    `fusion_right.parquet` has `shown`.
    """
    files = {EXAMPLES_FILE: _parquet(_examples(outcome))}
    for system in outcome.systems:
        files[f"{system.name}.parquet"] = _parquet(_predictions(outcome, system.name))
    if shown is not None:
        files[SHOWN_FILE] = _parquet(shown)
    return files


def _examples(outcome: Outcome) -> pl.DataFrame:
    examples, rows = outcome.examples, outcome.rows
    names = np.array(examples.labels.names)
    return pl.DataFrame(
        {
            "id": examples.ids[rows],
            "label": names[examples.labels.index[rows]],
            **{f"cluster_{name}": one[rows] for name, one in examples.clusters.items()},
            **{name: one[rows] for name, one in examples.attributes.items()},
        }
    )


def _predictions(outcome: Outcome, system: str) -> pl.DataFrame:
    names = np.array(outcome.examples.labels.names)
    ids = outcome.examples.ids[outcome.rows]
    return pl.concat(
        pl.DataFrame(
            {
                "id": ids,
                "seed": pl.Series([seed] * len(ids), dtype=pl.Int32),
                "predicted": names[result.test[system].argmax(axis=1)],
                "probabilities": pl.Series(result.test[system].tolist(), dtype=pl.List(pl.Float32)),
            }
        )
        for seed, result in enumerate(outcome.seeds)
    )


def fusion_right(scores: Scores, outcome: Outcome, raw: Examples) -> pl.DataFrame | None:
    """Seed 0: where the best fusion is right and a modality alone is wrong; None without fusion.

    `wrong` names the modalities that are wrong. Each such set of them has up to 50 examples, the
    surest first; the largest sets stand first.
    """
    fused = [one for one in scores.systems if one.role is Role.FUSION]
    alone = [one.name for one in scores.systems if one.role is Role.UNIMODAL]
    if not fused:
        return None
    best = max(fused, key=lambda one: one.macro_f1.mean).name
    examples, rows = outcome.examples, outcome.rows
    truth = examples.labels.index[rows]
    given = outcome.seeds[0].test
    right = given[best].argmax(axis=1) == truth
    wrong = np.stack([given[name].argmax(axis=1) != truth for name in alone], axis=1)
    found = np.flatnonzero(right & wrong.any(axis=1))
    surety = given[best][found, truth[found]]
    # From the least to the most important key; lexsort is stable.
    order = np.lexsort((-surety, *~wrong[found].T[::-1], -wrong[found].sum(axis=1)))
    chosen = _first_of_each(found[order], wrong)
    names = np.array(examples.labels.names)
    ids = examples.ids[rows[chosen]]
    return pl.DataFrame(
        {
            "id": ids,
            "label": names[truth[chosen]],
            "fusion": pl.Series([best] * len(chosen), dtype=pl.String),
            "probability": given[best][chosen, truth[chosen]],
            "wrong": pl.Series(
                [
                    ", ".join(name for name, one in zip(alone, row, strict=True) if one)
                    for row in wrong[chosen].tolist()
                ],
                dtype=pl.String,
            ),
            **{f"{name}_says": names[given[name][chosen].argmax(axis=1)] for name in alone},
            **_raw_columns(raw, ids.tolist()),
        }
    )


def _first_of_each(rows: IntArray, wrong: NDArray[np.bool_]) -> IntArray:
    """The first `_SHOWN` of `rows` for each row of `wrong` (n, modalities), in their order."""
    counts: Counter[tuple[bool, ...]] = Counter()
    kept = []
    for row in rows.tolist():
        kind = tuple(wrong[row].tolist())
        counts[kind] += 1
        if counts[kind] <= _SHOWN:
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def _raw_columns(raw: Examples, ids: list[str]) -> dict[str, object]:
    """The texts of some examples and the places of their pictures, looked up by id."""
    places = {str(one): place for place, one in enumerate(raw.ids.tolist())}
    rows = np.array([places[one] for one in ids], dtype=np.int64)
    columns: dict[str, object] = {}
    if TEXT in raw.inputs:
        texts = raw.inputs[TEXT]
        columns["text"] = [str(texts.values[place]) for place in texts.index[rows]]  # type: ignore[index]
    if IMAGE in raw.inputs:
        columns["picture"] = raw.inputs[IMAGE].index[rows]
    return columns


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
