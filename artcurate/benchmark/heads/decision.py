"""One modality alone, and fusions that combine the decisions of such experts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from artcurate.benchmark.heads.base import Classifier, Features, Head, Options, Shape, head


@head("unimodal", Options, title="one modality", least=1)
class Unimodal(Head):
    """A classifier on the pooled features of the only modality."""

    def __init__(self, shape: Shape, options: Options) -> None:
        super().__init__()
        (width,) = shape.widths
        self.classifier = Classifier(width, shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        logits: Tensor = self.classifier(features[0].pooled)
        return logits


class _Experts(Head):
    """One classifier per modality, each trained on the labels by itself."""

    def __init__(self, shape: Shape, options: Options) -> None:
        super().__init__()
        self.experts = nn.ModuleList(
            Classifier(width, shape.classes, options) for width in shape.widths
        )

    def training_logits(self, features: Sequence[Features]) -> Tensor:
        return torch.stack(
            [expert(one.pooled) for expert, one in zip(self.experts, features, strict=True)]
        )


@head("late", Options, title="late (decision) fusion", decides=True)
class LateFusion(_Experts):
    """p(y|x) = 1/M sum_m p_m(y|x_m): the linear opinion pool (Stone, Ann. Math. Stat. 32, 1961).

    The logits are log p(y|x).
    """

    def forward(self, features: Sequence[Features]) -> Tensor:
        each = torch.log_softmax(self.training_logits(features).float(), dim=-1)
        return torch.logsumexp(each, dim=0) - math.log(len(each))


@head("product_of_experts", Options, title="product of experts", decides=True)
class ProductOfExperts(_Experts):
    """p(y|x) proportional to prod_m p_m(y|x_m) / p(y)^(M-1).

    Exact by Bayes' rule where the modalities are independent given the label; products of experts
    in general: Hinton, Neural Computation 14, 2002, eq. 1.
    """

    log_prior: Tensor

    def __init__(self, shape: Shape, options: Options) -> None:
        super().__init__(shape, options)
        self.register_buffer("log_prior", shape.prior.log())

    def forward(self, features: Sequence[Features]) -> Tensor:
        each = torch.log_softmax(self.training_logits(features).float(), dim=-1)
        return each.sum(0) - (len(each) - 1) * self.log_prior
