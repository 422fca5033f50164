from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.text.normalise import has_nul, is_blank, normalised

ZERO_WIDTH_NON_JOINER = "\u200c"
ZERO_WIDTH_JOINER = "\u200d"

#: Texts in which what matters here is frequent: combining marks, odd spaces, controls, joiners.
messy_texts = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aeoAEO \t\n\r\x00\x0b\x1c\x1f\x7f\x85\xa0\u0301\u0308\u2028\u3000\ufeff"),
        st.sampled_from("\u1100\u1161\u11a8\u0627\u0653\u200c\u200d\u200b"),
    ),
    max_size=30,
)


def normalise(text: str | None) -> str | None:
    return pl.select(normalised(pl.lit(text, dtype=pl.String))).item()


def blank(text: str | None) -> bool:
    return pl.select(is_blank(pl.lit(text, dtype=pl.String))).item()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("  The sea,\u00a0the\u2003sky\r\n", "The sea, the sky"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("full\u3000width", "full width"),
        ("\ufeffA boat", "A boat"),
        ("bel\x07l and ta\x1fb", "bell and ta b"),
        ("line\u2028separator", "line separator"),
        ("ﬁne № ½", "ﬁne № ½"),
    ],
)
def test_spelling(written: str, expected: str) -> None:
    assert normalise(written) == expected


def test_what_scripts_need_stays() -> None:
    persian = f"می{ZERO_WIDTH_NON_JOINER}شود"
    family = f"👩{ZERO_WIDTH_JOINER}👧"
    assert normalise(persian) == persian
    assert normalise(family) == family


def test_null_stays_null() -> None:
    assert normalise(None) is None


@given(messy_texts)
def test_normal_form(text: str) -> None:
    result = normalise(text)
    assert result is not None
    assert normalise(result) == result
    assert unicodedata.is_normalized("NFC", result)
    assert result == result.strip(" ")
    assert "  " not in result
    assert not any(unicodedata.category(character) == "Cc" for character in result)
    assert all(not character.isspace() or character == " " for character in result)


@given(messy_texts)
def test_only_space_and_control_characters_are_lost(text: str) -> None:
    def visible(value: str) -> str:
        return "".join(
            character
            for character in value
            if not character.isspace()
            and unicodedata.category(character) != "Cc"
            and character != "\ufeff"
        )

    without_controls = "".join(
        character
        for character in text
        if character.isspace()
        or (unicodedata.category(character) != "Cc" and character != "\ufeff")
    )
    result = normalise(text)
    assert result is not None
    assert visible(result) == visible(unicodedata.normalize("NFC", without_controls))


@pytest.mark.parametrize(
    "text", [None, "", "   ", "\u00a0\u200b", "\u200d\ufe0f", "\u3164", "\x07"]
)
def test_blank(text: str | None) -> None:
    assert blank(text)


@pytest.mark.parametrize("text", ["a", ".", "美", "😀", "\u200ca"])
def test_not_blank(text: str) -> None:
    assert not blank(text)


def test_nul() -> None:
    frame = pl.DataFrame({"text": ["a\0b", "ab", None]})
    assert frame.select(has_nul(pl.col("text")))["text"].to_list() == [True, False, False]
