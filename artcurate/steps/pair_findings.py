"""What pairing achieved and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from artcurate import published
from artcurate.pairing.apportion import Floats, Ints
from artcurate.steps.pair_cells import Cells, Stock, limits_of
from artcurate.steps.pair_pools import Limits

POINTS = 100.0


@dataclass(frozen=True, slots=True)
class CellFindings:
    """One cell. bound: pairs without any split; pairs: per split.

    deviation: largest distance of a split's share from its ratio, percentage points.
    short_of: the side that limits the cell, by `short_by` items; None where neither does.
    """

    emotion: str
    age_group: str
    gender: str
    images: int
    sentences: int
    bound: int
    pairs: dict[str, int]
    deviation: float
    short_of: str | None
    short_by: int


@dataclass(frozen=True, slots=True)
class LabelFindings:
    """One label: pairs per split, the largest deviation, and what was published of it."""

    emotion: str
    pairs: dict[str, int]
    deviation: float
    published: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one constraint left out, and how many more pairs there could be without it."""

    constraint: str
    sentences: int
    images: int
    pairs: int


def ledger(
    stock: Stock, paired: Ints, limits: Limits, after_persons: Ints, left_out: Mapping[str, Any]
) -> tuple[Cost, ...]:
    """What each constraint cost, in the order in which they apply.

    paired: sentences per cell that were paired, (cells,). after_persons: those that could be, once
    the persons are split. left_out: the findings of the steps before.
    """
    bound, each = stock.bound(), stock.portion.of(stock.images)
    most = stock.most_pairs()
    repeated = left_out.get("sentences", {}).get("cells", ())
    similar = left_out.get("frames", {}).get("cells", ())
    unlimited = limits_of(stock.cells, stock.sentences, limits.most_sentences, {})
    available = int(stock.sentences.sum()) + sum(stock.anywhere.values())
    return (
        Cost(
            "repeated texts",
            sum(cell["sentences"] for cell in repeated),
            0,
            stock.with_sentences(repeated).most_pairs() - most,
        ),
        Cost(
            "similar frames",
            0,
            sum(cell["images"] for cell in similar),
            stock.with_images(similar).most_pairs() - most,
        ),
        Cost(
            ", ".join(f"no more {one} than {other}" for one, other in limits.no_more_than.items()),
            0,
            0,
            replace(stock, limits=unlimited).most_pairs() - most,
        ),
        Cost(
            "the scarcer side of each cell",
            available - int(bound.sum()),
            int((stock.images - np.minimum(stock.images, bound * each)).sum()),
            0,
        ),
        Cost("persons on one side", 0, 0, int(((bound - after_persons) * each).sum())),
        Cost("dialogues on one side", 0, 0, int(((after_persons - paired) * each).sum())),
    )


@dataclass(frozen=True, slots=True)
class Straddling:
    """How many owners and texts stand on several sides of the split; found in the pairs."""

    persons: int
    dialogues: int
    texts: int


@dataclass(frozen=True, slots=True)
class PairFindings:
    """What the step did; JSON-able after `dataclasses.asdict`.

    rows: pairs per split. persons, dialogues: with pairs, per split.
    bound: the most pairs without any split. ledger: what each constraint cost.
    suitable: share of pairs whose background suits the situation, None where one is unknown.
    certificate: of the persons' assignment, over the pairs.
    """

    mode: str
    rows: dict[str, int]
    persons: dict[str, int]
    dialogues: dict[str, int]
    bound: int
    ledger: tuple[Cost, ...]
    straddling: Straddling
    cells: tuple[CellFindings, ...]
    labels: tuple[LabelFindings, ...]
    suitable: float | None
    draws: int
    certificate: dict[str, Any]


def cell_findings(
    stock: Stock, sentences: Ints, pairs: Ints, splits: Sequence[str], shares: Floats
) -> tuple[CellFindings, ...]:
    """One entry per cell. sentences: per cell, (cells,). pairs: (cells, splits)."""
    needed = sentences * stock.portion.each if not stock.portion.reuse else np.minimum(sentences, 1)
    missing = needed - stock.images
    bound = stock.bound() * stock.portion.of(stock.images)
    return tuple(
        CellFindings(
            emotion=cell.emotion,
            age_group=cell.age_group,
            gender=cell.gender,
            images=int(stock.images[place]),
            sentences=int(sentences[place]),
            bound=int(bound[place]),
            pairs=dict(zip(splits, pairs[place].tolist(), strict=True)),
            deviation=_deviation(pairs[place], shares),
            short_of=_short_of(int(missing[place])),
            short_by=abs(int(missing[place])),
        )
        for place, cell in enumerate(stock.cells.all)
    )


def _short_of(missing_images: int) -> str | None:
    if missing_images == 0:
        return None
    return "images" if missing_images > 0 else "sentences"


def label_findings(
    cells: Cells, pairs: Ints, splits: Sequence[str], shares: Floats
) -> tuple[LabelFindings, ...]:
    labels = cells.labels()
    return tuple(
        LabelFindings(
            emotion=emotion,
            pairs=dict(zip(splits, held.tolist(), strict=True)),
            deviation=_deviation(held, shares),
            published=_published(emotion),
        )
        for place, emotion in enumerate(cells.emotions)
        if len(held := pairs[labels == place].sum(axis=0))
    )


def _published(emotion: str) -> dict[str, int] | None:
    sizes = published.SPLITS.get(emotion)
    if sizes is None:
        return None
    return {"train": sizes.train, "validation": sizes.validation, "test": sizes.test}


def _deviation(held: Ints, shares: Floats) -> float:
    total = held.sum()
    return round(float(np.abs(held / total - shares).max() * POINTS), 4) if total else 0.0


def straddling(rows: pl.DataFrame) -> Straddling:
    """Count anew, from the pairs alone, what stands on several sides."""
    counts = {
        name: rows.group_by(name).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height
        for name in ("person", "dialogue", "text")
    }
    return Straddling(counts["person"], counts["dialogue"], counts["text"])
