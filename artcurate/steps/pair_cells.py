"""Cells of label, age group and gender: what each of them has to pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import polars as pl

from artcurate import emotions
from artcurate.pairing.apportion import Ints, apportion
from artcurate.pairing.draw import Portion
from artcurate.pairing.order import Keys
from artcurate.published import AgeGroup, Gender

CELL = ("emotion", "age_group", "gender")
_LABELS = "korean7"
NO_LIMIT = 2**40


@dataclass(frozen=True, slots=True)
class Cell:
    """What a picture and a sentence share that may be paired."""

    emotion: str
    age_group: str
    gender: str

    def __str__(self) -> str:
        return f"{self.emotion} {self.age_group} {self.gender}"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All cells that images or sentences have, by label, age group and gender."""

    all: tuple[Cell, ...]

    def __len__(self) -> int:
        return len(self.all)

    @property
    def emotions(self) -> tuple[str, ...]:
        """The labels that occur, in the order of their ids."""
        return tuple(dict.fromkeys(cell.emotion for cell in self.all))

    def labels(self) -> Ints:
        """The label of each cell as a place in `emotions`, int64, (cells,)."""
        return np.array([self.emotions.index(cell.emotion) for cell in self.all], dtype=np.int64)

    def of_rows(self, rows: pl.DataFrame) -> Ints:
        """The cell of each of `rows`, -1 for those without age group or gender, int64, (rows,)."""
        table = pl.DataFrame(
            [(cell.emotion, cell.age_group, cell.gender) for cell in self.all],
            schema=dict.fromkeys(CELL, pl.String),
            orient="row",
        ).with_row_index("cell")
        joined = rows.select(CELL).join(table, on=CELL, how="left", maintain_order="left")
        places: Ints = joined["cell"].cast(pl.Int64).fill_null(-1).to_numpy()
        return places

    def counts(self, counted: Sequence[Mapping[str, Any]], name: str) -> Ints:
        """Numbers called `name` of findings by cell, int64, (cells,); strange cells count not."""
        places = {cell: place for place, cell in enumerate(self.all)}
        counts = np.zeros(len(self), dtype=np.int64)
        for row in counted:
            place = places.get(Cell(row["emotion"], row["age_group"], row["gender"]))
            if place is not None:
                counts[place] += row[name]
        return counts

    def paired(self, emotion: str, other: str) -> list[tuple[int, int | None]]:
        """(cell of `emotion`, cell of `other` of the same age group and gender) as places."""
        places = {cell: place for place, cell in enumerate(self.all)}
        return [
            (place, places.get(replace(cell, emotion=other)))
            for cell, place in places.items()
            if cell.emotion == emotion
        ]


def find_cells(*tables: pl.DataFrame) -> Cells:
    """The cells of the rows of `tables` that have a label, an age group and a gender."""
    known = pl.concat([table.select(CELL) for table in tables]).drop_nulls().unique()
    orders = (
        emotions.bundled().label_set(_LABELS).names,
        get_args(AgeGroup),
        get_args(Gender),
    )
    ranks = [
        pl.col(column).replace_strict(
            {name: place for place, name in enumerate(order)},
            default=len(order),
            return_dtype=pl.Int64,
        )
        for column, order in zip(CELL, orders, strict=True)
    ]
    ordered = known.sort(*ranks, *CELL)
    return Cells(tuple(Cell(*row) for row in ordered.iter_rows()))


@dataclass(frozen=True, slots=True, eq=False)
class Stock:
    """How much there is to pair.

    images, sentences: items per cell, int64, (cells,). anywhere: sentences per label that go with
    any age group and gender. limits: most sentences of each cell that are paired, (cells,).
    """

    cells: Cells
    images: Ints
    sentences: Ints
    anywhere: Mapping[str, int]
    limits: Ints
    portion: Portion

    def shared_out(self) -> Ints:
        """The sentences of `anywhere` per cell, int64, (cells,): all, by what the cells can use."""
        dealt = np.zeros(len(self.cells), dtype=np.int64)
        room = np.minimum(self.portion.served(self.images), self.limits)
        for emotion, number in self.anywhere.items():
            places = [place for place, cell in enumerate(self.cells.all) if cell.emotion == emotion]
            wanted = np.minimum(room[places], number)
            if wanted.any():
                dealt[places] += apportion(number, wanted)
        return dealt

    def bound(self) -> Ints:
        """The most sentences of each cell that can be paired without a split, int64, (cells,)."""
        return self.portion.most(self.sentences + self.shared_out(), self.images, self.limits)

    def most_pairs(self) -> int:
        """The most pairs without a split."""
        return int((self.bound() * self.portion.of(self.images)).sum())

    def with_images(self, more: Sequence[Mapping[str, Any]]) -> Stock:
        """The same with images added, given as findings by cell."""
        return replace(self, images=self.images + self.cells.counts(more, "images"))

    def with_sentences(self, more: Sequence[Mapping[str, Any]]) -> Stock:
        """The same with sentences added, given as findings by cell."""
        anywhere = dict(self.anywhere)
        for row in more:
            if row["age_group"] is None:
                anywhere[row["emotion"]] = anywhere.get(row["emotion"], 0) + row["sentences"]
        sentences = self.sentences + self.cells.counts(more, "sentences")
        return replace(self, sentences=sentences, anywhere=anywhere)


def settle(stock: Stock, rows: pl.DataFrame, cell: Ints, keys: Keys) -> Ints:
    """`cell` (the cell of each of `rows`) with one for those that go anywhere, by their keys.

    A row that no cell can use keeps -1.
    """
    settled = cell.copy()
    dealt = stock.shared_out()
    for emotion in stock.anywhere:
        places = np.array(
            [place for place, one in enumerate(stock.cells.all) if one.emotion == emotion],
            dtype=np.int64,
        )
        free = np.flatnonzero((cell < 0) & (rows["emotion"] == emotion).to_numpy())
        free = free[np.argsort(keys[free], kind="stable")]
        homes = np.repeat(places, dealt[places])
        settled[free[: len(homes)]] = homes
    return settled


def limits_of(
    cells: Cells, sentences: Ints, most: int | None, no_more_than: Mapping[str, str]
) -> Ints:
    """Most sentences of each cell that are paired, int64, (cells,).

    most: for every cell, None for no limit. no_more_than: a label -> the label whose sentences of
    the same age group and gender it must not outnumber.
    """
    limits = np.full(len(cells), NO_LIMIT if most is None else most, dtype=np.int64)
    for emotion, other in no_more_than.items():
        for place, model in cells.paired(emotion, other):
            others = 0 if model is None else int(sentences[model])
            limits[place] = min(int(limits[place]), others)
    return limits
