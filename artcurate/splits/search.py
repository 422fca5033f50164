"""Iterated local search over blocks of groups.

A block is a set of groups whose strata no other group touches, in the family that falls apart
most, such as the persons of one age and gender. First each block is searched with the strata that
are its own; then with all, so that strata which span blocks (totals, labels) come right as well.
An iteration moves a few groups at random, descends, and keeps the result unless it is worse
(Lourenco, Martin, Stuetzle, "Iterated local search", Handbook of Metaheuristics, 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

import numpy as np
from numpy.typing import NDArray

from artcurate.splits.bounds import POINTS, Floats
from artcurate.splits.families import Family, Ints, Sparse
from artcurate.splits.groups import connected_groups, first_appearance
from artcurate.splits.neighbourhood import (
    Neighbourhood,
    QuadraticNeighbourhood,
    SharpNeighbourhood,
)
from artcurate.splits.placement import by_size, place
from artcurate.splits.problem import Merit, Problem, whole

Mask = NDArray[np.bool_]

#: Moves in view of a quadratic descent; its table of pairs has the square of it.
QUADRATIC_MOVES = 320
#: Numbers that one step of a sharp descent computes: pairs of moves x strata x splits.
SHARP_TABLE = 400_000
#: Iterations before the groups in view and what is minimised are chosen anew.
ITERATIONS_PER_PHASE = 15
#: Blocks of fewer groups than this are searched together.
LEAST_BLOCK = 8
#: Blocks of more groups than this keep their first placement.
MOST_PLACED_ANEW = 5000
#: New placements of which the best is taken further.
PLACEMENTS = 10
#: Trials of a block without a gain after which it is left; a gain is this share of the excess.
PATIENCE, LEAST_GAIN = 8, 0.01
#: How far a new placement departs from the order of size.
PLACEMENT_NOISE = 0.5
#: Random moves of one iteration: from, below.
KICK = (2, 25)


class Aim(Enum):
    """What the descents of one phase minimise; the phases of a block go through them in turn."""

    SQUARES = "squared deviations"
    WORST = "the worst deviation"
    SQUARES_BY_EXCESS = "squared deviations, weighed by each stratum's excess over its bound"
    WORST_BY_BOUND = "the worst deviation relative to what is left of each stratum's allowance"

    @property
    def sharp(self) -> bool:
        return self in (Aim.WORST, Aim.WORST_BY_BOUND)


@dataclass(slots=True, eq=False)
class _Task:
    """A block under search.

    lowest: excess at its last gain. idle: trials since then.
    """

    block: Ints
    strata: Ints
    merit: Merit
    lowest: int
    idle: int = 0

    def note(self, merit: Merit) -> None:
        self.merit = merit
        self.idle += 1
        if merit.excess < (1.0 - LEAST_GAIN) * self.lowest:
            self.lowest, self.idle = merit.excess, 0


class Search:
    """Improves an assignment in place.

    sides: the split of every group, -1 for those outside the problem; brought up to date.
    blocks: disjoint sets of groups that may move, none empty.
    """

    def __init__(
        self,
        problem: Problem,
        sides: Ints,
        blocks: Sequence[Ints],
        generator: np.random.Generator,
    ) -> None:
        self._problem, self._sides, self._blocks = problem, sides, blocks
        self._generator = generator
        self._held = problem.counts.rows_per_split(sides, problem.splits).astype(np.float64)
        self._owners = problem.counts.owners()

    def run(self, effort: int) -> None:
        """Place all groups, then spend at most `effort` iterations on bettering the assignment."""
        if self._problem.splits < 2 or not self._problem.counts.width:
            self._sides[np.concatenate(self._blocks)] = 0
            return
        self._place_all()
        spanning = spanning_strata(self._problem.counts, self._blocks)
        alone = effort if not spanning.any() else 2 * effort // 3
        used = self._rounds(self._blocks, ~spanning, alone, restarts=True)
        if spanning.any():
            in_view = QUADRATIC_MOVES // (self._problem.splits - 1)
            blocks = joined(self._blocks, in_view)
            self._rounds(blocks, np.ones_like(spanning), effort - used, restarts=False)

    def _place_all(self) -> None:
        """The better of two first assignments."""
        groups = np.concatenate(self._blocks)
        strata = np.arange(self._problem.counts.width)
        everything = np.ones(len(strata), dtype=np.bool_)
        self._accept(groups, self._placed(groups, everything, 0.0, relative=False))
        merit, sides = self._merit(strata), self._sides[groups]
        self._accept(groups, self._placed(groups, everything, 0.0, relative=True))
        if merit <= self._merit(strata):
            self._accept(groups, sides)

    def _placed(self, groups: Ints, considered: Mask, noise: float, *, relative: bool) -> Ints:
        """Sides for these groups, placed anew."""
        order = by_size(self._problem, groups, self._generator, noise)
        held = self._held.copy()
        self._count(held, groups, self._sides[groups], -1)
        sides = self._sides.copy()
        sides[order] = place(self._problem, order, held, considered, relative=relative)
        placed: Ints = sides[groups]
        return placed

    def _rounds(
        self, blocks: Sequence[Ints], considered: Mask, effort: int, *, restarts: bool
    ) -> int:
        """Trials for all blocks in turn, worst first; the iterations used.

        A block is left when it is near enough or when `PATIENCE` trials have gained nothing.
        """
        used = 0
        tasks = [task for block in blocks if (task := self._task(block, considered))]
        for turn in count():
            tasks = [task for task in tasks if not self._finished(task)]
            tasks.sort(key=lambda task: task.merit.excess, reverse=True)
            for task in tasks:
                left = effort - used
                if left <= 0:
                    return used
                fresh = restarts and turn % 2 == 1 and len(task.block) <= MOST_PLACED_ANEW
                if fresh and left > PLACEMENTS:
                    used += self._restart(task.block, task.strata, considered, left)
                else:
                    used += self._trial(task.block, task.strata, left)
                task.note(self._merit(task.strata))
            if not tasks:
                break
        return used

    def _task(self, block: Ints, considered: Mask) -> _Task | None:
        """None for a block without strata to be considered."""
        strata = self._strata_of(block, considered)
        if not len(strata):
            return None
        merit = self._merit(strata)
        return _Task(block, strata, merit, merit.excess)

    def _finished(self, task: _Task) -> bool:
        return task.idle >= PATIENCE or self._problem.near_enough(task.merit)

    def _restart(self, block: Ints, strata: Ints, considered: Mask, effort: int) -> int:
        """A trial from a new placement of the block, undone where it ends worse."""
        before, sides = self._merit(strata), self._sides[block]
        starts = []
        for start in range(PLACEMENTS):
            anew = self._placed(block, considered, PLACEMENT_NOISE, relative=start % 2 == 1)
            self._accept(block, anew)
            self._phase(block, strata, Aim.SQUARES, 1)
            starts.append((self._merit(strata), start, self._sides[block]))
        self._accept(block, min(starts)[2])
        used = PLACEMENTS + self._trial(block, strata, effort - PLACEMENTS)
        if before < self._merit(strata):
            self._accept(block, sides)
        return used

    def _trial(self, block: Ints, strata: Ints, effort: int) -> int:
        """One phase for each aim until the block is near enough; the iterations used."""
        used = 0
        for aim in Aim:
            if used >= effort or self._problem.near_enough(self._merit(strata)):
                break
            used += self._phase(block, strata, aim, min(ITERATIONS_PER_PHASE, effort - used))
        return used

    def _phase(self, block: Ints, strata: Ints, aim: Aim, iterations: int) -> int:
        """Search some groups of the block; the number of iterations made."""
        groups = self._choose(block, strata, self._in_view(strata, aim))
        dense, touched = self._dense(groups, strata)
        if not len(touched):
            return iterations
        view = self._neighbourhood(groups, dense, touched, aim)
        best, kept = self._problem.merit(view.held, touched), view.sides.copy()
        made = 0
        while made < iterations and not self._problem.near_enough(best):
            if made:
                self._kick(view)
            view.descend()
            made += 1
            merit = self._problem.merit(view.held, touched)
            if merit <= best:
                best, kept = merit, view.sides.copy()
            else:
                view.place(kept)
        self._accept(groups, kept)
        return max(1, made)

    def _kick(self, view: Neighbourhood) -> None:
        strength = self._generator.integers(*KICK)
        for move in self._generator.integers(0, view.moves, strength).tolist():
            view.apply(move)

    def _accept(self, groups: Ints, sides: Ints) -> None:
        """Bring the groups to these sides."""
        self._count(self._held, groups, self._sides[groups], -1)
        self._count(self._held, groups, sides, 1)
        self._sides[groups] = sides

    def _count(self, held: Floats, groups: Ints, sides: Ints, sign: int) -> None:
        """Add the rows of groups on these sides to `held`, or take them away."""
        owner, entry = self._problem.counts.entries_of(groups)
        placed = sides[owner] >= 0
        cell = (self._problem.counts.strata[entry][placed], sides[owner][placed])
        np.add.at(held, cell, sign * self._problem.counts.counts[entry][placed])

    def _merit(self, strata: Ints) -> Merit:
        return self._problem.merit(self._held[strata], strata)

    def _in_view(self, strata: Ints, aim: Aim) -> int:
        """How many groups a phase may look at."""
        moves = QUADRATIC_MOVES
        if aim.sharp:
            moves = int(np.sqrt(SHARP_TABLE / (len(strata) * self._problem.splits)))
        return max(2, moves // (self._problem.splits - 1))

    def _choose(self, block: Ints, strata: Ints, size: int) -> Ints:
        """At most `size` groups: half with many rows in the worst stratum, half at random."""
        if len(block) <= size:
            return block
        worst = strata[self._problem.excess(self._held[strata], strata).argmax()]
        counts = self._problem.counts
        entries = np.flatnonzero(counts.strata == worst)
        rows = np.zeros(counts.groups)
        rows[self._owners[entries]] = counts.counts[entries]
        appeal = rows[block] * self._generator.random(len(block))
        touching = np.flatnonzero(appeal)
        first = touching[np.argsort(-appeal[touching], kind="stable")][: size // 2]
        others = np.ones(len(block), dtype=np.bool_)
        others[first] = False
        left = np.flatnonzero(others)
        rest = left[self._generator.choice(len(left), size - len(first), replace=False)]
        chosen: Ints = block[np.sort(np.concatenate([first, rest]))]
        return chosen

    def _dense(self, groups: Ints, strata: Ints) -> tuple[Floats, Ints]:
        """Rows of these groups in those of `strata` that they touch, and these strata."""
        counts = self._problem.counts
        owner, entry = counts.entries_of(groups)
        inside = np.isin(counts.strata[entry], strata)
        owner, entry = owner[inside], entry[inside]
        touched, column = np.unique(counts.strata[entry], return_inverse=True)
        dense = np.zeros((len(groups), len(touched)))
        dense[owner, column] = counts.counts[entry]
        return dense, touched

    def _neighbourhood(self, groups: Ints, dense: Floats, strata: Ints, aim: Aim) -> Neighbourhood:
        problem, held, sides = self._problem, self._held[strata], self._sides[groups]
        excess = problem.excess(held, strata) / POINTS
        if aim.sharp:
            scale = np.ones(len(strata))
            if aim is Aim.WORST_BY_BOUND:
                scale = np.maximum(problem.bounds[strata] / POINTS + excess.max(), 1e-6)
            return SharpNeighbourhood(
                dense, problem.rows[strata], problem.ratios, scale, held, sides
            )
        weights = problem.weights[strata]
        if aim is Aim.SQUARES_BY_EXCESS and excess.max() > 0:
            weights = whole(weights * (0.05 + (excess / excess.max()) ** 2))
        return QuadraticNeighbourhood(dense, weights, problem.targets[strata], held, sides)

    def _strata_of(self, block: Ints, considered: Mask) -> Ints:
        strata = np.unique(self._problem.counts.strata[self._problem.counts.entries_of(block)[1]])
        return strata[considered[strata]]


def blocks_of(families: Sequence[Family], groups: Ints) -> list[Ints]:
    """The groups by components of the family that has most of them, the largest block first.

    Components of fewer than `LEAST_BLOCK` groups do not count and are put together.
    """
    candidates = [components(family.counts, groups) for family in families]
    labels = max(candidates, key=lambda found: int((np.bincount(found) >= LEAST_BLOCK).sum()))
    order = np.argsort(labels, kind="stable")
    blocks = np.split(groups[order], np.flatnonzero(np.diff(labels[order])) + 1)
    return joined(sorted(blocks, key=len, reverse=True), LEAST_BLOCK)


def components(counts: Sparse, groups: Ints) -> Ints:
    """Labels from 0 of these groups, equal where a chain of shared strata connects them.

    Groups without any row here share one label.
    """
    owner, entry = counts.entries_of(groups)
    edges = (owner, len(groups) + counts.strata[entry])
    bare = np.setdiff1d(np.arange(len(groups)), owner)
    edges_of_bare = (np.repeat(bare[:1], len(bare)), bare)
    labels = connected_groups(len(groups) + counts.width, [edges, edges_of_bare])
    return first_appearance(labels[: len(groups)])


def spanning_strata(counts: Sparse, blocks: Sequence[Ints]) -> Mask:
    """Which strata have rows in more than one block, bool, (strata,)."""
    block_of = np.full(counts.groups, -1, dtype=np.int64)
    for number, block in enumerate(blocks):
        block_of[block] = number
    label = block_of[counts.owners()]
    movable = label >= 0
    first = np.full(counts.width, len(blocks), dtype=np.int64)
    last = np.full(counts.width, -1, dtype=np.int64)
    np.minimum.at(first, counts.strata[movable], label[movable])
    np.maximum.at(last, counts.strata[movable], label[movable])
    spans: Mask = first < last
    return spans


def joined(blocks: Sequence[Ints], size: int) -> list[Ints]:
    """The blocks with small ones put together until each has `size` groups, if there are so many.

    blocks: the largest first.
    """
    result: list[Ints] = []
    waiting: list[Ints] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= size:
            result.append(np.concatenate(waiting))
            waiting = []
    if waiting:
        rest = np.concatenate([*result[-1:], *waiting])
        result = [*result[:-1], rest]
    return result
