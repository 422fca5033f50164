from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from artcurate.benchmark.dataset import read_examples
from artcurate.benchmark.overlap import find_overlap
from artcurate.benchmark.task import Modality


def test_a_leak_free_dataset_shares_neither_paintings_nor_pictures(artelingo: Path) -> None:
    examples = read_examples(artelingo)

    found = find_overlap(examples)

    assert found.examples == len(examples.rows("test"))
    assert found.clusters == {"painting": 0}
    assert found.pictures == found.near_pictures == 0


def test_a_split_by_rows_shares_everything(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    names = np.array(["train", "train", "validation", "test"])
    by_row = replace(examples, splits=names[np.arange(len(examples)) % 4])

    found = find_overlap(by_row)

    assert found.clusters["painting"] > 0.9 * found.examples
    assert found.pictures > 0.9 * found.examples


def test_a_text_counts_whatever_its_letter_case_and_spaces(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    text = examples.inputs["text"]
    place = examples.rows("test")[0]
    copied = str(text.values[text.index[place]]).upper().replace(" ", "  ")
    values = (*text.values, copied)
    index = text.index.copy()
    index[examples.rows("train")[0]] = len(values) - 1
    before = find_overlap(examples).texts

    leaking = replace(examples, inputs={**examples.inputs, "text": Modality(values, index)})

    assert find_overlap(leaking).texts >= max(before, 1)
