"""Invented WikiArt file names: `<artist-slug>_<title-slug>[-year][(n)]`.

The artists do not exist. The forms are WikiArt's own: apostrophes, dots, further underscores,
numbers in brackets, and names that were UTF-8 read as Latin-1 and then lower-cased.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from zlib import crc32

import numpy as np
import yaml

from artcurate.sources.synthetic.scenes import SUBJECTS, stream


def mojibake(name: str) -> str:
    """`name` as WikiArt's dump spells it: UTF-8 bytes read as Latin-1, then lower-cased."""
    return name.encode().decode("latin-1").lower()


#: í gives U+00AD, the closing no-break space U+00A0; NFKC would break what ü and ó give.
MOJIBAKE_ARTISTS: tuple[str, ...] = tuple(
    mojibake(name)
    for name in (
        "martín-velarde-ruano",
        "elise-marchand-duval\u00a0",
        "konrad-grünthal",
        "antónia-do-carvalhal",
        "jörg-altmeyer",
        "hélène-grasmont",
        "irène-delmarque",
    )
)
_APOSTROPHE_ARTISTS = ("rhona-o'ferrin", "allan-d'orvello")
_DOTTED_ARTISTS = ("n.c.-halvard", "j.m.w.-torrance")

_UNTAILED_SHARE = 0.1
_YEAR_SHARE = 0.55
_NUMBERED_SHARE = 0.034
_SERIES_SHARE = 0.004
_UNDERSCORE_SHARE = 0.006
_MOJIBAKE_SHARE = 0.009
_DOTTED_SHARE = 0.007
_APOSTROPHE_SHARE = 0.0008


@dataclass(frozen=True, slots=True)
class _Words:
    first_names: list[str]
    surname_heads: list[str]
    surname_tails: list[str]
    title_heads: Mapping[str, list[str]]
    title_tails: list[str]


@cache
def _words() -> _Words:
    text = files("artcurate.sources.synthetic") / "phrases" / "names.yaml"
    return _Words(**yaml.safe_load(text.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Period:
    """A style's first and last year."""

    first: int
    last: int


def draw_names(
    styles: Sequence[int], subjects: Sequence[int], periods: Sequence[Period], seed: int
) -> list[str]:
    """One name per painting, unique within its style.

    styles: index of each painting's style in `periods`; subjects: index in `SUBJECTS`.
    """
    generator = stream(seed, "names")
    artists = _draw_artists(styles, len(periods), generator)
    titles = _draw_titles(subjects, generator)
    chances = generator.random((len(styles), 3)).tolist()
    picks = generator.integers(0, 1 << 30, size=(len(styles), 3)).tolist()
    taken: dict[tuple[int, str], int] = {}
    latest: dict[int, str] = {}
    names = []
    for index, (style, artist, title) in enumerate(zip(styles, artists, titles, strict=True)):
        (odd, dated, numbered), (negative, year, number) = chances[index], picks[index]
        base = f"{artist}_{title}"
        if index == 0 or odd < _UNDERSCORE_SHARE:
            base = f"{artist}_not_detected_{200_000 + negative % 70_000}"
        elif dated < _YEAR_SHARE:
            base += f"-{_year(artist, periods[style], year)}"
        if numbered < _SERIES_SHARE and style in latest:
            base = latest[style]
        elif numbered < _NUMBERED_SHARE:
            base += f"({1 + number % 9})"
        names.append(_unused(base, style, taken))
        latest[style] = base
    return names


def retitled(name: str) -> str:
    """Another title for the same work by the same artist."""
    artist, _, title = name.partition("_")
    return f"{artist}_also-known-as-{title}"


def _draw_titles(subjects: Sequence[int], generator: np.random.Generator) -> list[str]:
    words = _words()
    picks = generator.integers(0, 1 << 30, size=(len(subjects), 2)).tolist()
    tailed = (generator.random(len(subjects)) >= _UNTAILED_SHARE).tolist()
    titles = []
    for subject, (head, tail), has_tail in zip(subjects, picks, tailed, strict=True):
        heads = words.title_heads[SUBJECTS[subject]]
        title = heads[head % len(heads)]
        if has_tail:
            title += f"-{words.title_tails[tail % len(words.title_tails)]}"
        titles.append(title)
    return titles


def _year(artist: str, period: Period, pick: int) -> int:
    """A year within some 30 years of the artist's life that fall into the period."""
    span = period.last - period.first
    career = min(30, span)
    return period.first + crc32(artist.encode()) % (span - career + 1) + pick % (career + 1)


def _unused(base: str, style: int, taken: dict[tuple[int, str], int]) -> str:
    """`base`, or `base(k)` with the first k that is free in the style."""
    name = base
    while (style, name) in taken:
        taken[style, base] += 1
        name = f"{base}({taken[style, base]})"
    taken[style, name] = 0
    return name


def _draw_artists(
    styles: Sequence[int], style_count: int, generator: np.random.Generator
) -> list[str]:
    """An artist for each painting: a heavy-tailed pool per style, and the odd names."""
    total = len(styles)
    pools = _artist_pools(styles, style_count, generator)
    ranks = generator.random(total).tolist()
    strays = generator.random(total).tolist()
    artists = []
    for style, rank, stray in zip(styles, ranks, strays, strict=True):
        pool = pools[style] if stray > 0.1 else pools[int(stray * 10 * style_count)]
        # The square makes the first artists of a pool paint most of it.
        artists.append(pool[int(rank * rank * len(pool))])
    order = generator.permutation(total).tolist()
    for group, share in (
        (MOJIBAKE_ARTISTS, _MOJIBAKE_SHARE),
        (_DOTTED_ARTISTS, _DOTTED_SHARE),
        (_APOSTROPHE_ARTISTS, _APOSTROPHE_SHARE),
    ):
        wanted = min(len(order), max(len(group), round(share * total)))
        for place in range(wanted):
            artists[order.pop()] = group[place % len(group)]
    return artists


def _artist_pools(
    styles: Sequence[int], style_count: int, generator: np.random.Generator
) -> list[list[str]]:
    words = _words()
    names = [
        f"{first}-{head}{tail}"
        for first in words.first_names
        for head in words.surname_heads
        for tail in words.surname_tails
    ]
    shuffled = generator.permutation(len(names)).tolist()
    sizes = np.bincount(np.asarray(styles, dtype=np.int64), minlength=style_count)
    return [
        [names[shuffled.pop()] for _ in range(max(2, round(size / 70)))] for size in sizes.tolist()
    ]
