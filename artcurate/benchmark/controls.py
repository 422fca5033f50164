"""Test sets in which something is broken on purpose; training sets whose labels mean nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

import numpy as np

from artcurate.benchmark.dataset import IMAGE, Examples
from artcurate.benchmark.task import Fold, IntArray, Modality, View
from artcurate.errors import UsageError
from artcurate.resources import nearest


class Control(StrEnum):
    """What can be broken.

    labels_shuffled: training and validation labels are permuted; only chance is left.
    pairs_shuffled: each text gets the picture of any other test example.
    pairs_redrawn: each text gets another picture of its label (and cell); where text and picture
        share the label only, nothing may change.
    modality_removed: the text is empty, the picture grey.
    overlap: texts and pictures that stand in train and in test.
    transfer: trained on some languages, tested on others.
    attributes: what the label's cell (language; age group and gender) alone predicts.
    """

    LABELS_SHUFFLED = "labels_shuffled"
    PAIRS_SHUFFLED = "pairs_shuffled"
    PAIRS_REDRAWN = "pairs_redrawn"
    MODALITY_REMOVED = "modality_removed"
    OVERLAP = "overlap"
    TRANSFER = "transfer"
    ATTRIBUTES = "attributes"


def parse_controls(text: str) -> frozenset[Control]:
    """`all`, `none`, or names with commas between them. Raises UsageError for any other word."""
    if text == "all":
        return frozenset(Control)
    if text == "none":
        return frozenset()
    words = [word.strip() for word in text.split(",")]
    if len(words) > 1 and not {"all", "none"}.isdisjoint(words):
        raise UsageError("--controls: all and none stand alone; name the controls otherwise.")
    known = {control.value: control for control in Control}
    for word in words:
        if word not in known:
            raise UsageError(f"no control {nearest(word, [*known, 'all', 'none'])}")
    return frozenset(known[word] for word in words)


def broken_views(
    examples: Examples, rows: IntArray, wanted: Collection[Control], *, draws: int, seed: int
) -> dict[str, dict[str, View]]:
    """Per control the views of the examples at `rows` that it looks at, under a name each."""
    inputs = {name: modality.take(rows) for name, modality in examples.inputs.items()}
    broken: dict[str, dict[str, View]] = {}
    if Control.PAIRS_SHUFFLED in wanted and IMAGE in inputs:
        orders = _permutations([np.arange(len(rows))], draws, seed)
        broken[Control.PAIRS_SHUFFLED] = _with_pictures(inputs, orders)
    if Control.PAIRS_REDRAWN in wanted and IMAGE in inputs:
        broken[Control.PAIRS_REDRAWN] = _with_pictures(
            inputs, _redrawn(examples, rows, draws, seed)
        )
    if Control.MODALITY_REMOVED in wanted:
        broken[Control.MODALITY_REMOVED] = {
            f"{name}_removed": {**inputs, name: _nothing(modality)}
            for name, modality in inputs.items()
        }
    return broken


def shuffled_labels(fold: Fold, *, seed: int) -> Fold:
    """The same inputs with the labels of the fold in another order."""
    order = np.random.Generator(np.random.PCG64([seed, len(fold)])).permutation(len(fold))
    return Fold(fold.inputs, fold.labels.take(order), fold.groups)


def _redrawn(examples: Examples, rows: IntArray, draws: int, seed: int) -> list[IntArray]:
    """The dataset's own re-pairings where it has any, otherwise orders within label and cell."""
    if examples.draws is not None:
        places = np.full(len(examples) + 1, -1, dtype=np.int64)
        places[rows] = np.arange(len(rows))
        given = places[examples.draws[:, rows]]
        own = np.arange(len(rows))
        return [np.where(order >= 0, order, own) for order in given]
    parts = [examples.labels.index[rows]]
    attributes = examples.attributes.values()
    parts += [np.unique(values[rows], return_inverse=True)[1] for values in attributes]
    cell = np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return _permutations([np.flatnonzero(cell == one) for one in np.unique(cell)], draws, seed)


def _permutations(parts: Sequence[IntArray], draws: int, seed: int) -> list[IntArray]:
    """`draws` orders of all places that move each place within its part only."""
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    orders = []
    for _ in range(draws):
        order = np.empty(sum(len(part) for part in parts), dtype=np.int64)
        for part in parts:
            order[part] = generator.permutation(part)
        orders.append(order)
    return orders


def _with_pictures(inputs: View, orders: Sequence[IntArray]) -> dict[str, View]:
    return {
        f"draw {number}": {**inputs, IMAGE: inputs[IMAGE].take(order)}
        for number, order in enumerate(orders)
    }


def _nothing(modality: Modality) -> Modality:
    """Every example gets the last unique input: an empty text, a grey picture, zeros."""
    values = modality.values
    count = values.shape[0] if hasattr(values, "shape") else len(values)
    return Modality(values, np.full(len(modality), count - 1, dtype=np.int64))
