"""Keys stay apart and come together as they should; the names behind the mojibake are right."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.keys import folded_key, name_paintings, nfc_key, repair_mojibake

#: The eleven artists of WikiArt whose names were read as Latin-1 and lower-cased.
ARTISTS = {
    "joaquã\u00adn-sorolla": "joaquín-sorolla",
    "arnold-bã¶cklin": "arnold-böcklin",
    "grã©goire-michonze": "grégoire-michonze",
    "eugã¨ne-grasset": "eugène-grasset",
    "ferdinand-georg-waldmã¼ller": "ferdinand-georg-waldmüller",
    "andrã©-lhote": "andré-lhote",
    "antã³nio-de-carvalho-da-silva-porto": "antónio-de-carvalho-da-silva-porto",
    "mestre-ataã\u00adde": "mestre-ataíde",
    "georges-lacombeâ\u00a0": "georges-lacombe\u00a0",
    "roger-bissiã¨re": "roger-bissière",
    "fã©lix-del-marle": "félix-del-marle",
}


def keyed(values: list[str], *, fold: bool) -> list[str]:
    key = folded_key if fold else nfc_key
    return pl.DataFrame({"key": values}).select(key(pl.col("key"))).to_series().to_list()


@pytest.mark.parametrize(("slug", "name"), ARTISTS.items())
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_each_mojibake_artist_reads_right_in_both_forms(slug: str, name: str, form: str) -> None:
    assert repair_mojibake(unicodedata.normalize(form, slug)) == name


@pytest.mark.parametrize("text", ["vincent-van-gogh", "joão", "北斎", "são-paulo_ânimo", ""])
def test_what_is_no_mojibake_stays(text: str) -> None:
    assert repair_mojibake(unicodedata.normalize("NFD", text)) == text


@given(st.text())
def test_the_nfc_key_is_unicodes_nfc(text: str) -> None:
    assert keyed([text], fold=False) == [unicodedata.normalize("NFC", text)]


def test_the_nfc_key_keeps_spaces_and_compatibility_characters() -> None:
    name = "Symbolism/georges-lacombeâ\u00a0_ﬁn² "
    assert keyed([name], fold=False) == [name]


def test_the_folded_key_drops_apostrophes_and_accents_in_either_form_but_no_number() -> None:
    name = "Realism/d'après-l’été_a(2).b"
    assert (
        keyed([name, unicodedata.normalize("NFD", name)], fold=True)
        == ["realism/daprs-lt_a2.b"] * 2
    )


def test_paintings_are_named_once_with_the_title_after_the_first_underscore() -> None:
    places = pl.DataFrame(
        {
            "style": ["Impressionism", "Impressionism", "Realism"],
            "painting": [
                unicodedata.normalize("NFD", "joaquã\u00adn-sorolla_la_siesta-1911"),
                "joaquã\u00adn-sorolla_la_siesta-1911",
                "untitled",
            ],
            "member": ["0", "1", "2"],
        }
    )
    assert name_paintings(places).rows() == [
        (
            "Impressionism/joaquã\u00adn-sorolla_la_siesta-1911",
            "Impressionism",
            "joaquã\u00adn-sorolla_la_siesta-1911",
            "joaquín-sorolla",
            "la_siesta-1911",
            "0",
        ),
        ("Realism/untitled", "Realism", "untitled", "untitled", "", "2"),
    ]


def test_all_wikiart_keys_stay_distinct_and_all_mojibake_is_repaired() -> None:
    folder = os.environ.get("ARTCURATE_REAL_DATA")
    if not folder:
        pytest.skip("ARTCURATE_REAL_DATA is unset: no real excerpts here")
    keys = pl.read_csv(Path(folder) / "wikiart" / "keys.csv", infer_schema=False)
    key = pl.concat_str("art_style", "painting", separator="/")
    names = keys.select(nfc=nfc_key(key), folded=folded_key(key))
    assert names.height == 81_446
    assert names["nfc"].n_unique() == names["folded"].n_unique() == 81_446

    strange = keys.filter(pl.col("non_ascii") == "1")["painting"]
    assert strange.len() == 709
    assert {name.split("_")[0] for name in strange} == set(ARTISTS)
    for name in strange:
        assert not set("ãâ") & set(repair_mojibake(name))
