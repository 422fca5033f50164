from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from artcurate.benchmark.dataset import Examples, read_examples
from artcurate.benchmark.features_file import with_features
from artcurate.errors import DataError, UsageError


@pytest.fixture
def examples(artelingo: Path) -> Examples:
    return read_examples(artelingo)


def write(path: Path, ids: list[str], features: list[list[float] | None]) -> Path:
    pl.DataFrame({"id": ids, "features": features}).write_parquet(path)
    return path


def test_rows_are_found_by_id_whatever_their_order(examples: Examples, tmp_path: Path) -> None:
    ids = examples.ids.tolist()[::-1]
    file = write(tmp_path / "eeg.parquet", ids, [[float(n), -1.0] for n in range(len(ids))])

    eeg = with_features(examples, {"eeg": file}).inputs["eeg"]

    expected = np.arange(len(ids))[::-1]
    assert np.array_equal(eeg.values[eeg.index][:, 0], expected)
    assert not eeg.values[-1].any()


def test_what_cannot_be_used_is_named(examples: Examples, tmp_path: Path) -> None:
    ids = examples.ids.tolist()
    ones = [[1.0]] * len(ids)
    cases = {
        f"1 of {len(ids):,} examples have no features, the first is {ids[-1]}": (
            ids[:-1],
            ones[:-1],
        ),
        "lists of one length": (ids, [*ones[:-1], [1.0, 2.0]]),
        "NaN": (ids, [*ones[:-1], [float("nan")]]),
        "stands twice": ([*ids, ids[0]], [*ones, [1.0]]),
    }
    for sentence, (names, values) in cases.items():
        file = write(tmp_path / "eeg.parquet", names, values)
        with pytest.raises(DataError, match=sentence):
            with_features(examples, {"eeg": file})


def test_a_taken_name_and_a_missing_file_are_wrong_calls(
    examples: Examples, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="has a modality of that name"):
        with_features(examples, {"text": tmp_path / "x.parquet"})
    with pytest.raises(UsageError, match="no such file"):
        with_features(examples, {"eeg": tmp_path / "x.parquet"})


def test_a_file_of_another_kind_is_no_table(examples: Examples, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no parquet")

    with pytest.raises(DataError, match="cannot be read as Parquet"):
        with_features(examples, {"eeg": tmp_path / "x.parquet"})


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"id": ["a"], "features": ["1 2"]}, "must be a list of numbers"),
        ({"id": ["a"], "features": [["1", "2"]]}, "must be a list of numbers"),
        ({"features": [[1.0]]}, "it lacks id;"),
        ({"name": ["a"]}, "it lacks id and features;"),
    ],
)
def test_columns_of_another_kind_are_named(
    examples: Examples, tmp_path: Path, columns: dict[str, list[object]], sentence: str
) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=sentence):
        with_features(examples, {"eeg": tmp_path / "x.parquet"})


_NO_NAME = "small letters, digits and underscores"
_USED = "the benchmark uses that name"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        *(
            (name, _NO_NAME)
            for name in ("../evil", "/evil", "a/b", "..", "", "EEG", "a b", "a.b", "1eeg", "e" * 41)
        ),
        *((name, _USED) for name in ("examples", "fusion_right", "majority", "tfidf_lr")),
    ],
)
def test_a_name_that_would_leave_the_dataset_or_overwrite_a_file_is_refused(
    examples: Examples, tmp_path: Path, name: str, sentence: str
) -> None:
    file = write(tmp_path / "eeg.parquet", examples.ids.tolist(), [[1.0]] * len(examples))
    with pytest.raises(UsageError, match=sentence):
        with_features(examples, {name: file})
