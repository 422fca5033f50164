"""Pooled features of unique texts and pictures, computed once by a pretrained encoder."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from artcurate.benchmark.batching import batches_by_length, padding_share
from artcurate.benchmark.devices import (
    Precision,
    autocast,
    compute_dtype,
    is_out_of_memory,
    release_memory,
    tell,
)
from artcurate.benchmark.encoders import Encoder, ImageEncoder, TextEncoder
from artcurate.benchmark.feature_cache import FeatureCache, Keys, keys_of_digests, keys_of_texts
from artcurate.benchmark.task import FloatArray, IntArray, Pictures
from artcurate.errors import DataError
from artcurate.images.faults import Fault
from artcurate.progress import Meter

#: Tokens with padding, and pictures, in one forward pass.
TOKENS_PER_BATCH = 8192
PICTURES_PER_BATCH = 64
#: Inputs whose features are written together; an interrupted run loses no more than these.
_PART = 8192
#: Batches that are prepared while one is computed.
_AHEAD = 2

_Item = TypeVar("_Item")
_Ready = TypeVar("_Ready")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of unique inputs and what it took.

    values: float32 (n, width), rounded to float16; zeros where the input could not be read.
    faults: why in one sentence, by place. computed: inputs that the cache did not hold.
    padding: share of all computed tokens that was padding; 0 for pictures.
    largest_batch: the most elements that fitted into one forward pass after halving, None where
        nothing had to be halved.
    seconds: wall clock, reading the cache included.
    """

    values: FloatArray
    faults: dict[int, str]
    computed: int
    padding: float
    largest_batch: int | None
    seconds: float


def text_features(
    encoder: TextEncoder,
    texts: Sequence[str],
    *,
    device: torch.device,
    meter: Meter,
    precision: Precision = Precision.AUTO,
    cache: FeatureCache | None = None,
    tokens_per_batch: int = TOKENS_PER_BATCH,
) -> Features:
    """Features of unique `texts`, in their order, whatever the order they are computed in.

    Raises DataError when one text alone does not fit into memory or the encoder gives values that
    are not finite.
    """
    start = time.perf_counter()
    run = _Run(encoder, device, precision, cache)
    missing = run.recall(keys_of_texts(texts), meter)
    sequences = encoder.tokenize([texts[place] for place in missing])
    lengths = sequences.lengths
    batches = list(batches_by_length(lengths, max_tokens=tokens_per_batch))
    with ThreadPoolExecutor(1) as pool:
        ready = _prepared(batches, lambda rows: _Batch(missing[rows], sequences.padded(rows)), pool)
        run.compute(ready, meter)
    return run.result({}, padding_share(lengths, batches), time.perf_counter() - start)


def image_features(
    encoder: ImageEncoder,
    pictures: Pictures,
    *,
    device: torch.device,
    meter: Meter,
    precision: Precision = Precision.AUTO,
    cache: FeatureCache | None = None,
    pictures_per_batch: int = PICTURES_PER_BATCH,
) -> Features:
    """Features of unique `pictures`, in their order; unreadable ones are named in `faults`.

    Raises DataError as `text_features`.
    """
    start = time.perf_counter()
    run = _Run(encoder, device, precision, cache)
    keys = keys_of_digests([pictures.digest(place) for place in range(len(pictures))])
    missing = run.recall(keys, meter)
    batches = [
        missing[place : place + pictures_per_batch]
        for place in range(0, len(missing), pictures_per_batch)
    ]
    faults: dict[int, str] = {}

    def prepare(place: int) -> NDArray[np.float32] | Fault:
        image = pictures.decode(place, min_side=encoder.min_side)
        return image if isinstance(image, Fault) else encoder.pixels(image)

    def ready(pool: ThreadPoolExecutor) -> Iterator[_Batch]:
        flat = _prepared(missing.tolist(), prepare, pool, ahead=_AHEAD * pictures_per_batch)
        for batch in batches:
            pixels = []
            for place in batch.tolist():
                one = next(flat)
                if isinstance(one, Fault):
                    faults[place] = one.detail
                else:
                    pixels.append(one)
            rows = np.array([place for place in batch.tolist() if place not in faults], np.int64)
            meter.advance(len(batch) - len(rows), skipped=len(batch) - len(rows))
            if pixels:
                yield _Batch(rows, (torch.from_numpy(np.stack(pixels)),))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        run.compute(ready(pool), meter)
    return run.result(dict(sorted(faults.items())), 0.0, time.perf_counter() - start)


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """rows: places among the unique inputs. tensors: the encoder's arguments, (rows, ...)."""

    rows: IntArray
    tensors: tuple[Tensor, ...]


