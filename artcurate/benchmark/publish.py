"""Put scores beside a dataset's shards: all of their files, or none."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from artcurate import interruption
from artcurate.benchmark.dataset import Examples
from artcurate.benchmark.evaluation_file import FILE_NAME as EVALUATION_FILE
from artcurate.benchmark.evaluation_file import evaluation_file
from artcurate.benchmark.experiment import Outcome
from artcurate.benchmark.figures import draw_figures
from artcurate.benchmark.predictions import fusion_right, prediction_files
from artcurate.benchmark.published import comparable
from artcurate.benchmark.report import FILE_NAME as REPORT_FILE
from artcurate.benchmark.report import Material, report
from artcurate.benchmark.scores import FILE_NAME as SCORES_FILE
from artcurate.benchmark.scores import Scores, shards_digest
from artcurate.benchmark.shown import card_block, with_block
from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder, write_bytes
from artcurate.package.lock import read_lock
from artcurate.package.validate import CARD_FILE, dataset_schema

PREDICTIONS_FOLDER = "predictions"
FIGURES_FOLDER = "figures"


def publish(folder: Path, scores: Scores, outcome: Outcome, raw: Examples) -> None:
    """Write scores.json, report.html, predictions/, figures/, eval.yaml and the card's block.

    Raises DataError when the dataset was built anew meanwhile, or the folder cannot be written.
    """
    lock = read_lock(folder)
    if shards_digest(lock) != scores.shards:
        raise DataError(
            f"{folder}: the dataset was built anew while it was scored, so nothing was written; "
            "run the same command again."
        )
    figures = draw_figures(scores, outcome)
    card = folder / CARD_FILE
    with file_system_errors(card):
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
    block = card_block(scores, sorted(figures), lock.pipeline)
    schema = dataset_schema(folder)
    shown = fusion_right(scores, outcome, raw)
    material = Material(schema.title, scores, figures, shown, comparable(lock.pipeline))
    files: dict[str, bytes] = {
        **{f"{FIGURES_FOLDER}/{name}": data for name, data in figures.items()},
        **{
            f"{PREDICTIONS_FOLDER}/{name}": data
            for name, data in prediction_files(outcome, shown).items()
        },
        EVALUATION_FILE: evaluation_file(scores, schema).encode(),
        REPORT_FILE: report(material).encode(),
        CARD_FILE: with_block(text, block).encode(),
        SCORES_FILE: scores.to_json().encode(),
    }
    replace_together(folder, files)


def replace_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Give `folder` all of `files` (POSIX paths to contents); each top-level name is replaced.

    Everything is written beside the folder first, then renamed; an error or Ctrl-C between two
    renames puts back what stood there.
    """
    stage = folder.parent / f".{folder.name}.scores.{secrets.token_hex(4)}"
    try:
        for name, data in files.items():
            make_folder((stage / "new" / name).parent)
            write_bytes(stage / "new" / name, data)
        make_folder(stage / "old")
        interruption.check()
        with file_system_errors(folder):
            _swap(folder, stage, sorted({Path(name).parts[0] for name in files}))
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _swap(folder: Path, stage: Path, names: list[str]) -> None:
    moved: list[str] = []
    try:
        for name in names:
            moved.append(name)
            if (folder / name).exists():
                (folder / name).rename(stage / "old" / name)
            (stage / "new" / name).rename(folder / name)
    except BaseException:
        for name in reversed(moved):
            if (stage / "old" / name).exists():
                _remove(folder / name)
                (stage / "old" / name).rename(folder / name)
            elif not (stage / "new" / name).exists():
                _remove(folder / name)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
