"""The names of zip members, as people's tools wrote them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

#: Neither below U+0300 nor a Hangul syllable: only such characters can make a text not be NFC.
_MAY_COMPOSE = r"[^\x00-\u{2ff}\u{ac00}-\u{d7a3}]"
_UNSAFE = r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)"


def decode_names(names: Sequence[bytes]) -> pl.Series:
    """Member names as text, one string per name, unnormalised.

    Tools that do not set the UTF-8 flag write UTF-8 all the same, or the code page of their
    system: CP949 on a Korean one. What is neither is read as CP437, as the zip format says.
    """
    try:
        return pl.Series("name", names, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series("name", [_decode(name) for name in names], dtype=pl.String)


def _decode(name: bytes) -> str:
    for encoding in ("utf-8", "cp949"):
        try:
            return name.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name.decode("cp437")


def nfc(texts: pl.Series) -> pl.Series:
    """`texts` in Unicode NFC.

    Looks for texts that need it first: normalising half a million Korean names that do not would
    take seconds.
    """
    doubtful = texts.str.contains(_MAY_COMPOSE).fill_null(False).arg_true()
    # `scatter` changes what it is called on.
    return texts.clone().scatter(doubtful, texts.gather(doubtful).str.normalize("NFC"))


def leads_out(name: pl.Expr) -> pl.Expr:
    """Whether a tool that unpacks the member `name` naively would write outside its folder."""
    return name.str.contains(_UNSAFE)
