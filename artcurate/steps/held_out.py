"""What a hold-out puts into the last split, and what it must leave out for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.splits.families import Family, Ints
from artcurate.splits.solver import shares_of, solve
from artcurate.steps.split_tables import Units, described_rows

Mask = NDArray[np.bool_]

#: Columns that describe a painting, so that all its captions are held out or none.
OF_PAINTINGS = ("style", "artist")

REASON = "hold_out_remainder"


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What is held out. rows: (annotations,). items: by what describes paintings, (items,)."""

    rows: Mask
    items: Mask


def held_out(corpus: Corpus, units: Units, values: Mapping[str, Sequence[str]]) -> Held:
    """The annotations and items that have one of the values in one of the columns.

    Raises DataError for a value that no annotation and no image has.
    """
    described = described_rows(corpus, list(values))
    problems = [
        problem
        for column, wanted in values.items()
        for problem in _unknown(column, wanted, described, corpus)
    ]
    if problems:
        raise DataError(problems)
    of_paintings = {column: wanted for column, wanted in values.items() if column in OF_PAINTINGS}
    items = np.zeros(len(units.group_of_item), dtype=np.bool_)
    items[units.item_of_row[_having(described, of_paintings)]] = True
    seen = {column: w for column, w in of_paintings.items() if column in corpus.images.columns}
    if corpus.images.height:
        items |= _having(corpus.images, seen)
    return Held(_having(described, values) | items[units.item_of_row], items)


def hold_out_sides(
    units: Units,
    held: Held,
    families: Sequence[Family],
    remaining: Sequence[Family],
    ratios: Sequence[float],
    *,
    seed: int,
    effort: int,
) -> Ints:
    """The split of every group, int64, (groups,).

    To the last split go the groups with an item held out as a painting and those of which every
    row is held out. Of the other groups with rows held out it takes, stratified, as many as its
    ratio of all rows still allows. The rest is balanced over the other splits.

    families: of all rows. remaining: of the rows that are not held out.
    """
    last = len(ratios) - 1
    rows = units.rows_per_group()
    held_of_group = np.bincount(units.group_of_row[held.rows], minlength=units.groups)
    in_last = (rows > 0) & (held_of_group == rows)
    in_last[units.group_of_item[held.items]] = True
    mixed = (held_of_group > 0) & ~in_last
    room = shares_of(ratios)[last] * rows.sum() - rows[in_last].sum()
    share = min(1.0, max(0.0, room / max(1, rows[mixed].sum())))
    if mixed.any() and share > 0:
        taken = solve(
            _only(families, mixed),
            [1.0 - share, share],
            seed=seed,
            effort=effort,
            fixed=np.where(mixed, -1, 0),
        )
        in_last |= taken == 1
    return solve(
        _only(remaining, ~in_last),
        [*ratios[:-1], 0.0],
        seed=seed,
        effort=effort,
        fixed=np.where(in_last, last, -1),
    )


def without_remainder(
    corpus: Corpus, units: Units, held: Held, in_last: Mask, values: Mapping[str, Sequence[str]]
) -> Corpus:
    """The corpus without what would blur the hold-out, which goes to the quarantine by design.

    in_last: the groups of the last split, (groups,). Left out are, there, the annotations and the
    paintings that are not held out and, elsewhere, the annotations that are; further the images
    that lose all their captions by this.
    """
    named = ", ".join(value for wanted in values.values() for value in wanted)
    misplaced = in_last[units.group_of_row] != held.rows
    annotations = corpus.annotations.filter(pl.Series(misplaced)).select(
        "id",
        reason=pl.lit(REASON),
        detail=pl.lit(f"{named}: shares a group with what another split holds"),
    )
    reduced = corpus.set_aside("annotations", annotations, step="split", by_design=True)
    if not corpus.images.height:
        return reduced
    captioned, kept = np.zeros((2, len(units.group_of_item)), dtype=np.bool_)
    captioned[units.item_of_row] = True
    kept[units.item_of_row[~misplaced]] = True
    stray = in_last[units.group_of_item] & ~held.items & held.items.any()
    bare = ~kept & (captioned | stray)
    images = corpus.images.filter(pl.Series(bare)).select(
        "id",
        reason=pl.lit(REASON),
        detail=pl.lit(f"{named}: no caption of it is left, or it is tied to a held-out painting"),
    )
    return reduced.set_aside("images", images, step="split", by_design=True)


def _only(families: Sequence[Family], groups: Mask) -> list[Family]:
    return [Family(family.name, family.names, family.counts.only(groups)) for family in families]


def _having(table: pl.DataFrame, values: Mapping[str, Sequence[str]]) -> Mask:
    """Which rows have one of the values in one of the columns; none where there is no column."""
    found = np.zeros(table.height, dtype=np.bool_)
    for column, wanted in values.items():
        found |= table[column].is_in(list(wanted)).fill_null(False).to_numpy()
    return found


def _unknown(
    column: str, wanted: Sequence[str], described: pl.DataFrame, corpus: Corpus
) -> list[str]:
    present = set(described[column].drop_nulls().unique())
    if column in corpus.images.columns:
        present |= set(corpus.images[column].drop_nulls().unique())
    some = ", ".join(sorted(present)[:30])
    return [
        f"split.hold_out.{column}: nothing has the value {value!r}; there are {some}."
        for value in wanted
        if value not in present
    ]
