"""Batches on their way to the device, some of them prepared while one is computed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import torch

from artcurate.benchmark.finetune_model import Batch, Examples
from artcurate.benchmark.task import IntArray

#: Micro-batches that are decoded and padded while one is computed.
_AHEAD = 4


@contextmanager
def feed_of(examples: Examples, batches: Iterable[IntArray]) -> Iterator[Iterator[Batch]]:
    """The tensors of every batch in order, some of them prepared beforehand by threads."""
    with ThreadPoolExecutor(min(_AHEAD, os.cpu_count() or 1)) as pool:
        try:
            yield _prepared(examples, batches, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepared(
    examples: Examples, batches: Iterable[IntArray], pool: ThreadPoolExecutor
) -> Iterator[Batch]:
    waiting: deque[Future[Batch]] = deque()
    for rows in batches:
        waiting.append(pool.submit(examples.batch, rows))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def moved(batch: Batch, device: torch.device) -> Batch:
    """`batch` on `device`."""
    return {
        name: tuple(tensor.to(device, non_blocking=True) for tensor in tensors)
        for name, tensors in batch.items()
    }
