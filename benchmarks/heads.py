"""Heads on frozen features: 5 seeds, every fusion, controls, 50,000 examples x (768 + 768).

    python benchmarks/heads.py [--rows 50000] [--seeds 5] [--shuffled 3] [--draws 10] [--peer]

Every system is trained per seed and per shuffled control, and also evaluated on `--draws` re-paired
views. The peer trains the same concatenation head, seed by seed, with torch's DataLoader on the
same standardised features, for as many epochs as ours took; it has the machine to itself and all
its threads, where ours had another training beside it.
"""

from __future__ import annotations

import argparse
import time
from collections import ChainMap
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from artcurate.benchmark.controls import shuffled_labels
from artcurate.benchmark.decision import fuse_decisions, label_shares
from artcurate.benchmark.devices import Precision, compute_dtype, describe
from artcurate.benchmark.frozen import head_options, shares_of
from artcurate.benchmark.heads import HEADS, Shape, build_head
from artcurate.benchmark.metrics import macro_f1_of
from artcurate.benchmark.side_by_side import SharedMeter, in_threads
from artcurate.benchmark.tables import Tables
from artcurate.benchmark.task import Fold, Labels, Modality, Trained
from artcurate.benchmark.train_heads import Budget, HeadSystem, train_heads
from artcurate.engines.local import available_cores
from artcurate.progress import meter

CLASSES = 9
WIDTH = 768
HIDDEN = (128,)
BUDGET = Budget()
NAMES = ("text", "image")
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Folds:
    train: Fold
    validation: Fold
    test: Fold


def folds(rows: int) -> Folds:
    random = np.random.default_rng(0)
    centres = random.normal(size=(2, CLASSES, WIDTH)).astype(np.float32)

    def fold(count: int) -> Fold:
        truth = random.integers(0, CLASSES, count)
        values = (
            0.05 * centre[truth] + random.standard_normal((count, WIDTH), np.float32)
            for centre in centres
        )
        every = np.arange(count)
        inputs = {
            name: Modality(one.astype(np.float32), every)
            for name, one in zip(NAMES, values, strict=True)
        }
        names = tuple(f"class {number}" for number in range(CLASSES))
        return Fold(inputs, Labels(names, truth, np.eye(CLASSES, dtype=np.float32)[truth]), every)

    return Folds(fold(rows), fold(rows // 10), fold(rows // 10))


def systems() -> list[HeadSystem]:
    alone = [
        HeadSystem(name, "unimodal", (name,), head_options("unimodal", HIDDEN)) for name in NAMES
    ]
    return alone + [
        HeadSystem(kind.name, kind.name, NAMES, head_options(kind.name, HIDDEN))
        for kind in HEADS.values()
        if kind.least > 1 and not kind.decides
    ]


@dataclass(frozen=True, slots=True)
class Training:
    data: Folds
    seed: int
    draws: int
    tables: Tables
    meter: SharedMeter


def learn(part: tuple[Training, list[HeadSystem]]) -> dict[str, Trained]:
    """A share of the systems with one seed."""
    one, share = part
    data, seed, draws = one.data, one.seed, one.draws
    random = np.random.default_rng(seed)
    image = data.test.inputs["image"]
    views = {"test": data.test.inputs} | {
        f"re-paired {draw}": {
            **data.test.inputs,
            "image": image.take(random.permutation(len(image))),
        }
        for draw in range(draws)
    }
    return train_heads(
        share,
        data.train,
        data.validation,
        views,
        seed=seed,
        device=CPU,
        meter=one.meter,
        budget=BUDGET,
        tables=one.tables,
    )


def with_decisions(data: Folds, trained: dict[str, Trained]) -> dict[str, Trained]:
    """The systems, and the fusions of decisions beside them."""
    experts = [trained[name] for name in NAMES]
    fused = fuse_decisions(experts, data.validation.labels, label_shares(data.train.labels))
    return {**trained, **fused}


def plain_loop(data: Folds, seed: int, epochs: int) -> float:
    """Seconds that a usual training loop takes for the concatenation head."""
    features = torch.cat(
        [torch.from_numpy(np.asarray(data.train.inputs[name].values)) for name in NAMES], dim=1
    )
    targets = torch.from_numpy(data.train.labels.index)
    torch.manual_seed(seed)
    shape = Shape((2 * WIDTH,), torch.full((CLASSES,), 1 / CLASSES))
    head = build_head("unimodal", shape, head_options("unimodal", HIDDEN))
    optimizer = torch.optim.AdamW(head.parameters(), lr=BUDGET.learning_rates[0])
    loader = DataLoader(TensorDataset(features, targets), BUDGET.batch_size, shuffle=True)
    started = time.perf_counter()
    for _ in range(epochs):
        for batch, wanted in loader:
            logits = head.classifier(batch)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, wanted).backward()
            optimizer.step()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shuffled", type=int, default=3, help="trainings on shuffled labels")
    parser.add_argument("--draws", type=int, default=10, help="re-paired views per seed")
    parser.add_argument("--peer", action="store_true")
    given = parser.parse_args()
    data = folds(given.rows)
    started = time.perf_counter()
    tables = Tables(data.train.inputs, CPU, compute_dtype(CPU, Precision.AUTO))
    count = given.seeds + given.shuffled
    # One share's training per core, as the tier does it.
    machine = describe(CPU)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with meter("train", count * len(systems()), unit="system") as counter:
        shared = SharedMeter(counter)
        trainings = [
            Training(data, seed, given.draws, tables, shared) for seed in range(given.seeds)
        ]
        for seed in range(given.shuffled):
            shuffled = Folds(
                shuffled_labels(data.train, seed=seed),
                shuffled_labels(data.validation, seed=seed),
                data.test,
            )
            trainings.append(Training(shuffled, seed, 0, tables, shared))
        shares = shares_of(systems())
        parts = [(training, share) for training in trainings for share in shares]
        learned = in_threads(learn, parts, available_cores(), shared)
        results = []
        for training in trainings:
            trained = ChainMap(*(next(learned) for _ in shares))
            ordered = {one.name: trained[one.name] for one in systems()}
            results.append(with_decisions(training.data, ordered))
        results = results[: given.seeds]
    total = time.perf_counter() - started
    precision = results[0]["text"].facts["precision"]
    torch.set_num_threads(threads)
    print(
        f"{machine}, {precision}; {given.rows:,} rows, {given.seeds} seeds, "
        f"{available_cores()} trainings at a time"
    )
    print()
    print("| system | s per seed | epochs | macro-F1 |")
    print("|---|---:|---:|---:|")
    for name in results[0]:
        ours = [result[name] for result in results]
        scores = [
            macro_f1_of(one.evaluations["test"].probabilities, data.test.labels) for one in ours
        ]
        seconds = np.median([one.seconds for one in ours])
        epochs = np.median([one.facts.get("epochs", 0) for one in ours])
        print(f"| {name} | {seconds:.2f} | {epochs:.0f} | {np.mean(scores):.3f} |")
    print(f"\nall systems, seeds and controls: {total:.1f} s")
    if given.peer:
        epochs = int(results[0]["concatenation"].facts["epochs"])
        plain = plain_loop(data, 0, epochs)
        ours = results[0]["concatenation"].seconds
        print(f"concatenation with DataLoader, {epochs} epochs: {plain:.2f} s, ours {ours:.2f} s")


if __name__ == "__main__":
    main()
