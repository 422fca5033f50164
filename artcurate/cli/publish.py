"""`artcurate publish OUT --repo USER/NAME`: a built dataset, or its recipe, onto the Hub."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artcurate.cli import options

if TYPE_CHECKING:
    from artcurate.hub.publish import Wishes
    from artcurate.progress import ProgressMode


def publish_command(
    out: Annotated[Path, typer.Argument(help="A built dataset.")],
    repo: Annotated[
        str, typer.Option(metavar="USER/NAME", help="The dataset repository; made where missing.")
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Let anybody see it, where the licences allow it.")
    ] = False,
    recipe: Annotated[
        bool,
        typer.Option("--recipe", help="Send ids, splits, hashes and pipeline; no text, no pixels."),
    ] = False,
    permitted: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE", help="A source whose holders let you pass it on; repeatable."
        ),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="The commit's tag.", show_default="the data's version")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the whole plan and change nothing.")
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Publish a built dataset to the Hugging Face Hub in one commit; private unless --public.

    The token comes from HF_TOKEN or `hf auth login`.
    """
    from artcurate.hub.publish import Wishes, publish

    wishes = Wishes(public=public, recipe=recipe, permitted=tuple(permitted or ()), tag=tag)
    progress = options.progress_mode(quiet=quiet, as_json=as_json)
    if dry_run:
        _print_plan(out, repo, wishes, progress, as_json=as_json)
        return
    say = options.narrator(quiet=quiet, as_json=as_json)
    published = publish(out, repo, wishes, progress=progress, say=say)
    if as_json:
        typer.echo(json.dumps({"event": "published", **asdict(published)}))
    else:
        say(f"published {published.url} at {published.commit[:12]}, tagged {published.tag}")


def _print_plan(
    out: Path, repo: str, wishes: Wishes, progress: ProgressMode, *, as_json: bool
) -> None:
    from artcurate.hub import gate, plan
    from artcurate.hub.publish import check_visibility, make_plan, prepare
    from artcurate.hub.remote import Remote
    from artcurate.package.tables import to_text

    publication = prepare(out, wishes, progress=progress)
    remote = Remote(repo)
    remote.user()
    planned = make_plan(publication, remote, wishes)
    if as_json:
        typer.echo(json.dumps(plan.summary(planned), ensure_ascii=False))
    else:
        for table in plan.tables(planned):
            typer.echo(to_text(table))
        for line in plan.lines(planned):
            typer.echo(line)
    gate.require(publication.verdict, public=wishes.public, schema=publication.schema)
    check_visibility(planned)
