"""Descent by single and paired moves of groups, on a part of a split small enough to see whole.

A move takes one group to another split. Both descents look at every move and every pair of moves,
which includes every swap, and make the best until none helps; they differ in what they minimise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from artcurate.splits.bounds import Floats
from artcurate.splits.families import Ints

_Real = TypeVar("_Real", np.float32, np.float64)

#: A gap below this is one of rounding.
_EXACT = 1e-9

#: Targets are rounded to 1/8 row and weights to integers, so that every sum in the quadratic
#: descent is one of integers within 2**53: exact, and the same with any BLAS, threads or machine.
STEPS_PER_ROW = 8.0
WEIGHT_OF_ONE_ROW = 2.0**36


class Neighbourhood(ABC):
    """Some groups that may change sides while all others stay.

    counts: rows of each group in each stratum, float64, (groups, strata).
    held: rows of each stratum in each split, all groups included, float64, (strata, splits).
    sides: the split of each group, int64, (groups,).
    """

    def __init__(self, counts: Floats, held: Floats, sides: Ints) -> None:
        """`held` and `sides` are copied."""
        groups, splits = len(counts), held.shape[1]
        others = np.arange(1, splits, dtype=np.int64)
        self.counts, self.held, self.sides = counts, held.copy(), sides.copy()
        self.splits = splits
        self._shift = np.repeat(others, groups)
        self._group = np.tile(np.arange(groups, dtype=np.int64), splits - 1)
        self._slots = groups * (others - 1)
        self._source = self.sides[self._group]
        self._target = (self._source + self._shift) % splits

    @property
    def moves(self) -> int:
        """How many single moves there are: groups x (splits - 1)."""
        return len(self._group)

    def apply(self, move: int) -> None:
        """Make one move."""
        group, target = self._group[move], self._target[move]
        self.held[:, self.sides[group]] -= self.counts[group]
        self.held[:, target] += self.counts[group]
        self.sides[group] = target
        slots = group + self._slots
        self._source[slots] = target
        self._target[slots] = (target + self._shift[slots]) % self.splits

    def place(self, sides: Ints) -> None:
        """Bring every group to the split given."""
        for group in np.flatnonzero(self.sides != sides):
            offset = (sides[group] - self.sides[group]) % self.splits
            self.apply(int(group + len(self.sides) * (offset - 1)))

    @abstractmethod
    def descend(self) -> None:
        """Make the best single move or pair of moves until none helps."""


class QuadraticNeighbourhood(Neighbourhood):
    """Minimises the sum over strata t and splits s of w_t (x_ts - r_s n_t)^2, x_ts being rows.

    With D_i the change that move i makes to x, two moves together cost d_i + d_j + 2 <D_i, D_j>_w
    more, so after one product of matrices all pairs are compared by scanning one table.
    """

    def __init__(
        self, counts: Floats, weights: Floats, targets: Floats, held: Floats, sides: Ints
    ) -> None:
        """
        weights: w_t, integers, (strata,).
        targets: r_s n_t in units of 1 / STEPS_PER_ROW, integers, (strata, splits).
        """
        super().__init__(counts, held, sides)
        self._targets = targets
        self._weighted = counts * weights
        self._product = STEPS_PER_ROW * (self._weighted @ counts.T)
        self._own = np.diagonal(self._product)[self._group]
        self._pairs = np.tile(self._product, (self.splits - 1, self.splits - 1))
        self._pairs *= self._overlap(self._source[:, None], self._target[:, None])
        self._pairs[self._group[:, None] == self._group] = np.inf

    def apply(self, move: int) -> None:
        super().apply(move)
        group = self._group[move]
        slots = group + self._slots
        pairs = np.tile(self._product[group], self.splits - 1) * self._overlap(
            self._source[slots][:, None], self._target[slots][:, None]
        )
        pairs[:, slots] = np.inf
        self._pairs[slots] = pairs
        self._pairs[:, slots] = pairs.T

    def descend(self) -> None:
        while True:
            change = self._changes()
            together = self._pairs + change
            partner = together.argmin(axis=1)
            best = together[np.arange(self.moves), partner] + change
            first, single = int(best.argmin()), int(change.argmin())
            if min(best[first], change[single]) >= 0.0:
                return
            if change[single] <= best[first]:
                self.apply(single)
            else:
                second = int(partner[first])
                self.apply(first)
                self.apply(second)

    def _changes(self) -> Floats:
        """What each single move adds to the cost, over 2 * STEPS_PER_ROW."""
        gradient = self._weighted @ (STEPS_PER_ROW * self.held - self._targets)
        changes: Floats = (
            gradient[self._group, self._target] - gradient[self._group, self._source] + self._own
        )
        return changes

    def _overlap(self, source: Ints, target: Ints) -> Floats:
        """<e_target - e_source, e_target' - e_source'> of the given moves with all moves."""
        overlap: Floats = (
            (target == self._target).astype(np.float64)
            + (source == self._source)
            - (source == self._target)
            - (target == self._source)
        )
        return overlap


class SharpNeighbourhood(Neighbourhood):
    """Minimises the sum over strata t and splits s of (|x_ts / n_t - r_s| / e_t)^16.

    The high power stands for the maximum, which alone would leave almost all pairs alike. Costs a
    table of pairs for every stratum and split, so it is for few groups. As the sum is convex, one
    move of a pair that lowers it must lower its linear part: only such pairs are in the table.
    """

    #: The pairs are compared in single precision; a gain below this is noise.
    _LEAST_GAIN = 1e-4

    def __init__(
        self, counts: Floats, rows: Floats, ratios: Floats, scale: Floats, held: Floats, sides: Ints
    ) -> None:
        """rows: n_t, (strata,). ratios: r_s, (splits,). scale: e_t as a share, (strata,)."""
        super().__init__(counts, held, sides)
        unit = rows * scale
        self._scaled = counts.T / unit[:, None]
        self._unit = unit[:, None]
        self._wanted = rows[:, None] * ratios

    def descend(self) -> None:
        while True:
            now, alone, leading, together = self._costs()
            single = int(alone.argmin())
            row, second = divmod(int(together.argmin()), self.moves) if len(leading) else (0, 0)
            paired = together[row, second] if len(leading) else np.inf
            if min(alone[single], paired) >= now * (1.0 - self._LEAST_GAIN):
                return
            if alone[single] <= paired:
                self.apply(single)
            else:
                self.apply(int(leading[row]))
                self.apply(second)

    def _costs(self) -> tuple[float, Floats, Ints, NDArray[np.float32]]:
        """The cost now, after each move, the moves that lead a pair, the cost after each pair."""
        gap = (self.held - self._wanted) / self._unit
        largest = max(float(np.abs(gap).max()), _EXACT)
        gap /= largest
        changes = self._cell_changes() / largest
        cells = gap.ravel()
        # All sums run cell by cell: the order of np.sum's additions depends on the processor.
        slope, alone = np.zeros(self.moves), np.zeros(self.moves)
        now = 0.0
        for cell, power, change in zip(cells, _sixteenth(cells.copy()), changes, strict=True):
            now += float(power)
            slope += (power / cell if cell else 0.0) * change
            alone += _sixteenth(cell + change)
        leading = np.flatnonzero(slope < 0)
        return now, alone, leading, self._pair_costs(cells, changes, leading)

    def _pair_costs(self, cells: Floats, changes: Floats, leading: Ints) -> NDArray[np.float32]:
        """The cost after each pair of moves, (leading, moves)."""
        together = np.zeros((len(leading), self.moves), dtype=np.float32)
        pair = np.empty_like(together)
        # Too large for single precision is infinite, hence never chosen.
        with np.errstate(over="ignore"):
            for cell, change in zip(
                cells.astype(np.float32), changes.astype(np.float32), strict=True
            ):
                np.add((cell + change[leading])[:, None], change, out=pair)
                together += _sixteenth(pair)
        together[self._group[leading][:, None] == self._group] = np.inf
        return together

    def _cell_changes(self) -> Floats:
        """What each move adds to each stratum and split, scaled, (strata x splits, moves)."""
        rows = self._scaled[:, None, self._group]
        splits = np.arange(self.splits)[:, None]
        sign = (self._target == splits).astype(np.float64) - (self._source == splits)
        changes: Floats = (rows * sign).reshape(-1, self.moves)
        return changes


def _sixteenth(values: NDArray[_Real]) -> NDArray[_Real]:
    """The values to the power of 16, in place."""
    for _ in range(4):
        np.square(values, out=values)
    return values
