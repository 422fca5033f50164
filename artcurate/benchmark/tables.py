"""Features of unique inputs as tensors, standardised, and the examples that point into them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artcurate.benchmark.heads import Features
from artcurate.benchmark.task import Modality, View
from artcurate.errors import DataError

#: A feature that varies less than this in training is left as it is but for its mean.
_LEAST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """mean, deviation: float32 (width,), of a modality over the training examples."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, modality: Modality) -> Standard:
        """Over the examples (not the unique inputs), and over all tokens that are not padding."""
        values = _array(modality)
        seen = np.bincount(modality.index, minlength=len(values)).astype(np.float64)
        if values.ndim == 3:
            shown = np.any(values != 0, axis=2)
            weights = (seen[:, None] * shown).ravel()
            values = values.reshape(-1, values.shape[2])
        else:
            weights = seen
        shares = (weights / weights.sum()).astype(np.float32)
        mean = shares @ values
        deviation = np.sqrt(shares @ np.square(values - mean))
        deviation[deviation < _LEAST_DEVIATION] = 1
        return cls(mean, deviation)


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    """pooled: (unique, width). tokens: (unique, t, width) and mask bool (unique, t), or None."""

    pooled: Tensor
    tokens: Tensor | None
    mask: Tensor | None


class Tables:
    """Standardised features on a device; arrays that several views share are moved once.

    Threads may share it.
    """

    def __init__(self, train: View, device: torch.device, dtype: torch.dtype) -> None:
        """The training view sets means and deviations. Raises DataError for values not finite."""
        self._device = device
        self._dtype = dtype
        self._standards = {name: Standard.of(modality) for name, modality in train.items()}
        self._inputs: dict[tuple[str, int], tuple[object, _Inputs]] = {}
        self._moving = threading.Lock()

    @property
    def widths(self) -> Mapping[str, int]:
        """Length of the features of each modality."""
        return {name: len(standard.mean) for name, standard in self._standards.items()}

    def view(self, view: View, names: Iterable[str]) -> TableView:
        """`view`'s modalities `names`, ready to be cut into batches."""
        chosen = {name: view[name] for name in names}
        return TableView(
            {name: self._moved(name, modality) for name, modality in chosen.items()},
            {
                name: torch.from_numpy(modality.index).to(self._device)
                for name, modality in chosen.items()
            },
        )

    def _moved(self, name: str, modality: Modality) -> _Inputs:
        key = (name, id(modality.values))
        with self._moving:
            if key not in self._inputs:
                values = _array(modality)
                # The array is kept beside its tensors, so that its id stays its own.
                self._inputs[key] = (values, self._inputs_of(name, values))
            return self._inputs[key][1]

    def _inputs_of(self, name: str, values: NDArray[np.float32]) -> _Inputs:
        standard = self._standards[name]
        scaled = (values - standard.mean) / standard.deviation
        if not np.isfinite(scaled).all():
            raise DataError(
                f"modality {name}: its features hold values that are not finite; mend the column "
                "or leave it out."
            )
        if values.ndim == 2:
            return _Inputs(self._tensor(scaled), None, None)
        shown: NDArray[np.bool_] = np.any(values != 0, axis=2)
        scaled *= shown[..., None]
        pooled = scaled.sum(1) / np.maximum(shown.sum(1), 1)[:, None]
        mask = torch.from_numpy(shown).to(self._device)
        return _Inputs(self._tensor(pooled), self._tensor(scaled), mask)

    def _tensor(self, values: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32, copy=False)).to(self._device, self._dtype)


class LatestTables:
    """The tables of the latest training view, and of earlier ones that somebody still uses."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._device = device
        self._dtype = dtype
        self._making = threading.Lock()
        self._latest: Tables | None = None
        self._known: list[tuple[View, weakref.ref[Tables]]] = []

    def of(self, train: View) -> Tables:
        """The tables whose means and deviations are those of `train`.

        Raises DataError for values not finite.
        """
        with self._making:
            tables = self._alive(train)
            if tables is None:
                self._latest = None
                tables = Tables(train, self._device, self._dtype)
                self._known.append((train, weakref.ref(tables)))
            self._latest = tables
            return tables

    def forget(self) -> None:
        """Give the memory back, when no training is to come."""
        with self._making:
            self._latest = None

    def _alive(self, train: View) -> Tables | None:
        self._known = [(view, tables) for view, tables in self._known if tables() is not None]
        return next((tables() for view, tables in self._known if _same(view, train)), None)


def _same(one: View, other: View) -> bool:
    """Whether two views hold the same modalities, not equal ones."""
    return one.keys() == other.keys() and all(one[name] is other[name] for name in one)


@dataclass(frozen=True, slots=True, eq=False)
class TableView:
    """Some examples' modalities: unique inputs and, by modality, int64 (n,) rows into them."""

    inputs: Mapping[str, _Inputs]
    rows: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.rows.values())))

    def batch(self, places: Tensor) -> dict[str, Features]:
        """The features of the examples at `places`, int64 (b,), by modality."""
        return {
            name: _gathered(inputs, self.rows[name].index_select(0, places))
            for name, inputs in self.inputs.items()
        }


def _gathered(inputs: _Inputs, rows: Tensor) -> Features:
    # On a CPU this takes a quarter of the time of indexing: it copies row by row.
    pooled = torch.nn.functional.embedding(rows, inputs.pooled)
    if inputs.tokens is None or inputs.mask is None:
        return Features(pooled)
    return Features(pooled, inputs.tokens[rows], inputs.mask[rows])


def _array(modality: Modality) -> NDArray[np.float32]:
    values = modality.values
    if not isinstance(values, np.ndarray):
        raise TypeError(f"dense features are needed, not {type(values).__name__}")
    return values
