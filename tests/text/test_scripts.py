from __future__ import annotations

import unicodedata

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from artcurate.text.scripts import COLUMN, SCRIPTS, Script, letter_counts

#: The same scripts as the regular expressions of polars know them.
PATTERNS = {
    script: r"[\p{Hiragana}\p{Katakana}]" if script is Script.KANA else rf"\p{{{script.title()}}}"
    for script in SCRIPTS
    if script is not Script.OTHER
}


def counts(text: str) -> dict[str, int]:
    found = letter_counts(pl.Series([text], dtype=pl.String))[0]
    return {str(script): int(found[COLUMN[script]]) for script in SCRIPTS if found[COLUMN[script]]}


def test_mixed_text() -> None:
    assert counts("Ça va? 123 — Привет! 美しい空 😀") == {
        "latin": 4,
        "cyrillic": 6,
        "han": 2,
        "kana": 2,
    }


def test_no_letters() -> None:
    assert counts("1914 — !? 😀 ١٢٣") == {}
    assert letter_counts(pl.Series([None, ""], dtype=pl.String)).sum() == 0


def test_letters_of_scripts_without_a_name() -> None:
    assert counts("ᏣᎳᎩ") == {"other": 3}


def test_every_letter_of_the_basic_plane_has_the_script_that_polars_gives_it() -> None:
    codes = [code for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    letters = [chr(code) for code in codes if unicodedata.category(chr(code))[0] == "L"]
    # Python and polars may know different versions of Unicode.
    series = pl.Series(letters).filter(pl.Series(letters).str.contains(r"\p{L}"))
    mine = letter_counts(series)
    assert (mine.sum(axis=1) == 1).all()
    for script, pattern in PATTERNS.items():
        theirs = series.str.contains(pattern).to_numpy()
        strays = [
            letter
            for letter, is_mine, is_theirs in zip(
                series, mine[:, COLUMN[script]] == 1, theirs, strict=True
            )
            if is_mine != is_theirs
        ]
        assert strays == [], script


@given(st.lists(st.text(max_size=20), max_size=8))
def test_a_text_counts_the_same_alone_and_among_others(texts: list[str]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    together = letter_counts(series)
    assert together.shape == (len(texts), len(SCRIPTS))
    for row, text in enumerate(texts):
        assert (together[row] == letter_counts(pl.Series([text]))[0]).all()
