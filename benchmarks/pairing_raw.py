"""From the raw files to pairs, pictures not decoded, beside the usual way.

Both get the same synthetic release of ECC and CID, zipped as AI Hub gives them. artcurate reads it
where it lies and runs the steps of the pipeline `korean` that need no pixels. The usual way unpacks
every zip to disk, flattens the JSON with pandas, lists the files, and goes on as in pairing.py.
Placeholders of a few hundred bytes stand for the pictures, so unpacking costs a hundredth of what
it does in earnest.

    python benchmarks/pairing_raw.py [--records 500000] [--dialogues 58000] [--persons 1100]
        [--raw DIR] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import polars as pl
from pairing import judge, usual

WAYS = {"artcurate": "ours", "unzip + pandas + StratifiedGroupKFold": "usual"}
EMOTIONS = {
    "기쁨": "happiness",
    "슬픔": "sadness",
    "분노": "anger",
    "당황": "embarrassment",
    "불안": "anxiety",
    "상처": "hurt",
    "중립": "neutral",
}
AGES = {"A01": "teen", "A02": "young", "A03": "middle", "A04": "senior"}
GENDERS = {"G01": "male", "G02": "female"}
#: By the tens digit of an emotion's code, which begins at 1.
MAINS = ("anger", "sadness", "anxiety", "hurt", "embarrassment", "happiness")


def ours(raw: Path) -> pl.DataFrame:
    from artcurate.corpus import merge
    from artcurate.pipeline import load_bundled
    from artcurate.sources.registry import READERS
    from artcurate.steps.catalogue import STEPS

    corpus = merge([READERS[name].read([raw / name], name) for name in ("ecc", "cid")])
    # Sizes come from the probe, which decodes pixels.
    sizes = {side: pl.lit(1440, pl.Int32) for side in ("width", "height")}
    corpus = replace(corpus, images=corpus.images.with_columns(**sizes))
    for entry in load_bundled("korean").steps:
        for name, given in entry.items():
            step = STEPS[name]
            if not step.heavy:
                parameters = step.parameters.model_validate(given or {})
                corpus = step.function(corpus, parameters=parameters)
    return corpus.pairs


def by_hand(raw: Path) -> pl.DataFrame:
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder)
        for number, archive in enumerate(sorted(raw.rglob("*.zip"))):
            with zipfile.ZipFile(archive, metadata_encoding="cp949") as opened:
                opened.extractall(unpacked / str(number))
        pictures = {path.name for path in unpacked.rglob("*.jp*g")}
        talks = [json.loads(path.read_bytes()) for path in unpacked.rglob("*.json")]
        labels = [json.loads(path.read_bytes()) for path in raw.rglob("img_emotion*.json")]
        faces = pd.concat((pd.json_normalize(one) for one in labels), ignore_index=True)
        faces = faces[faces["filename"].isin(pictures)].reset_index(drop=True)
        votes = faces[[f"annot_{one}.faceExp" for one in "ABC"]]
        images = unpacked / "images.parquet"
        pd.DataFrame(
            {
                "person": faces["filename"].str[:64],
                "gender": faces["gender"].map({"남": "male", "여": "female"}),
                "age": faces["age"].astype(int),
                "uploader_emotion": faces["faceExp_uploader"].map(EMOTIONS),
                "annotator_emotions": votes.replace(EMOTIONS).to_numpy().tolist(),
            }
        ).to_parquet(images)
        rows = []
        for talk in (one for file in talks for one in file):
            profile, content = talk["profile"], talk["talk"]["content"]
            age, gender = profile["persona"]["human"]
            common = (talk["talk"]["id"]["talk-id"], AGES[age], GENDERS[gender])
            emotion = MAINS[int(profile["emotion"]["type"][1]) - 1]
            rows += [(*common, emotion, turn, text) for turn, text in content.items() if text]
        names = ["dialogue", "age_group", "gender", "emotion", "turn", "text"]
        utterances = unpacked / "utterances.parquet"
        pd.DataFrame(rows, columns=names).to_parquet(utterances)
        return usual(images, utterances, whole_dialogues=False)


def run(way: str, raw: Path) -> None:
    start = time.perf_counter()
    pairs = ours(raw) if way == "ours" else by_hand(raw)
    seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    told = {"seconds": seconds, "cpu": time.process_time(), "peak": used.ru_maxrss / 1024}
    print(json.dumps({**judge(pairs), **told}))


def report(raw: Path, runs: int) -> None:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for _ in range(runs):
        for name, way in WAYS.items():
            command = [sys.executable, __file__, "--only", way, "--raw", str(raw)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results[name].append(json.loads(done.stdout.splitlines()[-1]))
    print("| what | pairs | dialogues on several sides | worst label, points | s | CPU s | MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, found in results.items():
        one = found[0]
        seconds, cpu, peak = (median(r[key] for r in found) for key in ("seconds", "cpu", "peak"))
        print(
            f"| {name} | {one['pairs']:,} | {one['dialogues']:,} | {one['label']:.2f} | "
            f"{seconds:.1f} | {cpu:.1f} | {peak:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--dialogues", type=int, default=58_000)
    parser.add_argument("--persons", type=int, default=1_100)
    parser.add_argument("--raw", type=Path, help="a release that was made before")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=WAYS.values(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        run(options.only, options.raw)
        return
    if options.raw:
        report(options.raw, options.runs)
        return
    from artcurate.sources.synthetic.korean import write_korean_sample
    from artcurate.sources.synthetic.wikiart import PixelMode

    with tempfile.TemporaryDirectory() as folder:
        write_korean_sample(
            Path(folder) / "raw",
            persons=options.persons,
            dialogues=options.dialogues,
            images=options.records,
            pixels=PixelMode.NONE,
        )
        report(Path(folder) / "raw", options.runs)


if __name__ == "__main__":
    main()
