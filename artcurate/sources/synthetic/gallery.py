"""The paintings of a synthetic WikiArt: keys, scenes, moods, copies and broken files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.sources.synthetic.scenes import (
    SUBJECTS,
    Floats,
    confusion,
    draw_rows,
    palette_given_emotion,
    prior,
    stream,
    subject_given_emotion,
)
from artcurate.sources.synthetic.slugs import Period, draw_names, retitled

MINIMUM_PAINTINGS = 30
SPLITS: tuple[str, ...] = ("train", "val", "test")
_SPLIT_SHARES = (0.85, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Style:
    """A WikiArt folder: its size, its years, and the share of works that show no subject."""

    name: str
    count: int
    period: Period
    abstract: float = 0.0


STYLES: tuple[Style, ...] = (
    Style("Impressionism", 13_060, Period(1865, 1925)),
    Style("Realism", 10_733, Period(1840, 1960)),
    Style("Romanticism", 7_019, Period(1790, 1890)),
    Style("Expressionism", 6_736, Period(1905, 1985), 0.05),
    Style("Post_Impressionism", 6_451, Period(1883, 1945)),
    Style("Symbolism", 4_528, Period(1870, 1935)),
    Style("Art_Nouveau_Modern", 4_334, Period(1888, 1938)),
    Style("Baroque", 4_241, Period(1595, 1745)),
    Style("Abstract_Expressionism", 2_782, Period(1942, 1995), 0.95),
    Style("Northern_Renaissance", 2_552, Period(1420, 1600)),
    Style("Naive_Art_Primitivism", 2_405, Period(1885, 1990)),
    Style("Cubism", 2_235, Period(1908, 1965), 0.3),
    Style("Rococo", 2_089, Period(1715, 1795)),
    Style("Color_Field_Painting", 1_615, Period(1948, 1998), 1.0),
    Style("Pop_Art", 1_483, Period(1955, 2005), 0.2),
    Style("Early_Renaissance", 1_391, Period(1405, 1500)),
    Style("High_Renaissance", 1_343, Period(1485, 1540)),
    Style("Minimalism", 1_337, Period(1955, 2008), 1.0),
    Style("Mannerism_Late_Renaissance", 1_279, Period(1520, 1615)),
    Style("Ukiyo_e", 1_167, Period(1765, 1895)),
    Style("Fauvism", 934, Period(1904, 1950)),
    Style("Pointillism", 513, Period(1884, 1912)),
    Style("Contemporary_Realism", 481, Period(1960, 2010)),
    Style("New_Realism", 314, Period(1915, 1965), 0.1),
    Style("Synthetic_Cubism", 216, Period(1912, 1930), 0.4),
    Style("Analytical_Cubism", 110, Period(1908, 1914), 0.4),
    Style("Action_painting", 98, Period(1945, 1990), 1.0),
)

# Of WikiArt's 81,446 keys ArtEmis lists 1,415 as copies; a perceptual hash finds 81 more pairs
# among 23,566 of the pictures.
_LISTED_SHARE = 0.017
_UNLISTED_SHARE = 0.007
_NAMESAKE_SHARE = 0.001
_ROTATED_SHARE = 0.005
_LARGE_SHARE = 0.003
_MOOD_CONCENTRATION = (7.0, 2.0, 1.5)


@dataclass(frozen=True)
class Gallery:
    """`len(names)` paintings. Arrays run along the paintings.

    names: NFC, without suffix; unique together with the style.
    styles, subjects, palettes, splits: indices into STYLES, SUBJECTS, PALETTES, SPLITS.
    moods: (n, 9) distribution of the emotion each painting evokes before cultures and tastes.
    picture: the painting whose picture a copy repeats; its own index otherwise.
    listed_group: number of the group in the known-duplicates list, -1 outside it.
    cropped: copies that show only a part, so that a perceptual hash misses them.
    captioned: False for listed copies, which ArtEmis left out.
    orientation: EXIF orientation of the file; located, large: a GPS tag, a large size.
    missing, truncated: index of the painting without a file and of the one with a broken file.
    """

    seed: int
    names: tuple[str, ...]
    styles: NDArray[np.int8]
    subjects: NDArray[np.int8]
    palettes: NDArray[np.int8]
    moods: Floats
    splits: NDArray[np.int8]
    picture: NDArray[np.int32]
    listed_group: NDArray[np.int32]
    cropped: NDArray[np.bool_]
    captioned: NDArray[np.bool_]
    orientation: NDArray[np.int8]
    large: NDArray[np.bool_]
    located: int
    missing: int
    truncated: int

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """`Style/name`, NFC."""
        return tuple(
            f"{STYLES[style].name}/{name}"
            for style, name in zip(self.styles.tolist(), self.names, strict=True)
        )

    @property
    def copies(self) -> list[tuple[int, int]]:
        """(original, copy) of every painting that stands in the gallery twice."""
        copies = np.flatnonzero(self.picture != np.arange(len(self)))
        return [(int(self.picture[copy]), int(copy)) for copy in copies]


def draw_gallery(paintings: int, seed: int) -> Gallery:
    """A gallery of `paintings` keys, copies included.

    Raises UsageError when `paintings` is too small to hold every kind of fault.
    """
    if paintings < MINIMUM_PAINTINGS:
        raise UsageError(
            f"{paintings} paintings are too few to hold every kind of fault; "
            f"ask for at least {MINIMUM_PAINTINGS}."
        )
    listed = max(3, round(_LISTED_SHARE * paintings))
    copies = listed + max(3, round(_UNLISTED_SHARE * paintings))
    originals = paintings - copies
    generator = stream(seed, "gallery")
    styles = generator.permutation(np.repeat(np.arange(27, dtype=np.int8), _quota(originals)))
    scene = _draw_scenes(styles, generator)
    names = draw_names(
        styles.tolist(), scene.subjects.tolist(), [style.period for style in STYLES], seed
    )
    order = generator.permutation(originals)
    copied, plain = np.sort(order[:copies]), order[copies:]
    copy_styles, copy_names = _name_copies(copied, styles, names, generator)
    _add_namesakes(plain, styles, names, max(1, round(_NAMESAKE_SHARE * paintings)))
    picture = np.concatenate([np.arange(originals), copied]).astype(np.int32)
    copy_number = np.arange(paintings) - originals
    is_listed = (copy_number >= 0) & (copy_number < listed)
    group = np.where(is_listed, copy_number, -1).astype(np.int32)
    group[copied[:listed]] = np.arange(listed)
    cropped = is_listed & (copy_number % 3 == 0)
    orientation, large, located, missing, truncated = _draw_faults(plain, paintings)
    return Gallery(
        seed=seed,
        names=(*names, *copy_names),
        styles=np.concatenate([styles, copy_styles]),
        subjects=scene.subjects[picture],
        palettes=scene.palettes[picture],
        moods=scene.moods[picture],
        splits=_draw_splits(paintings, generator),
        picture=picture,
        listed_group=group,
        cropped=cropped,
        captioned=~is_listed | cropped,
        orientation=orientation,
        large=large,
        located=located,
        missing=missing,
        truncated=truncated,
    )


@dataclass(frozen=True, slots=True)
class _Scenes:
    subjects: NDArray[np.int8]
    palettes: NDArray[np.int8]
    moods: Floats


def _draw_scenes(styles: NDArray[np.int8], generator: np.random.Generator) -> _Scenes:
    count = len(styles)
    leading = draw_rows(generator, np.tile(prior(), (count, 1)))
    second = draw_rows(generator, confusion()[leading])
    weights = generator.dirichlet(_MOOD_CONCENTRATION, size=count)
    every = np.eye(9)
    moods = (
        weights[:, :1] * every[leading]
        + weights[:, 1:2] * every[second]
        + weights[:, 2:] * confusion()[leading]
    )
    subjects = draw_rows(generator, subject_given_emotion()[leading])
    abstract = generator.random(count) < np.array([style.abstract for style in STYLES])[styles]
    subjects[abstract] = SUBJECTS.index("shapes")
    palettes = draw_rows(generator, palette_given_emotion()[leading])
    return _Scenes(subjects, palettes, moods)


def _quota(total: int) -> NDArray[np.int64]:
    """Paintings per style: WikiArt's shares by largest remainder, none empty from 60 on."""
    counts = np.array([style.count for style in STYLES], dtype=np.float64)
    floor = 1 if total >= 60 else 0
    exact = counts / counts.sum() * (total - floor * len(STYLES))
    quota: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    leftover = total - floor * len(STYLES) - int(quota.sum())
    quota[np.argsort(quota - exact, kind="stable")[:leftover]] += 1
    quota += floor
    return quota


