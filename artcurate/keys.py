"""The keys under which a caption finds its painting, and the names behind WikiArt's mojibake.

A key is "Style/stem": the style folder, a slash, and the file name without its extension. WikiArt
spells its names in NFC, ArtELingo's release in NFD, and some copies dropped every apostrophe,
accent and other unusual character.
"""

from __future__ import annotations

import unicodedata

import polars as pl

_FOLDED_AWAY = r"[^A-Za-z0-9_/.-]"


def nfc_key(key: pl.Expr) -> pl.Expr:
    """`key` in Unicode NFC.

    Not NFKC: compatibility mappings turn U+00A0 into a space and change five WikiArt names.
    """
    return key.str.normalize("NFC")


def folded_key(key: pl.Expr) -> pl.Expr:
    """`key` reduced to what every known copy of WikiArt keeps: lower-case `a-z 0-9 _ / . -`.

    NFC comes first, so that an accented letter goes as a whole, whichever form it had. The 81,446
    keys of WikiArt stay distinct under it.
    """
    return nfc_key(key).str.replace_all(_FOLDED_AWAY, "").str.to_lowercase()


def artist_slug(painting: pl.Expr) -> pl.Expr:
    """What stands before the first underscore of a stem: the artist."""
    return painting.str.extract(r"^([^_]*)", 1)


def title_slug(painting: pl.Expr) -> pl.Expr:
    """What stands after the first underscore of a stem: the title; empty if there is none."""
    return painting.str.extract(r"^[^_]*_((?s).*)$", 1).fill_null("")


def repair_mojibake(text: str) -> str:
    """The name that WikiArt's crawler once read as Latin-1 and lower-cased.

    `joaquã\\xadn-sorolla` becomes `joaquín-sorolla`. A text that is no such mojibake comes back in
    NFC, otherwise unchanged.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    # Lower-casing turned the lead bytes C3 and C2, read as Ã and Â, into ã and â.
    restored = composed.replace("ã", "Ã").replace("â", "Â")
    try:
        return restored.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return composed


def name_paintings(places: pl.DataFrame) -> pl.DataFrame:
    """One row per painting of `places`, its first, under the names that images have.

    `places` has `style` and `painting` (the stem) in any Unicode form, and any further columns.
    Adds id (NFC "Style/stem"), artist and title (slugs, mojibake repaired); style and painting
    come back in NFC.
    """
    named = (
        places.with_columns(style=nfc_key(pl.col("style")), painting=nfc_key(pl.col("painting")))
        .with_columns(id=pl.concat_str("style", "painting", separator="/"))
        .unique("id", keep="first", maintain_order=True)
    )
    repaired = named.select(
        "id",
        artist=_repaired(named.select(artist_slug(pl.col("painting"))).to_series()),
        title=_repaired(named.select(title_slug(pl.col("painting"))).to_series()),
    )
    others = [name for name in places.columns if name not in ("style", "painting")]
    return pl.concat([named, repaired.drop("id")], how="horizontal").select(
        "id", "style", "painting", "artist", "title", *others
    )


def _repaired(slugs: pl.Series) -> pl.Series:
    return pl.Series([repair_mojibake(slug) for slug in slugs], dtype=pl.String)
