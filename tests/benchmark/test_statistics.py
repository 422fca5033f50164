"""The whole chain on data whose right answer is known, with features in place of raw inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import Examples
from artcurate.benchmark.presets import LitePreset, load_preset
from artcurate.benchmark.run import evaluate
from artcurate.benchmark.scores import Scores
from artcurate.benchmark.task import Labels, Modality
from artcurate.package.lock import Lock

CLASSES = ("calm", "glad", "sad")
LOCK = Lock("none", "0", "none", "0", (), {}, {}, ())
GROUPS = 300
PER_GROUP = 4


def preset(**changes: object) -> LitePreset:
    loaded = load_preset("lite")
    assert isinstance(loaded, LitePreset)
    return loaded.model_copy(update={"seeds": 2, "resamples": 1000, "draws": 3, **changes})


def made(seed: int = 0, *, noise: float = 1.2) -> Examples:
    """Text and picture are noisy, independent given the label; groups share picture and label."""
    generator = np.random.default_rng(seed)
    of_group = generator.integers(0, 3, GROUPS)
    group = np.repeat(np.arange(GROUPS), PER_GROUP)
    truth = of_group[group]
    code = np.eye(3)
    text = code[truth] + noise * 0.6 * generator.normal(size=(len(truth), 3))
    image = code[of_group] + noise * 0.6 * generator.normal(size=(GROUPS, 3))
    splits = np.array(["train", "train", "validation", "test"])[np.arange(GROUPS) % 4][group]
    blank = np.zeros((1, 3))
    return Examples(
        schema="made",
        lock=LOCK,
        ids=np.array([f"example-{place}" for place in range(len(truth))]),
        splits=splits,
        labels=Labels(CLASSES, truth, np.eye(3, dtype=np.float32)[truth]),
        inputs={
            "text": Modality(np.vstack([text, blank]).astype(np.float32), np.arange(len(truth))),
            "image": Modality(np.vstack([image, blank]).astype(np.float32), group),
        },
        clusters={"painting": group},
        attributes={"language": np.where(np.arange(len(truth)) % 2 == 0, "arabic", "english")},
        votes=np.zeros((0, 3), dtype=np.float32),
        draws=None,
        by_label_only=True,
    )


def scored(examples: Examples, **changes: object) -> Scores:
    controls = frozenset(Control) - {Control.OVERLAP}
    return evaluate(examples, preset(**changes), preset_name="lite", controls=controls).scores


@pytest.fixture(scope="module")
def scores() -> Scores:
    return scored(made())


def macro_f1(scores: Scores, name: str) -> float:
    return scores.system(name).macro_f1.mean


def control(scores: Scores, name: Control, system: str, case: str = ""):
    return next(
        one
        for one in scores.controls
        if (one.control, one.system, one.case) == (name, system, case)
    )


def codes(scores: Scores) -> set[str]:
    return {alarm.code for alarm in scores.alarms}


def test_fusion_is_above_both_and_its_interval_says_so(scores: Scores) -> None:
    for pair in scores.pairs:
        if pair.second in ("text", "image") and pair.first == "concatenation":
            assert pair.macro_f1.low > 0
            assert pair.macro_f1.p <= pair.holm


def test_the_product_predicts_fusion_of_modalities_that_share_the_label_only(
    scores: Scores,
) -> None:
    pair = next(
        one
        for one in scores.pairs
        if (one.first, one.second) == ("concatenation", "product_of_experts")
    )

    assert pair.macro_f1.low <= 0 <= pair.macro_f1.high
    assert abs(pair.macro_f1.mean) < 0.03
    assert "joined_by_label" in codes(scores)
    assert "pairs_not_independent" not in codes(scores)


def test_redrawing_pictures_within_the_label_changes_nothing(scores: Scores) -> None:
    found = control(scores, Control.PAIRS_REDRAWN, "concatenation")

    assert found.change.low <= 0.02
    assert abs(found.change.mean) < 0.04
    assert "redrawing_changes_scores" not in codes(scores)


def test_shuffled_pairs_take_the_pictures_help_away(scores: Scores) -> None:
    assert control(scores, Control.PAIRS_SHUFFLED, "image").macro_f1.mean == pytest.approx(
        1 / 3, abs=0.06
    )
    assert control(scores, Control.PAIRS_SHUFFLED, "concatenation").change.high < 0
    assert control(scores, Control.PAIRS_SHUFFLED, "text").change.mean == pytest.approx(0)


def test_a_removed_modality_leaves_the_other(scores: Scores) -> None:
    left = control(scores, Control.MODALITY_REMOVED, "concatenation", "text_removed")

    assert left.macro_f1.mean == pytest.approx(macro_f1(scores, "image"), abs=0.12)
    assert left.change.high < 0


def test_shuffled_labels_are_at_chance(scores: Scores) -> None:
    for system in ("text", "image", "concatenation"):
        found = control(scores, Control.LABELS_SHUFFLED, system)
        assert found.draws == 5
        assert found.macro_f1.mean < 0.42
    assert "shuffled_labels_above_chance" not in codes(scores)


def test_attributes_that_say_nothing_are_at_chance(scores: Scores) -> None:
    found = control(scores, Control.ATTRIBUTES, "attributes", "language")

    assert found.change.low <= 0 <= found.change.high


def test_cells_and_transfer_cover_every_language_and_system(scores: Scores) -> None:
    systems = {one.name for one in scores.systems}

    assert {(one.value, one.system) for one in scores.cells} == {
        (value, system) for value in ("arabic", "english") for system in systems
    }
    assert {(one.trained_on, one.tested_on) for one in scores.transfer} == {
        ((first,), second) for first in ("arabic", "english") for second in ("arabic", "english")
    }


def test_the_same_examples_give_the_same_scores(scores: Scores) -> None:
    again = scored(made())

    assert again.pairs == scores.pairs
    assert again.controls == scores.controls


def test_calibrated_probabilities_do_not_lose_to_uncalibrated_ones(scores: Scores) -> None:
    for system in scores.systems:
        assert system.nll.mean <= system.uncalibrated.nll + 0.03


def test_a_label_in_the_text_is_an_alarm() -> None:
    examples = made()
    truth = examples.labels.index
    leaking = np.vstack([np.eye(3)[truth], np.zeros((1, 3))]).astype(np.float32)
    inputs = {**examples.inputs, "text": Modality(leaking, np.arange(len(truth)))}

    assert "class_too_easy" in codes(scored(replace(examples, inputs=inputs), seeds=1))


def test_pairs_that_hang_together_beyond_the_label_are_an_alarm() -> None:
    # The picture is right exactly where the text is wrong: only pairs as they are tell that.
    examples = made()
    truth = examples.labels.index
    generator = np.random.default_rng(5)
    lucky = generator.random(GROUPS) < 0.5
    group = examples.clusters["painting"]
    other = (truth + generator.integers(1, 3, len(truth))) % 3
    text = np.eye(3)[np.where(lucky[group], truth, other)]
    of_group = truth[::PER_GROUP]
    picture = np.hstack(
        [np.eye(3)[of_group] * ~lucky[:, None], np.zeros((GROUPS, 3)), lucky[:, None] * 1.0]
    )
    inputs = {
        "text": Modality(
            np.vstack([text, np.zeros((1, 3))]).astype(np.float32), np.arange(len(truth))
        ),
        "image": Modality(np.vstack([picture, np.zeros((1, 7))]).astype(np.float32), group),
    }

    found = scored(replace(examples, inputs=inputs), seeds=1)

    assert "redrawing_changes_scores" in codes(found)


def test_soft_targets_are_learned_and_scored() -> None:
    examples = made()
    generator = np.random.default_rng(1)
    blurred = 0.6 * examples.labels.soft + 0.4 * generator.dirichlet(np.ones(3), len(examples))
    labels = Labels(CLASSES, examples.labels.index, blurred.astype(np.float32))
    soft = replace(examples, labels=labels)

    by_label = scored(soft, seeds=1, targets="hard").system("concatenation")
    by_votes = scored(soft, seeds=1, targets="soft").system("concatenation")

    assert by_votes.soft_kl.mean < by_label.soft_kl.mean - 0.02
    assert by_votes.soft_brier.mean < by_label.soft_brier.mean
    assert by_votes.macro_f1.mean == pytest.approx(by_label.macro_f1.mean, abs=0.05)


def test_a_third_modality_joins_the_fusion() -> None:
    examples = made()
    audio = Modality(
        np.vstack(
            [
                np.eye(3)[examples.labels.index]
                + np.random.default_rng(9).normal(size=(len(examples), 3)),
                np.zeros((1, 3)),
            ]
        ).astype(np.float32),
        np.arange(len(examples)),
    )
    found = scored(replace(examples, inputs={**examples.inputs, "audio": audio}), seeds=1)

    assert found.system("concatenation").modalities == ("text", "image", "audio")
    assert macro_f1(found, "concatenation") > macro_f1(scored(examples, seeds=1), "concatenation")


def test_rare_classes_are_named() -> None:
    examples = made()
    test = examples.rows("test")
    sad = test[examples.labels.index[test] == 2]
    gone = np.zeros(len(examples), dtype=bool)
    gone[sad[1:]] = True
    found = scored(examples.without(gone), seeds=1)

    assert any("test has one example of sad" in alarm.text for alarm in found.alarms)
