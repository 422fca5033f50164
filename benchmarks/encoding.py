"""Feature extraction beside the bare encoder's forward passes at the same batch shapes.

    python benchmarks/encoding.py [--texts 2000] [--layers 6] [--width 384] [--device auto]

The encoder is a randomly initialised BERT and the texts are drawn, so nothing is downloaded. The
bare encoder gets the same batches, padded and tokenised beforehand; the usual way pads every text
to 128 tokens in batches of 64.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from artcurate.benchmark.batching import batches_by_length
from artcurate.benchmark.devices import (
    Precision,
    autocast,
    choose_device,
    compute_dtype,
    describe,
)
from artcurate.benchmark.encoders import TextEncoder, load_text_encoder
from artcurate.benchmark.feature_cache import FeatureCache
from artcurate.benchmark.features import TOKENS_PER_BATCH, text_features
from artcurate.progress import ProgressMode, meter

WORDS = 2000


def save_bert(folder: Path, *, layers: int, width: int) -> None:
    words = {f"w{number}": number + 4 for number in range(WORDS)}
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, **words}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        intermediate_size=4 * width,
    )
    BertModel(config).save_pretrained(folder)


def captions(count: int) -> list[str]:
    """Texts of captions' lengths: 18 words on average with a long tail."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(2.75, 0.5, count).astype(int), 3, 120)
    return [
        " ".join(f"w{word}" for word in random.integers(0, WORDS, length)) for length in lengths
    ]


def seconds_of(work: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    device = choose_device(given.device)
    dtype = compute_dtype(device, Precision.AUTO)
    texts = captions(given.texts)
    with tempfile.TemporaryDirectory() as temporary:
        save_bert(Path(temporary), layers=given.layers, width=given.width)
        encoder = load_text_encoder(temporary)
        print(f"{describe(device)}, {dtype}, BERT of {given.layers} x {given.width}")
        report(encoder.to(device).eval(), texts, device, dtype, given.runs)


def report(
    encoder: TextEncoder,
    texts: list[str],
    device: torch.device,
    dtype: torch.dtype,
    runs: int,
) -> None:
    sequences = encoder.tokenize(texts)
    shaped = [
        [tensor.to(device) for tensor in sequences.padded(rows)]
        for rows in batches_by_length(sequences.lengths, max_tokens=TOKENS_PER_BATCH)
    ]
    wide = []
    for start in range(0, len(texts), 64):
        rows = np.arange(start, min(start + 64, len(texts)))
        tokens, mask = sequences.padded(rows)
        room = 128 - tokens.shape[1]
        wide.append(
            [torch.nn.functional.pad(tensor, (0, room)).to(device) for tensor in (tokens, mask)]
        )
    padding = 0.0

    def bare(batches: list[list[torch.Tensor]]) -> None:
        with torch.inference_mode(), autocast(device, dtype):
            for tokens, mask in batches:
                encoder.model(input_ids=tokens, attention_mask=mask)

    def ours() -> None:
        nonlocal padding
        with (
            tempfile.TemporaryDirectory() as cache,
            meter("texts", len(texts), unit="text", mode=ProgressMode.QUIET) as counter,
        ):
            found = text_features(
                encoder, texts, device=device, meter=counter, cache=FeatureCache({}, Path(cache))
            )
        padding = found.padding

    ways: dict[str, Callable[[], None]] = {
        "artcurate, tokens, pooling and cache included": ours,
        "bare encoder, same batches": lambda: bare(shaped),
        "bare encoder, padded to 128": lambda: bare(wide),
    }
    seen: dict[str, list[float]] = {name: [] for name in ways}
    ours()
    for _ in range(runs):
        for name, work in ways.items():
            seen[name].append(seconds_of(work, device))
    medians = {name: statistics.median(values) for name, values in seen.items()}
    first = medians["bare encoder, same batches"]
    print("\n| way | texts/s | throughput of the bare encoder |\n|---|---:|---:|")
    for name, seconds in medians.items():
        print(f"| {name} | {len(texts) / seconds:,.0f} | {first / seconds:.0%} |")
    print(f"\npadding {padding:.1%}")


if __name__ == "__main__":
    main()
