"""The report's sections on how scores were measured, and how they are made again."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import IMAGE, TEXT
from artcurate.benchmark.html import Markup, element, table
from artcurate.benchmark.scores import Conditions, Scores
from artcurate.package.tables import Cell

#: Unreadable examples that are named.
_NAMED = 20


def conditions(scores: Scores) -> Iterator[Markup]:
    """Preset, data, encoders and machine; what was left out; how to read the intervals."""
    how = scores.conditions
    yield element("p", f"{how.parameters['title']}. {how.parameters['source']}")
    deviations = how.parameters.get("deviations", ())
    if deviations:
        yield element("p", "It differs from its source:")
        yield element("ul", *(element("li", str(one)) for one in deviations))
    kinds = tuple(scores.clusters)
    rows: list[tuple[Cell, ...]] = [
        (split, count, *(scores.clusters[kind][split] for kind in kinds))
        for split, count in scores.splits.items()
    ]
    yield table(("split", "examples", *(f"{kind} clusters" for kind in kinds)), rows)
    for modality, facts in scores.encoders.items():
        yield element("h3", f"Encoder of {modality}")
        yield table(("what", ""), list(facts.items()), words=2)
    yield element("h3", "Machine")
    yield table(("what", ""), _machine(how), words=2)
    if scores.left_out:
        yield element("h3", f"{len(scores.left_out):,} examples that no system saw")
        named = scores.left_out[:_NAMED]
        yield element("ul", *(element("li", f"{one.id}: {one.detail}") for one in named))
    yield element("ul", *(element("li", note) for note in scores.notes))


def reproduction(scores: Scores) -> Iterator[Markup]:
    """The preset as it was run, and the command that runs it."""
    yield element(
        "p",
        "Save the preset below as as-run.yaml and run the command on the same dataset; its shards "
        "have the digest ",
        element("code", scores.shards),
        ".",
    )
    yield element("pre", command(scores))
    others = [name for name in scores.encoders if name not in (TEXT, IMAGE)]
    if others:
        yield element("p", f"FILE holds the precomputed features of {', '.join(others)}.")
    yield element(
        "details",
        element("summary", "The preset with every value filled in"),
        element("pre", preset_as_run(scores.conditions)),
    )


def command(scores: Scores) -> str:
    """The command line that makes the scores again from `preset_as_run`."""
    run = scores.conditions.controls
    names = {len(Control): "all", 0: "none"}.get(len(run), ",".join(run))
    others = [name for name in scores.encoders if name not in (TEXT, IMAGE)]
    features = "".join(f" --features {name}=FILE" for name in others)
    return f"artcurate benchmark DATASET --preset as-run.yaml --controls {names}{features}"


def preset_as_run(how: Conditions) -> str:
    """The preset file whose parameters are those of the run."""
    return yaml.safe_dump(dict(how.parameters), sort_keys=False, allow_unicode=True, width=88)


def _machine(how: Conditions) -> list[tuple[Cell, Cell]]:
    return [
        ("device", how.device),
        ("threads", how.threads),
        ("seconds", f"{how.seconds:,.1f}"),
        ("peak memory, MiB", f"{how.peak_memory:,.0f}"),
        *how.versions.items(),
    ]
