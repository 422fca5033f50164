"""The language check on 1.2 million captions, beside langdetect on every row.

The captions are the synthetic English, Arabic and Chinese ones of `artcurate sample`, a few of them
declared wrongly, terse English ones, which function words do not decide, and 4,800 Spanish ones,
of which 200 are declared English. langdetect (seeded) sees a random sample; its time is
extrapolated to all rows.

    python benchmarks/language.py [--captions 1200000] [--paintings 80000] [--runs 3]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import polars as pl
from measure import Cost, measure, run_once

from artcurate.sources.synthetic.captions import captions, draw_hands
from artcurate.sources.synthetic.gallery import draw_gallery
from artcurate.sources.synthetic.scenes import LANGUAGES
from artcurate.sources.synthetic.votes import draw_votes
from artcurate.text import languages
from artcurate.text.detector import guess
from artcurate.text.identify import Thresholds, check_declared
from artcurate.text.normalise import is_blank, normalised

TIMED_ROWS = 4_000
JUDGED_ROWS = 1_500

#: One choice from every list, end to end, is a caption.
SPANISH = [
    ["", "", "En este cuadro ", "Al fondo ", "A la izquierda ", "Creo que "],
    [
        "la mujer mira por la ventana",
        "el mar golpea las rocas",
        "los árboles no tienen hojas",
        "un niño corre por el campo",
        "las nubes cubren el cielo",
        "la luz cae sobre las casas",
        "el hombre está sentado solo",
        "dos barcos vuelven al puerto",
        "la calle parece vacía",
        "las flores llenan el jarrón",
        "el caballo espera junto al río",
        "la nieve cubre el pueblo",
        "los colores oscuros llenan la sala",
        "una anciana reza en silencio",
    ],
    [" y ", ", así que ", " mientras ", ", por eso ", ". ", " porque "],
    [
        "me siento tranquilo",
        "siento mucha tristeza",
        "me da miedo",
        "todo me parece alegre",
        "me recuerda a mi infancia",
        "me llena de paz",
        "no sé qué pensar",
        "me gustaría estar allí",
        "me produce rechazo",
        "me emociona su belleza",
        "me hace sonreír",
        "me deja sin palabras",
    ],
    ["", ".", ".", "!"],
]
TERSE = [
    ["dark", "gloomy", "bright", "calm", "soft", "cold", "warm", "wild", "golden", "pale"],
    [" forest", " sea", " street", " village", " garden", " portrait", " horses", " sky"],
    ["", " scene", ", sad faces", ", old trees", ", blue hills", ", quiet river"],
]


def build(captions_wanted: int, paintings: int) -> pl.DataFrame:
    """text, declared and truth (canonical names) of every row, in random order."""
    gallery = draw_gallery(paintings, seed=1)
    votes = draw_votes(gallery, captions_wanted)
    hands = draw_hands(votes, seed=1)
    rows = pl.arange(len(votes), dtype=pl.Int64, eager=True).to_numpy()
    names = pl.Series(LANGUAGES)
    release = pl.DataFrame(
        {
            "text": captions(votes, hands, rows),
            "declared": names.gather(votes.language),
            "truth": names.gather(votes.text_language),
        }
    )
    generator = random.Random(1)
    spanish = _phrases(SPANISH, 4_800, generator)
    terse = _phrases(TERSE, captions_wanted // 500, generator)
    declared = ["english"] * 200 + ["spanish"] * 4_600
    extra = pl.DataFrame(
        {
            "text": spanish + terse,
            "declared": declared + ["english"] * len(terse),
            "truth": ["spanish"] * len(spanish) + ["english"] * len(terse),
        }
    )
    return (
        pl.concat([release, extra])
        .with_columns(normalised(pl.col("text")))
        .filter(~is_blank(pl.col("text")))
        .sample(fraction=1.0, shuffle=True, seed=1)
    )


def _phrases(parts: list[list[str]], count: int, generator: random.Random) -> list[str]:
    return ["".join(map(generator.choice, parts)).capitalize() for _ in range(count)]


def ours(file: Path) -> None:
    frame = pl.read_parquet(file)
    verdicts = check_declared(frame["text"], frame["declared"], languages.bundled(), Thresholds())
    print(verdicts.height)


def langdetect(file: Path) -> None:
    for text in pl.read_parquet(file)["text"].head(TIMED_ROWS):
        guess(text, seed=0)


def nothing(file: Path) -> None:
    print(pl.read_parquet(file).height)


WORK = {"ours": ours, "langdetect": langdetect, "nothing": nothing}


def accuracy(frame: pl.DataFrame) -> str:
    """How both judge the declarations, as a markdown table.

    langdetect has no undecided rows: whatever it finds that is not the declared language would be
    a contradiction.
    """
    catalogue = languages.bundled()
    verdicts = check_declared(frame["text"], frame["declared"], catalogue, Thresholds())
    frame = frame.with_columns(agrees=verdicts["language_agrees"])
    honest = pl.col("declared") == pl.col("truth")
    groups = {
        f"{name}, declared rightly": honest & (pl.col("truth") == name)
        for name in (*LANGUAGES, "spanish")
    }
    lines = ["| rows | judge | agree | undecided | contradict |", "|---|---|---|---|---|"]
    for title, group in {**groups, "declared wrongly": ~honest}.items():
        rows = frame.filter(group)
        sample = rows.head(JUDGED_ROWS)
        lines += [_row(title, "artcurate", rows), _row(title, "artcurate", sample)]
        lines += [_row(title, "langdetect", sample.with_columns(agrees=_guesses(sample)))]
    return "\n".join(lines)


def _guesses(rows: pl.DataFrame) -> pl.Series:
    codes = {lang.name: lang.langdetect for lang in languages.bundled().languages}
    found = [guess(text, seed=0) for text in rows["text"]]
    return pl.Series(
        [
            guessed is not None and guessed.code in codes[declared]
            for guessed, declared in zip(found, rows["declared"], strict=True)
        ]
    )


def _row(title: str, judge: str, rows: pl.DataFrame) -> str:
    agrees = rows["agrees"]
    counts = (agrees.sum(), agrees.null_count(), (~agrees).sum())
    shares = " | ".join(f"{100 * int(count) / rows.height:.2f} %" for count in counts)
    return f"| {title}, {rows.height:,} | {judge} | {shares} |"


def report(costs: dict[str, Cost], rows: int, runs: int) -> str:
    """CPU and wall time less that of starting Python and reading the rows."""
    base = costs["nothing"]
    factor = rows / TIMED_ROWS
    mine = costs["ours"]
    cpu, wall = mine.cpu - base.cpu, mine.wall - base.wall
    their_cpu = (costs["langdetect"].cpu - base.cpu) * factor
    their_wall = (costs["langdetect"].wall - base.wall) * factor
    return "\n".join(
        [
            f"{rows:,} rows; medians of {runs} runs; reading the rows is subtracted.",
            "",
            "| | CPU s | wall s | peak above reading, MiB |",
            "|---|---|---|---|",
            f"| artcurate, all rows | {cpu:.2f} | {wall:.2f} | {mine.peak - base.peak:.0f} |",
            f"| langdetect, extrapolated from {TIMED_ROWS:,} rows | {their_cpu:,.0f} | "
            f"{their_wall:,.0f} | |",
            f"| ratio | {their_cpu / cpu:,.0f} | {their_wall / wall:,.0f} | |",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--captions", type=int, default=1_200_000)
    parser.add_argument("--paintings", type=int, default=80_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", choices=["build", *WORK], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work == "build":
        build(options.captions, options.paintings).write_parquet(options.file)
        return
    if options.work:
        WORK[options.work](options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "captions.parquet"
        # In a process of its own: a child's peak memory starts at its parent's.
        size = ["--captions", str(options.captions), "--paintings", str(options.paintings)]
        command = [sys.executable, __file__, *size, "--file", str(file), "--work"]
        run_once([*command, "build"])
        costs = measure({name: [*command, name] for name in WORK}, runs=options.runs)
        frame = pl.read_parquet(file)
    print(report(costs, frame.height, options.runs), accuracy(frame), sep="\n\n")


if __name__ == "__main__":
    main()
