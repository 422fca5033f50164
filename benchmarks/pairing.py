"""Pairing under two disjointness constraints, beside the usual way.

Both get tables of CID's and ECC's size and shape. artcurate runs the steps of the pipeline `korean`
from labels to pairs, with its cap of near-identical frames and without. The usual way flattens with
pandas, keeps unanimous pictures, samples both sides of every cell to the smaller of them, zips
them, and splits with StratifiedGroupKFold on the persons, stratified by cell; what it leaks is
counted afterwards. Its second row drops the pairs of straddling dialogues on all sides but the
largest, as one then has to.

    python benchmarks/pairing.py [--records 500000] [--dialogues 58000] [--persons 1100] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import korean_population
import polars as pl

WAYS = {
    "artcurate, all frames": "frames",
    "artcurate": "ours",
    "pandas + StratifiedGroupKFold": "usual",
    "the same less straddling dialogues": "whole",
}
CELL = ["emotion", "age_group", "gender"]
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def ours(images: Path, utterances: Path, *, cap: bool) -> pl.DataFrame:
    from artcurate.corpus import Corpus
    from artcurate.pipeline import load_bundled
    from artcurate.steps.catalogue import STEPS

    corpus = Corpus(pl.read_parquet(utterances), pl.read_parquet(images))
    for entry in load_bundled("korean").steps:
        for name, given in entry.items():
            step = STEPS[name]
            if not step.heavy and (cap or name != "frames"):
                parameters = step.parameters.model_validate(given or {})
                corpus = step.function(corpus, parameters=parameters)
    return corpus.pairs.select("split", "person", "dialogue", "text", *CELL)


def usual(images: Path, utterances: Path, *, whole_dialogues: bool) -> pl.DataFrame:
    import pandas as pd
    from sklearn.model_selection import StratifiedGroupKFold

    faces = pd.read_parquet(images)
    agreed = faces["annotator_emotions"].map(lambda votes: len(set(votes)) == 1)
    agreed &= faces["annotator_emotions"].str[0] == faces["uploader_emotion"]
    faces = faces[agreed].assign(
        emotion=faces["uploader_emotion"],
        age_group=pd.cut(
            faces["age"], [0, 19, 39, 59, 200], labels=["teen", "young", "middle", "senior"]
        ).astype(str),
    )
    rows = pd.read_parquet(utterances)
    said = rows[rows["turn"].isin(["HS01", "HS02"])]
    neutral = rows[rows["turn"] == "SS01"].assign(emotion="neutral")
    said = pd.concat([said, neutral]).drop_duplicates("text")
    most = said[said["emotion"] == "sadness"].groupby(["age_group", "gender"]).size()
    parts = []
    by_cell = dict(list(said.groupby(CELL)))
    for cell, group in faces.groupby(CELL):
        if cell not in by_cell:
            continue
        number = min(len(group), len(by_cell[cell]))
        if cell[0] == "neutral":
            number = min(number, most[cell[1:]])
        left = by_cell[cell].sample(number, random_state=0)[["dialogue", "text"]]
        right = group.sample(number, random_state=0)[[*CELL, "person"]]
        parts.append(pd.concat([left.reset_index(drop=True), right.reset_index(drop=True)], axis=1))
    pairs = pd.concat(parts, ignore_index=True)
    cells = pairs[CELL].agg(" ".join, axis=1)
    folds = StratifiedGroupKFold(10, shuffle=True, random_state=0)
    pairs["split"] = "train"
    for number, (_, held) in enumerate(folds.split(pairs, cells, pairs["person"])):
        if number < 2:
            pairs.loc[held, "split"] = ["validation", "test"][number]
    if whole_dialogues:
        sizes = pairs.groupby(["dialogue", "split"]).size().unstack(fill_value=0)
        pairs = pairs[pairs["split"] == pairs["dialogue"].map(sizes.idxmax(axis=1))]
    return pl.DataFrame(
        {name: pairs[name].to_list() for name in ("split", "person", "dialogue", "text", *CELL)}
    )


def astride(pairs: pl.DataFrame, column: str) -> int:
    """Values of a column that stand in several splits."""
    return pairs.group_by(column).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height


def worst(pairs: pl.DataFrame, by: Sequence[str]) -> tuple[float, float]:
    """The largest deviation of a stratum from the ratios, in points and in rows."""
    points = rows = 0.0
    for _, group in pairs.group_by(by):
        held = dict(group["split"].value_counts().iter_rows())
        for split, share in SHARES.items():
            off = abs(held.get(split, 0) - share * group.height)
            rows, points = max(rows, off), max(points, 100 * off / group.height)
    return points, rows


def judge(pairs: pl.DataFrame) -> dict[str, Any]:
    cell_points, cell_rows = worst(pairs, CELL)
    return {
        "pairs": pairs.height,
        "persons": astride(pairs, "person"),
        "dialogues": astride(pairs, "dialogue"),
        "label": worst(pairs, ["emotion"])[0],
        "cell": cell_points,
        "rows": cell_rows,
    }


def run(way: str, images: Path, utterances: Path) -> None:
    import resource

    start = time.perf_counter()
    if way in ("ours", "frames"):
        pairs = ours(images, utterances, cap=way == "ours")
    else:
        pairs = usual(images, utterances, whole_dialogues=way == "whole")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**judge(pairs), "seconds": seconds, "peak": peak}))


def report(images: Path, utterances: Path, runs: int) -> None:
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in WAYS}
    for _ in range(runs):
        for name, way in WAYS.items():
            command = [sys.executable, __file__, "--only", way]
            command += ["--tables", str(images), str(utterances)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results[name].append(json.loads(done.stdout.splitlines()[-1]))
    print(
        "| what | pairs | persons on several sides | dialogues on several sides | worst label, "
        "points | worst cell, points | worst cell, rows | seconds | peak MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        one = found[0]
        seconds = median(result["seconds"] for result in found)
        peak = median(result["peak"] for result in found)
        print(
            f"| {name} | {one['pairs']:,} | {one['persons']:,} | {one['dialogues']:,} | "
            f"{one['label']:.2f} | {one['cell']:.2f} | {one['rows']:.0f} | {seconds:.1f} | "
            f"{peak:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--dialogues", type=int, default=58_000)
    parser.add_argument("--persons", type=int, default=1_100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=WAYS.values(), help=argparse.SUPPRESS)
    parser.add_argument("--tables", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        run(options.only, *options.tables)
        return
    with tempfile.TemporaryDirectory() as folder:
        images, utterances = Path(folder) / "images.parquet", Path(folder) / "utterances.parquet"
        korean_population.images(options.records, options.persons, 0).write_parquet(images)
        korean_population.utterances(options.dialogues, 0).write_parquet(utterances)
        report(images, utterances, options.runs)


if __name__ == "__main__":
    main()
