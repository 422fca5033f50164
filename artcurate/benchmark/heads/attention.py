"""Fusions by attention between the tokens of the modalities.

Where the encoders' tokens are not at hand (pooled features), a modality's vector is mapped to a
few tokens, `AttentionOptions.tokens`, of width `AttentionOptions.width` by one linear layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from artcurate.benchmark.heads.base import Classifier, Features, Head, Options, Shape, head


@dataclass(frozen=True, slots=True)
class AttentionOptions(Options):
    """width: of a token, a multiple of `attention_heads`. tokens: made of one pooled vector.

    layers: of every transformer. sequences: whether the encoders' own tokens are given.
    """

    width: int = 32
    tokens: int = 2
    attention_heads: int = 1
    layers: int = 1
    sequences: bool = False


class _Tokens(nn.Module):
    """(n, t, width) and a mask from one modality's features."""

    def __init__(self, width: int, options: AttentionOptions) -> None:
        super().__init__()
        self.sequences = options.sequences
        self.width = options.width
        count = 1 if options.sequences else options.tokens
        self.project = nn.Linear(width, count * options.width)

    def forward(self, features: Features) -> tuple[Tensor, Tensor | None]:
        if self.sequences:
            return self.project(features.tokens), features.mask
        tokens = self.project(features.pooled)
        return tokens.view(len(tokens), -1, self.width), None


class _Attention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V over several heads (Vaswani et al. 2017, eq. 1)."""

    def __init__(self, options: AttentionOptions) -> None:
        super().__init__()
        self.heads = options.attention_heads
        self.query = nn.Linear(options.width, options.width)
        self.key_value = nn.Linear(options.width, 2 * options.width)
        self.out = nn.Linear(options.width, options.width)

    def forward(self, target: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
        query = self._split(self.query(target))
        key, value = (self._split(part) for part in self.key_value(source).chunk(2, dim=-1))
        if mask is None:
            mix = _mixed_by_two if key.shape[2] == 2 else _mixed_by_few
            mixed = mix(query, key, value)
        else:
            seen = mask[:, None, None, :]
            mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


def _mixed_by_few(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention by sums of products in float32, all (n, heads, t, d).

    For the few tokens of pooled features a CPU takes half as long again for matrix products, in
    bfloat16 too, and more than twice as long for the fused kernel.
    """
    query, key, value = query.float(), key.float(), value.float()
    scores = (query.unsqueeze(-2) * key.unsqueeze(-3)).sum(-1) / math.sqrt(query.shape[-1])
    return (torch.softmax(scores, dim=-1).unsqueeze(-1) * value.unsqueeze(-3)).sum(-2)


