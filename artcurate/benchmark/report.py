"""`report.html`: the scores for people, as one page that needs nothing beside itself.

Pictures of the dataset are not shown: no bundled source lets its pictures be passed on by anybody,
and a page travels further than a dataset. Captions are, as in `predictions/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from artcurate.benchmark.bootstrap import Difference, Estimate
from artcurate.benchmark.html import Markup, element, foreign, interval, page, picture, table
from artcurate.benchmark.published import Published
from artcurate.benchmark.report_conditions import conditions, reproduction
from artcurate.benchmark.report_controls import controls
from artcurate.benchmark.report_style import ALONE, FUSED, STYLE
from artcurate.benchmark.scores import CellScore, PairScore, Scores, SystemScore
from artcurate.benchmark.shown import shown_systems
from artcurate.benchmark.task import Role
from artcurate.package.tables import Cell

FILE_NAME = "report.html"

#: Examples shown of each way in which modalities alone are wrong, and characters of each.
_EXAMPLES = 6
_CHARACTERS = 600
_LEVEL = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a report is made of.

    title: the dataset's. figures: PNG files by name. examples: the table of `fusion_right`, or
    None. published: other people's figures for the same task.
    """

    title: str
    scores: Scores
    figures: Mapping[str, bytes]
    examples: pl.DataFrame | None
    published: Sequence[Published]


def report(material: Material) -> str:
    """The page's text; the same material gives the same text."""
    sections = [
        ("systems", "Scores", _systems(material)),
        ("differences", "Paired differences", _differences(material)),
        ("controls", "Controls", controls(material.scores)),
        ("classes", "Classes", _classes(material)),
        ("cells", "Languages and cells", _cells(material)),
        ("calibration", "Calibration", _calibration(material)),
        ("examples", "Where fusion is right and a modality alone is wrong", _examples(material)),
        ("people", "People", _people(material.scores)),
        ("published", "Published figures for the same task", _published(material.published)),
        ("conditions", "How it was measured", conditions(material.scores)),
        ("again", "Do it again", reproduction(material.scores)),
    ]
    filled = [(name, title, tuple(parts)) for name, title, parts in sections]
    kept = [section for section in filled if section[2]]
    links = element("nav", *(element("a", title, href=f"#{name}") for name, title, _ in kept))
    body = [*_head(material), links]
    for name, title, parts in kept:
        body.append(element("section", element("h2", title), *parts, id=name))
    return page(f"{material.title}: reference scores", STYLE, body)


def _head(material: Material) -> Iterator[Markup]:
    scores = material.scores
    how = scores.conditions
    yield element("h1", material.title)
    yield element(
        "p",
        f"Reference scores: {len(scores.classes)} classes, {scores.splits['test']:,} test "
        f"examples, tier {how.tier}, preset {how.preset}, {how.parameters['seeds']} seeds.",
        class_="soft",
    )
    yield element("p", _verdict(scores), class_="lead")
    if how.tier == "lite":
        yield element(
            "p",
            "The tier lite is a floor and a smoke test that any CPU runs; it is not the reference.",
        )
    if scores.alarms:
        yield element(
            "div",
            element("strong", "What to know before trusting them"),
            element("ul", *(element("li", alarm.text) for alarm in scores.alarms)),
            class_="alarms",
        )


def _verdict(scores: Scores) -> str:
    """The best fusion against the best modality alone, in a sentence or two."""
    *alone, last = shown_systems(scores)
    if last.role is Role.UNIMODAL:
        every = [*alone, last]
        return "; ".join(f"{one.name} alone scores {_figure(one.macro_f1)}" for one in every) + "."
    best = max(alone, key=lambda one: one.macro_f1.mean)
    start = (
        f"The best fusion, {last.name}, scores macro-F1 {_figure(last.macro_f1)}; the best "
        f"modality alone, {best.name}, {_figure(best.macro_f1)}."
    )
    for pair in scores.pairs:
        if (pair.first, pair.second) == (last.name, best.name):
            return f"{start} The difference is {_change(pair.macro_f1)}: {_told(pair)}."
    return start


def _told(pair: PairScore) -> str:
    if pair.holm < _LEVEL:
        side = "above" if pair.macro_f1.mean > 0 else "below"
        return f"{side}, beyond what another test set could give (p {pair.holm:.3f} after Holm)"
    return (
        f"not told apart by this test set (p {pair.holm:.3f} after Holm; it would show a "
        f"difference of {pair.macro_f1.detectable:.3f})"
    )


