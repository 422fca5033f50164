from __future__ import annotations

from pathlib import Path

import pytest

from artcurate import resources
from artcurate.errors import DataError, UsageError
from artcurate.hub.catalogue import (
    AIHubPlace,
    DrivePlace,
    FormPlace,
    Permission,
    read_catalogue,
    source,
    source_of,
    sources,
)
from artcurate.pipeline import load_bundled
from artcurate.sources import artelingo, artemis
from artcurate.sources.registry import READERS


def test_every_reader_and_every_form_belongs_to_a_corpus() -> None:
    assert {known.reader for known in sources().values()} == set(READERS)
    forms = {form for known in sources().values() for form in known.forms}
    refused = {name for name, form in artelingo.FORMS.items() if form.refusal}
    assert forms == set(artelingo.FORMS) - refused | set(artemis.FORMS)
    assert source_of("artelingo", "artemis_v2").name == "artemis"
    assert source_of("artelingo", "artelingo_28").name == "artelingo-28"
    assert source_of("cid").name == "cid"
    with pytest.raises(DataError, match="its terms are unknown"):
        source_of("nothing")


@pytest.mark.parametrize(
    ("corpus", "pipeline", "input_name"),
    [
        ("wikiart", "artelingo", "images"),
        ("artelingo", "artelingo", "annotations"),
        ("ecc", "korean", "ecc"),
        ("cid", "korean", "cid"),
        ("ecc", "korean-paper", "ecc"),
        ("cid", "korean-paper", "cid"),
    ],
)
def test_a_download_lands_where_the_pipelines_look(
    corpus: str, pipeline: str, input_name: str
) -> None:
    known = source(corpus)
    patterns = load_bundled(pipeline).inputs[input_name].default
    looked_into = {pattern.partition("/")[0] for pattern in patterns}
    assert known.folder in looked_into
    assert {pattern.partition("/")[0] for pattern in known.found_by} == looked_into


def test_closed_corpora_are_closed() -> None:
    for name in ("ecc", "cid"):
        known = source(name)
        allowed = known.redistribute
        assert {allowed.text, allowed.pixels, allowed.derivatives} == {Permission.NO}
        assert known.gated
        assert [place.kind for place in known.places] == ["aihub", "form"]
    assert source("cid").faces
    assert all(known.redistribute.pixels != Permission.YES for known in sources().values())


def test_what_is_known_of_the_places() -> None:
    (drive, *_) = source("wikiart").places
    assert isinstance(drive, DrivePlace)
    assert drive.id == "1vTChp3nU5GQeLkPwotrybpUGUXj12BTK"
    numbers = [
        place.dataset
        for known in sources().values()
        for place in known.places
        if isinstance(place, AIHubPlace)
    ]
    assert numbers == [86, 82]
    assert all(
        any(isinstance(place, FormPlace) for place in known.places) for known in sources().values()
    )


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'wikiart'"):
        source("wikart")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('text: "yes"', "text: yes", "redistribute.text: Input should be"),
        ("folder: wikiart\n", "folder: ../wikiart\n", "must be a plain name"),
        ("kind: drive", "kind: torrent", r"wikiart\.places\[0\]"),
        ("gated: true", "gatd: true", "gatd: Extra inputs"),
    ],
)
def test_a_wrong_catalogue_names_the_place(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    text = resources.schema_path("sources").read_text(encoding="utf-8")
    path = tmp_path / "sources.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        read_catalogue(path)
