from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from artcurate.benchmark.devices import Precision  # noqa: E402
from artcurate.benchmark.frozen import head_options  # noqa: E402
from artcurate.benchmark.heads import HEADS  # noqa: E402
from artcurate.benchmark.metrics import macro_f1_of  # noqa: E402
from artcurate.benchmark.task import Fold, Labels, Modality, Trained  # noqa: E402
from artcurate.benchmark.train_heads import Budget, HeadSystem, train_heads  # noqa: E402
from artcurate.errors import DataError  # noqa: E402
from artcurate.progress import ProgressMode, meter  # noqa: E402

BOTH = ("text", "image")


def _fold(text: np.ndarray, image: np.ndarray, truth: np.ndarray, classes: int = 2) -> Fold:
    every = np.arange(len(truth))
    return Fold(
        {
            "text": Modality(text.astype(np.float32), every),
            "image": Modality(image.astype(np.float32), every),
        },
        Labels(
            tuple(f"class {number}" for number in range(classes)),
            truth.astype(np.int64),
            np.eye(classes, dtype=np.float32)[truth],
        ),
        every,
    )


def _xor(n: int, seed: int, width: int = 8) -> Fold:
    """Each modality shows one fair bit; the label is whether they differ."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (2, n))
    directions = np.random.default_rng(0).normal(size=(2, width))
    signals = [
        (2 * bit - 1)[:, None] * direction + 0.3 * random.normal(size=(n, width))
        for bit, direction in zip(bits, directions, strict=True)
    ]
    return _fold(signals[0], signals[1], bits[0] ^ bits[1])


def _train(
    names: Sequence[str], train: Fold, validation: Fold, test: Fold, **options: Any
) -> dict[str, Trained]:
    systems = [
        HeadSystem(name, "unimodal", (name,), head_options("unimodal", (32,)))
        if name in BOTH
        else HeadSystem(name, name, BOTH, head_options(name, (32,)))
        for name in names
    ]
    budget = options.pop("budget", Budget(batch_size=64, epochs=30, patience=8))
    options = {"seed": 0, "precision": Precision.FLOAT32, "budget": budget} | options
    with meter("heads", len(systems), unit="head", mode=ProgressMode.QUIET) as counter:
        return train_heads(
            systems,
            train,
            validation,
            {"test": test.inputs},
            device=torch.device("cpu"),
            meter=counter,
            **options,
        )


def test_only_joint_fusions_decode_what_neither_modality_shows() -> None:
    folds = [_xor(800, 1), _xor(200, 2), _xor(500, 3)]
    joint = [name for name, kind in HEADS.items() if kind.least > 1 and not kind.decides]
    budget = Budget(batch_size=64, epochs=15, patience=6, learning_rates=(3e-3,))
    trained = _train(["text", "image", "late", *joint], *folds, budget=budget)
    scores = {
        name: macro_f1_of(one.evaluations["test"].probabilities, folds[2].labels)
        for name, one in trained.items()
    }
    assert all(scores[name] > 0.95 for name in joint), scores
    assert all(scores[name] < 0.65 for name in ("text", "image", "late")), scores


def test_the_same_seed_gives_the_same_and_another_seed_another_result() -> None:
    folds = [_xor(300, 1), _xor(100, 2), _xor(100, 3)]
    first, again, other = (
        _train(["concatenation"], *folds, seed=seed)["concatenation"] for seed in (1, 1, 2)
    )
    probabilities = first.evaluations["test"].probabilities
    np.testing.assert_array_equal(probabilities, again.evaluations["test"].probabilities)
    assert not np.array_equal(probabilities, other.evaluations["test"].probabilities)


def test_a_result_does_not_depend_on_which_others_are_trained_beside_it() -> None:
    folds = [_xor(300, 1), _xor(100, 2), _xor(100, 3)]
    alone = _train(["embracenet"], *folds)["embracenet"]
    among = _train(["text", "gated_unit", "embracenet"], *folds)["embracenet"]
    np.testing.assert_allclose(
        alone.evaluations["test"].probabilities,
        among.evaluations["test"].probabilities,
        atol=1e-6,
    )


def test_examples_that_share_an_input_equal_examples_with_copies() -> None:
    train, validation, test = _xor(300, 1), _xor(100, 2), _xor(100, 3)
    order = np.random.default_rng(0).permutation(100)
    shared = Fold(
        {
            name: Modality(modality.values[order], np.argsort(order))
            for name, modality in test.inputs.items()
        },
        test.labels,
        test.groups,
    )
    plain, by_index = (
        _train(["concatenation"], train, validation, one)["concatenation"] for one in (test, shared)
    )
    np.testing.assert_allclose(
        plain.evaluations["test"].probabilities,
        by_index.evaluations["test"].probabilities,
        atol=1e-6,
    )


def test_soft_targets_are_learned_as_distributions() -> None:
    # One and the same input voted 70:30: the best answer is exactly that distribution.
    ones = np.ones((400, 3))
    fold = _fold(ones, ones, np.zeros(400, np.int64))
    labels = Labels(
        fold.labels.names, fold.labels.index, np.tile([[0.7, 0.3]], (400, 1)).astype(np.float32)
    )
    fold = Fold(fold.inputs, labels, fold.groups)
    budget = Budget(batch_size=100, epochs=100, patience=100, learning_rates=(1e-2,))
    soft = _train(["text"], fold, fold, fold, budget=budget)["text"]
    np.testing.assert_allclose(soft.validation.probabilities, labels.soft, atol=0.02)
    hard = _train(["text"], fold, fold, fold, budget=budget, soft_targets=False)["text"]
    assert hard.validation.probabilities[:, 0].min() > 0.95


def test_a_class_without_training_examples_stays_possible() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    signal = np.eye(2)[truth] * 20
    fold = _fold(signal, signal, truth, classes=3)
    trained = _train(["text", "concatenation"], fold, fold, fold)
    for one in trained.values():
        assert (one.validation.probabilities > 0).all()
        np.testing.assert_allclose(one.validation.probabilities.sum(1), 1, rtol=1e-5)


def test_validation_chooses_the_learning_rate() -> None:
    folds = [_xor(600, 1), _xor(200, 2), _xor(200, 3)]
    budget = Budget(batch_size=64, epochs=10, patience=10, learning_rates=(1e-7, 3e-3))
    trained = _train(["concatenation"], *folds, budget=budget)["concatenation"]
    assert trained.facts["learning_rate"] == 3e-3


def test_features_that_are_not_finite_are_named() -> None:
    fold = _xor(50, 1)
    fold.inputs["image"].values[3, 2] = np.nan
    with pytest.raises(DataError, match=r"modality image.*not finite"):
        _train(["concatenation"], fold, fold, fold)


def test_a_loss_that_is_not_finite_stops_with_the_way_out() -> None:
    fold = _xor(64, 1)
    budget = Budget(batch_size=8, epochs=30, learning_rates=(1e30,))
    with pytest.raises(DataError, match=r"loss is not finite in epoch \d+ at learning rate 1e\+30"):
        _train(["concatenation"], fold, fold, fold, budget=budget)


def test_nothing_to_train_on() -> None:
    fold = _xor(10, 1)
    empty = fold.take(np.zeros(0, np.int64))
    with pytest.raises(DataError, match="examples to train on"):
        _train(["text"], empty, fold, fold)


def test_precomputed_sequences_are_averaged_over_what_is_not_padding() -> None:
    fold = _xor(300, 1)
    padded = {
        name: Modality(
            np.stack([modality.values, np.zeros_like(modality.values)], axis=1), modality.index
        )
        for name, modality in fold.inputs.items()
    }
    sequences = Fold(padded, fold.labels, fold.groups)
    flat = _train(["concatenation"], fold, fold, fold)["concatenation"]
    long = _train(["concatenation"], sequences, sequences, sequences)["concatenation"]
    np.testing.assert_allclose(
        flat.validation.probabilities, long.validation.probabilities, atol=1e-3
    )


def test_global_randomness_is_left_alone() -> None:
    fold = _xor(50, 1)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    _train(["embracenet"], fold, fold, fold)
    assert torch.equal(torch.rand(3), expected)


def test_machines_are_told_loss_and_validation_f1(capsys: pytest.CaptureFixture[str]) -> None:
    train, held_out = _xor(60, 1), _xor(30, 2)
    systems = [HeadSystem("text", "unimodal", ("text",), head_options("unimodal", (4,)))]
    with meter("heads", 1, unit="head", mode=ProgressMode.JSON) as counter:
        train_heads(
            systems, train, held_out, {}, seed=3, device=torch.device("cpu"), meter=counter,
            budget=Budget(epochs=2, patience=2), precision=Precision.FLOAT32,
        )  # fmt: skip
    told = capsys.readouterr().err
    assert re.search(r"seed 3, epoch 2 of 2, loss [\d.]+, best validation macro-F1 [\d.]+", told)
