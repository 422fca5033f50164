"""Encoders and a head as one model, its learning rates, and how its examples become batches."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from artcurate.benchmark.batching import Sequences
from artcurate.benchmark.encoders import Encoder, ImageEncoder, TextEncoder
from artcurate.benchmark.heads import Features, Head
from artcurate.benchmark.task import FloatArray, IntArray, Pictures, View
from artcurate.errors import DataError
from artcurate.images.faults import Fault

#: A batch: the tensors of each modality, (n, ...).
Batch = Mapping[str, tuple[Tensor, ...]]

_LAYER = re.compile(r"\.(?:layers?|blocks?|stages|h)\.(\d+)\.")


class FusionModel(nn.Module):
    """One encoder per raw modality and a head; precomputed features go to the head directly.

    forward(batch, training) gives logits (k, n, classes): in training what the head trains, else
    its prediction with k = 1.
    """

    def __init__(
        self, modalities: Sequence[str], encoders: Mapping[str, Encoder], head: Head, classes: int
    ) -> None:
        super().__init__()
        self.classes = classes
        self.modalities = tuple(modalities)
        self.encoders = nn.ModuleDict(dict(encoders))
        self.head = head

    def forward(self, batch: Batch, training: bool) -> Tensor:
        features = [self._features(name, batch[name]) for name in self.modalities]
        if training:
            return self.head.training_logits(features)
        logits: Tensor = self.head(features)
        return logits.unsqueeze(0)

    def _features(self, name: str, tensors: tuple[Tensor, ...]) -> Features:
        if name not in self.encoders:
            return Features(
                tensors[0],
                tensors[0].unsqueeze(1),
                torch.ones(len(tensors[0]), 1, dtype=torch.bool, device=tensors[0].device),
            )
        output = self.encoders[name](*tensors)
        return Features(output.pooled, output.tokens, output.mask)


@dataclass(frozen=True, slots=True)
class Rates:
    """learning_rate: of the encoders' uppermost layers. head: of the head.

    layer_decay: factor from one encoder layer to the one below. weight_decay: not for biases and
    norms.
    """

    learning_rate: float
    head: float
    layer_decay: float
    weight_decay: float


def parameter_groups(model: FusionModel, rates: Rates) -> list[dict[str, object]]:
    """AdamW's groups, one per learning rate and weight decay, each with its `base` rate."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    depths = {name: _depth(encoder) for name, encoder in model.encoders.items()}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = rates.head
        if name.startswith("encoders."):
            encoder = name.split(".")[1]
            below = depths[encoder] - _level(name, depths[encoder])
            rate = rates.learning_rate * rates.layer_decay**below
        decay = rates.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "base": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def _depth(encoder: nn.Module) -> int:
    """Levels above the embeddings: one per layer."""
    layers = [
        int(found[1]) for name, _ in encoder.named_parameters() if (found := _LAYER.search(name))
    ]
    return max(layers, default=-1) + 1


def _level(name: str, depth: int) -> int:
    """0 for embeddings, 1 for the lowest layer, `depth` for the uppermost and all above it."""
    found = _LAYER.search(name)
    if found:
        return int(found[1]) + 1
    return 0 if "embed" in name else depth


def rate_factor(step: int, steps: int, warmup: float, *, cosine: bool) -> float:
    """What base rates are multiplied with at `step` (from 0) of `steps`.

    Rises linearly over the first share `warmup` of the steps, then falls to 0 as half a cosine
    (Loshchilov and Hutter, ICLR 2017, eq. 5) or stays.
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    if not cosine:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


class Examples:
    """The examples of a view, ready to be padded and decoded batch by batch."""

    def __init__(
        self,
        view: View,
        modalities: Sequence[str],
        encoders: Mapping[str, Encoder],
        sequences: Mapping[int, Sequences],
    ) -> None:
        """sequences: tokens of every text modality's values, by the id of the values."""
        self._view = {name: view[name] for name in modalities}
        self._encoders = encoders
        self._sequences = sequences

    def __len__(self) -> int:
        return len(next(iter(self._view.values())))

    @property
    def lengths(self) -> IntArray:
        """int64 (n,): tokens of each example's text; 1 where there is no text."""
        for name, modality in self._view.items():
            if isinstance(self._encoders.get(name), TextEncoder):
                return self._sequences[id(modality.values)].lengths[modality.index]
        return np.ones(len(self), np.int64)

    def batch(self, rows: IntArray) -> Batch:
        """The tensors of some examples. Raises DataError for a picture that does not decode."""
        return {name: self._tensors(name, rows) for name in self._view}

    def _tensors(self, name: str, rows: IntArray) -> tuple[Tensor, ...]:
        modality = self._view[name]
        places = modality.index[rows]
        encoder = self._encoders.get(name)
        if isinstance(encoder, TextEncoder):
            return self._sequences[id(modality.values)].padded(places)
        if isinstance(encoder, ImageEncoder):
            pixels = _pixels(encoder, modality.values, places)  # type: ignore[arg-type]
            return (torch.from_numpy(pixels),)
        values: FloatArray = modality.values  # type: ignore[assignment]
        return (torch.from_numpy(values[places]),)


def _pixels(encoder: ImageEncoder, pictures: Pictures, places: IntArray) -> FloatArray:
    pixels = []
    for place in places.tolist():
        image = pictures.decode(place, min_side=encoder.min_side)
        if isinstance(image, Fault):
            raise DataError(
                f"picture {place + 1} of the training cannot be decoded any more: {image.detail} "
                "Check the dataset with `artcurate validate` and run again."
            )
        pixels.append(encoder.pixels(image))
    return np.stack(pixels)
