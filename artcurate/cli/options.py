"""Options that several commands share, and where the lines a user reads go."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artcurate.errors import UsageError

if TYPE_CHECKING:
    from artcurate.progress import ProgressMode

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The dataset folder to make.", show_default="./NAME"),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STEP.PARAMETER=VALUE", help="Change any parameter; repeatable."),
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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that OUT holds.")]
MaxQuarantined = Annotated[
    float | None,
    typer.Option(
        "--max-quarantined", min=0, max=1, help="Largest share of annotations that may be left out."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Json = Annotated[bool, typer.Option("--json", help="Print events as JSON lines, for machines.")]


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


def named_paths(options: list[str] | None) -> dict[str, list[Path]]:
    """`NAME=PATH` options as paths under their names. Raises UsageError for anything else."""
    paths: dict[str, list[Path]] = {}
    for option in options or []:
        name, equals, path = option.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--input {option}: write --input NAME=PATH.")
        paths.setdefault(name, []).append(Path(path))
    return paths


def overrides(named: dict[str, object]) -> list[str]:
    """Options that were given, as `step.parameter=value` overrides."""
    return [f"{name}={json.dumps(value)}" for name, value in named.items() if value is not None]
