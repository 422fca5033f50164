from __future__ import annotations

import unicodedata

import pytest

from artcurate.sources.releases import release_of


@pytest.mark.parametrize(
    ("place", "release"),
    [
        ("018.감성대화/Training_221115_add/라벨링데이터/a_Training.zip/a.json", "training"),
        ("1.Training/[라벨]EMOIMG_기쁨_VALID/x.json", "validation"),
        ("Training/img_emotion_validation_data(기쁨).json", "validation"),
        ("validation.json", "validation"),
        ("a/학습/b.json", "training"),
        (unicodedata.normalize("NFD", "a/검증/b.json"), "validation"),
        ("Validation/train_and_validation.json", "validation"),
        ("train_and_valid/a.json", None),
        ("constraints/invalid.json", None),
        ("img_emotion_sample_data(기쁨).json", None),
    ],
)
def test_the_last_part_that_names_one_release_counts(place: str, release: str | None) -> None:
    assert release_of(place) == release
