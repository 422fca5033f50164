"""Captions find their paintings whatever a copy did to the names, and none is lost on the way."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.corpus import Corpus, merge
from artcurate.errors import DataError
from artcurate.keys import name_paintings
from artcurate.sources.artelingo import read_annotations
from artcurate.sources.wikiart import locate_wikiart
from artcurate.steps.join import JoinParameters, coverage_lines, join

SOROLLA = "Impressionism/joaquã\u00adn-sorolla_siesta-1911"
LACOMBE = "Symbolism/georges-lacombeâ\u00a0_autumn"


def annotations(keys: Sequence[str]) -> pl.DataFrame:
    parts = [key.partition("/") for key in keys]
    return pl.DataFrame(
        {
            "id": [f"00000000-{row:07d}" for row in range(1, len(keys) + 1)],
            "source": "captions.csv",
            "row": range(1, len(keys) + 1),
            "style": [style for style, _, _ in parts],
            "painting": [painting for _, _, painting in parts],
            "image_key": list(keys),
        },
        schema_overrides=dict.fromkeys(("id", "style", "painting", "image_key"), pl.String)
        | {"row": pl.Int64},
    )


def images(keys: Sequence[str]) -> pl.DataFrame:
    parts = [key.partition("/") for key in keys]
    places = pl.DataFrame(
        {
            "style": [style for style, _, _ in parts],
            "painting": [painting for _, _, painting in parts],
            "root": "images",
            "location": [f"{key}.jpg" for key in keys],
            "member": [None] * len(keys),
            "source": [f"{painting}.jpg" for _, _, painting in parts],
            "bytes": 1,
        },
        schema_overrides={"style": pl.String, "painting": pl.String, "member": pl.String},
    )
    return name_paintings(places)


def run(captions: Sequence[str], pictures: Sequence[str], **parameters: Any) -> Corpus:
    corpus = Corpus(annotations=annotations(captions), images=images(pictures))
    return join(corpus, parameters=JoinParameters(**parameters))


def joined(corpus: Corpus) -> list[tuple[int, str]]:
    return corpus.annotations.select("row", "image_id").rows()


def details(corpus: Corpus) -> list[tuple[str, str]]:
    return corpus.quarantine.select("reason", "detail").rows()


@pytest.mark.parametrize(
    ("caption", "picture", "method"),
    [
        ("Realism/a_b(2)", "Realism/a_b(2)", "exact"),
        (unicodedata.normalize("NFD", SOROLLA), SOROLLA, "nfc"),
        (unicodedata.normalize("NFD", LACOMBE), LACOMBE, "nfc"),
        (SOROLLA, "Impressionism/joaqun-sorolla_siesta-1911", "folded"),
        ("Realism/m-d'urbino_l'été", "Realism/m-durbino_lt", "folded"),
        ("realism/A_b", "Realism/a_b", "folded"),
    ],
)
def test_each_spelling_finds_its_picture(caption: str, picture: str, method: str) -> None:
    result = run([caption, caption], [picture])
    assert joined(result) == [(1, picture), (2, picture)]
    expected = {"exact": 0, "nfc": 0, "folded": 0} | {method: 2}
    assert result.findings["join"]["methods"] == expected
    assert result.quarantine.is_empty()


@pytest.mark.parametrize(
    ("caption", "pictures", "told"),
    [
        ("Realism/a_b", ["Cubism/a_b"], "no image is named Realism/a_b; the nearest is Cubism/a_b"),
        ("Realism/a_bridge", ["Realism/a_bridge(2)"], "the nearest is Realism/a_bridge(2)"),
        (
            "Realism/a_l'eau",
            ["Realism/a_leau", "Realism/a_l(eau)"],
            "no image is named Realism/a_l'eau; 2 images have the same plain letters",
        ),
        (LACOMBE.replace("\u00a0_", "_"), ["Realism/x_y"], "georges-lacombeâ_autumn"),
        ("Realism/a_b ", ["Realism/x_y"], "no image is named Realism/a_b "),
    ],
)
def test_what_may_be_another_painting_is_set_aside(
    caption: str, pictures: list[str], told: str
) -> None:
    """The base name alone, a dropped number and an ambiguous fold join nothing."""
    result = run([caption, "Rococo/p_q"], [*pictures, "Rococo/p_q"])
    assert joined(result) == [(2, "Rococo/p_q")]
    faults = [detail for reason, detail in details(result) if reason == "no_image"]
    assert len(faults) == 1
    assert faults[0].endswith(told) or told in faults[0]


def test_an_exact_name_wins_over_an_ambiguous_fold() -> None:
    result = run(["Realism/a_l'eau"], ["Realism/a_leau", "Realism/a_l'eau"])
    assert joined(result) == [(1, "Realism/a_l'eau")]


def test_an_image_left_out_earlier_is_named_as_the_cause() -> None:
    corpus = Corpus(
        annotations=annotations(["Realism/a_b", "Realism/c_d"]),
        images=images(["Realism/a_b", "Realism/c_d"]),
    ).set_aside(
        "images",
        pl.DataFrame({"id": ["Realism/a_b"], "reason": ["truncated"], "detail": ["cut"]}),
        step="probe",
    )
    result = join(corpus, parameters=JoinParameters())
    detail = result.quarantine.filter(pl.col("table") == "annotations")["detail"].item()
    assert detail == "no image is named Realism/a_b; its image was left out by probe (truncated)"


def test_images_without_captions_go_unless_wanted() -> None:
    captions, pictures = ["Realism/a_b"], ["Realism/a_b", "Realism/c_d"]
    result = run(captions, pictures)
    assert result.images["id"].to_list() == ["Realism/a_b"]
    assert details(result) == [("no_captions", "no caption names this painting")]
    assert result.quarantine["by_design"].to_list() == [True]
    assert run(captions, pictures, keep_uncaptioned=True).images.height == 2


def test_without_pixels_every_painting_that_is_named_stands() -> None:
    spelled = [unicodedata.normalize("NFD", SOROLLA), SOROLLA, "Realism/a_b_c"]
    corpus = Corpus(annotations=annotations(spelled), images=pl.DataFrame(schema={"id": pl.String}))
    result = join(corpus, parameters=JoinParameters(images="none"))
    assert joined(result) == [(1, SOROLLA), (2, SOROLLA), (3, "Realism/a_b_c")]
    columns = ("id", "style", "artist", "title", "root", "location", "member", "bytes")
    assert result.images.select(columns).rows() == [
        (SOROLLA, "Impressionism", "joaquín-sorolla", "siesta-1911", None, None, None, None),
        ("Realism/a_b_c", "Realism", "a", "b_c", None, None, None, None),
    ]
    assert result.quarantine.is_empty()


def test_without_pixels_images_that_were_read_lose_their_place_only() -> None:
    result = run(["Realism/a_b"], ["Realism/a_b"], images="none")
    assert joined(result) == [(1, "Realism/a_b")]
    assert result.images.select("id", "root", "location").rows() == [("Realism/a_b", None, None)]


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([], "there are no images to join the captions with"),
        (["Cubism/x_y"], "none of the 1 paintings that the captions name"),
    ],
)
def test_a_join_without_any_match_says_what_to_do(pictures: list[str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        run(["Realism/a_b"], pictures)


def test_coverage_counts_captions_and_paintings_per_style() -> None:
    result = run(
        ["Realism/a_b"] * 3 + ["Realism/c_d"] * 2 + ["Rococo/e_f"],
        ["Realism/a_b", "Cubism/g_h", "Rococo/e_f"],
    )
    found = result.findings["join"]
    rows = {row["style"]: [*row.values()][1:] for row in found["coverage"]}
    assert rows == {
        "Cubism": [0, 0, 0, 0, 1, 0],
        "Realism": [5, 3, 2, 1, 1, 1],
        "Rococo": [1, 1, 1, 1, 1, 1],
    }
    assert found["captions_unmatched"] == 2
    assert found["unmatched_paintings"] == 1
    assert found["images_uncaptioned"] == 1
    lines = coverage_lines(json.loads(json.dumps(found)))
    assert [line.split() for line in lines[:5]] == [
        ["style", "captions", "paintings", "images"],
        ["Cubism", "0/0", "0/0", "1"],
        ["Realism", "3/5", "1/2", "1"],
        ["Rococo", "1/1", "1/1", "1"],
        ["all", "styles", "4/6", "2/3", "3"],
    ]
    assert "2 captions of 1 paintings have no image" in "\n".join(lines)


def test_suggestions_are_bounded() -> None:
    captions = [f"Realism/a_title-{number}x" for number in range(5)] + ["Realism/a_title-0"]
    result = run(captions, ["Realism/a_title-0"], suggestions=2)
    assert len(result.findings["join"]["suggestions"]) == 2
    assert sum("nearest" in detail for _, detail in details(result)) == 2
    assert len(details(result)) == 5


KEYS = st.sampled_from(
    [
        "Realism/a_b",
        "Realism/a_b(2)",
        "Realism/é_b",
        "Realism/e\u0301_b",
        "Realism/_b",
        "Rococo/a_b",
    ]
)


@given(captions=st.lists(KEYS, max_size=12), pictures=st.lists(KEYS, min_size=1, max_size=6))
def test_no_row_vanishes_and_order_changes_nothing(
    captions: list[str], pictures: list[str]
) -> None:
    corpus = Corpus(annotations=annotations(captions), images=images(pictures))
    turned = Corpus(annotations=corpus.annotations[::-1], images=corpus.images[::-1])
    try:
        result = join(corpus, parameters=JoinParameters())
    except DataError:
        assert captions
        return
    for table in ("annotations", "images"):
        assert sum(result.count(table)) == corpus.count(table)[0]
    other = join(turned, parameters=JoinParameters())
    assert other.annotations.sort("row").equals(result.annotations)
    assert other.findings == result.findings
    assert set(result.annotations["image_id"]) == set(result.images["id"])


def real_data() -> Path:
    folder = os.environ.get("ARTCURATE_REAL_DATA")
    if not folder:
        pytest.skip("ARTCURATE_REAL_DATA is unset: no real excerpts here")
    return Path(folder)


def test_all_48_real_captions_join() -> None:
    data = real_data()
    read = read_annotations([data / "artelingo" / "artelingo_release.csv"])
    pictures = locate_wikiart(data / "wikiart" / "full")
    assert pictures.images.height == 30
    result = join(merge([read, pictures]), parameters=JoinParameters())
    assert result.annotations.height == 48
    assert result.images.height == 3
    assert result.annotations["image_id"].equals(read.annotations["image_key"], check_names=False)
    assert result.findings["join"]["methods"] == {"exact": 48, "nfc": 0, "folded": 0}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_all_2000_real_paintings_join_in_both_forms(form: Literal["NFC", "NFD"]) -> None:
    data = real_data() / "wikiart"
    pictures = locate_wikiart(data / "small").images
    keys = pl.read_csv(data / "keys.csv", infer_schema=False)
    known = keys.select(pl.concat_str("art_style", "painting", separator="/")).to_series()
    captions = [unicodedata.normalize(form, key) for key in known]
    corpus = Corpus(annotations=annotations(captions), images=pictures)
    result = join(corpus, parameters=JoinParameters(suggestions=0))
    assert result.images.height == pictures.height == 2_000
    assert set(result.annotations["image_id"]) == set(pictures["id"])
    mojibake = [name for name in pictures["id"] if not name.isascii()]
    assert mojibake
    expected = {"exact": 2_000, "nfc": 0, "folded": 0}
    if form == "NFD":
        expected |= {"exact": 2_000 - len(mojibake), "nfc": len(mojibake)}
    assert result.findings["join"]["methods"] == expected
