"""`artcurate sources`: the raw corpora, their terms, and what of them is on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from artcurate.hub.catalogue import Source
    from artcurate.hub.status import Status

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def sources_command(
    name: Annotated[str | None, typer.Argument(help="Show all about this corpus.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the raw corpora: what they are, their terms, where from, what is on this machine."""
    from artcurate.home import data_home
    from artcurate.hub.catalogue import source, sources
    from artcurate.hub.status import status_of

    home = data_home()
    for known in [source(name)] if name else sources().values():
        status = status_of(known, home)
        if as_json:
            typer.echo(json.dumps(_values(known, status), ensure_ascii=False))
        else:
            for line in _all_about(known, status) if name else _in_short(known, status):
                typer.echo(line)
    if not as_json and not name:
        typer.echo(f"The data home is {home}; `artcurate sources NAME` says more.")


def _in_short(source: Source, status: Status) -> list[str]:
    return [
        f"{source.name:<13} {source.title} ({_size(source)})",
        f"{'':<13} {source.what}",
        f"{'':<13} {source.licence.name}; from {', '.join(_ways(source))}",
        f"{'':<13} {status.words}",
    ]


def _all_about(source: Source, status: Status) -> list[str]:
    allowed = source.redistribute
    return [
        f"{source.title} ({_size(source)})",
        f"  {source.what}",
        f"  {source.homepage}",
        "terms",
        f"  {source.licence.name}, {source.licence.url}",
        f"  {source.terms}",
        f"  passing on: text {allowed.text}, pictures {allowed.pixels}, "
        f"derivatives {allowed.derivatives}. {allowed.basis}",
        *(["  It shows the faces of living persons."] if source.faces else []),
        "places, in the order in which they are tried",
        *(f"  {place.label}: {place.note}" for place in source.places),
        "on this machine",
        f"  {status.words}",
        *(f"  {path}" for path in status.found),
        "please cite",
        *(f"  {line}" for line in source.citation.rstrip().splitlines()),
    ]


def _values(source: Source, status: Status) -> dict[str, object]:
    return {
        **source.model_dump(mode="json"),
        "here": {
            "found": [str(path) for path in status.found],
            "finished": status.receipt.finished if status.receipt else None,
            "unfinished_bytes": status.unfinished,
            "elsewhere": [str(folder) for folder in status.elsewhere],
        },
    }


def _ways(source: Source) -> list[str]:
    return list(dict.fromkeys(place.label for place in source.places))


def _size(source: Source) -> str:
    if source.size is None:
        return "size not stated"
    return f"{source.size / 1e9:,.1f} GB" if source.size >= 1e9 else f"{source.size / 1e6:,.0f} MB"
