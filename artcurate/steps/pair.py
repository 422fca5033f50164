"""Sentences and pictures of one cell become pairs; persons and dialogues stay on one side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, field_validator, model_validator

from artcurate.corpus import Corpus, TableName
from artcurate.errors import DataError
from artcurate.pairing.apportion import Floats, Ints
from artcurate.pairing.counting import crosstab
from artcurate.pairing.draw import Bins, Pairs, Portion, pair_at_random, pair_suitably
from artcurate.pairing.joint import DEFAULT_EFFORT
from artcurate.splits.certificate import certify
from artcurate.splits.families import family_of_rows
from artcurate.splits.solver import shares_of
from artcurate.steps.pair_cells import CELL, Cells
from artcurate.steps.pair_findings import (
    PairFindings,
    cell_findings,
    label_findings,
    ledger,
    straddling,
)
from artcurate.steps.pair_pools import (
    Assigned,
    Limits,
    Pools,
    assign_jointly,
    assign_persons,
    codes,
    make_pools,
)
from artcurate.steps.pair_rows import drawn_anew, pair_rows
from artcurate.steps.registry import Parameters, step
from artcurate.steps.sentences import NEUTRAL
from artcurate.steps.surroundings import classes_of, suitable

_DOWN = re.compile(r"down:([1-9][0-9]{0,8})")


class PairParameters(Parameters):
    split: Literal["joint", "persons"] = "joint"
    """`joint`: persons and dialogues each get a split, then pairs are made inside it, so both are
    disjoint, and so are equal sentences. `persons`: pairs first; the persons are shuffled and dealt
    by number, and a pair goes with its person, so a dialogue may stand on several sides."""
    ratios: dict[str, float] = Field({"train": 0.8, "validation": 0.1, "test": 0.1})
    """The splits and their weights."""
    resampling: str = "min"
    """How many pairs a cell of label, age group and gender has. `min`: as many as its scarcer side
    allows. `down:500`: at most so many. `none`: one for every sentence, pictures used again."""
    no_more_than: dict[str, str] = Field({NEUTRAL: "sadness"})
    """A label -> the label whose sentences of the same age group and gender it must not outnumber.
    Every dialogue has a neutral sentence, so without this a third of the pairs would be neutral."""
    rule: Literal["random", "background"] = "random"
    """Which picture of the cell a sentence gets: any, or with `background` if possible one whose
    background suits the dialogue's situation (artcurate/steps/surroundings.py)."""
    images_per_sentence: int = Field(1, ge=1)
    """Pictures that each sentence gets, one pair for each."""
    draws: int = Field(0, ge=0, le=1000)
    """How often the pairs are drawn anew within split and cell, for error bars; see `draws`."""
    seed: int = Field(0, ge=0)
    """Seed of every random choice."""
    effort: int = Field(DEFAULT_EFFORT, ge=0)
    """Iterations of the search for the persons' split, for each set of persons that share cells."""

    @field_validator("resampling")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ("min", "none") and not _DOWN.fullmatch(value):
            raise ValueError("give min, none or down:N, such as down:500")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.ratios) < 2 or min(self.ratios.values()) <= 0:
            raise ValueError("ratios: give two splits or more with weights above 0")
        if self.resampling == "none" and self.images_per_sentence > 1:
            if self.rule == "background":
                raise ValueError("rule background with resampling none gives one image each")
            if self.draws:
                raise ValueError("draws with resampling none need images_per_sentence 1")
        return self

    @property
    def portion(self) -> Portion:
        return Portion(self.images_per_sentence, reuse=self.resampling == "none")

    @property
    def limits(self) -> Limits:
        target = _DOWN.fullmatch(self.resampling)
        most = int(target[1]) // self.images_per_sentence if target else None
        return Limits(self.portion, most, self.no_more_than)

    @property
    def shares(self) -> Floats:
        return shares_of(list(self.ratios.values()))


