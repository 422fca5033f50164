"""`artcurate validate PATH`: check a built dataset, or any Parquet file, against its schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from artcurate.cli import options


def validate_command(
    path: Annotated[Path, typer.Argument(help="A built dataset, or a Parquet file.")],
    schema: Annotated[
        str | None,
        typer.Option(help="A bundled schema or a schema file.", show_default="the dataset's own"),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="The config that a single Parquet file belongs to.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Violations to print; all are counted.")] = 100,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Print every violation with its row; exit 1 when there is one."""
    from artcurate.package.validate import validate
    from artcurate.schema.load import load_schema

    violations = validate(
        path,
        load_schema(schema) if schema else None,
        config,
        progress=options.progress_mode(quiet=quiet, as_json=as_json),
    )
    shown = 0
    for violation in islice(violations, limit):
        shown += 1
        typer.echo(json.dumps(asdict(violation), ensure_ascii=False) if as_json else str(violation))
    hidden = sum(1 for _ in violations)
    if not shown:
        options.narrator(quiet=quiet, as_json=as_json)(f"{path}: valid.")
        return
    more = f", {hidden} of them not shown (--limit)" if hidden else ""
    typer.echo(f"error: {path}: {shown + hidden} violations{more}.", err=True)
    raise typer.Exit(1)
