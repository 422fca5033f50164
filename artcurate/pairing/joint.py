"""Both owners to splits, then pairs inside them: the most pairs that whole owners allow.

1. Persons go to splits, so that every cell has there what it can use (persons.py), and as many
   change sides as the labels need to have the ratios (labels.py).
2. Quotas per cell and split follow from what the persons can serve (quotas.py).
3. Dialogues go where their sentences are wanted (dialogues.py).
4. Quotas again, now from what both sides hold.

No step undoes an earlier one, and each can be judged by itself: `JointSplit` tells what the most
pairs were before it and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artcurate.pairing.apportion import Floats, Ints
from artcurate.pairing.counting import crosstab
from artcurate.pairing.dialogues import split_dialogues
from artcurate.pairing.draw import Portion
from artcurate.pairing.labels import balance_labels
from artcurate.pairing.order import Keys
from artcurate.pairing.persons import split_persons
from artcurate.pairing.quotas import quotas

DEFAULT_EFFORT = 400


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two pools.

    cell: of every item, int64. owner: of every item, 0.., int64; every owner has an item.
    """

    cell: Ints
    owner: Ints

    def per_cell(self, cells: int) -> Ints:
        """Items per cell, int64, (cells,)."""
        return np.bincount(self.cell, minlength=cells).astype(np.int64)

    def per_split(self, cells: int, sides: Ints, splits: int) -> Ints:
        """Items per cell and split, int64, (cells, splits); sides: the split of each owner."""
        return crosstab(self.cell, sides[self.owner], (cells, splits))


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What pairs there may be.

    shares: of the splits, sum 1, (splits,). limits: most sentences of each cell that are paired,
    (cells,). labels: the label of each cell, 0.., (cells,). secondary: cells whose sentences come
    along with others, (cells,). portion: images per sentence. effort: of the search for persons.
    """

    shares: Floats
    limits: Ints
    labels: Ints
    secondary: NDArray[np.bool_]
    portion: Portion
    seed: int
    effort: int = DEFAULT_EFFORT

    @property
    def cells(self) -> int:
        return len(self.limits)


@dataclass(frozen=True, slots=True, eq=False)
class JointSplit:
    """The splits of both kinds of owner and what they leave to pair, in paired sentences.

    persons, dialogues: the split of every owner, int64. quota: sentences to pair in each cell and
    split, int64, (cells, splits).
    bound: the most of each cell without any split, (cells,).
    after_persons: the most of each cell once the persons are split, if dialogues could be cut.
    """

    persons: Ints
    dialogues: Ints
    quota: Ints
    bound: Ints
    after_persons: Ints


def split_jointly(images: Side, sentences: Side, rules: Rules, dialogue_keys: Keys) -> JointSplit:
    """Assign persons and dialogues to splits, each as a whole.

    dialogue_keys: the order of dialogues that are alike, (dialogues,).
    """
    cells, splits = rules.cells, len(rules.shares)
    available = sentences.per_cell(cells)
    bound = rules.portion.most(available, images.per_cell(cells), rules.limits)
    persons = split_persons(
        images.owner,
        images.cell,
        bound * (1 if rules.portion.reuse else rules.portion.each),
        rules.shares,
        seed=rules.seed,
        effort=rules.effort,
    )
    limits = np.minimum(available, rules.limits)

    def served_by(sides: Ints) -> Ints:
        return rules.portion.served(images.per_split(cells, sides, splits))

    def wanted_of(sides: Ints) -> Ints:
        return quotas(served_by(sides), limits, rules.labels, rules.shares)

    persons = balance_labels(
        persons,
        images.owner,
        images.cell,
        rules.labels,
        rules.shares,
        rigid=np.flatnonzero(rules.portion.served(images.per_cell(cells)) <= limits),
        quotas_of=wanted_of,
    )
    served, wanted = served_by(persons), wanted_of(persons)
    dialogues = split_dialogues(
        sentences.owner,
        sentences.cell,
        wanted,
        served,
        rules.shares,
        secondary=rules.secondary,
        keys=dialogue_keys,
    )
    held = np.minimum(served, sentences.per_split(cells, dialogues, splits))
    quota = quotas(held, rules.limits, rules.labels, rules.shares)
    return JointSplit(persons, dialogues, quota, bound, wanted.sum(axis=1))
