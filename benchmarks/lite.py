"""The tier lite on a synthetic ArtELingo: seconds of the whole, beside scikit-learn's own pipeline.

    python benchmarks/lite.py [--paintings 700] [--runs 3]

700 paintings have about 10,000 captions. The peer is what a notebook does: TF-IDF of words
with one logistic regression, one seed, no control, no picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import measure

_PEER = """
import sys
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
train = pl.read_parquet(sys.argv[1] + "/annotations/train-*.parquet")
test = pl.read_parquet(sys.argv[1] + "/annotations/test-*.parquet")
words = TfidfVectorizer(sublinear_tf=True)
model = LogisticRegression(C=10, max_iter=200)
model.fit(words.fit_transform(train["text"].to_list()), train["emotion"].to_numpy())
said = model.predict(words.transform(test["text"].to_list()))
print(f1_score(test["emotion"].to_numpy(), said, average="macro"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paintings", type=int, default=700)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        built, rows = build(Path(folder), arguments.paintings)
        artcurate = [sys.executable, "-m", "artcurate", "benchmark", str(built), "--quiet"]
        costs = measure(
            {
                "5 seeds, every control": artcurate,
                "5 seeds, no control": [*artcurate, "--controls", "none"],
                "peer: TF-IDF + logistic regression once, text only": [
                    sys.executable,
                    "-c",
                    _PEER,
                    str(built),
                ],
            },
            runs=arguments.runs,
        )
    print(f"{rows:,} captions, medians of {arguments.runs} runs\n")
    print("| what | wall s | CPU s | peak MiB |\n|---|---:|---:|---:|")
    for name, cost in costs.items():
        print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:.0f} |")


def build(folder: Path, paintings: int) -> tuple[Path, int]:
    """A built dataset of so many paintings, and its captions."""
    import artcurate
    from artcurate.sources.synthetic.artelingo import write_artelingo_sample

    write_artelingo_sample(folder / "raw", paintings=paintings, seed=4)
    built = artcurate.build(
        artcurate.resolve(artcurate.bundled_pipeline("artelingo"), []),
        {
            "annotations": [folder / "raw" / "artelingo_release.csv"],
            "images": [folder / "raw" / "wikiart"],
        },
        folder / "artelingo",
    )
    return built.out, built.annotations


if __name__ == "__main__":
    main()