def _mixed_by_two(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention to two tokens in float32: softmax(a, b) = (sigmoid(a - b), 1 - sigmoid(a - b)).

    The least and the usual number of tokens of a pooled feature; a fifth less time than by few.
    """
    query, key, value = query.float(), key.float(), value.float()
    key_1, key_2 = key.chunk(2, dim=2)
    value_1, value_2 = value.chunk(2, dim=2)
    difference = (query * (key_1 - key_2)).sum(-1, keepdim=True) / math.sqrt(query.shape[-1])
    mixed: Tensor = value_2 + torch.sigmoid(difference) * (value_1 - value_2)
    return mixed


class _Block(nn.Module):
    """One pre-norm transformer layer whose keys and values come from `source`.

    MulT (Tsai et al., ACL 2019), eq. 4: z = CM(LN(z_target), LN(z_source)) + LN(z_target);
    z = f(LN(z)) + LN(z), with f a feed-forward layer four times as wide. Target and source share
    their normalisation, as in the authors' code.
    """

    def __init__(self, options: AttentionOptions) -> None:
        super().__init__()
        self.norm_inputs = nn.LayerNorm(options.width)
        self.attention = _Attention(options)
        self.norm = nn.LayerNorm(options.width)
        self.feed_forward = nn.Sequential(
            nn.Linear(options.width, 4 * options.width),
            nn.ReLU(),
            nn.Linear(4 * options.width, options.width),
        )

    def forward(self, target: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
        normed = self.norm_inputs(target)
        source = normed if source is target else self.norm_inputs(source)
        mixed = normed + self.attention(normed, source, mask)
        mixed = self.norm(mixed)
        out: Tensor = mixed + self.feed_forward(mixed)
        return out


@head("cross_attention", AttentionOptions, title="cross-attention", cost=3.0)
class CrossAttention(Head):
    """Every modality's tokens attend once to those of each other modality; means are classified.

    For target a and source b: y_ab = LN(x_a + softmax(Q_a K_b^T / sqrt(d)) V_b), the crossmodal
    attention of MulT (Tsai et al., ACL 2019, eq. 3) with a residual. The classifier sees the mean
    over tokens of every y_ab.
    """

    def __init__(self, shape: Shape, options: AttentionOptions) -> None:
        super().__init__()
        count = len(shape.widths)
        self.tokens = nn.ModuleList(_Tokens(width, options) for width in shape.widths)
        self.pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
        self.attention = nn.ModuleList(_Attention(options) for _ in self.pairs)
        self.norms = nn.ModuleList(nn.LayerNorm(options.width) for _ in self.pairs)
        self.classifier = Classifier(len(self.pairs) * options.width, shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        tokens = [make(one) for make, one in zip(self.tokens, features, strict=True)]
        means = []
        for (a, b), attention, norm in zip(self.pairs, self.attention, self.norms, strict=True):
            (target, mask), (source, source_mask) = tokens[a], tokens[b]
            means.append(_mean(norm(target + attention(target, source, source_mask)), mask))
        logits: Tensor = self.classifier(torch.cat(means, dim=-1))
        return logits


@head("cross_modal_transformer", AttentionOptions, title="cross-modal transformer", cost=8.0)
class CrossModalTransformer(Head):
    """MulT (Tsai et al., ACL 2019, section 3) without its temporal convolutions.

    Every modality is the target of one crossmodal transformer per other modality; their outputs,
    concatenated, pass a self-attention transformer. The paper classifies the last element of
    each; tokens here have no time, so their mean is classified, and they get no position.
    """

    def __init__(self, shape: Shape, options: AttentionOptions) -> None:
        super().__init__()
        count = len(shape.widths)
        self.tokens = nn.ModuleList(_Tokens(width, options) for width in shape.widths)
        self.pairs = [(a, b) for a in range(count) for b in range(count) if a != b]
        self.crossmodal = nn.ModuleList(_stack(options) for _ in self.pairs)
        joined = replace(options, width=(count - 1) * options.width)
        self.memory = nn.ModuleList(
            nn.ModuleList(_Block(joined) for _ in range(options.layers)) for _ in range(count)
        )
        self.classifier = Classifier(count * joined.width, shape.classes, options)

    def forward(self, features: Sequence[Features]) -> Tensor:
        tokens = [make(one) for make, one in zip(self.tokens, features, strict=True)]
        means = []
        for target, memory in enumerate(self.memory):
            mask = tokens[target][1]
            joined = torch.cat(
                [
                    _through(blocks, tokens[target][0], *tokens[source])
                    for (a, source), blocks in zip(self.pairs, self.crossmodal, strict=True)
                    if a == target
                ],
                dim=-1,
            )
            for block in memory.children():
                joined = block(joined, joined, mask)
            means.append(_mean(joined, mask))
        logits: Tensor = self.classifier(torch.cat(means, dim=-1))
        return logits


def _stack(options: AttentionOptions) -> nn.ModuleList:
    return nn.ModuleList(_Block(options) for _ in range(options.layers))


def _through(blocks: nn.Module, target: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
    for block in blocks.children():
        target = block(target, source, mask)
    return target


def _mean(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """(n, width), the mean over the tokens that `mask` shows."""
    if mask is None:
        return tokens.mean(1)
    shown = mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * shown).sum(1) / shown.sum(1).clamp(min=1)
