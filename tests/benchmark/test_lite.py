from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from artcurate.benchmark.blocks import Blocks
from artcurate.benchmark.lite import LiteTier
from artcurate.benchmark.presets import LitePreset, load_preset
from artcurate.benchmark.task import Fold, Labels, Modality, Trained
from artcurate.progress import ProgressMode, meter

NAMES = ("audio", "video")


def preset(**changes: Any) -> LitePreset:
    loaded = load_preset("lite")
    assert isinstance(loaded, LitePreset)
    return loaded.model_copy(update=changes)


def fold(seed: int, count: int = 120, unit: float = 1.0) -> Fold:
    """Two dense modalities; audio tells the label, video is noise. unit: scale of the values."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, count)
    every = np.arange(count)
    audio = np.eye(3)[truth] + 0.7 * generator.normal(size=(count, 3))
    values = {"audio": audio, "video": generator.normal(size=(count, 20))}
    inputs = {
        name: Modality((unit * one).astype(np.float32), every) for name, one in values.items()
    }
    return Fold(inputs, Labels(("a", "b", "c"), truth, np.eye(3, dtype=np.float32)[truth]), every)


def learn(chosen: LitePreset, unit: float = 1.0) -> dict[str, Trained]:
    tier = LiteTier(chosen, NAMES)
    train, held_out, test = (fold(seed, unit=unit) for seed in range(3))
    with meter("learn", 3, unit="system", mode=ProgressMode.QUIET) as done:
        return tier.learn(tier.systems, train, held_out, {"test": test.inputs}, seed=0, meter=done)


def test_rows_of_all_components_have_root_mean_square_length_one() -> None:
    train = fold(0)
    blocks = Blocks.learn(train.inputs, 20)

    for name in NAMES:
        rows = blocks.features((name,), train.inputs).parts[0]
        assert np.sqrt(np.square(rows).sum(axis=1).mean()) == pytest.approx(1, abs=1e-4)


def test_the_units_of_a_modality_do_not_change_its_predictions() -> None:
    small, large = learn(preset()), learn(preset(), unit=1000.0)

    for name, one in small.items():
        assert one.facts == large[name].facts
        np.testing.assert_allclose(
            one.evaluations["test"].probabilities,
            large[name].evaluations["test"].probabilities,
            atol=2e-3,
        )


def test_a_length_alone_is_a_penalty_said_otherwise() -> None:
    longer = learn(preset(penalties=(0.4,), lengths=(2.0,)))
    weaker = learn(preset(penalties=(0.1,), lengths=(1.0,)))

    for name in NAMES:
        np.testing.assert_allclose(
            longer[name].evaluations["test"].probabilities,
            weaker[name].evaluations["test"].probabilities,
            atol=1e-5,
        )


def test_validation_chooses_the_length_and_says_which() -> None:
    lengths = (0.01, 1.0)
    found = learn(preset(lengths=lengths))
    each = {length: learn(preset(lengths=(length,))) for length in lengths}

    chosen = float(found["audio"].facts["length"])
    assert chosen == 1.0
    np.testing.assert_array_equal(
        found["audio"].validation.probabilities.argmax(axis=1),
        each[chosen]["audio"].validation.probabilities.argmax(axis=1),
    )


def test_machines_are_told_validation_loss_and_f1(capsys: pytest.CaptureFixture[str]) -> None:
    train, held_out = fold(0), fold(1)
    with meter("train", 3, unit="system", mode=ProgressMode.JSON) as done:
        tier = LiteTier(preset(), NAMES)
        tier.learn(tier.systems, train, held_out, {}, seed=2, meter=done)

    told = capsys.readouterr().err
    assert re.search(r"seed 2, concatenation, validation loss [\d.]+, macro-F1 0\.\d+", told)
