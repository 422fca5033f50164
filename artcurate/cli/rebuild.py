"""`artcurate rebuild REPO_OR_DIR`: a published dataset again, from the reader's own copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from artcurate.cli import options
from artcurate.engines import EngineName
from artcurate.net.paths import parse_path


def rebuild_command(
    source: Annotated[
        str, typer.Argument(metavar="REPO_OR_DIR", help="A recipe or a dataset: USER/NAME or DIR.")
    ],
    annotations: Annotated[
        list[str] | None,
        typer.Option("--annotations", "-a", metavar="PATH_OR_URL", help="Captions; repeatable."),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option("--images", "-i", metavar="PATH_OR_URL", help="The folder of paintings."),
    ] = None,
    ecc: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_URL",
            help="The folder of ECC.",
            show_default="looked for in the data home",
        ),
    ] = "",
    cid: Annotated[
        str,
        typer.Option(
            metavar="PATH_OR_URL",
            help="The folder of CID.",
            show_default="looked for in the data home",
        ),
    ] = "",
    out: options.Out = None,
    input_: options.Input = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="STEP.PARAMETER=VALUE",
            help="What the publisher keeps (=@FILE takes it from a file), or a file that a "
            "parameter names; repeatable.",
        ),
    ] = None,
    workers: options.Workers = None,
    engine: options.Engine = EngineName.LOCAL,
    ray_address: options.RayAddress = None,
    worker_memory: options.WorkerMemory = None,
    events: options.Events = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Make a published dataset again, bit for bit, and name every input that differs.

    Inputs that are not given are looked for in the data home (ARTCURATE_HOME).
    """
    from artcurate.engines.opening import EngineOptions
    from artcurate.hub.rebuild import rebuild

    inputs = options.named_inputs(input_)
    named: dict[str, list[str | None]] = {
        "annotations": [*(annotations or [])],
        "images": [images],
        "ecc": [ecc],
        "cid": [cid],
    }
    inputs |= {
        name: [parse_path(text) for text in texts if text]
        for name, texts in named.items()
        if any(texts)
    }
    say = options.narrator(quiet=quiet, as_json=as_json)
    rebuilt = rebuild(
        source,
        inputs,
        out or Path(source.rstrip("/").rpartition("/")[2]),
        overrides=set_ or [],
        workers=workers,
        engine=EngineOptions(
            name=engine,
            worker_memory=None
            if worker_memory is None
            else options.size(worker_memory, "--worker-memory"),
            ray_address=ray_address,
        ),
        events=events,
        overwrite=overwrite,
        progress=options.progress_mode(quiet=quiet, as_json=as_json),
        say=say,
    )
    if as_json:
        summary = {"event": "rebuilt", "out": str(rebuilt.out), "equal_shards": rebuilt.shards}
        typer.echo(json.dumps(summary))
    else:
        say(f"rebuilt {rebuilt.out}: all {rebuilt.shards:,} shards have the sha256 of the recipe")
