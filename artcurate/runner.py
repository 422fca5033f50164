"""Run a pipeline over raw inputs and leave a finished dataset folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from artcurate import __version__, home, interruption
from artcurate.corpus import Corpus, TableName, merge
from artcurate.engines import EngineName, Reach
from artcurate.engines.opening import EngineOptions, open_engine
from artcurate.errors import DataError, UsageError
from artcurate.events import BuildStarted, EventLog, build_log
from artcurate.finish import finish
from artcurate.images.decoders import advice
from artcurate.images.transform import ImageForm
from artcurate.inputs import Prepared, absolute, prepare, require_shared
from artcurate.narration import describe
from artcurate.net.paths import AnyPath
from artcurate.pipeline import Pipeline
from artcurate.progress import ProgressMode
from artcurate.sources.registry import READERS
from artcurate.steps.face_crop import FaceCropParameters
from artcurate.steps.registry import Run
from artcurate.steps.write import WriteParameters, written_form
from artcurate.workspace import Workspace, check_output, open_workspace, output_path

Say = Callable[[str], None]
TABLES: tuple[TableName, ...] = ("annotations", "images", "pairs")
#: Those whose faults are limited: pairs are made, not read.
_BUDGETED: tuple[TableName, ...] = ("annotations", "images")
#: The log of events in the unfinished dataset's workspace, where no other was asked for.
EVENTS_FILE = "events.jsonl"
_NO_LOG = EventLog()
_LOCAL = EngineOptions()


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
    inputs: Mapping[str, Sequence[AnyPath]],
    out: Path,
    *,
    workers: int | None = None,
    engine: EngineOptions = _LOCAL,
    overwrite: bool = False,
    progress: ProgressMode = ProgressMode.QUIET,
    events: Path | None = None,
    say: Say = silent,
) -> Built:
    """Build `pipeline` from `inputs` (paths under the pipeline's input names) into `out`.

    A URL is given as what `artcurate.net.paths.parse_path` makes of it.

    `out` appears whole or not at all; the same call after an interruption goes on from what was
    finished. `workers` defaults to one per core. `events` is the file that gets one JSON line per
    event; by default it lies in the workspace beside `out`, and goes with it when the build is
    done. `say` receives the lines a user reads.

    Raises:
        UsageError: an input is missing or unknown, `out` holds something else, or the engine
            cannot be opened.
        DataError: the inputs cannot be read, too many rows were left out, or rows got lost.
    """
    out = output_path(out)
    check_output(out, overwrite=overwrite)
    given = {
        name: tuple(absolute(path) for path in paths)
        for name, paths in find_inputs(pipeline, inputs).items()
    }
    for paths in given.values():
        require_shared(paths, workers)
    with (
        open_workspace(out) as workspace,
        build_log(events or workspace.root / EVENTS_FILE, _start(pipeline, workers, engine)) as log,
        open_engine(engine, workers, _reach(workspace, given), log.write) as opened,
    ):
        run = Run(
            engine=opened,
            output=workspace.dataset,
            scratch=workspace.scratch,
            cache=home.data_home() / "cache",
            workers_see_cache=engine.name is EngineName.LOCAL,
            form=_written_form(pipeline),
            progress=progress,
            say=say,
        )
        line = _advice(pipeline)
        if line is not None:
            say(f"write: {line}")
        # Nobody here keeps the corpus as it was read: at a million rows that is half the memory.
        corpus = _narrow(run_stages(pipeline, _read(pipeline, given, run, log), run, say, log))
        say(balance_line(corpus))
        log.enter("finish")
        findings = finish(pipeline, corpus, workspace.dataset)
        for line in describe("audit", findings["audit"]):
            say(line)
        _log_counts(log, corpus)
        interruption.check()
        workspace.publish()
    return Built(
        out=out,
        findings=findings,
        annotations=corpus.annotations.height,
        images=corpus.images.height,
        quarantined=corpus.quarantine.height,
    )


def _advice(pipeline: Pipeline) -> str | None:
    """What would make the pictures sooner that `pipeline` writes, for the user."""
    parameters = pipeline.parameters("write")
    if isinstance(parameters, WriteParameters) and parameters.image_size is not None:
        return advice(parameters.decoder)
    return None


def _narrow(corpus: Corpus) -> Corpus:
    """The corpus with no more of its annotations than is asked for once the shards are written."""
    asked = [name for name in ("id", "language") if name in corpus.annotations.columns]
    return replace(corpus, annotations=corpus.annotations.select(asked))


def _written_form(pipeline: Pipeline) -> ImageForm | None:
    """The form of the whole pictures that `pipeline` writes; None where it probes or writes none.

    Raises UsageError when the decoder asked for is not installed.
    """
    parameters = pipeline.parameters("write")
    if not isinstance(parameters, WriteParameters) or "probe" not in _steps(pipeline):
        return None
    return None if _cuts(pipeline) else written_form(parameters)


def _cuts(pipeline: Pipeline) -> bool:
    return any(
        isinstance(stage.parameters, FaceCropParameters) and stage.parameters.choice != "none"
        for stage in pipeline.stages
    )


def _steps(pipeline: Pipeline) -> frozenset[str]:
    return frozenset(stage.step.name for stage in pipeline.stages)


def _start(pipeline: Pipeline, workers: int | None, engine: EngineOptions) -> BuildStarted:
    return BuildStarted(
        version=__version__,
        pipeline=pipeline.name,
        fingerprint=pipeline.fingerprint(),
        engine=engine.name.value,
        workers=workers,
        worker_memory=engine.worker_memory,
    )


def _reach(workspace: Workspace, inputs: Mapping[str, Sequence[AnyPath]]) -> Reach:
    """What workers have to see."""
    return Reach(
        written=(workspace.dataset, workspace.scratch),
        read=tuple(path for paths in inputs.values() for path in paths if isinstance(path, Path)),
    )


def _read(
    pipeline: Pipeline, paths: Mapping[str, Sequence[AnyPath]], run: Run, log: EventLog
) -> Corpus:
    log.enter("read")
    corpus = read_inputs(pipeline, paths, run.say, run.scratch)
    _log_counts(log, corpus)
    return corpus


def _log_counts(log: EventLog, corpus: Corpus) -> None:
    """Tell `log` that its stage has ended, with the rows that there are by then."""
    counts = {table: corpus.count(table) for table in TABLES}
    log.leave(
        rows={table: kept for table, (kept, _) in counts.items()},
        left_out={table: aside for table, (_, aside) in counts.items()},
    )


def find_inputs(
    pipeline: Pipeline, given: Mapping[str, Sequence[AnyPath]]
) -> dict[str, tuple[AnyPath, ...]]:
    """Paths for each input of `pipeline`: those given, otherwise those in the data home.

    URLs are looked at when they are read. Raises UsageError naming every input that is unknown,
    missing or not on disk.
    """
    problems = [
        f"this pipeline has no input {name!r}; it has {', '.join(pipeline.inputs)}."
        for name in given
        if name not in pipeline.inputs
    ]
    found: dict[str, tuple[AnyPath, ...]] = {}
    for name, source in pipeline.inputs.items():
        paths = tuple(given.get(name, ())) or home.find(source.default)
        problems += [
            f"{path}: no such file or folder."
            for path in paths
            if isinstance(path, Path) and not path.exists()
        ]
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
    pipeline: Pipeline,
    paths: Mapping[str, Sequence[AnyPath]],
    say: Say = silent,
    folder: Path | None = None,
) -> Corpus:
    """The corpus that the readers of `pipeline` make of the files at `paths`.

    folder: takes what is fetched from URLs, and has to last as long as the corpus; without it
        readers that cannot read at a URL refuse it.
    """
    parts, problems = read_each(pipeline, paths, say, folder)
    if problems:
        raise DataError(problems)
    corpus = merge(list(parts.values()))
    for table in TABLES:
        _check_unique(corpus, table)
    if corpus.images.is_empty() and "probe" in _steps(pipeline):
        raise UsageError(_no_pictures(pipeline))
    return corpus


def read_each(
    pipeline: Pipeline,
    paths: Mapping[str, Sequence[AnyPath]],
    say: Say = silent,
    folder: Path | None = None,
) -> tuple[dict[str, Corpus], list[str]]:
    """What the reader of each input gives, by the input's name, and what is wrong with the others.

    folder: as for `read_inputs`.
    """
    parts: dict[str, Corpus] = {}
    problems: list[str] = []
    for name, files in paths.items():
        try:
            reader = READERS[pipeline.inputs[name].reader]
            given = (
                Prepared(tuple(files)) if folder is None else prepare(files, reader.urls, folder)
            )
            part = given.told_in(reader.read(given.paths, name))
        except DataError as error:
            problems += error.problems
            continue
        parts[name] = part
        for line in describe(name, part.findings.get(name)):
            say(line)
    return parts, problems


def _no_pictures(pipeline: Pipeline) -> str:
    optional = [name for name, source in pipeline.inputs.items() if source.optional]
    if optional:
        wanted = " and ".join(f"--{name}" for name in optional)
        return (
            f"the inputs hold no pictures; give the folder of images ({wanted}), or build without "
            "pixels (--annotations-only)."
        )
    wanted = " and ".join(f"--{name}" for name in pipeline.inputs)
    return f"the inputs hold no pictures that could be used; look at what {wanted} name."


def run_stages(
    pipeline: Pipeline, corpus: Corpus, run: Run, say: Say = silent, log: EventLog = _NO_LOG
) -> Corpus:
    """Every step of `pipeline` in order; balance and budget of rows are checked after each.

    Raises DataError when a step loses rows, or more were left out than the pipeline allows.
    """
    _check_budget(pipeline, corpus, run.scratch)
    for stage in pipeline.stages:
        before = {table: corpus.count(table) for table in TABLES}
        log.enter(stage.step.name)
        corpus = stage.step(corpus, stage.parameters, run)
        interruption.check()
        _check_balance(stage.step.name, before, corpus)
        _log_counts(log, corpus)
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
    """Raise DataError when faults left out too many annotations or images, or all of them."""
    shares = [
        told
        for table in _BUDGETED
        if (told := _too_many(table, corpus, pipeline.max_quarantined)) is not None
    ]
    if not shares:
        return
    kept_for_reading = scratch / "quarantine.parquet"
    corpus.quarantine.write_parquet(kept_for_reading)
    raise DataError("\n".join([*shares, f"Every row with its reason: {kept_for_reading}"]))


def _too_many(table: TableName, corpus: Corpus, allowed: float) -> str | None:
    """How many rows of `table` were left out and why, where these are more than is allowed."""
    kept, left_out = corpus.count(table)
    read = kept + left_out
    aside = corpus.quarantine.filter(pl.col("table") == table)
    limit = "so nothing is left to write"
    if kept or not read:
        aside = aside.filter(~pl.col("by_design"))
        limit = f"more than the {allowed:.1%} allowed; raise --max-quarantined to accept"
        if aside.height <= allowed * read:
            return None
    share = aside.height / read
    reasons = (
        aside.group_by("reason")
        .agg(pl.len().alias("rows"), pl.col("detail").first())
        .sort("rows", "reason", descending=[True, False])
    )
    lines = [
        f"  {row['reason']}: {row['rows']:,} (for example: {row['detail']})"
        for row in reasons.iter_rows(named=True)
    ]
    told = f"{aside.height:,} of {read:,} {table} ({share:.1%}) were left out, {limit}."
    return "\n".join([told, *lines])
