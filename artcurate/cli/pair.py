"""`artcurate pair korean`: sentences of ECC with faces of CID."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from artcurate.cli import options
from artcurate.cli.build import run_build
from artcurate.engines import EngineName
from artcurate.net.paths import parse_path

pair_app = typer.Typer(
    help="Pair the texts of one corpus with the pictures of another.", no_args_is_help=True
)

#: What stands for an option's value when it is given without one: look in the data home.
IN_DATA_HOME = ""


class Mode(StrEnum):
    """Which bundled pipeline pairs."""

    STRICT = "strict"
    PAPER = "paper"


@pair_app.callback()
def _group() -> None:
    """Keep `pair` a group with one command per dataset."""


@pair_app.command("korean")
def korean_command(
    ecc: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_URL",
            help="The folder of ECC.",
            show_default="looked for in the data home",
        ),
    ] = IN_DATA_HOME,
    cid: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_URL",
            help="The folder of CID.",
            show_default="looked for in the data home",
        ),
    ] = IN_DATA_HOME,
    mode: Annotated[
        Mode, typer.Option(help="Leak-free, or by the rules of the published dataset.")
    ] = Mode.STRICT,
    out: options.Out = None,
    labels: Annotated[
        str | None, typer.Option(help="unanimous, majority, uploader or soft.")
    ] = None,
    face_crop: Annotated[
        str | None,
        typer.Option(help="Cut out the face by the annotators' boxes: none, median or agreeing."),
    ] = None,
    resampling: Annotated[str | None, typer.Option(help="min, none or down:N.")] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Re-pairings within the cells, for error bars.")
    ] = None,
    image_size: Annotated[
        str | None, typer.Option(help="Short side in pixels, never enlarged, or `original`.")
    ] = None,
    max_quarantined: options.MaxQuarantined = None,
    set_: options.Set = None,
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
    """Pair ECC's sentences with CID's faces by emotion, age group and gender.

    --ecc and --cid may stand without a value, or be left out: both are then looked for in the data
    home (ARTCURATE_HOME).
    """
    from artcurate.pipeline import load_bundled

    named = options.overrides(
        {
            "image_labels.choice": labels,
            "face_crop.choice": face_crop,
            "pair.resampling": resampling,
            "pair.draws": draws,
            "write.image_size": image_size,
            "seed": seed,
            "max_quarantined": max_quarantined,
        }
    )
    given = {"ecc": ecc, "cid": cid}
    run_build(
        load_bundled("korean" if mode is Mode.STRICT else "korean-paper"),
        [*named, *(set_ or [])],
        {name: [parse_path(path)] for name, path in given.items() if path},
        out or Path("korean"),
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


def fill_in_values(arguments: list[str]) -> list[str]:
    """The command line with an empty value where --ecc or --cid stands without one."""
    filled: list[str] = []
    for place, argument in enumerate(arguments):
        filled.append(argument)
        following = arguments[place + 1 : place + 2]
        if argument in ("--ecc", "--cid") and (not following or following[0].startswith("-")):
            filled.append(IN_DATA_HOME)
    return filled
