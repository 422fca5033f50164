"""The report's section on controls: what was broken, what that should do, and what it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from artcurate.benchmark.controls import Control
from artcurate.benchmark.html import Markup, element, table
from artcurate.benchmark.overlap import Overlap
from artcurate.benchmark.scores import ControlScore, Scores
from artcurate.benchmark.shown import visible_controls
from artcurate.package.tables import Cell

_WORDS: Mapping[Control, tuple[str, str]] = {
    Control.LABELS_SHUFFLED: (
        "Labels shuffled in training",
        "Labels of training and validation are permuted, so only chance is left. A system above "
        "chance is told the test labels by something else.",
    ),
    Control.PAIRS_SHUFFLED: (
        "Pictures shuffled at test",
        "Every text gets the picture of any other test example. What fusion loses is what it owes "
        "to the picture.",
    ),
    Control.PAIRS_REDRAWN: (
        "Pictures drawn anew within the label",
        "Every text gets another picture of its label and cell. Where text and picture share "
        "nothing but these, no score may change; a loss is interplay beyond them.",
    ),
    Control.MODALITY_REMOVED: (
        "A modality removed",
        "The text is emptied, or the picture made grey. The fall tells how much the system leans "
        "on it.",
    ),
    Control.ATTRIBUTES: (
        "Attributes alone",
        "The commonest label of the same language or demographic cell, without text or picture. "
        "Above chance, part of any score is this.",
    ),
}


def controls(scores: Scores) -> Iterator[Markup]:
    """Every control that was run, in words and figures, and the names of those that were not."""
    visible = visible_controls(scores)
    for control, (title, meaning) in _WORDS.items():
        mine = [one for one in visible if one.control == control]
        if mine:
            yield element("h3", title)
            yield element("p", meaning)
            yield _scores(mine)
    if scores.overlap is not None:
        yield element("h3", "Overlap of test and training")
        yield element("p", _overlap(scores.overlap))
    left = [one.value for one in Control if one.value not in scores.conditions.controls]
    if left:
        yield element("p", f"Not run: {', '.join(left).replace('_', ' ')}.", class_="soft")


def _scores(found: list[ControlScore]) -> Markup:
    cases = any(one.case for one in found)
    rows: list[tuple[Cell, ...]] = [
        (
            *([one.case.replace("_", " ")] if cases else []),
            one.system,
            _verdict(one),
            one.macro_f1.mean,
            f"{one.change.mean:+.3f} [{one.change.low:+.3f}, {one.change.high:+.3f}]",
        )
        for one in found
    ]
    against = "against chance" if found[0].against == "chance" else "against the test set as it is"
    columns = (*(["case"] if cases else []), "system", "verdict", "macro-F1", against)
    return table(columns, rows, words=3 if cases else 2)


def _verdict(one: ControlScore) -> str:
    chance = one.against == "chance"
    if one.change.low > 0:
        return "above chance" if chance else "rises"
    if one.change.high < 0:
        return "below chance" if chance else "falls"
    return "at chance" if chance else "no change beyond noise"


def _overlap(overlap: Overlap) -> str:
    found = {
        "the same text": overlap.texts,
        "the same picture": overlap.pictures,
        "a near-duplicate picture": overlap.near_pictures,
        **{f"the same {kind}": count for kind, count in overlap.clusters.items()},
    }
    counts = "; ".join(f"{what} {count:,}" for what, count in found.items())
    return f"Of {overlap.examples:,} test examples, so many share with training: {counts}."