@step(PairParameters)
def pair(corpus: Corpus, *, parameters: PairParameters) -> Corpus:
    """Pair sentences with pictures of the same label, age group and gender, and split the pairs.

    Fills the table `pairs`: one row per pair with the columns of both sides, its id, annotation_id,
    image_id and `split`; with `joint` also `sentence_group` (dialogues that share a text share it,
    the id of the first), with draws also `draws` (the ids of the pairs whose pictures the sentence
    gets in each further draw). What is not drawn is left out by design (not_drawn, empty_cell).
    The findings are a `PairFindings`.

    Raises DataError when a side lacks a column or no cell has both sides.
    """
    _check(corpus, parameters)
    pools = make_pools(corpus, parameters.limits, parameters.seed)
    assigned = _assign(pools, parameters)
    pairs = _draw(pools, assigned, parameters)
    if not len(pairs.left):
        raise DataError(
            f"None of the {len(pools.stock.cells)} cells of label, age group and gender has both "
            "images and sentences, so there is nothing to pair."
        )
    names = pl.Series(list(parameters.ratios), dtype=pl.String)
    images = pools.images.with_columns(split=names.gather(assigned.image_split))
    sentences = pools.sentences
    if assigned.groups is not None:
        sentences = sentences.with_columns(assigned.groups)
    rows = pair_rows(sentences, images, pairs)
    if parameters.draws:
        bins = _exchange_bins(rows, parameters)
        rows = rows.with_columns(drawn_anew(rows, bins, parameters.draws, parameters.seed))
    result = replace(corpus, pairs=rows)
    for table, undrawn in _undrawn(pools, pairs):
        result = result.set_aside(table, undrawn, step="pair", by_design=True)
    return result.with_findings(
        "pair", asdict(_findings(corpus, pools, assigned, rows, parameters))
    )


def _check(corpus: Corpus, parameters: PairParameters) -> None:
    aware = parameters.rule == "background"
    wanted = {
        "images": (corpus.images, (*CELL, "person", *(["background"] if aware else []))),
        "annotations": (
            corpus.annotations,
            (*CELL, "dialogue", "turn", "text", *(["situation"] if aware else [])),
        ),
    }
    problems = [
        f"the {table} have no {name}, which pair needs; image_labels, age_bands and sentences come "
        "before it."
        for table, (frame, names) in wanted.items()
        for name in names
        if name not in frame.columns
    ]
    if problems:
        raise DataError(problems)
    nameless = corpus.images.filter(pl.any_horizontal(pl.col(*CELL, "person").is_null()))["id"]
    if nameless.len():
        raise DataError(
            f"{nameless.len():,} images have no label, age group, gender or person, the first is "
            f"{nameless[0]!r}; leave them out before pair."
        )


def _assign(pools: Pools, parameters: PairParameters) -> Assigned:
    if parameters.split == "persons":
        return assign_persons(pools, parameters.shares, seed=parameters.seed)
    return assign_jointly(pools, parameters.shares, seed=parameters.seed, effort=parameters.effort)


def _draw(pools: Pools, assigned: Assigned, parameters: PairParameters) -> Pairs:
    left = Bins(assigned.sentence_bin, pools.sentence_keys)
    right = Bins(assigned.image_bin, pools.image_keys)
    if parameters.rule == "random":
        return pair_at_random(left, right, assigned.quota, parameters.portion)
    classes = classes_of(pools.sentences["situation"], pools.images["background"])
    return pair_suitably(left, right, assigned.quota, parameters.portion, classes)


def _exchange_bins(rows: pl.DataFrame, parameters: PairParameters) -> Ints:
    """Rows of one split and cell may exchange their pictures; if the rule looks at the background,
    only for pictures with the same one."""
    alike = ["split", *CELL, *(["background"] if parameters.rule == "background" else [])]
    return codes(rows.select(pl.struct(alike)).to_series())


