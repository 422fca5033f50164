"""What every head shares: its input, its interface, its registry and a plain classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from artcurate.errors import UsageError
from artcurate.resources import nearest


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One modality of a batch of n examples.

    pooled: (n, width). tokens: (n, t, width) where the encoder's tokens are at hand, else None.
    mask: bool (n, t), False on padding; None exactly where `tokens` is.
    """

    pooled: Tensor
    tokens: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a head is built for.

    widths: length of the features of each modality, in the order they will come.
    prior: float32 (classes,), p(y) in training, every class above 0.
    """

    widths: tuple[int, ...]
    prior: Tensor

    @property
    def classes(self) -> int:
        return len(self.prior)


class Head(nn.Module):
    """From the features of one or more modalities to the logits of the classes.

    `forward(features)` gives (n, classes), whose softmax is the prediction.
    """

    def training_logits(self, features: Sequence[Features]) -> Tensor:
        """(k, n, classes): what is trained, each of the k with a cross-entropy of its own.

        A head that is learned as a whole trains what it predicts, so k is 1.
        """
        logits: Tensor = self(features)
        return logits.unsqueeze(0)


@dataclass(frozen=True, slots=True)
class Options:
    """What all heads understand.

    hidden: widths of the hidden layers of the classifier; the budget that unimodal and fused
        models share.
    dropout: share of hidden units that is left out in training.
    batch_norm: whether hidden layers are batch-normalised before the ReLU.
    """

    hidden: tuple[int, ...] = (128,)
    dropout: float = 0.1
    batch_norm: bool = False


_OptionsT = TypeVar("_OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_OptionsT]):
    """A registered head.

    decides: it only combines decisions of unimodal experts. cost: about what a training step on
    pooled features takes beside the unimodal head's, on a CPU.
    """

    name: str
    build: Callable[[Shape, _OptionsT], Head]
    options: type[_OptionsT]
    title: str
    least: int
    decides: bool
    cost: float


HEADS: dict[str, Kind[Any]] = {}

_generator: ContextVar[torch.Generator | None] = ContextVar("generator", default=None)


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """What heads draw in the block, in this thread, comes from `generator`.

    Elsewhere it comes from torch's own one, which all threads share.
    """
    token = _generator.set(generator)
    try:
        yield
    finally:
        _generator.reset(token)


_HeadT = TypeVar("_HeadT", bound=type[Head])


def head(
    name: str,
    options: type[Options],
    *,
    title: str,
    least: int = 2,
    decides: bool = False,
    cost: float = 1.0,
) -> Callable[[_HeadT], _HeadT]:
    """Register the decorated `Head`, built as `cls(shape, options)`, under `name`.

    least: how many modalities it needs. decides, cost: see `Kind`.
    """

    def register(cls: _HeadT) -> _HeadT:
        if name in HEADS:
            raise ValueError(f"two heads are named {name!r}")
        HEADS[name] = Kind(name, cls, options, title, least, decides, cost)
        return cls

    return register


def build_head(name: str, shape: Shape, options: Options | None = None) -> Head:
    """The head called `name`; without `options` with its own defaults.

    Raises UsageError for an unknown name, or fewer modalities than it fuses.
    """
    if name not in HEADS:
        raise UsageError(f"no head {nearest(name, HEADS)}")
    kind = HEADS[name]
    if len(shape.widths) < kind.least:
        raise UsageError(
            f"head {name}: it fuses at least {kind.least} modalities and the dataset gives "
            f"{len(shape.widths)}; choose the head unimodal."
        )
    return kind.build(shape, options or kind.options())


def draw(shape: torch.Size, device: torch.device) -> Tensor:
    """int16 of `shape`, all of its values alike likely."""
    generator = _generator.get()
    if device.type == "mps":
        # Its numbers have 32 bits, whatever they are stored in.
        few = torch.empty(shape, dtype=torch.int16, device=device)
        return few.random_(-(2**15), 2**15, generator=generator)
    # Four of them from one number drawn.
    numbers = torch.empty(-(-shape.numel() // 4), dtype=torch.int64, device=device)
    numbers.random_(-(2**63), None, generator=generator)
    return numbers.view(torch.int16)[: shape.numel()].view(shape)


class Dropout(nn.Dropout):
    """As `nn.Dropout`, its probability to the nearest 2^-16, at a quarter of its time on a CPU.

    Source: Srivastava et al., JMLR 15, 2014, with what is kept scaled up (section 10).
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (named by torch)
        left_out = round(self.p * 2**16)
        if not self.training or not left_out:
            return input
        kept = draw(input.shape, input.device) > left_out - 2**15 - 1
        return input * kept.to(input.dtype).mul_(2**16 / max(1, 2**16 - left_out))


class Classifier(nn.Sequential):
    """width -> hidden layers, each linear, ReLU, dropout -> classes. (n, width) to (n, classes)."""

    def __init__(self, width: int, classes: int, options: Options) -> None:
        layers: list[nn.Module] = []
        for size in options.hidden:
            layers.append(nn.Linear(width, size))
            if options.batch_norm:
                layers.append(nn.BatchNorm1d(size))
            layers += [nn.ReLU(), Dropout(options.dropout)]
            width = size
        super().__init__(*layers, nn.Linear(width, classes))


def concatenated(features: Sequence[Features]) -> Tensor:
    """(n, sum of widths) of the pooled features."""
    return torch.cat([one.pooled for one in features], dim=-1)
