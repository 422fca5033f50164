"""Small heads trained on features that stand still: all of one seed together, each by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from artcurate import interruption
from artcurate.benchmark.devices import (
    Precision,
    autocast,
    compute_dtype,
    own_randomness,
    peak_memory,
    seed_of,
)
from artcurate.benchmark.heads import Head, Options, Shape, build_head, drawing_from
from artcurate.benchmark.metrics import macro_f1_of
from artcurate.benchmark.tables import Tables, TableView
from artcurate.benchmark.task import (
    FloatArray,
    Fold,
    Labels,
    Predictions,
    Trained,
    View,
)
from artcurate.errors import DataError
from artcurate.progress import Meter

#: Examples in one forward pass of a prediction.
_PREDICTED = 4096
#: Share of the uniform distribution in every prediction: no class is impossible.
_FLOOR = 1e-6
_BUILDING = threading.Lock()


@dataclass(frozen=True, slots=True)
class HeadSystem:
    """A system to train: a registered head over some modalities."""

    name: str
    head: str
    modalities: tuple[str, ...]
    options: Options


@dataclass(frozen=True, slots=True)
class Budget:
    """What every head may spend, the same for unimodal and fused ones.

    learning_rates: AdamW's; validation chooses. patience: epochs without a better validation
    macro-F1 before a head stops. weight_decay: AdamW's, decoupled.
    """

    learning_rates: tuple[float, ...] = (1e-3,)
    batch_size: int = 1024
    epochs: int = 30
    patience: int = 3
    weight_decay: float = 0.01


@dataclass(slots=True, eq=False)
class _Candidate:
    """One system at one learning rate, and the best it has been."""

    system: HeadSystem
    learning_rate: float
    head: Head
    epochs: int = 0
    best_epoch: int = 0
    best: tuple[float, float] = (-1.0, 0.0)
    state: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0

    def consider(self, macro_f1: float, loss: float) -> None:
        """Keep the weights if validation macro-F1 rose, or stayed while the loss fell."""
        self.epochs += 1
        if (macro_f1, -loss) > self.best:
            self.best = (macro_f1, -loss)
            self.best_epoch = self.epochs
            self.state = {name: value.clone() for name, value in self.head.state_dict().items()}


def train_heads(
    systems: Sequence[HeadSystem],
    train: Fold,
    validation: Fold,
    evaluations: Mapping[str, View],
    *,
    seed: int,
    device: torch.device,
    meter: Meter,
    budget: Budget | None = None,
    precision: Precision = Precision.AUTO,
    soft_targets: bool = True,
    tables: Tables | None = None,
) -> dict[str, Trained]:
    """Every system trained on `train` with AdamW and cross-entropy, stopped on `validation`.

    All systems see the same batches, in an order that `seed` alone decides; weights at the start
    and dropout depend on seed and system, so that no system's result depends on which others are
    trained beside it. Features are standardised by the training examples. The cross-entropy is
    against the vote distribution (KL divergence up to a constant) where `soft_targets`, else
    against the majority. Same arguments, machine and number of torch's threads give the same
    result, in whichever thread it runs.

    tables: of `train`'s inputs, where several trainings share them.

    Raises DataError when a loss is not finite, or there is nothing to train or validate on.
    """
    budget = budget or Budget()
    if not len(train) or not len(validation):
        raise DataError("a head needs examples to train on and others to validate on.")
    dtype = compute_dtype(device, precision)
    names = sorted({name for system in systems for name in system.modalities})
    tables = tables or Tables({name: train.inputs[name] for name in names}, device, dtype)
    run = _Run(seed, budget, device, dtype, torch.Generator(device))
    # Layers draw their first weights from the generator that all threads share.
    with _BUILDING, own_randomness(device):
        candidates = [
            _Candidate(system, rate, run.build(system, tables, train.labels))
            for system in systems
            for rate in budget.learning_rates
        ]
    with drawing_from(run.generator):
        run.fit(
            candidates,
            tables.view(train.inputs, names),
            torch.from_numpy(targets_of(train.labels, soft=soft_targets)).to(device),
            tables.view(validation.inputs, names),
            validation.labels,
            targets_of(validation.labels, soft=soft_targets),
            meter,
        )
    views = {name: tables.view(view, names) for name, view in evaluations.items()}
    held_out = tables.view(validation.inputs, names)
    trained = {}
    for system in systems:
        mine = [candidate for candidate in candidates if candidate.system == system]
        trained[system.name] = run.finish(mine, held_out, views)
        meter.advance()
    return trained


@dataclass(frozen=True, slots=True)
class _Run:
    seed: int
    budget: Budget
    device: torch.device
    dtype: torch.dtype
    generator: torch.Generator

    def build(self, system: HeadSystem, tables: Tables, labels: Labels) -> Head:
        torch.manual_seed(seed_of("start", self.seed, system.name))
        widths = tuple(tables.widths[name] for name in system.modalities)
        shape = Shape(widths, smoothed_prior(labels.soft))
        return build_head(system.head, shape, system.options).to(self.device)

    def fit(
        self,
        candidates: Sequence[_Candidate],
        train: TableView,
        targets: Tensor,
        validation: TableView,
        labels: Labels,
        held_out_targets: FloatArray,
        meter: Meter,
    ) -> None:
        """Train all candidates to the end of their patience; `meter` is told how they stand."""
        optimizer = torch.optim.AdamW(
            [
                {"params": list(candidate.head.parameters()), "lr": candidate.learning_rate}
                for candidate in candidates
            ],
            weight_decay=self.budget.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        active = list(candidates)
        generator = np.random.Generator(np.random.PCG64(self.seed))
        for epoch in range(self.budget.epochs):
            order = torch.from_numpy(generator.permutation(len(train))).to(self.device)
            losses = self._epoch(active, optimizer, train, targets, order, epoch)
            for candidate in active:
                started = time.perf_counter()
                probabilities = self.predict(candidate, validation)
                loss = cross_entropy_of(probabilities, held_out_targets)
                candidate.consider(macro_f1_of(probabilities, labels), loss)
                candidate.seconds += time.perf_counter() - started
            best = max(candidates, key=lambda candidate: candidate.best)
            meter.note(
                f"seed {self.seed}, epoch {epoch + 1} of {self.budget.epochs}, loss "
                f"{np.mean(losses):.3f}, best validation macro-F1 {best.best[0]:.3f} "
                f"({best.system.name})"
            )
            active = [
                candidate
                for candidate in active
                if candidate.epochs - candidate.best_epoch < self.budget.patience
            ]
            if not active:
                return

    def _epoch(
        self,
        candidates: Sequence[_Candidate],
        optimizer: torch.optim.Optimizer,
        train: TableView,
        targets: Tensor,
        order: Tensor,
        epoch: int,
    ) -> list[float]:
        """The mean training loss of each candidate over one epoch."""
        totals = [torch.zeros((), device=self.device) for _ in candidates]
        seconds = [0.0 for _ in candidates]
        steps = torch.split(order, self.budget.batch_size)
        for step, places in enumerate(steps):
            interruption.check()
            batch, wanted = train.batch(places), targets.index_select(0, places)
            for number, candidate in enumerate(candidates):
                started = time.perf_counter()
                self.generator.manual_seed(
                    seed_of("step", self.seed, candidate.system.name, epoch, step)
                )
                candidate.head.train()
                with autocast(self.device, self.dtype):
                    logits = candidate.head.training_logits(
                        [batch[name] for name in candidate.system.modalities]
                    )
                loss = soft_cross_entropy(logits, wanted)
                loss.backward()  # type: ignore[no-untyped-call]
                totals[number] += loss.detach()
                seconds[number] += time.perf_counter() - started
            optimizer.step()
            optimizer.zero_grad()
        for candidate, total, took in zip(candidates, totals, seconds, strict=True):
            candidate.seconds += took
            _require_finite(candidate, float(total), epoch)
        return [float(total) / len(steps) for total in totals]

    @torch.inference_mode()
    def predict(self, candidate: _Candidate, view: TableView) -> FloatArray:
        """float32 (n, classes)."""
        interruption.check()
        candidate.head.eval()
        parts = []
        with autocast(self.device, self.dtype):
            for places in torch.split(torch.arange(len(view), device=self.device), _PREDICTED):
                batch = view.batch(places)
                logits = candidate.head([batch[name] for name in candidate.system.modalities])
                parts.append(probabilities_of(logits))
        return torch.cat(parts).cpu().numpy()

    def finish(
        self,
        candidates: Sequence[_Candidate],
        validation: TableView,
        evaluations: Mapping[str, TableView],
    ) -> Trained:
        """The best of a system's learning rates (the first of equals), with its best weights."""
        best = max(candidates, key=lambda candidate: candidate.best)
        started = time.perf_counter()
        best.head.load_state_dict(best.state)
        held_out = self.predict(best, validation)
        views = {name: self.predict(best, view) for name, view in evaluations.items()}
        seconds = time.perf_counter() - started
        return Trained(
            validation=Predictions(held_out),
            evaluations={name: Predictions(values) for name, values in views.items()},
            seconds=seconds + sum(candidate.seconds for candidate in candidates),
            facts={
                "head": best.system.head,
                "learning_rate": best.learning_rate,
                "epochs": best.epochs,
                "best_epoch": best.best_epoch,
                "parameters": sum(value.numel() for value in best.head.parameters()),
                "precision": str(self.dtype).removeprefix("torch."),
                "peak_memory_bytes": peak_memory(self.device),
            },
        )


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over examples of -sum_y q(y) log p(y), summed over what is trained side by side.

    logits: (k, n, classes). targets: (n, classes), rows sum to 1.
    """
    # Along the examples, which are many, a CPU works in vectors; along the classes it does not.
    by_class = logits.float().transpose(-1, -2).contiguous()
    return -(targets.T * torch.log_softmax(by_class, dim=-2)).sum(-2).mean(1).sum()


def probabilities_of(logits: Tensor) -> Tensor:
    """float32 softmax of (n, classes), mixed with a trace of the uniform distribution."""
    probabilities = torch.softmax(logits.float(), dim=-1)
    return (1 - _FLOOR) * probabilities + _FLOOR / logits.shape[-1]


def smoothed_prior(soft: FloatArray) -> Tensor:
    """float32 (classes,): the mean of the targets as if every class had been seen once more."""
    counts = soft.sum(0, dtype=np.float64) + 1
    return torch.from_numpy((counts / counts.sum()).astype(np.float32))


def targets_of(labels: Labels, *, soft: bool) -> FloatArray:
    """float32 (n, classes): the vote distributions where `soft`, else the majority as one-hot."""
    if soft:
        return np.ascontiguousarray(labels.soft, np.float32)
    return np.eye(len(labels.names), dtype=np.float32)[labels.index]


def cross_entropy_of(probabilities: FloatArray, targets: FloatArray) -> float:
    """The mean over examples of -sum_y q(y) ln p(y), in nats."""
    return -float(np.mean((targets * np.log(probabilities)).sum(1)))


def _require_finite(candidate: _Candidate, loss: float, epoch: int) -> None:
    if not np.isfinite(loss):
        raise DataError(
            f"{candidate.system.name}: the loss is not finite in epoch {epoch + 1} at learning "
            f"rate {candidate.learning_rate:g}; choose a lower one (learning_rates in the preset)."
        )
