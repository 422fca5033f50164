from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

import polars as pl
import pytest

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.pseudonyms import PseudonymsParameters, pseudonyms

RAW = re.compile("[0-9a-f]{64}")


@pytest.fixture
def corpus(korean: Callable[..., Corpus]) -> Corpus:
    made = korean([{"person": n // 3} for n in range(9)], [{}])
    name = made.images["id"][0]
    left_out = pl.DataFrame(
        {"id": [name], "reason": ["tied_votes"], "detail": [f"{name}.jpg has two labels."]}
    )
    return made.set_aside("images", left_out, step="image_labels").with_findings(
        "cid", {"persons": {made.images["person"][0]: 3}, "examples": [f"{name}.jpeg", "x"]}
    )


def test_nothing_raw_is_left(corpus: Corpus) -> None:
    result = pseudonyms(corpus, parameters=PseudonymsParameters())
    shown = result.images.drop("location", "member", strict=False).write_json()
    told = result.quarantine.write_json() + json.dumps(result.findings)
    assert not RAW.search(shown)
    assert not RAW.search(told)
    assert result.findings["cid"]["examples"][1] == "x"


def test_who_knows_the_salt_finds_a_picture_again(corpus: Corpus) -> None:
    def hashed(kind: str, name: str) -> str:
        return hashlib.sha256(f"artcurate:5:{kind}:{name}".encode()).hexdigest()[:32]

    result = pseudonyms(corpus, parameters=PseudonymsParameters(seed=5))
    assert result.images["id"].to_list() == [hashed("image", n) for n in corpus.images["id"]]
    assert result.images["person"].to_list() == [
        hashed("person", name) for name in corpus.images["person"]
    ]
    quarantined = corpus.quarantine["id"][0]
    assert result.quarantine["id"][0] == hashed("image", quarantined)
    assert result.quarantine["detail"][0] == f"{hashed('image', quarantined)} has two labels."
    assert result.findings["cid"]["examples"][0] == hashed("image", quarantined)


def test_persons_stay_apart_and_together(corpus: Corpus) -> None:
    result = pseudonyms(corpus, parameters=PseudonymsParameters())
    assert result.images["person"].rank("dense").n_unique() == corpus.images["person"].n_unique()
    assert result.findings["pseudonyms"] == {"persons": 3, "images": 8, "digits": 32}
    other = pseudonyms(corpus, parameters=PseudonymsParameters(salt="another"))
    assert not set(other.images["person"]) & set(result.images["person"])


def test_images_without_person(corpus: Corpus) -> None:
    with pytest.raises(DataError, match="no person"):
        pseudonyms(
            Corpus(corpus.annotations, corpus.images.drop("person")),
            parameters=PseudonymsParameters(),
        )
