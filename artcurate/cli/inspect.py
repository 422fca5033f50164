"""`artcurate inspect OUT`: a readable summary of a built dataset."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from artcurate.cli import options
from artcurate.errors import DataError, UsageError


def inspect_command(
    path: Annotated[Path, typer.Argument(help="A built dataset.")],
    as_json: options.Json = False,
) -> None:
    """Print splits, labels by language, agreement and what was left out, by reason.

    Fails where shards are missing that the build wrote, after showing what is there.
    """
    from artcurate.narration import describe
    from artcurate.package.findings import read_findings
    from artcurate.package.lock import missing_shards
    from artcurate.package.summary import summarise, tables
    from artcurate.package.tables import to_text
    from artcurate.package.validate import dataset_schema

    if not path.is_dir():
        raise UsageError(f"{path}: no such folder; give a built dataset.")
    summary = summarise(path, dataset_schema(path))
    findings = read_findings(path)
    if as_json:
        typer.echo(json.dumps({**asdict(summary), "findings": findings}, ensure_ascii=False))
    else:
        for table in tables(summary):
            typer.echo(to_text(table))
        for step, found in findings.items():
            for line in describe(step, found):
                typer.echo(line)
    gone = missing_shards(path)
    if gone:
        raise DataError(
            f"{path}: shards that its lock names are missing: {len(gone)}, the first is "
            f"{gone[0]}; copy the whole folder again, or build it again."
        )
