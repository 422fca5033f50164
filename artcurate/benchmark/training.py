"""Training encoders and head end to end: exact steps, resumable at any of them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from torch import Tensor, nn

from artcurate.benchmark.batching import (
    batches_by_length,
    padding_share,
    parts_of,
    shuffled_batches,
)
from artcurate.benchmark.checkpoint import (
    Progress,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from artcurate.benchmark.devices import (
    autocast,
    is_out_of_memory,
    own_randomness,
    release_memory,
    seed_of,
    tell,
)
from artcurate.benchmark.distributed import World
from artcurate.benchmark.feeding import feed_of, moved
from artcurate.benchmark.finetune_model import (
    Batch,
    Examples,
    FusionModel,
    Rates,
    parameter_groups,
    rate_factor,
)
from artcurate.benchmark.metrics import macro_f1_of
from artcurate.benchmark.task import FloatArray, IntArray, Labels
from artcurate.benchmark.throughput import forward_flops
from artcurate.benchmark.train_heads import cross_entropy_of, probabilities_of, soft_cross_entropy
from artcurate.errors import DataError

#: Tokens with padding in one forward pass of a prediction, per example of a micro-batch.
_PREDICTED_TOKENS = 128
_CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained. batch_size: examples per step, over all processes together.

    micro_batch: of these at once in a process's memory. clip: the most that the gradients' norm
    may be. interval: steps between checkpoints beside the one at every epoch's end.
    """

    rates: Rates
    batch_size: int
    micro_batch: int
    epochs: int
    patience: int
    warmup: float
    cosine: bool
    compile: bool = False
    clip: float = 1.0
    interval: int = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training did.

    losses: mean training loss of each epoch run in this process. examples: how many its steps took
    in all processes together. seconds: of these steps, without validation and checkpoints of
    epochs.
    """

    progress: Progress
    losses: tuple[float, ...]
    examples: int
    seconds: float


class Trainer:
    """One model, trained on one fold.

    The examples of a step are a function of seed, epoch and step; they are cut into micro-batches
    by length, and dropout in a micro-batch is a function of seed, epoch, step and its number. So a
    resumed run repeats an uninterrupted one, and several processes take the same steps as one.
    """

    def __init__(
        self,
        model: FusionModel,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
        folder: Path,
        world: World | None = None,
        name: str = "training",
        note: Callable[[str], None] | None = None,
    ) -> None:
        """folder: where checkpoints are kept, and looked for. name: for messages.

        note: told after every step and epoch how loss and validation macro-F1 stand.
        """
        self._model = model.to(device)
        self._recipe = recipe
        self._seed = seed
        self._device = device
        self._dtype = dtype
        self._folder = folder
        self._world = world or World()
        self._name = name
        self._note = note
        self._forward: Callable[[Batch, bool], Tensor] = (
            torch.compile(model, dynamic=True) if recipe.compile else model
        )
        self._parameters = [one for one in model.parameters() if one.requires_grad]
        self._optimizer = torch.optim.AdamW(parameter_groups(model, recipe.rates))
        self._least = 2 if any(isinstance(one, nn.BatchNorm1d) for one in model.modules()) else 1

    def fit(
        self,
        train: Examples,
        targets: FloatArray,
        validation: Examples,
        labels: Labels,
        held_out_targets: FloatArray,
    ) -> Outcome:
        """Train from the last checkpoint on, until patience or epochs are used up.

        targets, held_out_targets: float32 (n, classes), of `train` and of `validation`.

        The model ends with the weights of the best epoch. After Ctrl-C or SIGTERM the step is
        finished, a checkpoint written and KeyboardInterrupt raised.

        Raises DataError when the loss is not finite, one example does not fit into memory, or a
        picture cannot be decoded.
        """
        if not len(train) or not len(validation):
            raise DataError(
                f"{self._name}: there must be examples to train on and others to validate on."
            )
        self._world.share(self._model)
        start = Progress(micro_batch=self._recipe.micro_batch)
        at = load_checkpoint(self._folder / _CHECKPOINT, self._model, self._optimizer) or start
        losses = []
        examples, seconds = 0, 0.0
        with own_randomness(self._device), stop_requests() as stop:
            while at.epoch < self._recipe.epochs and not self._out_of_patience(at):
                started, before = time.perf_counter(), at.step
                at = self._epoch(at, train, targets, stop)
                seconds += time.perf_counter() - started
                examples += sum(map(len, self._batches(train.lengths, at.epoch)[before:]))
                losses.append(at.loss_sum / max(1, at.loss_steps))
                at = self._judge(at, validation, labels, held_out_targets)
                self._save(at)
        self._world.wait()
        load_weights(self._best_path(at), self._model)
        return Outcome(at, tuple(losses), examples, seconds)

    def predict(self, examples: Examples, micro_batch: int) -> FloatArray:
        """float32 (n, classes), alike in every process."""
        self._model.eval()
        every = batches_by_length(examples.lengths, max_tokens=micro_batch * _PREDICTED_TOKENS)
        batches = [part for batch in every for part in parts_of(batch, 2 * micro_batch)]
        mine = batches[self._world.rank :: self._world.size]
        out = torch.zeros(len(examples), self._model.classes, device=self._device)
        with (
            torch.inference_mode(),
            autocast(self._device, self._dtype),
            feed_of(examples, mine) as feed,
        ):
            for rows, batch in zip(mine, feed, strict=True):
                logits = self._model(moved(batch, self._device), False)[0]
                out[torch.from_numpy(rows).to(self._device)] = probabilities_of(logits)
        return self._world.add_up(out).cpu().numpy()

    def flops(self, examples: Examples, micro_batch: int) -> float:
        """Forward FLOPs per example, counted on the first batch of an epoch."""
        rows = self._batches(examples.lengths, 0)[0][:micro_batch]
        batch = moved(examples.batch(rows), self._device)
        self._model.eval()
        return forward_flops(lambda: self._model(batch, False)) / len(rows)

    def padding(self, train: Examples, micro_batch: int) -> float:
        """The share of the tokens of a training epoch that is padding."""
        lengths = train.lengths
        parts = [
            part
            for batch in self._batches(lengths, 0)
            for part in parts_of(batch, micro_batch, self._least)
        ]
        return padding_share(lengths, parts)

    def _epoch(
        self, at: Progress, train: Examples, targets: FloatArray, stop: threading.Event
    ) -> Progress:
        """Every step of the epoch from `at.step` on."""
        batches = self._batches(train.lengths, at.epoch)
        total = self._recipe.epochs * len(batches)
        self._model.train()
        while at.step < len(batches):
            with feed_of(train, self._share(batches[at.step :], at.micro_batch)) as feed:
                while at.step < len(batches):
                    self._set_rates(at.epoch * len(batches) + at.step, total)
                    micro_batch = at.micro_batch
                    at = self._step(at, feed, targets, batches[at.step], stop)
                    if at.micro_batch != micro_batch:
                        break
        return at

    def _batches(self, lengths: IntArray, epoch: int) -> list[IntArray]:
        """The examples of every step of an epoch."""
        return shuffled_batches(
            lengths,
            size=self._recipe.batch_size,
            seed=seed_of("order", self._seed, epoch),
            least=self._least,
        )

    def _set_rates(self, step: int, steps: int) -> None:
        factor = rate_factor(step, steps, self._recipe.warmup, cosine=self._recipe.cosine)
        for group in self._optimizer.param_groups:
            group["lr"] = group["base"] * factor

    def _share(self, batches: Sequence[IntArray], micro_batch: int) -> Iterator[IntArray]:
        """This process's micro-batches of all `batches`, one after another."""
        for rows in batches:
            yield from parts_of(rows, micro_batch, self._least)[
                self._world.rank :: self._world.size
            ]

    def _step(
        self,
        at: Progress,
        feed: Iterator[Batch],
        targets: FloatArray,
        rows: IntArray,
        stop: threading.Event,
    ) -> Progress:
        """One step on the examples `rows`; without memory for it, half the micro-batch instead.

        Raises KeyboardInterrupt after the step, with a checkpoint, where any process was asked to
        stop.
        """
        loss, full = self._gradients(at, feed, targets, rows)
        signals = torch.tensor([float(full), float(stop.is_set())], device=self._device)
        anywhere_full, stopped = self._world.add_up(signals).tolist()
        if anywhere_full:
            return self._halved(at)
        value = float(self._world.add_up(loss))
        if not np.isfinite(value):
            raise DataError(
                f"{self._name}: the loss is not finite in epoch {at.epoch + 1}, step "
                f"{at.step + 1}; choose a lower learning_rate in the preset."
            )
        self._world.add_gradients(self._parameters)
        nn.utils.clip_grad_norm_(self._parameters, self._recipe.clip)
        self._optimizer.step()
        self._optimizer.zero_grad()
        at = replace(
            at, step=at.step + 1, loss_sum=at.loss_sum + value, loss_steps=at.loss_steps + 1
        )
        self._tell(at, value)
        if stopped or at.step % self._recipe.interval == 0:
            self._save(at)
        if stopped:
            raise KeyboardInterrupt
        return at

    def _gradients(
        self, at: Progress, feed: Iterator[Batch], targets: FloatArray, rows: IntArray
    ) -> tuple[Tensor, bool]:
        """This process's share of the step's mean loss, and whether memory ran out."""
        parts = parts_of(rows, at.micro_batch, self._least)
        loss = torch.zeros((), device=self._device)
        try:
            for number in range(self._world.rank, len(parts), self._world.size):
                batch, part = next(feed), parts[number]
                torch.manual_seed(seed_of("micro", self._seed, at.epoch, at.step, number))
                wanted = torch.from_numpy(targets[part]).to(self._device)
                with autocast(self._device, self._dtype):
                    logits = self._forward(moved(batch, self._device), True)
                share = soft_cross_entropy(logits, wanted) * (len(part) / len(rows))
                share.backward()  # type: ignore[no-untyped-call]
                loss += share.detach()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return loss, True
        return loss, False

    def _halved(self, at: Progress) -> Progress:
        self._optimizer.zero_grad()
        release_memory(self._device)
        half = at.micro_batch // 2
        if half < self._least:
            few = "one example fits" if self._least == 1 else "two examples fit"
            raise DataError(
                f"{self._name}: not even {few} into the memory of {self._device}; choose "
                "smaller encoders, a shorter max_length or another device."
            )
        if self._world.rank == 0:
            tell(
                f"{self._name}: out of memory with {at.micro_batch} examples at once; going on "
                f"with {half} and twice the accumulation."
            )
        return replace(at, micro_batch=half)

    def _judge(
        self, at: Progress, validation: Examples, labels: Labels, targets: FloatArray
    ) -> Progress:
        """Validate, keep the weights if they are the best, and go to the next epoch."""
        self._world.average_buffers(self._model)
        probabilities = self.predict(validation, at.micro_batch)
        score = macro_f1_of(probabilities, labels)
        loss = cross_entropy_of(probabilities, targets)
        if (score, -loss) > (at.best_score, -at.best_loss):
            at = replace(at, best_score=score, best_loss=loss, best_epoch=at.epoch)
            if self._world.rank == 0:
                save_weights(self._best_path(at), self._model)
        self._tell(at, at.loss_sum / max(1, at.loss_steps))
        return replace(at, epoch=at.epoch + 1, step=0, loss_sum=0.0, loss_steps=0)

    def _tell(self, at: Progress, loss: float) -> None:
        if self._note is None:
            return
        best = f", best validation macro-F1 {at.best_score:.3f}" if at.best_epoch >= 0 else ""
        self._note(
            f"{self._name}, epoch {at.epoch + 1} of {self._recipe.epochs}, loss {loss:.3f}{best}"
        )

    def _save(self, at: Progress) -> None:
        """The checkpoint; best weights of earlier epochs, which it no longer names, go."""
        if self._world.rank == 0:
            save_checkpoint(self._folder / _CHECKPOINT, self._model, self._optimizer, at)
            for old in self._folder.glob("best-*.safetensors"):
                if old != self._best_path(at):
                    old.unlink()

    def _best_path(self, at: Progress) -> Path:
        return self._folder / f"best-{at.best_epoch:04d}.safetensors"

    def _out_of_patience(self, at: Progress) -> bool:
        return at.best_epoch >= 0 and at.epoch - at.best_epoch > self._recipe.patience


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """Set instead of raising at the first Ctrl-C or SIGTERM of the block; the second one raises.

    Only the main thread gets signals; in another one nothing changes.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def remember(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        tell("Stopping after this step; the same command goes on from there.")

    for number in before:
        signal.signal(number, remember)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
