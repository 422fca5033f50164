"""Both sides of the pairing as arrays, and the split of every row of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from artcurate.corpus import Corpus
from artcurate.pairing.apportion import Floats, Ints
from artcurate.pairing.draw import Portion
from artcurate.pairing.joint import Rules, Side, split_jointly
from artcurate.pairing.order import Keys, deal, random_keys
from artcurate.pairing.style import letters_key
from artcurate.splits.groups import groups_by_keys
from artcurate.steps.pair_cells import Stock, find_cells, limits_of, settle
from artcurate.steps.sentences import NEUTRAL


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a cell beside its two sides; see `PairParameters`."""

    portion: Portion
    most_sentences: int | None
    no_more_than: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """Both sides in the order of their ids, with the cell of every row and its random key.

    A sentence that no cell can use has the cell -1.
    """

    images: pl.DataFrame
    sentences: pl.DataFrame
    image_cell: Ints
    sentence_cell: Ints
    image_keys: Keys
    sentence_keys: Keys
    stock: Stock

    def sentences_per_cell(self) -> Ints:
        """Those that go anywhere where they were put; int64, (cells,)."""
        placed = self.sentence_cell[self.sentence_cell >= 0]
        return np.bincount(placed, minlength=len(self.stock.cells)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """Which rows may meet, and how many of them do.

    image_split: of every image, int64. image_bin, sentence_bin: rows of one bin may be paired, -1
    for none. quota: sentences to pair in each bin, (bins,).
    after_persons: sentences per cell that could be paired once the persons are split, (cells,).
    groups: the id of the first dialogue of every sentence's group; None where dialogues are not
    kept on one side.
    """

    image_split: Ints
    image_bin: Ints
    sentence_bin: Ints
    quota: Ints
    after_persons: Ints
    groups: pl.Series | None


def make_pools(corpus: Corpus, limits: Limits, seed: int) -> Pools:
    """The pools of a corpus whose images all have a label, an age group and a gender."""
    images, sentences = corpus.images.sort("id"), corpus.annotations.sort("id")
    cells = find_cells(images, sentences)
    image_cell, sentence_cell = cells.of_rows(images), cells.of_rows(sentences)
    matched = np.bincount(sentence_cell[sentence_cell >= 0], minlength=len(cells)).astype(np.int64)
    free = sentences.filter(pl.Series(sentence_cell < 0))["emotion"]
    stock = Stock(
        cells=cells,
        images=np.bincount(image_cell, minlength=len(cells)).astype(np.int64),
        sentences=matched,
        anywhere=dict(free.value_counts().sort("emotion").iter_rows()),
        limits=limits_of(cells, matched, limits.most_sentences, limits.no_more_than),
        portion=limits.portion,
    )
    keys = random_keys(sentences["id"], seed, "sentences")
    return Pools(
        images=images,
        sentences=sentences,
        image_cell=image_cell,
        sentence_cell=settle(stock, sentences, sentence_cell, keys),
        image_keys=random_keys(images["id"], seed, "images"),
        sentence_keys=keys,
        stock=stock,
    )


def assign_jointly(pools: Pools, shares: Floats, *, seed: int, effort: int) -> Assigned:
    """Persons and dialogues to splits; a bin is a cell in a split.

    Dialogues that share a text, letters and digits taken, are one group.
    """
    stock, splits = pools.stock, len(shares)
    labels = stock.cells.labels()
    groups = groups_by_keys(
        [
            codes(pools.sentences["dialogue"]),
            codes(pools.sentences.select(letters_key(pl.col("text"))).to_series()),
        ]
    )
    names = (
        pools.sentences.select("dialogue", group=pl.Series(groups))
        .group_by("group")
        .agg(pl.col("dialogue").min())
        .sort("group")["dialogue"]
    )
    inside = np.flatnonzero(pools.sentence_cell >= 0)
    persons = codes(pools.images["person"])
    neutral = [cell.emotion == NEUTRAL for cell in stock.cells.all]
    joint = split_jointly(
        Side(pools.image_cell, persons),
        Side(pools.sentence_cell[inside], groups[inside]),
        Rules(
            shares=shares,
            limits=stock.limits,
            labels=labels,
            secondary=np.array(neutral, dtype=bool),
            portion=stock.portion,
            seed=seed,
            effort=effort,
        ),
        random_keys(names, seed, "dialogues"),
    )
    image_split, sentence_split = joint.persons[persons], joint.dialogues[groups]
    unplaced = pools.sentence_cell < 0
    return Assigned(
        image_split=image_split,
        image_bin=pools.image_cell * splits + image_split,
        sentence_bin=np.where(unplaced, -1, pools.sentence_cell * splits + sentence_split),
        quota=joint.quota.ravel(),
        after_persons=joint.after_persons,
        groups=names.gather(groups).alias("sentence_group"),
    )


def assign_persons(pools: Pools, shares: Floats, *, seed: int) -> Assigned:
    """Persons shuffled and dealt by number; a bin is a cell, whatever the split."""
    persons = codes(pools.images["person"])
    names = pools.images["person"].unique().sort()
    sides = deal(random_keys(names, seed, "persons"), shares)
    bound = pools.stock.bound()
    return Assigned(
        image_split=sides[persons],
        image_bin=pools.image_cell,
        sentence_bin=pools.sentence_cell,
        quota=bound,
        after_persons=bound,
        groups=None,
    )


def codes(values: pl.Series) -> Ints:
    """Equal values, equal numbers from 0 in the order of the values, int64."""
    ranks: Ints = (values.rank("dense").cast(pl.Int64) - 1).to_numpy()
    return ranks
