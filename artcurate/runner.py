"""Run a pipeline over raw inputs and leave a finished dataset folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from artcurate import home, interruption
from artcurate.corpus import Corpus, TableName, merge
from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError, UsageError
from artcurate.finish import finish
from artcurate.narration import describe
from artcurate.pipeline import Pipeline
from artcurate.progress import ProgressMode
from artcurate.sources.registry import READERS
from artcurate.steps.registry import Run
from artcurate.workspace import check_output, open_workspace, output_path

Say = Callable[[str], None]
TABLES: tuple[TableName, ...] = ("annotations", "images", "pairs")


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build: where it is and what its steps learned."""

    out: Path
    findings: Mapping[str, Any]
    annotations: int
    images: int
    quarantined: int


def build(
    pipeline: Pipeline,
    inputs: Mapping[str, Sequence[Path]],
    out: Path,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: ProgressMode = ProgressMode.QUIET,
    say: Say = silent,
) -> Built:
    """Build `pipeline` from `inputs` (paths under the pipeline's input names) into `out`.

    `out` appears whole or not at all; the same call after an interruption goes on from what was
    finished. `workers` defaults to the machine's cores. `say` receives the lines a user reads.

    Raises:
        UsageError: an input is missing or unknown, or `out` holds something else.
        DataError: the inputs cannot be read, too many rows were left out, or rows got lost.
    """
    out = output_path(out)
    check_output(out, overwrite=overwrite)
    given = find_inputs(pipeline, inputs)
    with open_workspace(out) as workspace:
        run = Run(
            engine=LocalEngine(workers=workers),
            output=workspace.dataset,
            scratch=workspace.scratch,
            progress=progress,
        )
        # Nobody here keeps the corpus as it was read: at a million rows that is half the memory.
        corpus = run_stages(pipeline, read_inputs(pipeline, given, say), run, say)
        say(balance_line(corpus))
        finish(pipeline, corpus, workspace.dataset)
        interruption.check()
        workspace.publish()
    return Built(
        out=out,
        findings=corpus.findings,
        annotations=corpus.annotations.height,
        images=corpus.images.height,
        quarantined=corpus.quarantine.height,
    )


def find_inputs(
    pipeline: Pipeline, given: Mapping[str, Sequence[Path]]
) -> dict[str, tuple[Path, ...]]:
    """Paths for each input of `pipeline`: those given, otherwise those in the data home.

    Raises UsageError naming every input that is unknown, missing or not on disk.
    """
    problems = [
        f"this pipeline has no input {name!r}; it has {', '.join(pipeline.inputs)}."
        for name in given
        if name not in pipeline.inputs
    ]
    found: dict[str, tuple[Path, ...]] = {}
    for name, source in pipeline.inputs.items():
        paths = tuple(given.get(name, ())) or home.find(source.default)
        problems += [f"{path}: no such file or folder." for path in paths if not path.exists()]
        if paths:
            found[name] = paths
    if any(name not in found for name, source in pipeline.inputs.items() if not source.optional):
        wanted = " and ".join(
            f"--{name} ({READERS[source.reader].expects})"
            for name, source in pipeline.inputs.items()
            if name not in found
        )
        problems.append(
            f"nothing to build from: give {wanted}, or put the files into {home.data_home()}."
        )
    if problems:
        raise UsageError("\n".join(problems))
    return found


def read_inputs(
    pipeline: Pipeline, paths: Mapping[str, Sequence[Path]], say: Say = silent
) -> Corpus:
    """The corpus that the readers of `pipeline` make of the files at `paths`."""
    parts = []
    problems: list[str] = []
    for name, files in paths.items():
        try:
            part = READERS[pipeline.inputs[name].reader].read(files, name)
        except DataError as error:
            problems += error.problems
            continue
        parts.append(part)
        for line in describe(name, part.findings.get(name)):
            say(line)
    if problems:
        raise DataError(problems)
    corpus = merge(parts)
    for table in TABLES:
        _check_unique(corpus, table)
    if corpus.images.is_empty() and any(stage.step.name == "probe" for stage in pipeline.stages):
        raise UsageError(
            "the inputs hold no pictures; give the folder of images (--images), or build without "
            "pixels (--annotations-only)."
        )
    return corpus


def run_stages(pipeline: Pipeline, corpus: Corpus, run: Run, say: Say = silent) -> Corpus:
    """Every step of `pipeline` in order; balance and budget of rows are checked after each.

    Raises DataError when a step loses rows, or more were left out than the pipeline allows.
    """
    _check_budget(pipeline, corpus, run.scratch)
    for stage in pipeline.stages:
        before = {table: corpus.count(table) for table in TABLES}
        corpus = stage.step(corpus, stage.parameters, run)
        interruption.check()
        _check_balance(stage.step.name, before, corpus)
        _check_budget(pipeline, corpus, run.scratch)
        for line in describe(stage.step.name, corpus.findings.get(stage.step.name)):
            say(line)
    return corpus


def _check_unique(corpus: Corpus, table: TableName) -> None:
    frame: pl.DataFrame = getattr(corpus, table)
    repeated = frame.filter(pl.col("id").is_duplicated())["id"].unique().sort()
    if repeated.len():
        raise DataError(
            f"{repeated.len()} {table} stand twice in the inputs, the first is {repeated[0]!r}; "
            "is the same file given twice?"
        )


def _check_balance(step: str, before: Mapping[TableName, tuple[int, int]], after: Corpus) -> None:
    for table, (kept, aside) in before.items():
        kept_after, aside_after = after.count(table)
        derived = table != "annotations" and not kept + aside
        if kept + aside != kept_after + aside_after and not derived:
            raise DataError(
                f"step {step} got {kept} {table} and left {kept_after} with "
                f"{aside_after - aside} in quarantine: "
                f"{kept + aside - kept_after - aside_after} rows are unaccounted for, "
                "so nothing was written; this is a defect of the step."
            )


def balance_line(corpus: Corpus) -> str:
    """`rows in = rows out + quarantine`, for each table."""
    parts = []
    for table in TABLES:
        kept, aside = corpus.count(table)
        if kept + aside:
            parts.append(f"{table} {kept + aside:,} in = {kept:,} out + {aside:,} in quarantine")
    return "balance: " + "; ".join(parts)


def _check_budget(pipeline: Pipeline, corpus: Corpus, scratch: Path) -> None:
    kept, _ = corpus.count("annotations")
    faults = corpus.quarantine.filter((pl.col("table") == "annotations") & ~pl.col("by_design"))
    aside = faults.height
    if aside <= pipeline.max_quarantined * (kept + aside) and kept:
        return
    kept_for_reading = scratch / "quarantine.parquet"
    corpus.quarantine.write_parquet(kept_for_reading)
    reasons = (
        faults.group_by("reason")
        .agg(pl.len().alias("rows"), pl.col("detail").first())
        .sort("rows", "reason", descending=[True, False])
    )
    lines = [
        f"  {row['reason']}: {row['rows']:,} (for example: {row['detail']})"
        for row in reasons.iter_rows(named=True)
    ]
    share = aside / (kept + aside) if kept + aside else 1.0
    allowed = (
        f"more than the {pipeline.max_quarantined:.1%} allowed; raise --max-quarantined to accept"
        if kept
        else "so nothing is left to write"
    )
    raise DataError(
        "\n".join(
            [
                f"{aside:,} of {kept + aside:,} annotations ({share:.1%}) were left out, "
                f"{allowed}. Every row with its reason: {kept_for_reading}",
                *lines,
            ]
        )
    )
