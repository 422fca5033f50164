"""The tables' half of a build on a release-shaped CSV, beside `load_dataset("csv")` + `map`.

All read the file, bring emotions to label ids, normalise the text, drop empty captions, check the
language, key the painting, count votes per painting and split by painting. artcurate also measures
agreement and certifies the split. The same check of the language takes langdetect, since a script
tells no two languages written in it apart: that peer takes half an hour and runs once, with
--langdetect; the others only count letters.

    python benchmarks/tables.py [--captions 1100000] [--paintings 80000] [--runs 3] [--langdetect]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
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


#: What users write -> its name on the command line.
PEERS = {
    'load_dataset("csv") + map': "map",
    'load_dataset("csv") + map(batched=True)': "batched",
    'load_dataset("csv") + map, language by langdetect': "langdetect",
}
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


def detected(text: str) -> str:
    """The language langdetect finds, by the name the release uses."""
    from langdetect import detect
    from langdetect.lang_detect_exception import LangDetectException

    try:
        return {"en": "english", "ar": "arabic", "zh-cn": "chinese"}.get(detect(text), "")
    except LangDetectException:
        return ""


def clean(row: dict[str, Any], spoken: Callable[[str], str] = script) -> dict[str, Any]:
    """One row as a user's `map` function makes it."""
    text = " ".join(unicodedata.normalize("NFC", row["utterance"] or "").split())
    return {
        "text": text,
        "label": IDS[row["emotion"].strip().lower()],
        "agrees": spoken(text) == row["language"],
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


def clean_with_langdetect(row: dict[str, Any]) -> dict[str, Any]:
    return clean(row, detected)


def peer(csv: Path, which: str, cache: Path) -> None:
    import datasets
    from langdetect import DetectorFactory

    DetectorFactory.seed = 0

    datasets.disable_progress_bars()
    data = datasets.load_dataset("csv", data_files=str(csv), split="train", cache_dir=str(cache))
    data = data.remove_columns(["tokens", "tokens_encoded", "utterance_spelled", "image_file"])
    if which == "batched":
        data = data.map(clean_batch, batched=True)
    else:
        data = data.map(clean if which == "map" else clean_with_langdetect)
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
    parser.add_argument("--langdetect", action="store_true", help="Half an hour more.")
    parser.add_argument("--only", choices=["ours", *PEERS.values()], help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.only == "ours":
            ours(options.csv)
        elif options.only:
            peer(options.csv, options.only, Path(folder))
        else:
            csv = options.csv or make_sample(Path(folder), options.paintings, options.captions)
            report(csv, options.runs, langdetect=options.langdetect)


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


def report(csv: Path, runs: int, *, langdetect: bool) -> None:
    def command(which: str) -> list[str]:
        return [sys.executable, __file__, "--only", which, "--csv", str(csv)]

    quick = {name: command(which) for name, which in PEERS.items() if which != "langdetect"}
    slow = {name: command(which) for name, which in PEERS.items() if which == "langdetect"}
    costs = measure({"artcurate": command("ours"), **quick}, runs=runs)
    if langdetect:
        costs |= measure(slow, runs=1)
    print(f"{csv.stat().st_size / 1e9:.2f} GB, medians of {runs} interleaved runs\n")
    print("| what | wall s | CPU s | peak MiB | times artcurate's wall | CPU |")
    print("|---|---|---|---|---|---|")
    ours = costs["artcurate"]
    for name, cost in costs.items():
        print(
            f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:.0f} "
            f"| {cost.wall / ours.wall:.1f} | {cost.cpu / ours.cpu:.1f} |"
        )


if __name__ == "__main__":
    main()
