"""Pretrained encoders go through the same statistics; tiny random ones, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from artcurate.benchmark.controls import Control
from artcurate.benchmark.presets import load_preset, override
from artcurate.benchmark.run import benchmark
from artcurate.benchmark.tiers import make_tier
from artcurate.errors import UsageError


def test_the_frozen_tier_leaves_the_same_outputs(
    artelingo: Path,
    encoders: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    preset = override(
        load_preset("frozen"),
        seeds=1,
        text_encoder=str(encoders("bert")),
        image_encoder=str(encoders("vit")),
        heads=("concatenation", "gated_unit"),
    )
    small = preset.model_copy(
        update={"resamples": 100, "draws": 1, "shuffles": 1, "epochs": 1, "hidden": 8}
    )

    scores = benchmark(
        artelingo,
        small,
        preset_name="frozen",
        controls={Control.PAIRS_SHUFFLED, Control.LABELS_SHUFFLED},
    ).scores

    assert [one.name for one in scores.systems] == [
        "text",
        "image",
        "concatenation",
        "gated_unit",
        "late",
        "product_of_experts",
        "stacking",
    ]
    assert scores.conditions.tier == "frozen"
    assert scores.encoders["text"]["encoder"]
    assert (artelingo / "scores.json").is_file()


def test_the_lite_tier_has_no_device(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="runs on the CPU; leave out --device cuda"):
        make_tier(load_preset("lite"), ["text"], device="cuda", workspace=tmp_path)
