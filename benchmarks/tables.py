"""The tables' half of a build on a release-shaped CSV, beside `load_dataset("csv")` + `map`.

Both read the file, bring emotions to label ids, normalise the text, drop empty captions, check the
language by script, key the painting, count votes per painting and split by painting. artcurate also
finds contradicted languages among Latin scripts, measures agreement and certifies the split.

    python benchmarks/tables.py [--captions 1100000] [--paintings 80000] [--runs 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from measure import measure


def ours(csv: Path) -> None:
    from artcurate.cli.build import _without_pixels
    from artcurate.engines.local import LocalEngine
    from artcurate.pipeline import load_bundled, resolve
    from artcurate.runner import read_inputs, run_stages
    from artcurate.steps.registry import Run

    file = _without_pixels(load_bundled("artelingo"))
    whole = resolve(file)
    pipeline = replace(
        whole, stages=tuple(stage for stage in whole.stages if stage.step.name != "write")
    )
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(LocalEngine(workers=1), Path(scratch), Path(scratch))
        corpus = run_stages(pipeline, read_inputs(pipeline, {"annotations": [csv]}), run)
    print(corpus.annotations.height)


EMOTIONS = (
    *("amusement", "awe", "contentment", "excitement", "anger", "disgust", "fear", "sadness"),
    "something else",
)
IDS = {name: index for index, name in enumerate(EMOTIONS)}


def script(text: str) -> str:
    """The script most letters of `text` belong to."""
    counts: Counter[str] = Counter()
    for character in text:
        code = ord(character)
        if 0x0600 <= code <= 0x06FF:
            counts["arabic"] += 1
        elif 0x4E00 <= code <= 0x9FFF:
            counts["chinese"] += 1
        elif character.isalpha():
            counts["english"] += 1
    return counts.most_common(1)[0][0] if counts else ""


def clean(row: dict[str, Any]) -> dict[str, Any]:
    """One row as a user's `map` function makes it."""
    text = " ".join(unicodedata.normalize("NFC", row["utterance"] or "").split())
    return {
        "text": text,
        "label": IDS[row["emotion"].strip().lower()],
        "agrees": script(text) == row["language"],
        "key": unicodedata.normalize("NFC", f"{row['art_style']}/{row['painting']}"),
    }


def clean_batch(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The same over a batch of columns."""
    names = ("utterance", "emotion", "language", "art_style", "painting")
    rows = [
        clean(dict(zip(names, values, strict=True)))
        for values in zip(*(batch[name] for name in names), strict=True)
    ]
    return {name: [row[name] for row in rows] for name in ("text", "label", "agrees", "key")}


def peer(csv: Path, *, batched: bool, cache: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    data = datasets.load_dataset("csv", data_files=str(csv), split="train", cache_dir=str(cache))
    data = data.remove_columns(["tokens", "tokens_encoded", "utterance_spelled", "image_file"])
    data = data.map(clean_batch, batched=True) if batched else data.map(clean)
    data = data.filter(lambda text: text != "", input_columns="text")
    votes: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(EMOTIONS))
    keys, languages, labels = data["key"][:], data["language"][:], data["label"][:]
    for key, language, label in zip(keys, languages, labels, strict=True):
        votes[key, language][label] += 1
    paintings = sorted(set(keys))
    train = set(paintings[: len(paintings) * 8 // 10])
    print(len(data), len(votes), sum(key in train for key in keys))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paintings", type=int, default=80_000)
    parser.add_argument("--captions", type=int, default=1_100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--csv", type=Path, help="A release-shaped CSV that is there already.")
    parser.add_argument("--only", choices=["ours", "map", "batched"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.only == "ours":
            ours(options.csv)
        elif options.only:
            peer(options.csv, batched=options.only == "batched", cache=Path(folder))
        else:
            csv = options.csv or make_sample(Path(folder), options.paintings, options.captions)
            report(csv, options.runs)


def make_sample(folder: Path, paintings: int, captions: int) -> Path:
    from artcurate.progress import ProgressMode
    from artcurate.sources.synthetic.artelingo import write_artelingo_sample

    write_artelingo_sample(
        folder / "sample",
        paintings=paintings,
        captions=captions,
        pixels="none",
        progress=ProgressMode.QUIET,
    )
    return folder / "sample" / "artelingo_release.csv"


def report(csv: Path, runs: int) -> None:
    names = {
        "artcurate": "ours",
        'load_dataset("csv") + map': "map",
        'load_dataset("csv") + map(batched=True)': "batched",
    }
    commands = {
        name: [sys.executable, __file__, "--only", which, "--csv", str(csv)]
        for name, which in names.items()
    }
    costs = measure(commands, runs=runs)
    print(f"{csv.stat().st_size / 1e9:.2f} GB, medians of {runs} interleaved runs\n")
    print("| what | wall s | CPU s | peak MiB | times artcurate |")
    print("|---|---|---|---|---|")
    for name, cost in costs.items():
        ratio = cost.wall / costs["artcurate"].wall
        print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
