"""`artcurate benchmark OUT` and `artcurate benchmark compare OUT1 OUT2`."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from artcurate.cli import options
from artcurate.errors import UsageError

if TYPE_CHECKING:
    from artcurate.benchmark.controls import Control
    from artcurate.benchmark.presets import Preset


class Tier(StrEnum):
    """How scores are made."""

    LITE = "lite"
    FROZEN = "frozen"
    FINETUNE = "finetune"


class _ScoreByDefault(TyperGroup):
    """`benchmark OUT` is `benchmark score OUT`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["score", *args]
        return super().parse_args(ctx, args)


benchmark_app = typer.Typer(
    cls=_ScoreByDefault,
    help="Score a built dataset: text, picture and fusion, with controls. `benchmark OUT` scores.",
    no_args_is_help=True,
)


@benchmark_app.command("score")
def score_command(
    out: Annotated[Path, typer.Argument(help="A built dataset.")],
    tier: Annotated[
        Tier | None,
        typer.Option(
            help="lite: any CPU, no download. frozen: pretrained features. finetune: a GPU.",
            show_default="the preset's, or lite",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A bundled preset, or a preset file ending in .yaml.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Trainings per system.", show_default="the preset's")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    text_encoder: Annotated[
        str | None, typer.Option(help="A text encoder's id on the Hub, or its folder.")
    ] = None,
    image_encoder: Annotated[
        str | None, typer.Option(help="An image encoder's id on the Hub, or its folder.")
    ] = None,
    aligned: Annotated[
        Path | None,
        typer.Option(
            metavar="ZIP",
            help="The aligned encoders that VL-KE-T5's authors distribute; the preset's encoders "
            "then give tokenizer and image processor only.",
        ),
    ] = None,
    heads: Annotated[
        str | None, typer.Option(help="Fusion heads, with commas between them.")
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Precomputed features as one more modality: Parquet of id and features; "
            "repeatable.",
        ),
    ] = None,
    controls: Annotated[
        str, typer.Option(help="all, none, or names with commas between them.")
    ] = "all",
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Score OUT and put scores.json, predictions, figures and the card's table into it."""
    from artcurate.benchmark.controls import parse_controls
    from artcurate.benchmark.presets import DEFAULTS, load_preset, override

    name = preset or DEFAULTS[(tier or Tier.LITE).value]
    chosen = load_preset(name)
    if tier is not None and chosen.tier != tier.value:
        raise UsageError(f"the preset {name} is of the tier {chosen.tier}, not {tier.value}.")
    _score(
        out,
        override(
            chosen,
            seeds=seeds,
            text_encoder=text_encoder,
            image_encoder=image_encoder,
            heads=None if heads is None else tuple(filter(None, map(str.strip, heads.split(",")))),
            aligned=aligned,
        ),
        name,
        controls=parse_controls(controls),
        features=options.named_files("--features", features),
        device=device,
        quiet=quiet,
        as_json=as_json,
    )


@benchmark_app.command("compare")
def compare_command(
    first: Annotated[Path, typer.Argument(help="A scored dataset.")],
    second: Annotated[Path, typer.Argument(help="Another, scored with the same preset.")],
    as_json: options.Json = False,
) -> None:
    """Tell which scores changed from the first dataset to the second by more than noise."""
    from artcurate.benchmark.compare import compare
    from artcurate.package.tables import Table, to_text

    found = compare(first, second)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    rows = tuple(
        (
            one.system,
            one.first,
            one.second,
            f"{one.change.mean:+.3f} [{one.change.low:+.3f}, {one.change.high:+.3f}]",
            one.holm,
            one.change.detectable,
            "changed" if one.beyond_noise else "within noise",
        )
        for one in found.changes
    )
    how = "the same test examples" if found.paired else "different test examples"
    columns = ("system", "first", "second", "change", "p (Holm)", "detectable", "verdict")
    typer.echo(to_text(Table(f"macro-F1 on {how}", columns, rows)))


def require_libraries(tier: Tier) -> None:
    """Raise UsageError when what `tier` needs is not installed."""
    from artcurate.benchmark import tiers

    tiers.require_libraries(tier.value)


def score_with_defaults(out: Path, tier: Tier, *, quiet: bool, as_json: bool) -> None:
    """Score `out` with the tier's own preset and every control."""
    from artcurate.benchmark.controls import Control
    from artcurate.benchmark.presets import DEFAULTS, load_preset

    name = DEFAULTS[tier.value]
    _score(
        out,
        load_preset(name),
        name,
        controls=frozenset(Control),
        features={},
        device="auto",
        quiet=quiet,
        as_json=as_json,
    )


def _score(
    out: Path,
    preset: Preset,
    name: str,
    *,
    controls: frozenset[Control],
    features: dict[str, Path],
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Score, and print the tables, the alarms and where the scores are."""
    require_libraries(Tier(preset.tier))
    from artcurate.benchmark.run import benchmark
    from artcurate.benchmark.shown import score_tables
    from artcurate.package.tables import to_text

    done = benchmark(
        out,
        preset,
        preset_name=name,
        controls=controls,
        features=features,
        device=device,
        progress=options.progress_mode(quiet=quiet, as_json=as_json),
    )
    if as_json:
        typer.echo(json.dumps({"event": "scored", "out": str(out), "scores": "scores.json"}))
        return
    say = options.narrator(quiet=quiet, as_json=as_json)
    for table in score_tables(done.scores):
        say(to_text(table))
    for alarm in done.scores.alarms:
        say(f"note: {alarm.text}")
    say(f"scored {out} in {done.scores.conditions.seconds:.0f} s; see {out / 'scores.json'}.")
