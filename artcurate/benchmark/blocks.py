"""Features of several modalities side by side, each weighed by what training rows teach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from artcurate.benchmark.ngrams import TermWeights
from artcurate.benchmark.reduction import Components
from artcurate.benchmark.softmax import Matrix, Softmax, softmax
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

    def features(self, modalities: Sequence[str], view: View) -> Matrix:
        """The columns of `modalities` side by side: float32 (n, d), sparse where one of them is."""
        from scipy.sparse import csr_array, hstack

        parts = [_transform(self.blocks[name], _rows(view[name])) for name in modalities]
        if len(parts) == 1:
            return parts[0]
        if all(isinstance(part, np.ndarray) for part in parts):
            return np.hstack(parts)
        return csr_array(hstack([csr_array(part) for part in parts], format="csr"))

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
