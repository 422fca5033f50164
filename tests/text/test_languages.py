from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from artcurate.errors import DataError
from artcurate.text import detector, languages
from artcurate.text.scripts import Script

#: The languages of ArtELingo and of ArtELingo-28.
ARTELINGO_28 = (
    "amharic",
    "arabic",
    "bengali",
    "burmese",
    "chinese",
    "darija",
    "emakhuwa",
    "english",
    "hausa",
    "hindi",
    "igbo",
    "indonesian",
    "japanese",
    "kazakh",
    "kinyarwanda",
    "korean",
    "kyrgyz",
    "malay",
    "sepedi",
    "setswana",
    "spanish",
    "swahili",
    "tagalog",
    "tamil",
    "telugu",
    "thai",
    "turkish",
    "urdu",
    "uzbek",
    "vietnamese",
    "xhosa",
    "yoruba",
    "zulu",
)


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("english", "english"),
        ("English", "english"),
        (" EN ", "english"),
        ("eng", "english"),
        ("en-US", "english"),
        ("zh_Hant_TW", "chinese"),
        ("zh-cn", "chinese"),
        ("العربية", "arabic"),
        ("isiZulu", "zulu"),
        ("Northern_Sotho", "sepedi"),
        ("espan\u0303ol", "spanish"),
        ("한국어", "korean"),
    ],
)
def test_names_are_understood(declared: str, name: str) -> None:
    found = languages.bundled().called(declared)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("declared", ["", "klingon", "e", "english and french"])
def test_unknown_names(declared: str) -> None:
    assert languages.bundled().called(declared) is None


def test_the_nearest_name() -> None:
    nearest = languages.bundled().nearest("Chinesse")
    assert nearest is not None
    assert nearest.name == "chinese"
    assert languages.bundled().nearest("qqqqqq") is None


def test_every_language_of_the_corpora_is_known() -> None:
    assert set(ARTELINGO_28) <= set(languages.bundled().names)


def test_langdetect_codes_exist_and_belong_to_one_language() -> None:
    codes = [code for lang in languages.bundled().languages for code in lang.langdetect]
    assert len(codes) == len(set(codes))
    assert set(codes) <= detector.codes()


def test_canonical_names_of_a_column() -> None:
    declared = pl.Series(["EN", None, "klingon", "chinese", "EN"])
    expected = ["english", None, None, "chinese", "english"]
    assert languages.bundled().canonical(declared).to_list() == expected


def test_closeness_goes_both_ways() -> None:
    catalogue = languages.bundled()
    assert catalogue.confusable("zulu", "xhosa")
    assert catalogue.confusable("xhosa", "zulu")
    assert not catalogue.confusable("zulu", "english")
    assert "chinese" in {language.name for language in catalogue.owners(Script.HAN)}


def test_all_problems_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "languages.yaml"
    content = {
        "title": "Broken",
        "close": [["alpha", "gamma"]],
        "languages": {
            "alpha": {"iso": "aa", "scripts": ["latin"], "aliases": ["one"]},
            "beta": {
                "iso": "bb",
                "scripts": ["latin"],
                "aliases": ["One"],
                "function_words": "the it's",
            },
        },
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        languages.load(file)
    problems = "\n".join(caught.value.problems)
    assert "languages.beta: 'One' already means alpha" in problems
    assert "close: no language 'gamma'" in problems
    assert "languages.alpha: shares its script, so function_words are needed" in problems
    assert 'languages.beta: "it\'s" is not one word' in problems
    assert len(caught.value.problems) == 4


def test_a_wrong_shape_names_its_place(tmp_path: Path) -> None:
    file = tmp_path / "languages.yaml"
    file.write_text("title: x\nlanguages:\n  alpha: {iso: aa, scripts: [runes]}\n")
    with pytest.raises(DataError, match=r"languages\.alpha\.scripts\[0\]"):
        languages.load(file)
