"""Token sequences of unequal length: kept flat, batched by length, padded as little as can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from artcurate.benchmark.task import IntArray

#: A batch is closed before more than this share of it would be padding.
MAX_PADDING = 0.08


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """n token sequences end to end.

    tokens: int32, all tokens. starts: int64 (n + 1,), where each sequence begins and ends.
    pad: the token that fills a batch up; the mask hides it.
    """

    tokens: NDArray[np.int32]
    starts: IntArray
    pad: int

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], pad: int) -> Sequences:
        """From lists of tokens. An empty one becomes a single `pad`, so that it has a mean."""
        whole = [sequence or (pad,) for sequence in sequences]
        starts = np.zeros(len(whole) + 1, np.int64)
        np.cumsum([len(sequence) for sequence in whole], out=starts[1:])
        tokens = np.fromiter((token for one in whole for token in one), np.int32, starts[-1])
        return cls(tokens, starts, pad)

    @property
    def lengths(self) -> IntArray:
        """int64 (n,)."""
        return np.diff(self.starts)

    def padded(self, rows: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and mask of some sequences, both int64 (rows, longest), padded on the right."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        columns = np.arange(lengths.max())
        mask = columns < lengths[:, None]
        places = np.where(mask, self.starts[rows][:, None] + columns, 0)
        tokens = np.where(mask, self.tokens[places], self.pad).astype(np.int64)
        return torch.from_numpy(tokens), torch.from_numpy(mask.astype(np.int64))


def batches_by_length(
    lengths: IntArray, *, max_tokens: int, max_padding: float = MAX_PADDING
) -> Iterator[IntArray]:
    """Rows of every sequence once, the longest first, in batches of sequences of similar length.

    A batch holds at most `max_tokens` tokens with its padding, and at most the share `max_padding`
    of them is padding; one sequence is always a batch.
    """
    order = np.argsort(-lengths, kind="stable")
    ordered = lengths[order]
    totals = np.concatenate([[0], np.cumsum(ordered)])
    start = 0
    while start < len(order):
        longest = int(ordered[start])
        most = max(1, min(len(order) - start, max_tokens // longest))
        counts = np.arange(1, most + 1)
        real = totals[start + counts] - totals[start]
        fits = real >= (1 - max_padding) * counts * longest
        count = most if fits.all() else int(np.argmin(fits))
        yield order[start : start + count]
        start += count


def padding_share(lengths: IntArray, batches: Sequence[IntArray]) -> float:
    """The share of all tokens of `batches`, padded to their longest sequence, that is padding."""
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    real = sum(int(lengths[batch].sum()) for batch in batches)
    return 1 - real / padded if padded else 0.0


def shuffled_batches(
    lengths: IntArray, *, size: int, seed: int, least: int = 1, pool: int = 64
) -> list[IntArray]:
    """Every row once in batches of `size`, for training on sequences of similar length.

    Rows are shuffled and cut into pools of `pool` batches; a pool is sorted by length and cut into
    batches; then the batches are shuffled. All of it is a function of `seed`. The last batch cut
    may be smaller; with fewer than `least` rows it joins another.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    order = generator.permutation(len(lengths))
    batches: list[IntArray] = []
    for start in range(0, len(order), size * pool):
        rows = order[start : start + size * pool]
        rows = rows[np.argsort(-lengths[rows], kind="stable")]
        batches += parts_of(rows, size, least)
    if len(batches) > 1 and len(batches[-1]) < least:
        last = batches.pop()
        batches[-1] = np.concatenate([batches[-1], last])
    return [batches[place] for place in generator.permutation(len(batches))]


def parts_of(rows: IntArray, size: int, least: int = 1) -> list[IntArray]:
    """`rows` in order, in parts of `size`; a last part below `least` joins the one before."""
    cuts = list(range(size, len(rows), size))
    if cuts and len(rows) - cuts[-1] < least:
        cuts.pop()
    return np.split(rows, cuts)
