"""Scores in words: tables for a terminal and the card, and the block that the card keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artcurate.benchmark.bootstrap import Estimate
from artcurate.benchmark.controls import Control
from artcurate.benchmark.floors import TEXT_PEER, Floor
from artcurate.benchmark.published import Published, comparable
from artcurate.benchmark.scores import ControlScore, Scores, SystemScore
from artcurate.benchmark.task import Role
from artcurate.package.tables import Cell, Table, to_markdown

BEGIN, END = "<!-- artcurate benchmark -->", "<!-- /artcurate benchmark -->"
_BLOCK = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}\n?", re.DOTALL)
_BEFORE = "## How it was made"
#: Changes below this are rounding: a system that does not see what was broken.
_VISIBLE = 1e-6


def score_tables(scores: Scores) -> tuple[Table, ...]:
    """Systems and floors, paired differences, controls, cells: what a terminal shows."""
    return tuple(
        table
        for table in (
            _systems(scores),
            _pairs(scores),
            _controls(scores),
            _cells(scores),
            _transfer(scores),
        )
        if table.rows
    )


def shown_systems(scores: Scores) -> list[SystemScore]:
    """The unimodal systems and the best fusion: what a reader compares first."""
    alone = [one for one in scores.systems if one.role is Role.UNIMODAL]
    fused = [one for one in scores.systems if one.role is Role.FUSION]
    return alone + ([max(fused, key=lambda one: one.macro_f1.mean)] if fused else [])


def visible_controls(scores: Scores) -> tuple[ControlScore, ...]:
    """The controls' scores, less the systems that do not see what was broken."""
    return tuple(
        one
        for one in scores.controls
        if one.control in (Control.LABELS_SHUFFLED, Control.ATTRIBUTES)
        or max(abs(one.change.low), abs(one.change.high)) > _VISIBLE
    )


def card_block(scores: Scores, figures: Sequence[str], pipeline: str) -> str:
    """The card's section on reference scores, between its two marks."""
    return "\n".join((BEGIN, *_lines(scores, figures, pipeline), END)) + "\n"


def with_block(card: str, block: str) -> str:
    """`card` with `block` in place of the one it has, or before how the dataset was made."""
    if _BLOCK.search(card):
        return _BLOCK.sub(lambda _: block, card, count=1)
    before, heading, after = card.partition(f"\n{_BEFORE}")
    if heading:
        return f"{before}\n{block}\n{heading.lstrip()}{after}"
    return f"{card.rstrip()}\n\n{block}"


def _lines(scores: Scores, figures: Sequence[str], pipeline: str) -> Iterator[str]:
    conditions = scores.conditions
    yield from ("## Reference scores", "")
    yield (
        f"Tier `{conditions.tier}`, preset `{conditions.preset}`, "
        f"{conditions.parameters['seeds']} seeds, test set of {scores.splits['test']:,} examples. "
        f"{scores.notes[0]}"
    )
    if conditions.tier == "lite":
        yield "This tier is a floor and a smoke test that any CPU runs; it is not the reference."
    yield ""
    for table in (_systems(scores), _pairs(scores), _controls(scores)):
        if table.rows:
            yield to_markdown(table)
    if scores.human is not None:
        human = scores.human
        yield (
            f"People: {human.items:,} items have two votes and more. One answer per item can agree "
            f"with at most {human.best_per_item:.3f} of the votes; the majority of the other votes "
            f"guesses a vote right {human.agreement:.3f} of the time (macro-F1 "
            f"{human.macro_f1:.3f})."
        )
        yield ""
    if scores.alarms:
        yield from ("**What to know before trusting them**", "")
        yield from (f"- {alarm.text}" for alarm in scores.alarms)
        yield ""
    yield from _published(comparable(pipeline))
    yield from (f"![{name.removesuffix('.png')}](figures/{name})" for name in figures)
    yield ""
    yield (
        "`scores.json` holds everything with its intervals, `predictions/` what each system said "
        "of each test example."
    )


def _published(known: Sequence[Published]) -> Iterator[str]:
    for one in known:
        yield (
            f"Published on the same task: {one.system}, {one.figures()} ({one.source}). "
            f"{one.measures}"
        )
        yield ""


def _systems(scores: Scores) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            one.name,
            " + ".join(one.modalities),
            _with_interval(one.macro_f1),
            one.macro_f1.sd,
            _with_interval(one.accuracy),
            one.nll.mean,
            one.ece,
            one.soft_kl.mean,
        )
        for one in scores.systems
    ]
    rows += [
        (one.name, _seen(one), f"{one.macro_f1:.3f}", None, f"{one.accuracy:.3f}", None, None, None)
        for one in scores.floors
    ]
    columns = ("system", "sees", "macro-F1", "sd", "accuracy", "NLL", "ECE", "KL to votes")
    return Table("Systems", columns, tuple(rows))


def _pairs(scores: Scores) -> Table:
    rows = tuple(
        (
            pair.first,
            pair.second,
            f"{pair.macro_f1.mean:+.3f} [{pair.macro_f1.low:+.3f}, {pair.macro_f1.high:+.3f}]",
            pair.holm,
            pair.macro_f1.detectable,
        )
        for pair in scores.pairs
    )
    columns = ("fusion", "minus", "macro-F1", "p (Holm)", "detectable")
    return Table("Paired differences", columns, rows)


def _controls(scores: Scores) -> Table:
    rows = tuple(
        (
            one.control + (f": {one.case}" if one.case else ""),
            one.system,
            one.macro_f1.mean,
            f"{one.change.mean:+.3f} [{one.change.low:+.3f}, {one.change.high:+.3f}]",
            one.against,
        )
        for one in visible_controls(scores)
    )
    return Table("Controls", ("control", "system", "macro-F1", "change", "against"), rows)


def _cells(scores: Scores) -> Table:
    rows = tuple(
        (cell.attribute, cell.value, cell.system, cell.examples, _with_interval(cell.macro_f1))
        for cell in scores.cells
    )
    return Table("Cells", ("attribute", "value", "system", "examples", "macro-F1"), rows)


def _transfer(scores: Scores) -> Table:
    rows = tuple(
        (
            ", ".join(one.trained_on),
            one.tested_on,
            one.system,
            one.examples,
            _with_interval(one.macro_f1),
        )
        for one in scores.transfer
    )
    return Table("Transfer", ("trained on", "tested on", "system", "examples", "macro-F1"), rows)


def _seen(floor: Floor) -> str:
    return "text" if floor.name == TEXT_PEER else "nothing"


def _with_interval(one: Estimate) -> str:
    return f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]"
