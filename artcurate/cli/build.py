"""`artcurate build NAME` and `artcurate run FILE.yaml`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artcurate import interruption
from artcurate.cli import options
from artcurate.cli.benchmark import Tier, require_libraries, score_with_defaults
from artcurate.engines import EngineName
from artcurate.errors import ArtcurateError, DataError, UsageError
from artcurate.net.paths import AnyPath, parse_path

if TYPE_CHECKING:
    from artcurate.pipeline import PipelineFile


def build_command(
    name: Annotated[str, typer.Argument(help="A bundled pipeline; see `artcurate pipelines`.")],
    annotations: Annotated[
        list[str] | None,
        typer.Option(
            "--annotations",
            "-a",
            metavar="PATH_OR_URL",
            help="A CSV or Parquet file, or a folder of them; repeatable.",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            "--images",
            "-i",
            metavar="PATH_OR_URL",
            help="The folder of the style folders, or a tar, zip or Parquet file of them.",
        ),
    ] = None,
    annotations_only: Annotated[
        bool, typer.Option("--annotations-only", help="Build without pixels.")
    ] = False,
    out: options.Out = None,
    image_size: Annotated[
        str | None,
        typer.Option(help="Short side in pixels, never enlarged, or `original`."),
    ] = None,
    quality: Annotated[int | None, typer.Option(min=1, max=100, help="JPEG quality.")] = None,
    split: Annotated[str | None, typer.Option(help="official, ratio or hold_out.")] = None,
    distance: Annotated[
        int | None,
        typer.Option(min=0, max=16, help="pHash bits within which pictures are near-duplicates."),
    ] = None,
    known_duplicates: Annotated[
        Path | None,
        typer.Option(help="A CSV with the columns group, art_style and painting."),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", help="Also map emotions to this label set; repeatable."),
    ] = None,
    benchmark: Annotated[
        Tier | None, typer.Option(help="Score the finished dataset; see `artcurate benchmark`.")
    ] = None,
    max_quarantined: options.MaxQuarantined = None,
    set_: options.Set = None,
    input_: options.Input = None,
    seed: options.Seed = None,
    workers: options.Workers = None,
    engine: options.Engine = EngineName.LOCAL,
    ray_address: options.RayAddress = None,
    worker_memory: options.WorkerMemory = None,
    events: options.Events = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Build a dataset with a bundled pipeline.

    Without --annotations and --images the raw files are looked for in the data home
    (ARTCURATE_HOME). Both may be URLs (s3, gs, az, hf, http, https and more).
    """
    from artcurate.pipeline import load_bundled

    named = options.overrides(
        {
            "write.image_size": image_size,
            "write.quality": quality,
            "split.mode": split,
            "near_duplicates.distance": distance,
            "near_duplicates.known_duplicates": known_duplicates and str(known_duplicates),
            "labels.maps": maps or None,
            "seed": seed,
            "max_quarantined": max_quarantined,
        }
    )
    inputs: dict[str, Sequence[AnyPath]] = dict(options.named_inputs(input_))
    if annotations:
        inputs["annotations"] = [parse_path(text) for text in annotations]
    if images:
        inputs["images"] = [parse_path(images)]
    file = load_bundled(name)
    if annotations_only:
        if "images" in inputs:
            raise UsageError("give either --images or --annotations-only.")
        if benchmark:
            raise UsageError("--benchmark needs pictures; leave out --annotations-only.")
        file = _without_pixels(file)
    if benchmark:
        require_libraries(benchmark)
    run_build(
        file,
        [*named, *(set_ or [])],
        inputs,
        out or Path(name),
        options.Running(
            workers=workers,
            engine=engine,
            ray_address=ray_address,
            worker_memory=worker_memory,
            events=events,
            overwrite=overwrite,
            quiet=quiet,
            as_json=as_json,
        ),
    )
    if benchmark:
        _score_what_is_built(out or Path(name), benchmark, quiet=quiet, as_json=as_json)


def _score_what_is_built(out: Path, tier: Tier, *, quiet: bool, as_json: bool) -> None:
    """The build's last step. After an error or Ctrl-C the user is told that the dataset stands."""
    scoring = f"{out} is built; `artcurate benchmark {out} --tier {tier.value}` scores it."
    interruption.tell_way_on(scoring)
    try:
        score_with_defaults(out, tier, quiet=quiet, as_json=as_json)
    except ArtcurateError as error:
        kind = UsageError if isinstance(error, UsageError) else DataError
        raise kind(f"{error} {scoring}") from None


def run_command(
    file: Annotated[Path, typer.Argument(help="A pipeline file.")],
    out: options.Out = None,
    set_: options.Set = None,
    input_: options.Input = None,
    seed: options.Seed = None,
    max_quarantined: options.MaxQuarantined = None,
    workers: options.Workers = None,
    engine: options.Engine = EngineName.LOCAL,
    ray_address: options.RayAddress = None,
    worker_memory: options.WorkerMemory = None,
    events: options.Events = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Run any pipeline file."""
    from artcurate.pipeline import load

    loaded = load(file)
    named = options.overrides({"seed": seed, "max_quarantined": max_quarantined})
    run_build(
        loaded,
        [*named, *(set_ or [])],
        options.named_inputs(input_),
        out or Path(loaded.name),
        options.Running(
            workers=workers,
            engine=engine,
            ray_address=ray_address,
            worker_memory=worker_memory,
            events=events,
            overwrite=overwrite,
            quiet=quiet,
            as_json=as_json,
        ),
    )


def run_build(
    file: PipelineFile,
    overrides: Sequence[str],
    inputs: Mapping[str, Sequence[AnyPath]],
    out: Path,
    running: options.Running,
) -> None:
    from artcurate.engines.opening import EngineOptions
    from artcurate.pipeline import resolve
    from artcurate.runner import build

    memory = running.worker_memory
    engine = EngineOptions(
        name=running.engine,
        worker_memory=None if memory is None else options.size(memory, "--worker-memory"),
        ray_address=running.ray_address,
    )
    say = options.narrator(quiet=running.quiet, as_json=running.as_json)
    pipeline = resolve(file, overrides)
    built = build(
        pipeline,
        inputs,
        out,
        workers=running.workers,
        engine=engine,
        overwrite=running.overwrite,
        progress=options.progress_mode(quiet=running.quiet, as_json=running.as_json),
        events=running.events,
        say=say,
    )
    if running.as_json:
        summary = {
            "event": "built",
            "out": str(built.out),
            "annotations": built.annotations,
            "images": built.images,
            "quarantined": built.quarantined,
        }
        typer.echo(json.dumps(summary))
    else:
        say(f"built {built.out}; `artcurate inspect {built.out}` shows what is in it.")


def _without_pixels(file: PipelineFile) -> PipelineFile:
    """The pipeline less what needs pixels: paintings come from the annotations' keys."""
    steps = [
        {"join": {**(entry["join"] or {}), "images": "none"}} if "join" in entry else entry
        for entry in file.steps
        if not {"probe", "near_duplicates"} & set(entry)
    ]
    inputs = {name: value for name, value in file.inputs.items() if name != "images"}
    return file.model_copy(update={"steps": steps, "inputs": inputs})
