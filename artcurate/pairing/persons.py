"""Owners of scarce items to splits: whole persons, every cell as near to the ratios as they permit.

Only cells without plenty need care: where a cell has several times the items that can be paired,
any split with roughly its share has enough. Such cells are put together into one stratum, so that
the search can spend itself on the others; a cell that then comes out short is balanced by itself.
"""

from __future__ import annotations

import numpy as np

from artcurate.pairing.apportion import Floats, Ints
from artcurate.pairing.counting import crosstab
from artcurate.splits.families import family_of_rows
from artcurate.splits.groups import connected_groups
from artcurate.splits.solver import solve

#: A cell with this many times the items that it needs has plenty.
_PLENTY = 2


def split_persons(
    person: Ints,
    cell: Ints,
    needed: Ints,
    shares: Floats,
    *,
    seed: int,
    effort: int,
) -> Ints:
    """The split of every person, 0..splits-1, int64, (persons,).

    person, cell: of every item, 0..; persons without an item are not allowed.
    needed: how many items of each cell are wanted in all, (cells,).
    effort: iterations of the search, at most, for persons who share cells (solver.solve).
    """
    persons, cells = int(person.max(initial=-1)) + 1, len(needed)
    owned = np.unique(np.stack([person, cell]), axis=1)
    component = connected_groups(persons + cells, [(owned[0], persons + owned[1])])
    sides = np.zeros(persons, dtype=np.int64)
    for label in np.unique(component[:persons]):
        items = np.flatnonzero(component[person] == label)
        members, member = np.unique(person[items], return_inverse=True)
        sides[members] = _split_component(
            member, cell[items], needed, shares, seed=seed, effort=effort
        )
    return sides


def _split_component(
    person: Ints, cell: Ints, needed: Ints, shares: Floats, *, seed: int, effort: int
) -> Ints:
    """As `split_persons`, for persons who share cells."""
    cells = len(needed)
    apart = np.bincount(cell, minlength=cells) < _PLENTY * needed
    while True:
        stratum = np.where(apart[cell], cell, cells)
        names = [str(number) for number in range(cells + 1)]
        family = family_of_rows("cell", names, int(person.max()) + 1, person, stratum)
        sides = solve([family], list(shares), seed=seed, effort=effort)
        held = crosstab(cell, sides[person], (cells, len(shares)))
        short = (held < np.floor(needed[:, None] * shares)).any(axis=1)
        if not (short & ~apart).any():
            return sides
        apart |= short
