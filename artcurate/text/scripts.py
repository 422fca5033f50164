"""Letters per script, counted over code points without a loop in Python."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: Rows whose code points are looked at together.
_ROWS: Final = 16_384
#: Planes 2 and 3 hold ideographs only; new ones are assigned with every version of Unicode.
_IDEOGRAPHS: Final = (0x20000, 0x3FFFD)


class Script(StrEnum):
    """A script; `kana` is Hiragana and Katakana, `other` every script without its own name."""

    LATIN = "latin"
    GREEK = "greek"
    CYRILLIC = "cyrillic"
    ARMENIAN = "armenian"
    HEBREW = "hebrew"
    ARABIC = "arabic"
    DEVANAGARI = "devanagari"
    BENGALI = "bengali"
    GURMUKHI = "gurmukhi"
    GUJARATI = "gujarati"
    TAMIL = "tamil"
    TELUGU = "telugu"
    KANNADA = "kannada"
    MALAYALAM = "malayalam"
    SINHALA = "sinhala"
    THAI = "thai"
    LAO = "lao"
    TIBETAN = "tibetan"
    MYANMAR = "myanmar"
    GEORGIAN = "georgian"
    ETHIOPIC = "ethiopic"
    KHMER = "khmer"
    HANGUL = "hangul"
    KANA = "kana"
    HAN = "han"
    OTHER = "other"


SCRIPTS: Final = tuple(Script)
#: The position of every script in the columns that `letter_counts` gives.
COLUMN: Final = {script: column for column, script in enumerate(SCRIPTS)}

#: Blocks of the Unicode Standard (Blocks.txt), first and last code point. Only their letters count.
_BLOCKS: Final[dict[Script, tuple[tuple[int, int], ...]]] = {
    Script.LATIN: (
        (0x0041, 0x005A),
        (0x0061, 0x007A),
        (0x00AA, 0x00AA),
        (0x00BA, 0x00BA),
        (0x00C0, 0x02B8),
        (0x02E0, 0x02E4),
        (0x1D00, 0x1D25),
        (0x1D2C, 0x1D5C),
        (0x1D62, 0x1D65),
        (0x1D6B, 0x1D77),
        (0x1D79, 0x1DBE),
        (0x1E00, 0x1EFF),
        (0x2071, 0x209C),
        (0x212A, 0x212B),
        (0x2132, 0x2132),
        (0x214E, 0x214E),
        (0x2183, 0x2184),
        (0x2C60, 0x2C7F),
        (0xA722, 0xA787),
        (0xA78B, 0xA7FF),
        (0xAB30, 0xAB5A),
        (0xAB5C, 0xAB64),
        (0xAB66, 0xAB69),
        (0xFB00, 0xFB06),
        (0xFF21, 0xFF3A),
        (0xFF41, 0xFF5A),
    ),
    Script.GREEK: (
        (0x0370, 0x0373),
        (0x0375, 0x03E1),
        (0x03F0, 0x03FF),
        (0x1D26, 0x1D2A),
        (0x1D5D, 0x1D61),
        (0x1D66, 0x1D6A),
        (0x1DBF, 0x1DBF),
        (0x1F00, 0x1FFF),
        (0x2126, 0x2126),
        (0xAB65, 0xAB65),
    ),
    Script.CYRILLIC: (
        (0x0400, 0x052F),
        (0x1C80, 0x1C8F),
        (0x1D2B, 0x1D2B),
        (0x1D78, 0x1D78),
        (0x2DE0, 0x2DFF),
        (0xA640, 0xA69F),
    ),
    Script.ARMENIAN: ((0x0530, 0x058F), (0xFB13, 0xFB17)),
    Script.HEBREW: ((0x0590, 0x05FF), (0xFB1D, 0xFB4F)),
    Script.ARABIC: (
        (0x0600, 0x063F),
        (0x0641, 0x06FF),
        (0x0750, 0x077F),
        (0x0870, 0x08FF),
        (0xFB50, 0xFDFF),
        (0xFE70, 0xFEFC),
    ),
    Script.DEVANAGARI: ((0x0900, 0x097F), (0xA8E0, 0xA8FF)),
    Script.BENGALI: ((0x0980, 0x09FF),),
    Script.GURMUKHI: ((0x0A00, 0x0A7F),),
    Script.GUJARATI: ((0x0A80, 0x0AFF),),
    Script.TAMIL: ((0x0B80, 0x0BFF),),
    Script.TELUGU: ((0x0C00, 0x0C7F),),
    Script.KANNADA: ((0x0C80, 0x0CFF),),
    Script.MALAYALAM: ((0x0D00, 0x0D7F),),
    Script.SINHALA: ((0x0D80, 0x0DFF),),
    Script.THAI: ((0x0E00, 0x0E7F),),
    Script.LAO: ((0x0E80, 0x0EFF),),
    Script.TIBETAN: ((0x0F00, 0x0FFF),),
    Script.MYANMAR: ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    Script.GEORGIAN: ((0x10A0, 0x10FA), (0x10FC, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
    Script.ETHIOPIC: ((0x1200, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F)),
    Script.KHMER: ((0x1780, 0x17FF),),
    Script.HANGUL: (
        (0x1100, 0x11FF),
        (0x3131, 0x318E),
        (0xA960, 0xA97F),
        (0xAC00, 0xD7FF),
        (0xFFA0, 0xFFDC),
    ),
    Script.KANA: (
        (0x3041, 0x3096),
        (0x309D, 0x309F),
        (0x30A1, 0x30FA),
        (0x30FD, 0x30FF),
        (0x31F0, 0x31FF),
        (0xFF66, 0xFF6F),
        (0xFF71, 0xFF9D),
        (0x1AFF0, 0x1B167),
    ),
    Script.HAN: (
        (0x3005, 0x3005),
        (0x303B, 0x303B),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        _IDEOGRAPHS,
    ),
}


def letter_counts(texts: pl.Series) -> NDArray[np.int32]:
    """How many letters of every script each text has: shape (texts, len(SCRIPTS)), int32.

    A letter is a code point of Unicode's general category L in the Unicode version of the running
    Python; marks, digits, punctuation and emoji count nowhere. A null text has none.
    """
    present = texts.fill_null("")
    counts = np.zeros((len(present), len(SCRIPTS)), dtype=np.int32)
    ascii_only = (present.str.len_bytes() == present.str.len_chars()).to_numpy()
    counts[ascii_only, COLUMN[Script.LATIN]] = (
        present.filter(pl.Series(ascii_only)).str.count_matches("[A-Za-z]").to_numpy()
    )
    for rows in _parts(np.flatnonzero(~ascii_only)):
        counts[rows] = _count_code_points(present.gather(rows))
    return counts


def _parts(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]


def _count_code_points(texts: pl.Series) -> NDArray[np.int64]:
    lengths = texts.str.len_chars().to_numpy()
    joined = str(texts.str.join().item()).encode("utf-32-le")
    columns = _column_of_code_point()[np.frombuffer(joined, dtype="<u4")]
    width = len(SCRIPTS) + 1
    cells = np.repeat(np.arange(len(lengths)) * width, lengths) + columns
    tally = np.bincount(cells, minlength=len(lengths) * width)
    return tally.reshape(len(lengths), width)[:, :-1]


@lru_cache(maxsize=1)
def _column_of_code_point() -> NDArray[np.uint8]:
    """Code point -> column of its script; `len(SCRIPTS)` where it is no letter."""
    letter = np.zeros(0x110000, dtype=bool)
    letter[: _IDEOGRAPHS[0]] = [
        unicodedata.category(chr(code))[0] == "L" for code in range(_IDEOGRAPHS[0])
    ]
    letter[_IDEOGRAPHS[0] : _IDEOGRAPHS[1] + 1] = True
    columns = np.full(0x110000, len(SCRIPTS), dtype=np.uint8)
    columns[letter] = COLUMN[Script.OTHER]
    for script, blocks in _BLOCKS.items():
        for first, last in blocks:
            inside = slice(first, last + 1)
            columns[inside][letter[inside]] = COLUMN[script]
    return columns
