"""`artcurate download NAME`: fetch a raw corpus, or take over what was fetched by hand."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artcurate.cli import options

if TYPE_CHECKING:
    from artcurate.hub.catalogue import Source
    from artcurate.hub.download import Downloaded


def download_command(
    name: Annotated[str, typer.Argument(help="A corpus; see `artcurate sources`.")],
    to: Annotated[
        Path | None,
        typer.Option(help="The folder to put it into.", show_default="its own in the data home"),
    ] = None,
    subset: Annotated[
        list[str] | None,
        typer.Option(
            help="Only files with this word in their path, or this file key; WikiArt's styles. "
            "Repeatable."
        ),
    ] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="Take over this file or folder, checked.")
    ] = None,
    place: Annotated[
        str | None, typer.Option(help="The only place to try; `artcurate sources NAME` lists them.")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the corpus' terms, for scripts.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Files fetched at once.")] = 4,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget what is there and what checksums were seen."),
    ] = False,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Leave damaged members of an archive out.")
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Fetch a raw corpus; the same command goes on after an interruption.

    Its terms are shown and accepted once. Keys come from the environment (AIHUB_APIKEY, HF_TOKEN)
    or the keyring. A corpus behind a form: without --from the steps are shown.
    """
    from artcurate.home import data_home
    from artcurate.hub.adopt import adopt
    from artcurate.hub.catalogue import source
    from artcurate.hub.download import Request, download
    from artcurate.hub.ledger import Ledger
    from artcurate.hub.terms import require_acceptance

    wanted = source(name)
    home = data_home()
    ledger = Ledger(home)
    say = options.narrator(quiet=quiet, as_json=as_json)
    require_acceptance(
        wanted, ledger, accepted=accept_licence, ask=_ask if sys.stdin.isatty() else None, say=_tell
    )
    request = Request(
        source=wanted,
        folder=(to or home / wanted.folder).absolute(),
        place=place,
        subset=tuple(subset or ()),
        jobs=jobs,
        start_over=fresh,
        skip_damaged=skip_damaged,
    )
    progress = options.progress_mode(quiet=quiet, as_json=as_json)
    if from_:
        done = adopt(request, from_, progress=progress, say=say)
    else:
        done = download(request, ledger, progress=progress, say=say)
    at_home = done.folder == home / wanted.folder
    if not at_home:
        ledger.note_folder(wanted, done.folder)
    if as_json:
        typer.echo(json.dumps(_event(done)))
        return
    for line in _lines(wanted, done, at_home=at_home):
        say(line)


def _tell(line: str) -> None:
    """Terms are shown whatever the mode of the command."""
    typer.echo(line, err=True)


def _ask() -> bool:
    return typer.confirm("Do you accept these terms?", err=True)


def _lines(source: Source, done: Downloaded, *, at_home: bool) -> list[str]:
    lines = [f"{done.folder}: {'done' if done.fresh else 'everything is there already'}."]
    if done.receipt.damaged:
        lines.append(
            f"  {len(done.receipt.damaged):,} damaged members left out: "
            f"{', '.join(done.receipt.damaged[:10])}"
        )
    if not done.buildable:
        from artcurate.hub.download import by_hand

        return [
            *lines,
            "  No bundled pipeline reads it, because captions do not find their pictures in it.",
            f"  For a build run `artcurate download {source.name}` again another day, or:",
            *by_hand(source),
        ]
    then = source.then if at_home else source.then_elsewhere
    folder = shlex.quote(str(done.folder))
    return [*lines, f"  Next: {then.replace('{folder}', folder)}"]


def _event(done: Downloaded) -> dict[str, object]:
    return {
        "event": "downloaded",
        "folder": str(done.folder),
        "fresh": done.fresh,
        "buildable": done.buildable,
        "files": len(done.receipt.files),
        "bytes": done.receipt.size,
        "damaged": list(done.receipt.damaged),
    }
