"""Fine-tuning a text classifier beside transformers.Trainer: same model, data, batch, precision.

    python benchmarks/finetuning.py [--texts 1024] [--layers 4] [--width 256] [--device auto]

The encoder is a randomly initialised BERT and the texts are drawn, so nothing is downloaded. Every
way trains one epoch with AdamW in batches of 32, validates on 64 texts and saves its state; Trainer
pads each random batch to its longest text, or groups batches by length.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers
from encoding import captions, save_bert
from torch import Tensor, nn

from artcurate.benchmark.batching import padding_share, shuffled_batches
from artcurate.benchmark.devices import (
    Precision,
    choose_device,
    compute_dtype,
    describe,
    peak_memory,
)
from artcurate.benchmark.encoders import TextEncoder, load_text_encoder, without_unused_pooler
from artcurate.benchmark.finetune_model import Examples, FusionModel, Rates
from artcurate.benchmark.heads import Shape, build_head
from artcurate.benchmark.task import Labels, Modality
from artcurate.benchmark.training import Recipe, Trainer

BATCH = 32
CLASSES = 4
HELD_OUT = 64


def labels_of(count: int) -> Labels:
    truth = np.arange(count) % CLASSES
    names = tuple(f"class {number}" for number in range(CLASSES))
    return Labels(names, truth, np.eye(CLASSES, dtype=np.float32)[truth])


def model_of(folder: Path) -> FusionModel:
    torch.manual_seed(0)
    encoder = without_unused_pooler(load_text_encoder(str(folder)))
    shape = Shape((encoder.width,), torch.full((CLASSES,), 1 / CLASSES))
    return FusionModel(("text",), {"text": encoder}, build_head("unimodal", shape), CLASSES)


class TrainerModel(nn.Module):
    """The same model with the interface that transformers.Trainer wants."""

    def __init__(self, model: FusionModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Any]:
        logits = self.model({"text": (input_ids, attention_mask)}, True)[0]
        return {"loss": nn.functional.cross_entropy(logits.float(), labels), "logits": logits}


def ours(folder: Path, texts: list[str], device: torch.device, dtype: torch.dtype) -> float:
    model = model_of(folder)
    encoder = model.encoders["text"]
    assert isinstance(encoder, TextEncoder)
    parts = [texts[HELD_OUT:], texts[:HELD_OUT]]
    views = [{"text": Modality(part, np.arange(len(part)))} for part in parts]
    recipe = Recipe(
        rates=Rates(1e-4, 1e-3, 1.0, 0.01),
        batch_size=BATCH,
        micro_batch=BATCH,
        epochs=1,
        patience=1,
        warmup=0.0,
        cosine=True,
    )
    with tempfile.TemporaryDirectory() as output:
        trainer = Trainer(
            model, recipe, seed=0, device=device, dtype=dtype, folder=Path(output) / "run"
        )
        started = time.perf_counter()
        tokens = {id(part): encoder.tokenize(part) for part in parts}
        first, second = (Examples(view, ("text",), {"text": encoder}, tokens) for view in views)
        train, held_out = labels_of(len(parts[0])), labels_of(HELD_OUT)
        trainer.fit(first, train.soft, second, held_out, held_out.soft)
        return time.perf_counter() - started


def peer(
    folder: Path, texts: list[str], device: torch.device, dtype: torch.dtype, *, grouped: bool
) -> float:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as output:
        arguments = transformers.TrainingArguments(
            output_dir=output,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=2 * BATCH,
            num_train_epochs=1,
            learning_rate=1e-4,
            bf16=dtype is torch.bfloat16,
            use_cpu=device.type == "cpu",
            eval_strategy="epoch",
            save_strategy="epoch",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            train_sampling_strategy="group_by_length" if grouped else "random",
        )
        model = TrainerModel(model_of(folder))
        started = time.perf_counter()
        rows = [
            {**encoding, "labels": place % CLASSES}
            for place, text in enumerate(texts)
            for encoding in [tokenizer(text, truncation=True, max_length=128)]
        ]
        trainer = transformers.Trainer(
            model=model,
            args=arguments,
            train_dataset=rows[HELD_OUT:],
            eval_dataset=rows[:HELD_OUT],
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    device = choose_device(given.device)
    dtype = compute_dtype(device, Precision.AUTO)
    texts = captions(given.texts + HELD_OUT)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_bert(folder, layers=given.layers, width=given.width)
        ways: dict[str, Callable[[], float]] = {
            "artcurate": lambda: ours(folder, texts, device, dtype),
            "transformers.Trainer": lambda: peer(folder, texts, device, dtype, grouped=False),
            "transformers.Trainer, grouped by length": lambda: peer(
                folder, texts, device, dtype, grouped=True
            ),
        }
        seen: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(given.runs):
            for name, work in ways.items():
                seen[name].append(work())
        lengths = load_text_encoder(temporary).tokenize(texts[HELD_OUT:]).lengths
    medians = {name: statistics.median(values) for name, values in seen.items()}
    first = medians["transformers.Trainer"]
    padding = padding_share(lengths, shuffled_batches(lengths, size=BATCH, seed=0))
    print(f"{describe(device)}, {dtype}, BERT of {given.layers} x {given.width}")
    print("\n| way | texts/s | throughput of transformers.Trainer |\n|---|---:|---:|")
    for name, seconds in medians.items():
        print(f"| {name} | {given.texts / seconds:,.0f} | {first / seconds:.2f} |")
    print(f"\nour padding {padding:.1%}; peak memory {peak_memory(device) / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
