from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from artcurate.benchmark import finetune as module  # noqa: E402
from artcurate.benchmark.devices import Precision  # noqa: E402
from artcurate.benchmark.finetune import FinetuneTier  # noqa: E402
from artcurate.benchmark.metrics import macro_f1_of  # noqa: E402
from artcurate.benchmark.presets import EncoderChoice, FinetunePreset  # noqa: E402
from artcurate.benchmark.task import Fold, Labels, Modality, Trained  # noqa: E402
from artcurate.progress import ProgressMode, meter  # noqa: E402

NAMES = ("text", "image", "audio")


def _tier(encoders: Callable[[str], Path], workspace: Path, **changes: Any) -> FinetuneTier:
    preset = FinetunePreset(
        **{
            "title": "tiny",
            "source": "the tests",
            "tier": "finetune",
            "text": EncoderChoice(id=str(encoders("bert")), pooling="cls"),
            "image": EncoderChoice(id=str(encoders("vit")), pooling="pooler"),
            "heads": ("linear_combination", "cross_attention"),
            "hidden": (16,),
            "latent": 16,
            "learning_rate": 3e-3,
            "head_learning_rate": 1e-2,
            "batch_size": 16,
            "micro_batch": 8,
            "epochs": 10,
            "patience": 10,
        }
        | changes
    )
    return FinetuneTier(
        preset,
        NAMES,
        device=torch.device("cpu"),
        workspace=workspace,
        precision=Precision.FLOAT32,
    )


def _fold(pictures: Any, seed: int, count: int = 48) -> Fold:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    texts = ["the happy man smiles", "the sad child weeps", "happy sky", "sad river"]
    inputs = {
        "text": Modality(texts, truth + 2 * random.integers(0, 2, count)),
        "image": Modality(pictures, random.integers(0, len(pictures), count)),
        "audio": Modality(
            random.normal(size=(count, 5)).astype(np.float32) * 100 + 7, np.arange(count)
        ),
    }
    labels = Labels(("happy", "sad"), truth, np.eye(2, dtype=np.float32)[truth])
    return Fold(inputs, labels, np.arange(count))


def _learn(tier: FinetuneTier, folds: tuple[Fold, Fold]) -> dict[str, Trained]:
    with meter("learn", 5, unit="system", mode=ProgressMode.QUIET) as counter:
        return tier.learn(tier.systems, *folds, {"test": folds[1].inputs}, seed=0, meter=counter)


@pytest.mark.parametrize("sequences", [False, True])
def test_every_system_is_trained_and_a_finished_one_is_not_trained_again(
    encoders: Callable[[str], Path],
    draw_pictures: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sequences: bool,
) -> None:
    tier = _tier(encoders, tmp_path, sequences=sequences)
    pictures = draw_pictures(3)
    folds = _fold(pictures, 0), _fold(pictures, 1, 20)
    trained = _learn(tier, folds)
    assert list(trained) == [*NAMES, "linear_combination", "cross_attention"]
    assert list(trained) == [one.name for one in tier.systems]
    for name in ("text", "linear_combination"):
        assert macro_f1_of(trained[name].evaluations["test"].probabilities, folds[1].labels) == 1.0
    assert {path.name for path in tmp_path.rglob("*.safetensors")} == {"result.safetensors"}

    monkeypatch.setattr(module.Trainer, "fit", lambda *_, **__: pytest.fail("trained again"))
    again = _learn(tier, folds)
    for name, one in trained.items():
        np.testing.assert_array_equal(
            again[name].evaluations["test"].probabilities, one.evaluations["test"].probabilities
        )
        assert again[name].facts == one.facts


def test_a_terminal_sees_loss_and_validation_f1_and_a_file_sees_nothing(
    encoders: Callable[[str], Path], draw_pictures: Callable[..., Any], tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    pictures = draw_pictures(3)
    folds = _fold(pictures, 0), _fold(pictures, 1, 20)
    for number, stream in enumerate((Terminal(), io.StringIO())):
        tier = _tier(encoders, tmp_path / str(number), heads=(), epochs=2)
        with redirect_stderr(stream), meter("train", 3, unit="system") as counter:
            tier.learn(tier.systems, *folds, {}, seed=0, meter=counter)
        shown = stream.getvalue()
        found = re.search(r"seed 0, epoch 2 of 2, loss \d\.\d+, best validation macro-F1 \d", shown)
        assert (found is not None) == stream.isatty()
        assert bool(shown) == stream.isatty()


def test_other_labels_are_another_training(
    encoders: Callable[[str], Path], draw_pictures: Callable[..., Any], tmp_path: Path
) -> None:
    tier = _tier(encoders, tmp_path, heads=(), epochs=1)
    pictures = draw_pictures(3)
    folds = _fold(pictures, 0), _fold(pictures, 1, 20)
    _learn(tier, folds)
    order = np.random.default_rng(0).permutation(len(folds[0]))
    shuffled = Fold(folds[0].inputs, folds[0].labels.take(order), folds[0].groups)
    _learn(tier, (shuffled, folds[1]))
    assert len(list(tmp_path.iterdir())) == 6


def test_the_published_recipes_train_with_batch_norm_and_with_a_bare_classifier(
    encoders: Callable[[str], Path], draw_pictures: Callable[..., Any], tmp_path: Path
) -> None:
    pictures = draw_pictures(3)
    # 33 examples: the last one alone would have no variance to normalise by.
    folds = _fold(pictures, 0, 33), _fold(pictures, 1, 20)
    mvip = _tier(
        encoders, tmp_path, heads=("linear_combination",), batch_norm=True, dropout=0.5,
        hidden=(16, 8), epochs=1,
    )  # fmt: skip
    korean = _tier(
        encoders, tmp_path, heads=("concatenation",), hidden=(), epochs=1,
        text=EncoderChoice(id=str(encoders("t5")), pooling="masked_sum_sqrt"),
    )  # fmt: skip
    for tier in (mvip, korean):
        for one in _learn(tier, folds).values():
            np.testing.assert_allclose(one.validation.probabilities.sum(1), 1, rtol=1e-5)


def test_unreadable_pictures_are_found_before_the_training(
    encoders: Callable[[str], Path], draw_pictures: Callable[..., Any], tmp_path: Path
) -> None:
    tier = _tier(encoders, tmp_path)
    with meter("encode", 5, unit="picture", mode=ProgressMode.QUIET) as counter:
        encoded = tier.encode("image", draw_pictures(5, broken=[3]), counter)
    assert encoded.faults == {3: "The image data ends early."}
