"""The dataset's rows become Parquet shards."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypedDict

import polars as pl
from pydantic import BeforeValidator, Field, PositiveInt

from artcurate.corpus import Corpus
from artcurate.engines import Done, Engine, Lost
from artcurate.errors import DataError
from artcurate.files import make_folder, remove_partial_files, require_free_space
from artcurate.images.decoders import Choice, choose, version_of
from artcurate.images.transform import ImageForm
from artcurate.progress import Meter, meter
from artcurate.schema.arrow import arrow_schema
from artcurate.schema.assemble import Tables, assemble
from artcurate.schema.load import load_schema
from artcurate.schema.model import Config
from artcurate.shards.pictures import culprit
from artcurate.shards.plan import KEPT_COLUMNS, Layout, Plan, plan_shards
from artcurate.shards.task import (
    IMAGE_OPTIONS,
    ROW_ID,
    TEXT_OPTIONS,
    Pixels,
    RowFailure,
    ShardRecord,
    ShardTask,
)
from artcurate.shards.writer import find_finished, read_rows, write_shard
from artcurate.steps.kept_pictures import kept_pictures
from artcurate.steps.orphans import set_images_aside
from artcurate.steps.registry import Parameters, Run, step

WORKER_DIED = "worker_died"


def _plain_size(value: object) -> object:
    """`original` is no size, and a number may come as text from the command line."""
    if value == "original":
        return None
    if isinstance(value, str) and not value.isdecimal():
        raise ValueError("give the short side in pixels, or `original`")
    return int(value) if isinstance(value, str) else value


class WriteParameters(Parameters):
    """What the shards look like."""

    schema_name: str
    """The schema that names the configs and their columns."""
    image_size: Annotated[PositiveInt | None, BeforeValidator(_plain_size)] = None
    """Short side of the images in pixels, never enlarged, or `original`: bytes as they came."""
    quality: int = Field(90, ge=1, le=100)
    """JPEG quality of images that are encoded anew."""
    decoder: Choice = "auto"
    """What reduces JPEGs: `pillow`, `libvips` (extra `vips`), `turbo` (the system's libturbojpeg),
    or `auto`, the last of these that is installed. It decides the pixels' last bits;
    `artcurate.lock` tells which it was."""
    max_shard_bytes: int = Field(480_000_000, ge=1_000, le=2_000_000_000)
    """Limit of the estimated size of a shard in bytes; the Hub likes at most 500 MB."""
    seed: int = 0
    """Seed of the rows' order."""


class WrittenShard(TypedDict):
    """A finished shard: its POSIX path below the dataset, rows, bytes and sha256 of the file."""

    config: str
    split: str
    name: str
    rows: int
    bytes: int
    sha256: str


class WriteFindings(TypedDict):
    """What was written; JSON-able.

    rows: by config and split.
    decoder: what made the pictures, and its version; None where they keep their size or there are
        none.
    faults: how many images could not be written, by reason.
    annotations_left_out: rows whose image could not be written.
    """

    shards: list[WrittenShard]
    rows: dict[str, dict[str, int]]
    decoder: str | None
    faults: dict[str, int]
    annotations_left_out: int


#: By config, the rows whose images could not be written.
Failures = dict[str, list[RowFailure]]


@step(WriteParameters, heavy=True)
def write(corpus: Corpus, *, parameters: WriteParameters, run: Run) -> Corpus:
    """Write the shards of every config of the schema into the output folder.

    Configs with pixels come first. An image that can no longer be written as it was probed (it
    vanished, changed, or kills its workers) goes to the quarantine with its annotations, and the
    shards it touches are planned and written anew: what is built depends on the rows that remain,
    not on when the fault was met. Shards that an earlier run finished are kept. Pictures that a
    probe has made and kept are neither read from their files nor decoded.

    Raises:
        DataError: the tables do not fit the schema, the output cannot be written (no space, a
            folder that went away), all images went away, or workers die without a culprit.
    """
    schema = load_schema(parameters.schema_name)
    make_folder(run.output)
    pictorial = [config for config in schema.configs if config.image_columns]
    if not _has_pixels(corpus.images):
        pictorial = []
    form = written_form(parameters) if pictorial else None
    records, corpus = _write_surviving(pictorial, _located(corpus, form, run), parameters, run)
    corpus = replace(corpus, images=corpus.images.drop(KEPT_COLUMNS, strict=False))
    rest = [config for config in schema.configs if config not in pictorial]
    written, _ = _carry_out([_plan(config, corpus, parameters, run) for config in rest], run)
    places = {config.name: place for place, config in enumerate(schema.configs)}
    records = sorted([*records, *written], key=lambda one: (places[one.config], one.name))
    _require_all(records, run.output)
    return corpus.with_findings("write", _findings(records, corpus, form))


def _has_pixels(images: pl.DataFrame) -> bool:
    """Whether this build has images. Raises DataError when it has them for some rows only."""
    if "location" not in images.columns:
        return False
    without = images["location"].null_count()
    if 0 < without < images.height:
        raise DataError(
            f"{without:,} of {images.height:,} images have no file; "
            "leave their rows out, or build without pixels."
        )
    return without < images.height


def _located(corpus: Corpus, form: ImageForm | None, run: Run) -> Corpus:
    """The corpus whose images say where each lies in `form` already."""
    if form is None or form.size is None:
        return corpus
    return replace(corpus, images=kept_pictures(run, form).locate(corpus.images))


def _write_surviving(
    configs: Sequence[Config], corpus: Corpus, parameters: WriteParameters, run: Run
) -> tuple[list[ShardRecord], Corpus]:
    """Write `configs`, leaving out images that fail, until none fails."""
    while True:
        plans = [_plan(config, corpus, parameters, run) for config in configs]
        records, failures = _carry_out(plans, run)
        if not failures:
            return records, corpus
        corpus = _set_aside(corpus, configs, failures)


def _plan(config: Config, corpus: Corpus, parameters: WriteParameters, run: Run) -> Plan:
    rows = assemble(config, _tables(corpus))
    column = _image_column(config) if _has_pixels(corpus.images) else None
    pixels = _pixels(column, corpus, parameters, run) if column else None
    names = [*rows.columns, column] if column else rows.columns
    layout = Layout(
        config=config.name,
        folder=config.folder,
        schema=arrow_schema(config, names),
        pixels=pixels,
        options=IMAGE_OPTIONS if pixels else TEXT_OPTIONS,
        seed=parameters.seed,
        max_shard_bytes=parameters.max_shard_bytes,
        output=run.output,
        scratch=run.scratch,
    )
    return plan_shards(rows, layout, _images_of(config, rows, corpus) if pixels else None)


def _pixels(column: str, corpus: Corpus, parameters: WriteParameters, run: Run) -> Pixels:
    form = written_form(parameters)
    packs = None if form.size is None else kept_pictures(run, form).folder
    return Pixels(column, form, roots=tuple(sorted(corpus.roots.items())), packs=packs)


def written_form(parameters: WriteParameters) -> ImageForm:
    """The form of the pictures that `write` writes.

    Raises UsageError when the decoder asked for is not installed.
    """
    if parameters.image_size is None:
        return ImageForm(None, parameters.quality)
    decoder = choose(parameters.decoder)
    return ImageForm(parameters.image_size, parameters.quality, decoder)


def _tables(corpus: Corpus) -> Tables:
    return {
        "annotations": _in_splits(corpus.annotations),
        "images": _in_splits(corpus.images),
        "pairs": _in_splits(corpus.pairs),
    }


def _in_splits(table: pl.DataFrame) -> pl.DataFrame:
    """`table` with its splits; where no step has split it, all rows are for training."""
    if "split" in table.columns or not table.width:
        return table
    return table.with_columns(split=pl.lit("train"))


def _image_column(config: Config) -> str | None:
    if len(config.image_columns) > 1:
        raise DataError(
            f"config {config.name} has the image columns {', '.join(config.image_columns)}; "
            "shards with more than one are not written, so make one config for each."
        )
    return config.image_columns[0] if config.image_columns else None


def _images_of(config: Config, rows: pl.DataFrame, corpus: Corpus) -> pl.DataFrame:
    """The image of each of `rows`, in their order, with `stem`, the last part of its id."""
    ids = rows.select("row_id").join(
        _image_ids(config, corpus), on="row_id", how="left", maintain_order="left"
    )
    stems = corpus.images.with_columns(stem=pl.col("id").str.split("/").list.last())
    return ids.join(stems, left_on="image_id", right_on="id", how="left", maintain_order="left")


def _image_ids(config: Config, corpus: Corpus) -> pl.DataFrame:
    """row_id and image_id of each row of `config`."""
    if config.rows == "images":
        return corpus.images.select(row_id="id", image_id="id")
    by = config.parent.by if config.parent else "image_id"
    return _tables(corpus)[config.rows].select(row_id="id", image_id=by)


def _carry_out(plans: Sequence[Plan], run: Run) -> tuple[list[ShardRecord], Failures]:
    """The records of all shards of `plans`, and the rows whose images could not be written."""
    tasks = [task for plan in plans for task in plan.tasks]
    _make_room(tasks, sum(plan.image_bytes for plan in plans), run.output)
    failures: Failures = {}
    total = sum(task.rows for task in tasks)
    try:
        with meter("write", total, unit="row", mode=run.progress) as progress:
            finished = _finished(tasks, run.engine, progress)
            records = list(finished.values())
            rest = [task for task in tasks if task.name not in finished]
            # Closing the outcomes ends local workers, so that they write nothing that is then
            # removed; partial files of a cluster's are removed by the next run at the latest.
            with closing(_outcomes(run.engine, rest, progress)) as outcomes:
                for outcome in outcomes:
                    task = rest[outcome.index]
                    if isinstance(outcome, Lost):
                        failed: tuple[RowFailure, ...] = (_killer(task, outcome),)
                        size = 0
                    else:
                        records.append(outcome.result)
                        failed = outcome.result.failures
                        size = outcome.result.bytes
                    progress.advance(task.rows, skipped=len(failed), size=size)
                    if failed:
                        failures.setdefault(task.config, []).extend(failed)
    finally:
        remove_partial_files(run.output)
    return records, failures


def _finished(
    tasks: Sequence[ShardTask], engine: Engine, progress: Meter
) -> dict[str, ShardRecord]:
    """The records of shards, by name, that an earlier run finished and that are still whole."""
    noted = [task for task in tasks if task.record.exists()]
    records: dict[str, ShardRecord] = {}
    for outcome in engine.map(find_finished, noted):
        if isinstance(outcome, Done) and outcome.result is not None:
            records[outcome.result.name] = outcome.result
            progress.found(noted[outcome.index].rows)
    return records


def _outcomes(
    engine: Engine, tasks: Sequence[ShardTask], progress: Meter
) -> Generator[Done[ShardRecord] | Lost, None, None]:
    yield from engine.map(write_shard, tasks, watch=progress.watch)


def _make_room(tasks: Sequence[ShardTask], image_bytes: int, output: Path) -> None:
    """Remove what earlier runs left in the shards' folders, and see that there is space.

    Text is not reckoned with: how far it can be compressed is not known.
    """
    remove_partial_files(output)
    planned = {task.path for task in tasks}
    there = 0
    for folder in {path.parent for path in planned}:
        for path in folder.glob("*.parquet"):
            if path in planned:
                there += path.stat().st_size
            else:
                path.unlink()
    require_free_space(output, max(0, image_bytes - there))


def _require_all(records: Sequence[ShardRecord], output: Path) -> None:
    """Raise DataError when a shard that was written is no longer there."""
    gone = [record.name for record in records if not (output / record.name).is_file()]
    if gone:
        raise DataError(
            f"{output}: {len(gone)} finished shards have gone away, the first is {gone[0]}; "
            "run the same command again and leave the folder alone."
        )


def _killer(task: ShardTask, lost: Lost) -> RowFailure:
    """The row over whose image the workers died. Raises DataError when they died elsewhere."""
    row = culprit(task.attempts, lost.deaths)
    if row is None:
        raise DataError(
            f"{task.name}: {lost.deaths} workers died while they wrote it ({lost.detail}), not "
            "over the same image; give them more memory or take fewer workers, and run the same "
            "command again."
        )
    detail = f"{lost.deaths} workers died while they read it: {lost.detail}."
    return RowFailure(read_rows(task).column(ROW_ID)[row].as_py(), WORKER_DIED, detail)


def _set_aside(corpus: Corpus, configs: Sequence[Config], failures: Failures) -> Corpus:
    """The corpus without the images that failed and the rows that belong to them."""
    faulty = pl.concat(
        pl.DataFrame(
            [(one.row_id, one.reason, one.detail) for one in failures[config.name]],
            schema=["row_id", "reason", "detail"],
            orient="row",
        )
        .join(_image_ids(config, corpus), on="row_id")
        .select("image_id", "reason", "detail")
        for config in configs
        if config.name in failures
    ).sort("image_id", "reason", "detail")
    faulty = faulty.unique("image_id", keep="first", maintain_order=True)
    return set_images_aside(corpus, faulty.rename({"image_id": "id"}), step="write")


def _findings(
    records: Sequence[ShardRecord], corpus: Corpus, form: ImageForm | None
) -> WriteFindings:
    left_out = corpus.quarantine.filter(step="write")
    faults = left_out.filter(table="images")["reason"].value_counts().sort("reason")
    rows: dict[str, dict[str, int]] = {}
    for record in records:
        splits = rows.setdefault(record.config, {})
        splits[record.split] = splits.get(record.split, 0) + record.rows
    return WriteFindings(
        shards=[
            WrittenShard(
                config=record.config,
                split=record.split,
                name=record.name,
                rows=record.rows,
                bytes=record.bytes,
                sha256=record.sha256,
            )
            for record in records
        ],
        rows=rows,
        decoder=version_of(form.decoder) if form and form.size else None,
        faults=dict(faults.iter_rows()),
        annotations_left_out=left_out.filter(table="annotations").height,
    )
