"""Options that several commands share, and where the lines a user reads go."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artcurate.engines import EngineName
from artcurate.errors import UsageError
from artcurate.net.paths import AnyPath, parse_path

if TYPE_CHECKING:
    from artcurate.progress import ProgressMode

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The dataset folder to make.", show_default="./NAME"),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="STEP.PARAMETER=VALUE",
        help="Change any parameter; =@FILE takes a secret from a file. Repeatable.",
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME=PATH", help="Any input of the pipeline; repeatable."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="The seed of every seeded step.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Worker processes.", show_default="all cores"),
]
Engine = Annotated[
    EngineName,
    typer.Option("--engine", help="Processes of this machine, or a Ray cluster; the same bytes."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        help="The head of a running Ray cluster, or `auto`.",
        show_default="RAY_ADDRESS, or one started here",
    ),
]
WorkerMemory = Annotated[
    str | None,
    typer.Option(
        "--worker-memory",
        metavar="SIZE",
        help="Memory that each worker may take, like 3GB; a picture that needs more is left out.",
        show_default="an equal share of 80 % of the machine, 2 GiB at least",
    ),
]
Events = Annotated[
    Path | None,
    typer.Option(
        "--events",
        metavar="FILE",
        help="Append a JSON line per event: stages, tasks, retries, losses.",
        show_default="beside OUT while it is built",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that OUT holds.")]
MaxQuarantined = Annotated[
    float | None,
    typer.Option(
        "--max-quarantined",
        min=0,
        max=1,
        help="Largest share of faulty annotations or images.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Json = Annotated[bool, typer.Option("--json", help="Print events as JSON lines, for machines.")]


_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(k|M|G|T)?(i)?B?")
_POWERS = {None: 0, "k": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True, slots=True)
class Running:
    """How a build is to run, as the command line says it; none of it changes the dataset."""

    workers: int | None
    engine: EngineName
    ray_address: str | None
    worker_memory: str | None
    events: Path | None
    overwrite: bool
    quiet: bool
    as_json: bool


def size(text: str, option: str) -> int:
    """Bytes in a size like `1500MB`, `2GiB` or `800000000`. Raises UsageError for anything else."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{option} {text}: write a size like 3GB or 1500MB.")
    number, prefix, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[prefix])


def progress_mode(*, quiet: bool, as_json: bool) -> ProgressMode:
    from artcurate.progress import ProgressMode

    if as_json:
        return ProgressMode.JSON
    return ProgressMode.QUIET if quiet else ProgressMode.AUTO


def narrator(*, quiet: bool, as_json: bool) -> Callable[[str], None]:
    """Where the lines that tell what a command does go."""

    def say_nothing(_: str) -> None:
        """Keep quiet."""

    def say_json(line: str) -> None:
        typer.echo(json.dumps({"event": "line", "text": line}, ensure_ascii=False), err=True)

    def say(line: str) -> None:
        typer.echo(line)

    if as_json:
        return say_json
    return say_nothing if quiet else say


def named_files(option: str, values: list[str] | None) -> dict[str, Path]:
    """`NAME=FILE` values of `option` by name.

    Raises UsageError for anything else, and for a name that is given twice.
    """
    files: dict[str, Path] = {}
    for value in values or []:
        name, equals, path = value.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"{option} {value}: write {option} NAME=FILE.")
        if name in files:
            raise UsageError(f"{option}: {name} is given twice; choose another name for one.")
        files[name] = Path(path)
    return files


def named_inputs(options: list[str] | None) -> dict[str, list[AnyPath]]:
    """`NAME=PATH` or `NAME=URL` options under their names. Raises UsageError for anything else."""
    paths: dict[str, list[AnyPath]] = {}
    for option in options or []:
        name, equals, path = option.partition("=")
        if not equals or not name or not path:
            # What stands there may be a URL with a secret in it.
            raise UsageError("--input: write --input NAME=PATH or --input NAME=URL.")
        paths.setdefault(name, []).append(parse_path(path))
    return paths


def overrides(named: dict[str, object]) -> list[str]:
    """Options that were given, as `step.parameter=value` overrides."""
    return [f"{name}={json.dumps(value)}" for name, value in named.items() if value is not None]
