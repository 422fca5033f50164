"""Features of several modalities side by side, each weighed by what training rows teach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from artcurate.benchmark.ngrams import TermWeights
from artcurate.benchmark.reduction import Components
from artcurate.benchmark.softmax import Matrix, SideBySide, Softmax, softmax
from artcurate.benchmark.task import FloatArray, Modality, View

Block: TypeAlias = TermWeights | Components


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """How each modality's encoded values become columns of a linear model."""

    blocks: Mapping[str, Block]

    @staticmethod
    def learn(inputs: View, components: int) -> Blocks:
        """From the training examples: term weights of sparse counts, components of dense rows."""
        return Blocks({name: _learn(modality, components) for name, modality in inputs.items()})

    @property
    def dense(self) -> tuple[str, ...]:
        """The modalities whose columns are components, in the order they came."""
        return tuple(name for name, one in self.blocks.items() if isinstance(one, Components))

    def scaled(self, lengths: Mapping[str, float]) -> Blocks:
        """The same columns, those of some dense modalities `lengths` times as long."""
        changed = {
            name: one.scaled(lengths[name])
            for name, one in self.blocks.items()
            if name in lengths and isinstance(one, Components)
        }
        return Blocks({**self.blocks, **changed})

    def features(self, modalities: Sequence[str], view: View) -> SideBySide:
        """The columns of `modalities` side by side: float32 (n, d)."""
        return SideBySide(
            tuple(_transform(self.blocks[name], _rows(view[name])) for name in modalities)
        )

    def scores(self, model: Softmax, modalities: Sequence[str], view: View) -> FloatArray:
        """Probabilities float32 (n, classes) of a model of `features(modalities, ...)`.

        Every unique input is weighed and multiplied once, however often it stands in the view.
        """
        logits: FloatArray = model.bias[None, :]
        start = 0
        for name in modalities:
            block = self.blocks[name]
            width = _width(block)
            used, places = np.unique(view[name].index, return_inverse=True)
            unique = _transform(block, _rows(Modality(view[name].values, used)))
            part = np.asarray(unique @ model.weights[start : start + width], dtype=np.float32)
            logits = logits + part[places]
            start += width
        return softmax(logits)


def _learn(modality: Modality, components: int) -> Block:
    rows = _rows(modality)
    if isinstance(rows, np.ndarray):
        return Components.learn(rows, components)
    return TermWeights.learn(rows)


def _rows(modality: Modality) -> Matrix:
    """The encoded values, one row per example."""
    values = cast("Matrix", modality.values)
    rows: Matrix = values[modality.index]
    return rows


def _transform(block: Block, rows: Matrix) -> Matrix:
    if isinstance(block, Components):
        return block.project(rows)
    return block.weigh(rows)


def _width(block: Block) -> int:
    return block.axes.shape[1] if isinstance(block, Components) else len(block.columns)
