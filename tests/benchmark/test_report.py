"""The page that people read: whole in itself, the same for the same scores, hostile to nobody."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import read_examples
from artcurate.benchmark.predictions import fusion_right
from artcurate.benchmark.presets import LitePreset, load_preset, parse_preset
from artcurate.benchmark.published import comparable
from artcurate.benchmark.report import Material, report
from artcurate.benchmark.report_conditions import command, preset_as_run
from artcurate.benchmark.run import benchmark, evaluate
from artcurate.benchmark.scores import Alarm, Scores

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & \u202e\"'"


class Page(HTMLParser):
    """Elements, addresses and shown text of a page."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def quick() -> LitePreset:
    loaded = load_preset("lite")
    assert isinstance(loaded, LitePreset)
    return loaded.model_copy(update={"seeds": 2, "resamples": 100, "draws": 2, "shuffles": 2})


@pytest.fixture(scope="module")
def material(_built_artelingo: Path, quick: LitePreset) -> Material:
    raw = read_examples(_built_artelingo)
    done = evaluate(raw, quick, preset_name="lite", controls=frozenset(Control))
    shown = fusion_right(done.scores, done.outcome, raw)
    return Material("Paintings", done.scores, {"confusion.png": b"\x89PNG"}, shown, ())


@pytest.fixture(scope="module")
def scores(material: Material) -> Scores:
    return material.scores


def test_the_page_needs_nothing_beside_itself(material: Material) -> None:
    page = Page(report(material))

    assert not page.tags & {"script", "link", "iframe", "object", "form"}
    assert all(one.startswith(("data:image/png;base64,", "#")) for one in page.addresses)


def test_the_same_material_gives_the_same_bytes(material: Material) -> None:
    assert report(material) == report(material)


def test_every_system_stands_with_its_interval_and_every_alarm_in_words(
    material: Material, scores: Scores
) -> None:
    page = Page(report(material))

    for system in scores.systems:
        estimate = system.macro_f1
        assert f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]" in page.text
    for alarm in scores.alarms:
        assert alarm.text in page.text
    for language in {one.value for one in scores.cells}:
        assert language in page.text


def test_hostile_captions_labels_and_alarms_are_shown_and_never_run(material: Material) -> None:
    assert material.examples is not None
    rows = max(material.examples.height, 1)
    hostile = pl.DataFrame(
        {
            "id": [f"{HOSTILE}{row}" for row in range(rows)],
            "label": [HOSTILE] * rows,
            "fusion": [HOSTILE] * rows,
            "probability": [0.5] * rows,
            "wrong": [HOSTILE] * rows,
            "text_says": ["other"] * rows,
            "image_says": [HOSTILE] * rows,
            "text": [HOSTILE * 100] * rows,
            "picture": list(range(rows)),
        }
    )
    attacked = replace(
        material,
        title=HOSTILE,
        examples=hostile,
        scores=replace(material.scores, alarms=(Alarm("x", HOSTILE),), classes=(HOSTILE,)),
    )

    page = Page(report(attacked))

    assert "script" not in page.tags
    assert page.handlers == []
    assert all(one.startswith(("data:image/png;base64,", "#")) for one in page.addresses)
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text


def test_examples_are_right_in_fusion_and_wrong_where_they_say(material: Material) -> None:
    examples = material.examples
    assert examples is not None
    assert examples.height
    for row in examples.iter_rows(named=True):
        wrong = {name for name in ("text", "image") if row[f"{name}_says"] != row["label"]}
        assert wrong
        assert set(row["wrong"].split(", ")) == wrong
    for (kind,), found in examples.group_by("wrong", maintain_order=True):
        surest_first = found["probability"].sort(descending=True).to_list()
        assert found["probability"].to_list() == surest_first, kind


def test_published_figures_stand_beside_the_same_task_only(material: Material) -> None:
    beside = report(replace(material, published=comparable("korean-paper")))

    assert "VL-KE-T5" not in report(material)
    assert "VL-KE-T5, text and image" in beside
    assert "share only the label" in beside
    assert "IEMOCAP" not in beside


def test_the_preset_on_the_page_is_the_one_that_was_run(
    scores: Scores, quick: LitePreset, tmp_path: Path
) -> None:
    file = tmp_path / "as-run.yaml"
    file.write_text(preset_as_run(scores.conditions), encoding="utf-8")

    assert parse_preset(file) == quick
    assert command(scores) == "artcurate benchmark DATASET --preset as-run.yaml --controls all"


def test_a_scored_dataset_has_the_page_and_no_picture_of_its_own_in_it(
    artelingo: Path, quick: LitePreset
) -> None:
    benchmark(artelingo, quick, preset_name="lite", controls=frozenset())

    content = (artelingo / "report.html").read_text(encoding="utf-8")
    figures = {path.stem for path in (artelingo / "figures").iterdir()}
    assert len(re.findall(r"<img ", content)) <= len(figures)
    assert "image/jpeg" not in content
    assert "Not run: labels shuffled" in content
