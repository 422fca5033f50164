from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artcurate.benchmark.controls import Control, broken_views, parse_controls, shuffled_labels
from artcurate.benchmark.dataset import Examples, read_examples
from artcurate.errors import UsageError


def views(examples: Examples, control: Control) -> dict:
    rows = examples.rows("test")
    return broken_views(examples, rows, [control], draws=4, seed=0)[control]


def test_shuffled_pairs_keep_texts_and_the_same_pictures(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    rows = examples.rows("test")

    found = views(examples, Control.PAIRS_SHUFFLED)

    assert len(found) == 4
    own = examples.inputs["image"].index[rows]
    for view in found.values():
        assert np.array_equal(view["text"].index, examples.inputs["text"].index[rows])
        assert sorted(view["image"].index) == sorted(own)
    assert any(not np.array_equal(view["image"].index, own) for view in found.values())


def test_redrawn_pairs_stay_within_label_and_language(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    rows = examples.rows("test")
    cells = [
        f"{label} {language}"
        for label, language in zip(
            examples.labels.index[rows], examples.attributes["language"][rows], strict=True
        )
    ]
    own = examples.inputs["image"].index[rows]

    for view in views(examples, Control.PAIRS_REDRAWN).values():
        for cell in set(cells):
            mine = [place for place, one in enumerate(cells) if one == cell]
            assert sorted(view["image"].index[mine]) == sorted(own[mine])


def test_the_datasets_own_draws_are_used_where_it_has_some(korean: Path) -> None:
    examples = read_examples(korean)
    rows = examples.rows("test")
    assert examples.draws is not None

    found = views(examples, Control.PAIRS_REDRAWN)

    assert len(found) == 3
    picture = examples.inputs["image"].index
    for draw, view in zip(examples.draws, found.values(), strict=True):
        expected = [
            picture[one if one >= 0 else row] for row, one in zip(rows, draw[rows], strict=True)
        ]
        assert view["image"].index.tolist() == expected


def test_a_removed_modality_is_the_last_input(artelingo: Path) -> None:
    examples = read_examples(artelingo)

    found = views(examples, Control.MODALITY_REMOVED)

    text = found["text_removed"]["text"]
    assert {text.values[place] for place in text.index} == {""}
    image = found["image_removed"]["image"]
    assert set(image.index) == {len(image.values) - 1}
    assert np.array_equal(found["image_removed"]["text"].index, text.index) is False


def test_shuffled_labels_keep_their_counts_and_lose_their_places(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    fold = examples.fold(examples.rows("train"))

    shuffled = shuffled_labels(fold, seed=0)

    assert sorted(shuffled.labels.index) == sorted(fold.labels.index)
    assert not np.array_equal(shuffled.labels.index, fold.labels.index)
    assert shuffled.inputs is fold.inputs
    again = shuffled_labels(fold, seed=0)
    assert np.array_equal(again.labels.index, shuffled.labels.index)


def test_a_dataset_without_pictures_has_no_pairs_to_break(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    alone = replace(examples, inputs={"text": examples.inputs["text"]})

    found = broken_views(alone, alone.rows("test"), list(Control), draws=2, seed=0)

    assert set(found) == {Control.MODALITY_REMOVED}


def test_names_of_controls() -> None:
    assert parse_controls("all") == frozenset(Control)
    assert parse_controls("none") == frozenset()
    assert parse_controls("overlap, transfer") == {Control.OVERLAP, Control.TRANSFER}
    with pytest.raises(UsageError, match="did you mean 'overlap'"):
        parse_controls("overlpa")
