"""One fine-tuning of two tiny encoders, in this process or as a command that may be killed.

    python tiny_training.py BERT VIT FOLDER [--kill-at STEP] [--micro-batch N]

Trains three epochs of four steps of 8 examples and writes FOLDER/final.safetensors.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from artcurate.benchmark.checkpoint import named_state
from artcurate.benchmark.distributed import join
from artcurate.benchmark.encoders import (
    load_image_encoder,
    load_text_encoder,
    without_unused_pooler,
)
from artcurate.benchmark.finetune_model import Examples, FusionModel, Rates
from artcurate.benchmark.heads import Shape, build_head
from artcurate.benchmark.task import Labels, Modality
from artcurate.benchmark.training import Outcome, Recipe, Trainer

WORDS = ("happy smiles", "sad weeps")
CPU = torch.device("cpu")


class Squares:
    """A grey square per example, bright for one label and dark for the other."""

    def __init__(self, truth: np.ndarray) -> None:
        self._truth = truth

    def __len__(self) -> int:
        return len(self._truth)

    def decode(self, place: int, *, min_side: int | None = None) -> Image.Image:  # noqa: ARG002
        return Image.new("RGB", (32, 32), (60 + 120 * int(self._truth[place]),) * 3)

    def digest(self, place: int) -> bytes:
        return bytes(31) + bytes([int(self._truth[place])])


def labels_of(count: int) -> Labels:
    truth = np.arange(count) % 2
    return Labels(("happy", "sad"), truth, np.eye(2, dtype=np.float32)[truth])


def view_of(labels: Labels) -> dict[str, Modality]:
    random = np.random.default_rng(0)
    texts = [
        " ".join([WORDS[truth], *random.choice(["the", "old", "sea"], random.integers(0, 9))])
        for truth in labels.index
    ]
    every = np.arange(len(labels))
    return {"text": Modality(texts, every), "image": Modality(Squares(labels.index), every)}


def recipe(**changes: object) -> Recipe:
    plain: dict[str, object] = {
        "rates": Rates(1e-3, 1e-2, 0.9, 0.01),
        "batch_size": 8,
        "micro_batch": 4,
        "epochs": 3,
        "patience": 3,
        "warmup": 0.2,
        "cosine": True,
        "interval": 1,
    }
    return Recipe(**(plain | changes))  # type: ignore[arg-type]


def train(
    bert: Path,
    vit: Path,
    folder: Path,
    *,
    prepare: Callable[[FusionModel], None] | None = None,
    head: str = "concatenation",
    seed: int = 5,
    **changes: object,
) -> tuple[FusionModel, Outcome, Trainer]:
    """Train on 30 examples and validate on 12; `prepare` may change the model beforehand."""
    encoders = {
        "text": without_unused_pooler(load_text_encoder(str(bert))),
        "image": without_unused_pooler(load_image_encoder(str(vit), pooling="pooler")),
    }
    torch.manual_seed(0)
    built = build_head(head, Shape((32, 32), torch.tensor([0.5, 0.5])))
    model = FusionModel(("text", "image"), encoders, built, 2)
    if prepare is not None:
        prepare(model)
    labels, held_out = labels_of(30), labels_of(12)
    views = [view_of(labels), view_of(held_out)]
    tokens = {
        id(view["text"].values): encoders["text"].tokenize(view["text"].values) for view in views
    }
    first, second = (Examples(view, ("text", "image"), encoders, tokens) for view in views)
    world = join(CPU)
    trainer = Trainer(
        model,
        recipe(**changes),
        seed=seed,
        device=CPU,
        dtype=torch.float32,
        folder=folder,
        world=world,
    )
    outcome = trainer.fit(first, labels.soft, second, held_out, held_out.soft)
    if world.rank == 0:
        save_file(
            {name: tensor.clone() for name, tensor in named_state(model).items()},
            folder / "final.safetensors",
        )
    return model, outcome, trainer


def kill_at(step: int) -> Callable[[FusionModel], None]:
    """The process dies without a word in the middle of the given forward pass, counted from 1."""
    calls = [0]

    def count(*_: object) -> None:
        calls[0] += 1
        if calls[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def prepare(model: FusionModel) -> None:
        model.head.register_forward_pre_hook(count)

    return prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bert", "vit", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--micro-batch", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    changes: dict[str, object] = {"micro_batch": given.micro_batch}
    if given.kill_at:
        changes["prepare"] = kill_at(given.kill_at)
    train(given.bert, given.vit, given.folder, **changes)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
