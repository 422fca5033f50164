"""Fusions of pooled features: concatenation, linear combination, gates, EmbraceNet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from artcurate.benchmark.heads.base import (
    Classifier,
    Dropout,
    Features,
    Head,
    Options,
    Shape,
    concatenated,
    draw,
    head,
)


@head("concatenation", Options, title="concatenation", cost=1.5)
class Concatenation(Head):
    """A classifier on [x_1, ..., x_M]; without hidden layers as in VL-KE-T5."""

    def __init__(self, shape: Shape, options: Options) -> None:
        super().__init__()
        self.classifier = Classifier(sum(shape.widths), shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        logits: Tensor = self.classifier(concatenated(features))
        return logits


@dataclass(frozen=True, slots=True)
class LatentOptions(Options):
    """latent: common width of the modalities; None takes features as they are, of equal width."""

    latent: int | None = 128


@head("linear_combination", LatentOptions, title="linear combination", cost=1.8)
class LinearCombination(Head):
    """A classifier on sum_m a_m z_m with learned scalars a_m, 1 at the start (MVIP 2024).

    z_m = x_m where the features have one width and `latent` is None, else a linear map of x_m.
    """

    def __init__(self, shape: Shape, options: LatentOptions) -> None:
        super().__init__()
        self.latents, latent = _latents(shape, options.latent)
        self.weights = nn.Parameter(torch.ones(len(shape.widths)))
        self.classifier = Classifier(latent, shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        combined = sum(
            weight * latent(one.pooled)
            for weight, latent, one in zip(self.weights, self.latents, features, strict=True)
        )
        logits: Tensor = self.classifier(combined)
        return logits


def _latents(shape: Shape, latent: int | None) -> tuple[nn.ModuleList, int]:
    if latent is None and len(set(shape.widths)) == 1:
        return nn.ModuleList(nn.Identity() for _ in shape.widths), shape.widths[0]
    width = latent if latent is not None else max(shape.widths)
    return nn.ModuleList(nn.Linear(one, width) for one in shape.widths), width


@dataclass(frozen=True, slots=True)
class GateOptions(Options):
    """latent: width of the gated vectors."""

    latent: int = 128
    hidden: tuple[int, ...] = ()


@head("gated_unit", GateOptions, title="gated multimodal unit", cost=2.8)
class GatedUnit(Head):
    """Gated multimodal unit (Arevalo et al., arXiv:1702.01992, section 3.1), then a classifier.

    h_m = tanh(W_m x_m). For two modalities z = sigmoid(W_z [x_1, x_2]) and h = z h_1 + (1-z) h_2;
    for more, every modality has its gate z_m = sigmoid(W_zm [x_1, ..., x_M]) and h = sum z_m h_m.
    The paper's units have no bias; these have.
    """

    def __init__(self, shape: Shape, options: GateOptions) -> None:
        super().__init__()
        self.latents = nn.ModuleList(nn.Linear(width, options.latent) for width in shape.widths)
        gates = 1 if len(shape.widths) == 2 else len(shape.widths)
        self.gates = nn.Linear(sum(shape.widths), gates * options.latent)
        self.dropout = Dropout(options.dropout)
        self.classifier = Classifier(options.latent, shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        each = torch.stack(
            [
                torch.tanh(latent(one.pooled))
                for latent, one in zip(self.latents, features, strict=True)
            ],
            dim=1,
        )
        gates = torch.sigmoid(self.gates(concatenated(features)))
        if len(features) == 2:
            fused = gates * each[:, 0] + (1 - gates) * each[:, 1]
        else:
            fused = (gates.view_as(each) * each).sum(1)
        logits: Tensor = self.classifier(self.dropout(fused))
        return logits


@dataclass(frozen=True, slots=True)
class EmbraceOptions(Options):
    """embracement: width of the docked and embraced vectors."""

    embracement: int = 128
    hidden: tuple[int, ...] = (128,)


@head("embracenet", EmbraceOptions, title="EmbraceNet", cost=2.1)
class EmbraceNet(Head):
    """EmbraceNet (Choi and Lee, Information Fusion 51, 2019, section 3), then a classifier.

    Docking d_m = ReLU(W_m x_m + b_m). Embracement: every component i takes its value from one
    modality, r_i ~ Multinomial(1, p) with p uniform, e_i = sum_m r_im d_im. The paper draws at
    test as well; here a prediction takes the expectation sum_m p_m d_m, so that it is repeatable.
    """

    def __init__(self, shape: Shape, options: EmbraceOptions) -> None:
        super().__init__()
        self.docking = nn.ModuleList(
            nn.Linear(width, options.embracement) for width in shape.widths
        )
        self.classifier = Classifier(options.embracement, shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        docked = [
            torch.relu(dock(one.pooled)) for dock, one in zip(self.docking, features, strict=True)
        ]
        if self.training:
            drawn = draw(docked[0].shape, docked[0].device).int() + 2**15
            chosen = (drawn * len(docked)).bitwise_right_shift(16)
            parts = [each * (chosen == number) for number, each in enumerate(docked)]
        else:
            parts = [each / len(docked) for each in docked]
        logits: Tensor = self.classifier(sum(parts))
        return logits
