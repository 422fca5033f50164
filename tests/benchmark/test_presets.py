from __future__ import annotations

from pathlib import Path

import pytest

from artcurate.benchmark.presets import DEFAULTS, load_preset, override, preset_names
from artcurate.errors import DataError, UsageError


def test_every_bundled_preset_loads_and_names_its_source() -> None:
    assert "lite" in preset_names()
    for name in preset_names():
        assert load_preset(name).source
    for tier, name in DEFAULTS.items():
        if name in preset_names():
            assert load_preset(name).tier == tier


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'lite'"):
        load_preset("litee")


def test_every_wrong_place_of_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("title: Mine\nsource: me\ntier: lite\nseeds: 0\npenalties: [-1]\nspeed: 3\n")

    with pytest.raises(DataError) as caught:
        load_preset(str(file))

    assert len(caught.value.problems) == 3


def test_options_override_a_preset() -> None:
    assert override(load_preset("lite"), seeds=2).seeds == 2


def test_no_seeds_and_encoders_for_lite_are_wrong_calls() -> None:
    with pytest.raises(UsageError, match=r"--seeds 0: .*greater than 0"):
        override(load_preset("lite"), seeds=0)
    with pytest.raises(UsageError, match="the tier lite has no --text-encoder; add --tier frozen"):
        override(load_preset("lite"), text_encoder="xlm-roberta-base")