def _systems(material: Material) -> Iterator[Markup]:
    scores = material.scores
    floor = max((one.macro_f1 for one in scores.floors), default=0.0)
    highest = max([one.macro_f1.high for one in scores.systems] + [floor])
    rows = [
        (
            _name(one),
            " + ".join(one.modalities),
            interval(
                one.macro_f1.low,
                one.macro_f1.mean,
                one.macro_f1.high,
                scale=(0.0, highest),
                mark=floor,
                colour=FUSED if one.role is Role.FUSION else ALONE,
            ),
            _figure(one.macro_f1),
            one.macro_f1.sd,
            _figure(one.accuracy),
            one.weighted_f1.mean,
        )
        for one in scores.systems
    ]
    columns = (
        "system",
        "sees",
        "macro-F1, 95 % interval",
        "macro-F1",
        "sd of seeds",
        "accuracy",
        "weighted F1",
    )
    yield table(columns, rows, words=3)
    yield element(
        "p",
        "The dashed line is the highest floor. Intervals are over resampled ",
        " and ".join(scores.clusters),
        " clusters, never rows; the sd is over seeds.",
        class_="soft",
    )
    floors = [(one.name.replace("_", " "), one.macro_f1, one.accuracy) for one in scores.floors]
    yield element("h3", "Floors")
    yield table(("what", "macro-F1", "accuracy"), floors)


def _differences(material: Material) -> Iterator[Markup]:
    pairs = material.scores.pairs
    if not pairs:
        return
    ends = [abs(value) for one in pairs for value in (one.macro_f1.low, one.macro_f1.high)]
    rows = [
        (
            one.first,
            one.second,
            interval(
                one.macro_f1.low,
                one.macro_f1.mean,
                one.macro_f1.high,
                scale=(-max(ends), max(ends)),
                mark=0.0,
                colour=FUSED,
            ),
            _verdict_word(one),
            _change(one.macro_f1),
            one.holm,
            one.macro_f1.detectable,
        )
        for one in pairs
    ]
    columns = ("fusion", "minus", "95 % interval", "verdict", "macro-F1", "p (Holm)", "detectable")
    yield table(columns, rows, words=4)
    yield element(
        "p",
        "Every line is one comparison on the same resampled test sets; p is adjusted for all of "
        "them. Detectable is the smallest true difference that a test set like this one would show "
        "in four of five cases.",
        class_="soft",
    )


def _verdict_word(pair: PairScore) -> str:
    if pair.holm >= _LEVEL:
        return "not told apart"
    return "above" if pair.macro_f1.mean > 0 else "below"


def _classes(material: Material) -> Iterator[Markup]:
    shown = shown_systems(material.scores)
    by_class = [one.per_class for one in shown]
    rows = [
        (found[0].label, found[0].support, *(_shaded(one.f1) for one in found))
        for found in zip(*by_class, strict=True)
    ]
    yield element("p", "F1 of each class, of one modality alone and of the best fusion.")
    yield table(("class", "test examples", *(one.name for one in shown)), rows)
    yield from _drawn(material, "confusion.png", "Labels in rows, predictions in columns.")


def _cells(material: Material) -> Iterator[Markup]:
    scores = material.scores
    shown = shown_systems(scores)
    for attribute in dict.fromkeys(cell.attribute for cell in scores.cells):
        cells = [cell for cell in scores.cells if cell.attribute == attribute]
        rows: list[tuple[Cell, ...]] = [
            (
                value,
                _one(cells, value, shown[0]).examples,
                *(_figure(_one(cells, value, system).macro_f1) for system in shown),
            )
            for value in dict.fromkeys(cell.value for cell in cells)
        ]
        name = attribute.replace("_", " ")
        yield element("h3", f"macro-F1 by {name}")
        yield table((name, "test examples", *(one.name for one in shown)), rows)
        yield from _drawn(material, f"{attribute.replace(' ', '_')}.png", "")
    if scores.transfer:
        yield element("h3", "Trained on some languages, tested on another")
        for system in shown:
            yield _transfer(scores, system)


