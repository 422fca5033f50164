"""`artcurate pipelines` and `artcurate schemas`: list and show what is bundled."""

from __future__ import annotations

from typing import Annotated

import typer

from artcurate import resources


def pipelines_command(
    name: Annotated[str | None, typer.Argument(help="Show this pipeline's file.")] = None,
) -> None:
    """List the bundled pipelines, or show one."""
    _show("pipelines", name)


def schemas_command(
    name: Annotated[str | None, typer.Argument(help="Show this schema's file.")] = None,
) -> None:
    """List the bundled schemas, or show one."""
    _show("schemas", name)


def _show(kind: resources.Kind, name: str | None) -> None:
    if name:
        typer.echo(resources.path(kind, name).read_text(encoding="utf-8"), nl=False)
        return
    for known in resources.names(kind):
        typer.echo(f"{known:<14} {resources.title(kind, known)}")
