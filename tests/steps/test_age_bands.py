from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.age_bands import AgeBandsParameters, age_bands

AGES = [7, 9, 10, 19, 20, 39, 40, 59, 60, 88, 130]


@pytest.fixture
def corpus(korean: Callable[..., Corpus]) -> Corpus:
    made = korean([{"age": age, "person": age} for age in AGES])
    return Corpus(made.annotations, made.images.drop("age_group"))


def test_decades_become_groups_and_odd_ages_are_named(corpus: Corpus) -> None:
    result = age_bands(corpus, parameters=AgeBandsParameters())
    groups = dict(result.images.select("age", "age_group").iter_rows())
    assert groups == {
        **dict.fromkeys((10, 19), "teen"),
        **dict.fromkeys((20, 39), "young"),
        **dict.fromkeys((40, 59), "middle"),
        **dict.fromkeys((60, 88), "senior"),
    }
    assert set(result.quarantine["reason"]) == {"age_outside_bands"}
    assert result.findings["age_bands"] == {
        "images": {"teen": 2, "young": 2, "middle": 2, "senior": 2},
        "outside": {"7": 1, "9": 1, "130": 1},
    }


def test_bands_are_a_parameter(corpus: Corpus) -> None:
    parameters = AgeBandsParameters(bands={"teen": (0, 9), "senior": (50, 150)})
    result = age_bands(corpus, parameters=parameters)
    assert sorted(result.images["age"]) == [7, 9, 59, 60, 88, 130]


@pytest.mark.parametrize(
    "bands", [{"teen": (19, 10)}, {"teen": (10, 20), "young": (20, 30)}, {"child": (0, 9)}]
)
def test_bands_that_overlap_or_are_unknown_are_refused(bands: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(ValidationError):
        AgeBandsParameters(bands=bands)  # type: ignore[arg-type]


def test_images_without_age(corpus: Corpus) -> None:
    with pytest.raises(DataError, match="no age"):
        age_bands(
            Corpus(corpus.annotations, corpus.images.drop("age")),
            parameters=AgeBandsParameters(),
        )