def _transfer(scores: Scores, system: SystemScore) -> Markup:
    mine = [one for one in scores.transfer if one.system == system.name]
    tested = tuple(dict.fromkeys(one.tested_on for one in mine))
    known = {(one.trained_on, one.tested_on): one.macro_f1.mean for one in mine}
    rows = [
        (", ".join(trained), *(_shaded(known[trained, language]) for language in tested))
        for trained in dict.fromkeys(one.trained_on for one in mine)
    ]
    return table((f"{system.name}, trained on", *tested), rows)


def _calibration(material: Material) -> Iterator[Markup]:
    rows = [
        (
            _name(one),
            one.uncalibrated.nll,
            one.nll.mean,
            one.uncalibrated.brier,
            one.brier.mean,
            one.uncalibrated.ece,
            one.ece,
            one.soft_kl.mean,
        )
        for one in material.scores.systems
    ]
    columns = (
        "system",
        "NLL before",
        "after",
        "Brier before",
        "after",
        "ECE before",
        "after",
        "KL to votes",
    )
    yield element(
        "p",
        "Before and after one temperature per system and seed, chosen on validation. NLL in nats; "
        "lower is better everywhere.",
    )
    yield table(columns, rows)
    yield from _drawn(
        material, "reliability.png", "On the dashed line confidence is what it promises."
    )


def _examples(material: Material) -> Iterator[Markup]:
    examples = material.examples
    if examples is None or not examples.height:
        return
    fusion = str(examples["fusion"][0])
    alone = [name.removesuffix("_says") for name in examples.columns if name.endswith("_says")]
    yield element(
        "p",
        f"Test examples that {fusion} gets right (seed 0), the surest first, one per picture. The "
        "pictures stay in the dataset, whose sources do not let everybody pass them on; the id "
        "leads to them.",
    )
    for (wrong,), found in examples.group_by("wrong", maintain_order=True):
        if "picture" in found.columns:
            found = found.unique("picture", keep="first", maintain_order=True)
        yield element("h3", f"Wrong alone: {wrong}")
        cards = (_card(row, alone) for row in found.head(_EXAMPLES).iter_rows(named=True))
        yield element("div", *cards, class_="cards")


def _card(row: Mapping[str, object], alone: Sequence[str]) -> Markup:
    label = str(row["label"])
    said = [
        element("p", f"{name} alone: {row[f'{name}_says']}", class_="alone")
        for name in alone
        if row[f"{name}_says"] != label
    ]
    right = [name for name in alone if row[f"{name}_says"] == label]
    if right:
        said.append(element("p", f"right alone: {', '.join(right)}"))
    words = [_quoted(str(row["text"]))] if "text" in row else []
    surety = element("p", f"fusion: {label} ({row['probability']:.2f})", class_="fusion")
    return element(
        "div", *words, surety, *said, element("p", str(row["id"]), class_="soft"), class_="card"
    )


def _quoted(text: str) -> Markup:
    return element("blockquote", foreign(text, _CHARACTERS), dir="auto")


def _people(scores: Scores) -> Iterator[Markup]:
    if scores.human is None:
        return
    human = scores.human
    yield element(
        "p",
        f"{human.items:,} items have two votes and more. One answer per item can agree with at "
        f"most {human.best_per_item:.3f} of the votes; the majority of the other votes guesses a "
        f"vote right {human.agreement:.3f} of the time (macro-F1 {human.macro_f1:.3f}).",
    )


def _published(known: Sequence[Published]) -> Iterator[Markup]:
    if not known:
        return
    rows = [(one.system, one.data, one.measures, one.source, one.figures()) for one in known]
    yield element("p", "Beside ours only because the task is the same; read what each measures.")
    yield table(("system", "data", "what it measures", "source", "figures"), rows, words=5)


def _drawn(material: Material, name: str, words: str) -> Iterator[Markup]:
    if name not in material.figures:
        return
    described = picture(material.figures[name], f"{name.removesuffix('.png')}. {words}".strip())
    yield element("figure", described, *([element("figcaption", words)] if words else []))


def _one(cells: Sequence[CellScore], value: str, system: SystemScore) -> CellScore:
    return next(one for one in cells if (one.value, one.system) == (value, system.name))


def _name(system: SystemScore) -> Markup:
    return element("span", system.name, class_="fusion" if system.role is Role.FUSION else "alone")


def _shaded(share: float) -> Markup:
    colour = f"background: rgba(0, 114, 178, {0.5 * share:.3f})"
    return element("span", share, class_="share", style=colour)


def _figure(one: Estimate) -> str:
    return f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _change(one: Difference) -> str:
    return f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
