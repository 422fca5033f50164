"""`artcurate sample CORPUS DIR`: synthetic raw inputs in the official layouts."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from artcurate.cli import options

sample_app = typer.Typer(
    help="Write synthetic raw inputs in the official layouts.", no_args_is_help=True
)


class Pixels(StrEnum):
    """How much of the pictures is written; the values of the makers' `PixelMode`."""

    FULL = "full"
    THUMBNAIL = "thumbnail"
    NONE = "none"


@sample_app.callback()
def _group() -> None:
    """Keep `sample` a group with one command per corpus."""


@sample_app.command("artelingo")
def artelingo_command(
    directory: Annotated[Path, typer.Argument(help="The folder to make.")],
    paintings: Annotated[int, typer.Option(min=30, help="Paintings; the real set has 80,000.")] = (
        600
    ),
    captions: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Captions; the real set has 1,100,000.",
            show_default="13 to 17 a painting",
        ),
    ] = None,
    pixels: Annotated[
        Pixels, typer.Option(help="Whole pictures, thumbnails of 48 pixels, or none.")
    ] = Pixels.FULL,
    image_size: Annotated[
        int, typer.Option(help="Short side of whole pictures; WikiArt's is about 1100.")
    ] = 320,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write a synthetic ArtELingo release and WikiArt folder."""
    from artcurate.engines.local import LocalEngine
    from artcurate.sources.synthetic.artelingo import write_artelingo_sample
    from artcurate.sources.synthetic.wikiart import PixelMode

    made = write_artelingo_sample(
        directory,
        paintings=paintings,
        captions=captions,
        seed=seed,
        pixels=PixelMode(pixels.value),
        image_size=image_size,
        engine=LocalEngine(workers=workers),
        progress=options.progress_mode(quiet=quiet, as_json=as_json),
    )
    if as_json:
        typer.echo(json.dumps({"event": "sampled", **asdict(made), "directory": str(directory)}))
        return
    say = options.narrator(quiet=quiet, as_json=as_json)
    say(
        f"wrote {directory}: {made.captions:,} captions of {made.captioned:,} paintings, "
        f"{made.pictures:,} pictures, {made.bytes / 1e6:,.1f} MB"
    )
    say(
        f"  with {made.empty} empty, {made.repeated} repeated and {made.wrong_language} captions "
        f"in a wrong language, {made.mojibake} mojibake names, {made.copies} near-duplicates "
        f"({made.listed} listed), one truncated picture and one that is missing"
    )


@sample_app.command("korean")
def korean_command(
    directory: Annotated[Path, typer.Argument(help="The folder to make.")],
    persons: Annotated[int, typer.Option(min=1, help="Persons on the pictures.")] = 60,
    dialogues: Annotated[int, typer.Option(min=1, help="Dialogues; ECC has 58,000.")] = 900,
    images: Annotated[int, typer.Option(min=1, help="Label records of pictures.")] = 1500,
    like_published: Annotated[
        bool,
        typer.Option("--like-published", help="Cell counts that give the published Table I."),
    ] = False,
    older_ecc: Annotated[
        bool, typer.Option("--older-ecc", help="The columns of ECC's older release.")
    ] = False,
    pixels: Annotated[
        Pixels, typer.Option(help="Whole pictures, thumbnails of 64 pixels, or placeholders.")
    ] = Pixels.FULL,
    image_size: Annotated[int, typer.Option(help="Short side of whole pictures.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write synthetic ECC dialogues and CID pictures, zipped as AI Hub gives them."""
    from artcurate.engines.local import LocalEngine
    from artcurate.sources.synthetic.korean import write_korean_sample
    from artcurate.sources.synthetic.wikiart import PixelMode

    made = write_korean_sample(
        directory,
        persons=persons,
        dialogues=dialogues,
        images=images,
        like_published=like_published,
        older_ecc=older_ecc,
        pixels=PixelMode(pixels.value),
        image_size=image_size,
        seed=seed,
        engine=LocalEngine(workers=workers),
        progress=options.progress_mode(quiet=quiet, as_json=as_json),
    )
    if as_json:
        typer.echo(json.dumps({"event": "sampled", **asdict(made), "directory": str(directory)}))
        return
    options.narrator(quiet=quiet, as_json=as_json)(
        f"wrote {directory}: {made.dialogues:,} dialogues, {made.images:,} label records of "
        f"{made.persons:,} persons, {made.pictures:,} pictures, {made.bytes / 1e6:,.1f} MB"
    )
