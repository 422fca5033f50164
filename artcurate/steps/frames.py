"""A burst of pictures of one face in one place counts as a few, not as many."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.pairing.order import random_keys
from artcurate.pairing.spread import spread_apart, spread_evenly
from artcurate.steps.registry import Parameters, step

_BURST = ("person", "emotion", "place")
_CELL = ("emotion", "age_group", "gender")


class FramesParameters(Parameters):
    most: int = Field(3, ge=1)
    """Pictures of one person with one label in one place that stay."""
    seed: int = Field(0, ge=0)
    """Seed of the choice."""


class CappedCell(TypedDict):
    """Pictures of one cell that were left out."""

    emotion: str
    age_group: str | None
    gender: str
    images: int


class FramesFindings(TypedDict):
    """What was there and what stays; JSON-able.

    bursts: pictures of one person with one label in one place, by themselves or several.
    capped: bursts with more pictures than stay. largest: pictures in the largest burst.
    by: `phash` or `time`. cells: where pictures were left out.
    """

    images_in: int
    images_out: int
    bursts: int
    capped: int
    largest: int
    by: str
    cells: list[CappedCell]


@step(FramesParameters)
def frames(corpus: Corpus, *, parameters: FramesParameters) -> Corpus:
    """Keep at most `most` pictures of a person with one label in one place, the most different.

    Where all images have a pHash (after the step probe) those that differ most by it stay;
    otherwise those spread most evenly over the burst, in the order in which they were taken. The
    others are left out by design (similar_frame). Findings are a `FramesFindings`.

    Raises DataError when the images have no person, label or place.
    """
    images = corpus.images.sort("id")
    missing = [name for name in (*_BURST, "taken", "frame") if name not in images.columns]
    if missing:
        raise DataError(f"The images have no {', '.join(missing)}; frames follows image_labels.")
    burst = images.select(pl.struct(_BURST).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    keys = random_keys(images["id"], parameters.seed, "frames")
    has_hashes = "phash" in images.columns and not images["phash"].null_count()
    if has_hashes:
        keep = spread_apart(burst, images["phash"].to_numpy(), keys, parameters.most)
    else:
        order = images.select(pl.struct("taken", "frame", "id").rank("ordinal")).to_series()
        keep = spread_evenly(burst, order.cast(pl.Int64).to_numpy(), keys, parameters.most)
    sizes = np.bincount(burst, minlength=1)
    surplus = images.filter(pl.Series(~keep))
    left_out = surplus.select(
        "id",
        reason=pl.lit("similar_frame"),
        detail=pl.format(
            "One of {} pictures of one person with one label in one place, of which {} stay.",
            pl.Series(sizes[burst][~keep]),
            parameters.most,
        ),
    )
    findings = FramesFindings(
        images_in=images.height,
        images_out=images.height - surplus.height,
        bursts=int((sizes > 0).sum()),
        capped=int((sizes > parameters.most).sum()),
        largest=int(sizes.max()),
        by="phash" if has_hashes else "time",
        cells=_cells(surplus),
    )
    return corpus.set_aside("images", left_out, step="frames", by_design=True).with_findings(
        "frames", findings
    )


def _cells(surplus: pl.DataFrame) -> list[Any]:
    cell = [name for name in _CELL if name in surplus.columns]
    return surplus.group_by(cell).agg(images=pl.len()).sort(cell).to_dicts()