def _name_copies(
    copied: NDArray[np.int64],
    styles: NDArray[np.int8],
    names: list[str],
    generator: np.random.Generator,
) -> tuple[NDArray[np.int8], list[str]]:
    """A copy stands in another style: half of them under the same name, half retitled."""
    shares = np.array([style.count for style in STYLES], dtype=np.float64)
    taken = set(zip(styles.tolist(), names, strict=True))
    copy_styles, copy_names = [], []
    for number, index in enumerate(copied.tolist()):
        name = retitled(names[index]) if number % 2 else names[index]
        others = shares.copy()
        others[[style for style in range(len(STYLES)) if (style, name) in taken]] = 0
        others[styles[index]] = 0
        style = int(generator.choice(len(STYLES), p=others / others.sum()))
        taken.add((style, name))
        copy_styles.append(style)
        copy_names.append(name)
    return np.array(copy_styles, dtype=np.int8), copy_names


def _add_namesakes(
    plain: NDArray[np.int64], styles: NDArray[np.int8], names: list[str], wanted: int
) -> None:
    """Give a few paintings the name of a different picture in another style."""
    keys = set(zip(styles.tolist(), names, strict=True))
    candidates = plain[len(plain) // 2 :].tolist()
    for first, second in zip(candidates[::2], candidates[1::2], strict=False):
        if wanted == 0:
            return
        if styles[first] != styles[second] and (styles[second], names[first]) not in keys:
            keys.add((int(styles[second]), names[first]))
            names[second] = names[first]
            wanted -= 1


def _draw_splits(paintings: int, generator: np.random.Generator) -> NDArray[np.int8]:
    cuts = np.round(np.cumsum(_SPLIT_SHARES)[:-1] * paintings).astype(np.int64)
    ranks = generator.permutation(paintings)
    return np.searchsorted(cuts, ranks, side="right").astype(np.int8)


def _draw_faults(
    plain: NDArray[np.int64], paintings: int
) -> tuple[NDArray[np.int8], NDArray[np.bool_], int, int, int]:
    """(orientation, large, located, missing, truncated), all on paintings without a copy."""
    free = plain[: len(plain) // 2].tolist()
    missing, truncated = free.pop(), free.pop()
    orientation = np.ones(paintings, dtype=np.int8)
    rotated = [free.pop() for _ in range(max(3, round(_ROTATED_SHARE * paintings)))]
    orientation[rotated] = np.resize([3, 6, 8], len(rotated))
    large = np.zeros(paintings, dtype=np.bool_)
    large[[free.pop() for _ in range(max(2, round(_LARGE_SHARE * paintings)))]] = True
    return orientation, large, rotated[0], missing, truncated
