"""One fine-tuning of a tiny text encoder with less memory than its micro-batch takes.

    python limited_training.py BERT FOLDER

The kernel refuses what goes beyond 600 MiB more than the process has before it trains.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from tiny_training import CPU, recipe

from artcurate.benchmark.encoders import load_text_encoder, without_unused_pooler
from artcurate.benchmark.finetune_model import Examples, FusionModel
from artcurate.benchmark.heads import Shape, build_head
from artcurate.benchmark.task import Labels, Modality
from artcurate.benchmark.training import Trainer
from artcurate.engines.memory import held_memory, limit_memory

EXAMPLES = 4096


def main() -> None:
    bert, folder = map(Path, sys.argv[1:])
    encoder = without_unused_pooler(load_text_encoder(str(bert)))
    head = build_head("unimodal", Shape((32,), torch.tensor([0.5, 0.5])))
    model = FusionModel(("text",), {"text": encoder}, head, 2)
    truth = np.arange(EXAMPLES) % 2
    labels = Labels(("happy", "sad"), truth, np.eye(2, dtype=np.float32)[truth])
    texts = ["the old sea smiles " * 10, "the sad man weeps " * 10]
    view = {"text": Modality(texts, truth)}
    examples = Examples(view, ("text",), {"text": encoder}, {id(texts): encoder.tokenize(texts)})
    few = Examples(
        {"text": Modality(texts, truth[:8])}, ("text",), {"text": encoder},
        {id(texts): encoder.tokenize(texts)},
    )  # fmt: skip
    trainer = Trainer(
        model,
        recipe(batch_size=EXAMPLES, micro_batch=EXAMPLES, epochs=2),
        seed=0,
        device=CPU,
        dtype=torch.float32,
        folder=folder,
    )
    limit_memory(held_memory() + (600 << 20))
    outcome = trainer.fit(examples, labels.soft, few, labels.take(np.arange(8)), labels.soft[:8])
    print(outcome.progress.micro_batch)


if __name__ == "__main__":
    main()
