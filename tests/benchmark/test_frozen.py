from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from artcurate.benchmark.controls import shuffled_labels  # noqa: E402
from artcurate.benchmark.devices import Precision  # noqa: E402
from artcurate.benchmark.frozen import FrozenTier, head_options, learned_heads  # noqa: E402
from artcurate.benchmark.heads import HEADS, Shape, build_head  # noqa: E402
from artcurate.benchmark.metrics import macro_f1_of  # noqa: E402
from artcurate.benchmark.presets import (  # noqa: E402
    EncoderChoice,
    FrozenPreset,
    LitePreset,
    load_preset,
)
from artcurate.benchmark.side_by_side import SharedMeter, in_threads  # noqa: E402
from artcurate.benchmark.task import Fold, Labels, Modality, Role, System  # noqa: E402
from artcurate.errors import UsageError  # noqa: E402
from artcurate.progress import ProgressMode, meter  # noqa: E402

CPU = torch.device("cpu")


def _preset(encoders: Callable[[str], Path], *heads: str) -> FrozenPreset:
    return FrozenPreset(
        title="tiny",
        source="the tests",
        tier="frozen",
        text=EncoderChoice(id=str(encoders("bert")), pooling="mean"),
        image=EncoderChoice(id=str(encoders("vit")), pooling="pooler"),
        heads=heads,
        hidden=16,
        learning_rates=(1e-2,),
        batch_size=32,
        epochs=20,
        patience=5,
    )


def test_from_raw_inputs_to_predictions_with_a_third_modality(
    encoders: Callable[[str], Path],
    draw_pictures: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path))
    names = ("text", "image", "audio")
    preset = _preset(encoders, "concatenation", "late", "gated_unit")
    tier = FrozenTier(preset, names, device=CPU, precision=Precision.FLOAT32)
    texts = ["the happy man smiles", "the sad child weeps", "happy sky", "sad river"]
    raw = {
        "text": texts,
        "image": draw_pictures(3, broken=[2]),
        "audio": np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32),
    }
    features = {}
    for name, values in raw.items():
        with meter(name, 1, unit="input", mode=ProgressMode.QUIET) as counter:
            features[name] = tier.encode(name, values, counter)
    assert features["image"].faults == {2: "The image data ends early."}
    assert features["text"].facts["processor"]
    assert features["text"].facts["revision"] == "local"
    assert features["text"].values.shape == (4, 32)
    assert features["audio"].values is raw["audio"]

    random = np.random.default_rng(1)
    places = random.integers(0, 4, 200)
    truth = (places % 2).astype(np.int64)
    inputs = {
        "text": Modality(features["text"].values, places),
        "image": Modality(features["image"].values, random.integers(0, 2, 200)),
        "audio": Modality(features["audio"].values, random.integers(0, 5, 200)),
    }
    labels = Labels(("happy", "sad"), truth, np.eye(2, dtype=np.float32)[truth])
    fold = Fold(inputs, labels, np.arange(200))
    with meter("learn", 5, unit="system", mode=ProgressMode.QUIET) as counter:
        trained = tier.learn(tier.systems, fold, fold, {"test": inputs}, seed=0, meter=counter)
    assert [(one.name, one.role) for one in tier.systems] == [
        ("text", Role.UNIMODAL),
        ("image", Role.UNIMODAL),
        ("audio", Role.UNIMODAL),
        ("concatenation", Role.FUSION),
        ("gated_unit", Role.FUSION),
    ]
    assert list(trained) == [one.name for one in tier.systems]
    scores = {
        name: macro_f1_of(one.evaluations["test"].probabilities, labels)
        for name, one in trained.items()
    }
    assert scores["text"] == scores["concatenation"] == scores["gated_unit"] == 1.0
    assert scores["audio"] < 0.8


def test_one_modality_has_no_fusion(encoders: Callable[[str], Path]) -> None:
    tier = FrozenTier(_preset(encoders, "concatenation"), ("text",), device=CPU)
    assert [one.name for one in tier.systems] == ["text"]


def test_an_unknown_fusion_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'concatenation'"):
        learned_heads(["concatenate"])
    with pytest.raises(UsageError, match="no fusion head 'unimodal'"):
        learned_heads(["unimodal"])


@pytest.mark.parametrize("name", sorted(HEADS))
@pytest.mark.parametrize("hidden", [(), (24,), (24, 12)])
def test_every_head_takes_every_budget(name: str, hidden: tuple[int, ...]) -> None:
    widths = (6,) if name == "unimodal" else (6, 6)
    options = head_options(name, hidden, dropout=0.0, batch_norm=True, latent=None)
    head = build_head(name, Shape(widths, torch.tensor([0.5, 0.5])), options)
    assert sum(one.numel() for one in head.parameters()) > 0


@pytest.mark.parametrize("name", ["frozen", "mvip2024", "vl-ke-t5"])
def test_a_bundled_preset_names_heads_that_can_be_built_as_it_says(name: str) -> None:
    preset = load_preset(name)
    assert not isinstance(preset, LitePreset)
    assert preset.deviations
    hidden = (preset.hidden,) if isinstance(preset, FrozenPreset) else preset.hidden
    for head in learned_heads(preset.heads):
        shape = Shape((768, 2048), torch.full((9,), 1 / 9))
        build_head(head, shape, head_options(head, hidden))


def test_trainings_side_by_side_are_those_of_one_after_another(
    encoders: Callable[[str], Path],
) -> None:
    """Seeds and shuffled labels in threads give the very numbers that they give alone."""
    random = np.random.default_rng(0)
    preset = _preset(encoders, "embracenet", "cross_attention")
    tier = FrozenTier(preset, ("one", "two"), device=CPU)
    truth = random.integers(0, 2, 300)
    inputs = {
        name: Modality(
            (random.normal(size=(300, 6)) + truth[:, None]).astype(np.float32), np.arange(300)
        )
        for name in ("one", "two")
    }
    labels = Labels(("happy", "sad"), truth, np.eye(2, dtype=np.float32)[truth])
    fold = Fold(inputs, labels, np.arange(300))
    folds = [fold, shuffled_labels(fold, seed=1), fold]
    with meter("learn", 24, unit="system", mode=ProgressMode.QUIET) as counter:
        shared = SharedMeter(counter)

        def learn(part: tuple[int, Sequence[System]]) -> dict[str, np.ndarray]:
            seed, share = part
            trained = tier.learn(
                share, folds[seed], fold, {"test": inputs}, seed=seed, meter=shared
            )
            return {name: one.evaluations["test"].probabilities for name, one in trained.items()}

        parts = [(seed, share) for seed in range(3) for share in tier.shares]
        with tier.side_by_side():
            together = list(in_threads(learn, parts, 4, shared))
            apart = [learn((seed, tier.systems)) for seed in range(3)]
    for (seed, share), one in zip(parts, together, strict=True):
        assert one.keys() == {system.name for system in share}
        for name, probabilities in one.items():
            np.testing.assert_array_equal(probabilities, apart[seed][name])
    assert not np.array_equal(apart[0]["one"], apart[2]["one"])


def test_what_takes_longest_is_learned_first_and_nothing_twice(
    encoders: Callable[[str], Path],
) -> None:
    preset = _preset(encoders, "concatenation", "cross_modal_transformer")
    tier = FrozenTier(preset, ("one", "two"), device=CPU)
    assert [[one.name for one in share] for share in tier.shares] == [
        ["cross_modal_transformer"],
        ["concatenation", "one", "two"],
    ]
    shared_out = [system for share in tier.shares for system in share]
    assert sorted(shared_out, key=tier.systems.index) == tier.systems
