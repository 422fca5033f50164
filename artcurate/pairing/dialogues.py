"""Owners of several items to splits so that every cell has there what is wanted of it.

A dialogue has a few sentences, mostly two of one cell and one of a secondary cell. They are placed
one after another, the largest first, where most of their sentences can be paired, and among such
splits where most are wanted: as long as there is room for two sentences of a cell, no dialogue with
two goes where there is room for one, so for dialogues with one or two sentences in one cell nothing
is lost that could have been kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from artcurate.pairing.apportion import Floats, Ints
from artcurate.pairing.order import Keys, deal
from artcurate.splits.families import family_of_rows


def split_dialogues(
    dialogue: Ints,
    cell: Ints,
    wanted: Ints,
    room: Ints,
    shares: Floats,
    *,
    secondary: NDArray[np.bool_],
    keys: Keys,
) -> Ints:
    """The split of every dialogue, 0..splits-1, int64, (dialogues,).

    dialogue, cell: of every sentence, 0... wanted: sentences of each cell in each split, int64,
    (cells, splits). room: how many there can be paired there, at least those wanted, likewise.
    secondary: cells that decide only between splits that are otherwise equal,
    (cells,). keys: the order of dialogues that are alike, (dialogues,).

    Dialogues of which nothing is wanted any more are dealt by `shares`.
    """
    table = _Table(dialogue, cell, wanted, room, secondary, keys)
    spare = table.place(table.largest_first(), secondary=False)
    unwanted = table.place(spare, secondary=True)
    sides = np.array(table.sides, dtype=np.int64)
    sides[unwanted] = deal(keys[unwanted], shares)
    return sides


class _Table:
    """Dialogues and what is still wanted, as plain lists: item by item they are quicker."""

    def __init__(
        self,
        dialogue: Ints,
        cell: Ints,
        wanted: Ints,
        room: Ints,
        secondary: NDArray[np.bool_],
        keys: Keys,
    ) -> None:
        names = [str(number) for number in range(len(wanted))]
        self._counts = family_of_rows("cell", names, len(keys), dialogue, cell).counts
        self._keys = keys
        self._secondary_cells = secondary
        self._secondary: list[bool] = secondary.tolist()
        self._wanted: list[list[int]] = wanted.tolist()
        self._missing: list[list[int]] = wanted.tolist()
        self._room: list[list[int]] = room.tolist()
        self.sides = [-1] * len(keys)

    def largest_first(self) -> list[int]:
        """All dialogues; of those of one size first the ones with secondary items."""
        counts = self._counts
        items = np.where(self._secondary_cells[counts.strata], counts.counts, 0)
        secondary = np.bincount(counts.owners(), weights=items, minlength=counts.groups)
        primary = counts.rows_per_group() - secondary
        order: list[int] = np.lexsort((self._keys, -secondary, -primary)).tolist()
        return order

    def place(self, dialogues: Iterable[int], *, secondary: bool) -> list[int]:
        """Place those of which something is wanted; the others."""
        starts = self._counts.starts.tolist()
        cells, items = self._counts.strata.tolist(), self._counts.counts.tolist()
        splits = range(len(self._wanted[0])) if self._wanted else range(0)
        left: list[int] = []
        for number in dialogues:
            inside = slice(starts[number], starts[number + 1])
            entries = list(zip(cells[inside], items[inside], strict=True))
            gains = [self._gains(entries, split) for split in splits]
            if not any(gain[2 if secondary else 1] for gain in gains):
                left.append(number)
                continue
            best = max(splits, key=gains.__getitem__)
            self.sides[number] = best
            for cell, count in entries:
                self._missing[cell][best] -= count
                self._room[cell][best] -= count
        return left

    def _gains(self, entries: list[tuple[int, int]], split: int) -> tuple[int, int, int, float]:
        """(items that can be paired, wanted items, wanted items of secondary cells, how much of
        the want is unmet); the first two are those of other cells."""
        usable = primary = secondary = 0
        unmet = 0.0
        for cell, items in entries:
            missing = self._missing[cell][split]
            gain = min(items, missing) if missing > 0 else 0
            if self._secondary[cell]:
                secondary += gain
            else:
                primary += gain
                usable += max(0, min(items, self._room[cell][split]))
            if gain:
                unmet += missing / self._wanted[cell][split]
        return usable, primary, secondary, unmet
