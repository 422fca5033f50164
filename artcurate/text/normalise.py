"""One spelling for every text: Unicode NFC, single spaces, no control characters."""

from __future__ import annotations

from typing import Final

import polars as pl

#: Control characters that are no white space, and the byte order mark.
_REMOVED: Final = r"[\x00-\x08\x0E-\x1B\x7F-\x{84}\x{86}-\x{9F}\x{FEFF}]"
#: Runs of white space that are not one space already: Unicode's White_Space, and the four
#: separators that Python's `str.isspace` counts as space too.
_SPACES: Final = r"[\s\x1C-\x1F&&[^ ]][\s\x1C-\x1F]*| [\s\x1C-\x1F]+"
#: What shows nothing: white space, control and format characters, variation selectors, fillers.
_BLANK: Final = (
    r"^[\s\p{Cc}\p{Cf}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{2800}\x{3164}"
    r"\x{FE00}-\x{FE0F}\x{FFA0}\x{E0100}-\x{E01EF}]*$"
)


def normalised(text: pl.Expr) -> pl.Expr:
    """`text` in NFC, runs of white space as one space, none at the ends; null stays null.

    Control characters and byte order marks go. Zero-width joiners, non-joiners, spaces and
    direction marks stay: Arabic, Persian, Burmese, Thai, Indic scripts and emoji need them. The
    result is its own normal form.
    """
    return (
        text.str.replace_all(_REMOVED, "")
        .str.normalize("NFC")
        .str.replace_all(_SPACES, " ")
        .str.strip_chars(" ")
    )


def is_blank(text: pl.Expr) -> pl.Expr:
    """Whether `text` shows nothing: null, empty, or only characters without a mark of their own."""
    return text.is_null() | text.str.contains(_BLANK)


def has_nul(text: pl.Expr) -> pl.Expr:
    """Whether a NUL stands in `text`; false for null."""
    return text.str.contains("\0", literal=True).fill_null(value=False)
