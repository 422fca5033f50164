"""Real paintings: title words and pictures to their genre, grouped by artist."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import Examples
from artcurate.benchmark.presets import load_preset
from artcurate.benchmark.run import evaluate
from artcurate.benchmark.scores import Scores

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fusions.py"


@pytest.fixture(scope="module")
def paintings(real_data: Path) -> Examples:
    specification = importlib.util.spec_from_file_location("fusions", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["fusions"] = module
    specification.loader.exec_module(module)
    examples: Examples = module.genres(real_data / "wikiart" / "small")
    return examples


@pytest.fixture(scope="module")
def scores(paintings: Examples) -> Scores:
    with threadpool_limits(1):
        return evaluate(
            paintings, load_preset("lite"), preset_name="lite", controls=frozenset(Control)
        ).scores


def test_every_modality_is_above_the_floor_and_shuffled_labels_are_not(scores: Scores) -> None:
    floor = max(one.macro_f1 for one in scores.floors if one.name != "tfidf_lr")

    for name in ("text", "image", "concatenation", "product_of_experts"):
        assert scores.system(name).macro_f1.low > floor
    assert "shuffled_labels_above_chance" not in {alarm.code for alarm in scores.alarms}


def test_fusion_is_not_below_the_better_modality(scores: Scores) -> None:
    better = max(scores.system(name).macro_f1.mean for name in ("text", "image"))

    assert scores.system("product_of_experts").macro_f1.mean > better


def test_text_stands_beside_tf_idf_with_logistic_regression(scores: Scores) -> None:
    peer = next(one for one in scores.floors if one.name == "tfidf_lr")

    assert scores.system("text").macro_f1.mean > peer.macro_f1 - 0.05