class _Run:
    """One pass of an encoder over inputs, with what the cache knows already."""

    def __init__(
        self,
        encoder: Encoder,
        device: torch.device,
        precision: Precision,
        cache: FeatureCache | None,
    ) -> None:
        self._encoder = encoder.to(device).eval()
        self._device = device
        self._dtype = compute_dtype(device, precision)
        self._cache = cache or FeatureCache(identity(encoder, self._dtype))
        self._forward = _HalvingForward(encoder, device)

    def recall(self, keys: Keys, meter: Meter) -> IntArray:
        """Take what the cache holds; the places of the inputs that are missing."""
        self._keys = keys
        self._values = np.zeros((len(keys), self._encoder.width), np.float32)
        found = self._cache.find(keys, self._values)
        meter.advance(int(found.sum()))
        missing = np.flatnonzero(~found)
        self._computed = len(missing)
        return missing

    def compute(self, batches: Iterable[_Batch], meter: Meter) -> None:
        """Encode all batches and put them into the cache, some thousands at a time."""
        rows: list[IntArray] = []
        pooled: list[Tensor] = []
        waiting = 0
        with torch.inference_mode(), autocast(self._device, self._dtype):
            for batch in batches:
                pooled.append(self._forward(batch.tensors))
                rows.append(batch.rows)
                waiting += len(batch.rows)
                meter.advance(len(batch.rows))
                if waiting >= _PART:
                    self._keep(rows, pooled)
                    rows, pooled, waiting = [], [], 0
        if rows:
            self._keep(rows, pooled)

    def _keep(self, rows: list[IntArray], pooled: list[Tensor]) -> None:
        places = np.concatenate(rows)
        # On a CPU bfloat16's autocast knows no float16 and refuses to join it.
        with torch.autocast(self._device.type, enabled=False):
            features = torch.cat(pooled).cpu().numpy()
        if not np.isfinite(features).all():
            raise DataError(
                f"encoder {self._encoder.files.id}: some of its features are not finite in half "
                "precision; run it with precision float32, or choose another pooling."
            )
        self._cache.add(self._keys[places], features)
        self._values[places] = features

    def result(self, faults: dict[int, str], padding: float, seconds: float) -> Features:
        return Features(self._values, faults, self._computed, padding, self._forward.limit, seconds)


def identity(encoder: Encoder, dtype: torch.dtype) -> dict[str, str | int]:
    """Everything that decides an encoder's features, as the cache's key."""
    return {
        **encoder.settings,
        "encoder": encoder.files.id if encoder.files.revision != "local" else "local",
        "revision": encoder.files.revision,
        "sha256": encoder.files.sha256,
        "dtype": str(dtype),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


@dataclass(slots=True)
class _HalvingForward:
    """An encoder's pooled float16 output, in halves where a whole batch does not fit.

    limit: elements of the first tensor that a pass may have, None until memory ran out once.
    """

    encoder: Encoder
    device: torch.device
    limit: int | None = field(default=None)

    def __call__(self, tensors: tuple[Tensor, ...]) -> Tensor:
        if self.limit is not None and tensors[0].numel() > self.limit and len(tensors[0]) > 1:
            return self._halves(tensors)
        try:
            moved = [tensor.to(self.device, non_blocking=True) for tensor in tensors]
            pooled: Tensor = self.encoder(*moved).pooled
            return pooled.to(torch.float16)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(tensors[0]) == 1:
                raise DataError(
                    f"encoder {self.encoder.files.id}: not even one input fits into the memory of "
                    f"{self.device}; choose a smaller encoder, a shorter max_length or another "
                    "device."
                ) from error
        release_memory(self.device)
        self.limit = tensors[0].numel() // 2
        tell(
            f"encoder {self.encoder.files.id}: out of memory with {len(tensors[0])} inputs at "
            f"once; going on with {len(tensors[0]) // 2}."
        )
        return self._halves(tensors)

    def _halves(self, tensors: tuple[Tensor, ...]) -> Tensor:
        middle = len(tensors[0]) // 2
        first = tuple(tensor[:middle] for tensor in tensors)
        second = tuple(tensor[middle:] for tensor in tensors)
        return torch.cat([self(first), self(second)])


def _prepared(
    items: Sequence[_Item],
    prepare: Callable[[_Item], _Ready],
    pool: ThreadPoolExecutor,
    *,
    ahead: int = _AHEAD,
) -> Iterator[_Ready]:
    """`prepare` of every item in order, `ahead` of them worked on beforehand."""
    waiting: deque[Future[_Ready]] = deque()
    for item in items:
        waiting.append(pool.submit(prepare, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