def _undrawn(pools: Pools, pairs: Pairs) -> Iterator[tuple[TableName, pl.DataFrame]]:
    """(table, id, reason and detail of its rows that stand in no pair)."""
    cells, images = pools.stock.cells, pools.stock.images
    sentences = pools.sentences_per_cell()
    counts = [
        f"The cell {cell} has {images[place]:,} images and {sentences[place]:,} sentences."
        for place, cell in enumerate(cells.all)
    ]
    # The last entry is for sentences that belong to no cell, whose place is -1.
    details = pl.Series([*counts, "No picture has its label."], dtype=pl.String)
    empty = np.append((images == 0) | (sentences == 0), True)
    sides: tuple[tuple[TableName, pl.DataFrame, Ints, Ints], ...] = (
        ("annotations", pools.sentences, pools.sentence_cell, pairs.left),
        ("images", pools.images, pools.image_cell, pairs.right),
    )
    for table, frame, cell, drawn in sides:
        rest = np.ones(frame.height, dtype=bool)
        rest[drawn] = False
        places = np.where(cell < 0, len(cells), cell)[rest]
        yield (
            table,
            frame.filter(pl.Series(rest)).select(
                "id",
                reason=pl.when(pl.Series(empty[places]))
                .then(pl.lit("empty_cell"))
                .otherwise(pl.lit("not_drawn")),
                detail=details.gather(places),
            ),
        )


def _findings(
    corpus: Corpus,
    pools: Pools,
    assigned: Assigned,
    rows: pl.DataFrame,
    parameters: PairParameters,
) -> PairFindings:
    stock, splits = pools.stock, list(parameters.ratios)
    side = rows["split"].replace_strict(
        {name: place for place, name in enumerate(splits)}, return_dtype=pl.Int64
    )
    cell = stock.cells.of_rows(rows)
    held = crosstab(cell, side.to_numpy(), (len(stock.cells), len(splits)))
    sentences = rows.unique("annotation_id")
    paired = np.bincount(stock.cells.of_rows(sentences), minlength=len(stock.cells))
    known = {"situation", "background"} <= set(rows.columns)

    def per_split(name: str) -> dict[str, int]:
        counts = dict(rows.group_by("split").agg(pl.col(name).n_unique()).iter_rows())
        return {split: counts.get(split, 0) for split in splits}

    return PairFindings(
        mode=parameters.split,
        rows=per_split("id"),
        persons=per_split("person"),
        dialogues=per_split("dialogue"),
        bound=stock.most_pairs(),
        ledger=ledger(stock, paired, parameters.limits, assigned.after_persons, corpus.findings),
        straddling=straddling(rows),
        cells=cell_findings(stock, pools.sentences_per_cell(), held, splits, parameters.shares),
        labels=label_findings(stock.cells, held, splits, parameters.shares),
        suitable=round(float(suitable(rows["situation"], rows["background"]).mean()), 4)
        if known
        else None,
        draws=parameters.draws,
        certificate=_certificate(rows, side.to_numpy(), cell, stock.cells, parameters),
    )


def _certificate(
    rows: pl.DataFrame, side: Ints, cell: Ints, cells: Cells, parameters: PairParameters
) -> dict[str, Any]:
    """Of the persons' assignment, over the pairs by cell and by label."""
    persons = codes(rows["person"])
    names = rows["person"].unique().sort()
    sides = np.zeros(names.len(), dtype=np.int64)
    sides[persons] = side
    cell_names = [str(one) for one in cells.all]
    families = (
        family_of_rows(" x ".join(CELL), cell_names, names.len(), persons, cell),
        family_of_rows("emotion", cells.emotions, names.len(), persons, cells.labels()[cell]),
    )
    return certify(
        families,
        sides,
        splits=list(parameters.ratios),
        ratios=list(parameters.ratios.values()),
        rows_per_group=np.bincount(persons),
        group_keys=names.to_list(),
    ).to_json()
