"""Families of strata: how many rows of each stratum every group holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A sparse matrix of row counts, groups x strata, in compressed rows.

    Group g holds `counts[i]` rows of stratum `strata[i]` for i in starts[g]..starts[g + 1]; the
    strata of a group ascend and no count is zero.

    starts: int64, shape (groups + 1,). strata, counts: int64, shape (entries,).
    width: the number of strata.
    """

    starts: Ints
    strata: Ints
    counts: Ints
    width: int

    @property
    def groups(self) -> int:
        return len(self.starts) - 1

    def owners(self) -> Ints:
        """The group of each entry, int64, shape (entries,)."""
        return np.repeat(np.arange(self.groups, dtype=np.int64), np.diff(self.starts))

    def rows_per_stratum(self) -> Ints:
        """int64, shape (strata,)."""
        return _sums(self.strata, self.counts, self.width)

    def rows_per_group(self) -> Ints:
        """int64, shape (groups,)."""
        return _sums(self.owners(), self.counts, self.groups)

    def rows_per_split(self, sides: Ints, splits: int) -> Ints:
        """Rows of each stratum in each split, int64, shape (strata, splits).

        sides: the split of each group, 0..splits-1; a negative one counts nowhere.
        """
        side = np.asarray(sides, dtype=np.int64)[self.owners()]
        placed = side >= 0
        cells = self.strata[placed] * splits + side[placed]
        return _sums(cells, self.counts[placed], self.width * splits).reshape(self.width, splits)

    def only(self, groups: NDArray[np.bool_]) -> Sparse:
        """The same groups and strata without the rows of the groups that are not chosen."""
        kept = groups[self.owners()]
        lengths = np.where(groups, np.diff(self.starts), 0)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Sparse(starts, self.strata[kept], self.counts[kept], self.width)

    def entries_of(self, groups: Ints) -> tuple[Ints, Ints]:
        """(position in `groups`, index of the entry) of every entry of these groups."""
        lengths = self.starts[groups + 1] - self.starts[groups]
        owner = np.repeat(np.arange(len(groups), dtype=np.int64), lengths)
        before = np.cumsum(lengths) - lengths
        return owner, np.arange(lengths.sum()) + (self.starts[groups] - before)[owner]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One way of sorting rows into strata, with the rows of every group in every stratum.

    name: what the strata are cells of, such as "emotion x language".
    names: the strata's names, `counts.width` of them.
    """

    name: str
    names: tuple[str, ...]
    counts: Sparse

    def __post_init__(self) -> None:
        if len(self.names) != self.counts.width:
            raise ValueError(
                f"family {self.name!r} names {len(self.names)} strata of another count"
            )


def family_of_rows(
    name: str, names: Sequence[str], groups: int, group_of_row: Ints, stratum_of_row: Ints
) -> Family:
    """Count rows into a family.

    groups: the number of groups. group_of_row: 0..groups-1. stratum_of_row: an index into `names`,
    negative where the row belongs to no stratum of this family.
    """
    inside = stratum_of_row >= 0
    width = max(1, len(names))
    cells, counts = np.unique(
        group_of_row[inside].astype(np.int64) * width + stratum_of_row[inside], return_counts=True
    )
    starts = np.searchsorted(cells, np.arange(groups + 1, dtype=np.int64) * width)
    table = Sparse(starts.astype(np.int64), cells % width, counts.astype(np.int64), len(names))
    return Family(name, tuple(names), table)


def family_of_counts(name: str, names: Sequence[str], counts: NDArray[Any]) -> Family:
    """A family from a dense matrix of row counts, groups x strata, none negative."""
    if counts.ndim != 2 or (counts < 0).any():
        raise ValueError("row counts are a matrix, groups x strata, of numbers from 0")
    owner, stratum = np.nonzero(counts)
    starts = np.searchsorted(owner, np.arange(len(counts) + 1))
    table = Sparse(
        starts.astype(np.int64),
        stratum.astype(np.int64),
        counts[owner, stratum].astype(np.int64),
        counts.shape[1],
    )
    return Family(name, tuple(names), table)


def stack(families: Sequence[Family]) -> Sparse:
    """One matrix with the strata of all families side by side, in their order.

    Raises ValueError where the families do not count the same groups.
    """
    if not families or len({family.counts.groups for family in families}) != 1:
        raise ValueError("a split needs at least one family, and all must count the same groups")
    groups = families[0].counts.groups
    offsets = np.cumsum([0, *(family.counts.width for family in families)])
    owner = np.concatenate([family.counts.owners() for family in families])
    strata = np.concatenate(
        [family.counts.strata + shift for family, shift in zip(families, offsets, strict=False)]
    )
    counts = np.concatenate([family.counts.counts for family in families])
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(groups + 1))
    return Sparse(starts.astype(np.int64), strata[order], counts[order], int(offsets[-1]))


def _sums(index: Ints, values: Ints, size: int) -> Ints:
    # Sums of integers in float64 are exact below 2**53, which no count of rows reaches.
    return np.bincount(index, weights=values, minlength=size).astype(np.int64)
