"""The pixels of a synthetic painting: its subject in its palette, painted in its style and mood.

The mood shows in colour, light, contrast and the direction of the strokes, each with noise, so that
it can be guessed from the pixels, but not read off them.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from artcurate.sources.synthetic.easel import Colour, Easel, shade
from artcurate.sources.synthetic.indoors import INDOORS
from artcurate.sources.synthetic.outdoors import OUTDOORS
from artcurate.sources.synthetic.scenes import PALETTES, SUBJECTS, stream

#: Hue, saturation and value of the five colours of an `Easel`.
_PALETTE_COLOURS: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    "golden": (
        (0.13, 0.30, 0.90),
        (0.11, 0.55, 0.92),
        (0.10, 0.55, 0.55),
        (0.08, 0.60, 0.62),
        (0.12, 0.70, 0.85),
    ),
    "clear": (
        (0.57, 0.50, 0.88),
        (0.54, 0.20, 0.95),
        (0.30, 0.45, 0.60),
        (0.38, 0.50, 0.55),
        (0.12, 0.35, 0.85),
    ),
    "pastel": (
        (0.92, 0.14, 0.95),
        (0.58, 0.14, 0.95),
        (0.25, 0.18, 0.82),
        (0.95, 0.28, 0.85),
        (0.10, 0.22, 0.93),
    ),
    "motley": (
        (0.58, 0.60, 0.85),
        (0.14, 0.60, 0.92),
        (0.33, 0.60, 0.62),
        (0.99, 0.75, 0.82),
        (0.12, 0.85, 0.92),
    ),
    "fiery": (
        (0.04, 0.75, 0.70),
        (0.07, 0.80, 0.85),
        (0.02, 0.75, 0.32),
        (0.99, 0.85, 0.62),
        (0.09, 0.85, 0.90),
    ),
    "dark": (
        (0.65, 0.40, 0.22),
        (0.62, 0.40, 0.36),
        (0.10, 0.40, 0.22),
        (0.60, 0.35, 0.44),
        (0.11, 0.32, 0.66),
    ),
    "grey": (
        (0.58, 0.12, 0.66),
        (0.58, 0.08, 0.74),
        (0.55, 0.12, 0.42),
        (0.60, 0.20, 0.40),
        (0.10, 0.14, 0.62),
    ),
    "murky": (
        (0.17, 0.40, 0.50),
        (0.18, 0.45, 0.58),
        (0.11, 0.50, 0.28),
        (0.22, 0.50, 0.38),
        (0.14, 0.50, 0.55),
    ),
}


@dataclass(frozen=True, slots=True)
class Technique:
    """How a style lays on paint.

    strokes: number of brush strokes; length: theirs, as a share of the shorter side.
    grain: standard deviation of the canvas's grain in grey levels; blur: radius in pixels at 320.
    facets: overlaid angular planes; ink: True where most works have a single hue.
    """

    strokes: int = 0
    length: float = 0.05
    grain: float = 4.0
    blur: float = 0.0
    facets: int = 0
    ink: bool = False


_SMOOTH = Technique(strokes=110, length=0.06, grain=4.0, blur=1.0)
_BROKEN = Technique(strokes=900, length=0.055, grain=4.0)
_FLAT = Technique(strokes=25, length=0.10, grain=2.0)
_ANGULAR = Technique(strokes=120, length=0.08, grain=4.0, facets=14)
_GESTURAL = Technique(strokes=260, length=0.22, grain=4.0)
_TECHNIQUES: Mapping[str, Technique] = {
    "Impressionism": _BROKEN,
    "Post_Impressionism": _BROKEN,
    "Expressionism": Technique(strokes=550, length=0.09, grain=5.0),
    "Fauvism": Technique(strokes=500, length=0.08, grain=3.0),
    "Symbolism": Technique(strokes=300, length=0.06, grain=4.0, blur=0.6),
    "Pointillism": Technique(strokes=1600, length=0.012, grain=3.0),
    "Cubism": _ANGULAR,
    "Analytical_Cubism": Technique(strokes=120, length=0.08, grain=4.0, facets=24, ink=True),
    "Synthetic_Cubism": _ANGULAR,
    "Abstract_Expressionism": _GESTURAL,
    "Action_painting": Technique(strokes=320, length=0.30, grain=4.0),
    "Art_Nouveau_Modern": _FLAT,
    "Color_Field_Painting": _FLAT,
    "Minimalism": Technique(strokes=6, length=0.15, grain=2.0),
    "Naive_Art_Primitivism": _FLAT,
    "Pop_Art": _FLAT,
    "Ukiyo_e": Technique(strokes=20, length=0.08, grain=3.0),
    "Northern_Renaissance": Technique(strokes=120, length=0.05, grain=4.0, ink=True),
}
_INK_SHARE = 0.25
_TILE = 512
#: Distance from the middle on a grid of 6 x 6.
_RIM = np.hypot(*np.meshgrid(np.linspace(-1, 1, 6), np.linspace(-1, 1, 6)))
_MOTIFS = {**OUTDOORS, **INDOORS}


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture's pixels depend on.

    number: the painting's row in the gallery with this seed. style: name of the folder.
    subject, palette: indices into SUBJECTS and PALETTES.
    valence, arousal: of the mood, -1..1. side: the shorter side in pixels.
    """

    seed: int
    number: int
    style: str
    subject: int
    palette: int
    valence: float
    arousal: float
    side: int


def paint(picture: Picture) -> Image.Image:
    """The upright RGB picture; the same for the same `Picture`."""
    generator = stream(picture.seed, "picture", str(picture.number))
    technique = _TECHNIQUES.get(picture.style, _SMOOTH)
    size = _draw_size(picture, generator)
    easel = Easel(size, _mix_colours(picture, generator), generator)
    _MOTIFS[SUBJECTS[picture.subject]](easel)
    _lay_facets(easel, technique, generator)
    image = easel.image
    if technique.blur:
        image = image.filter(ImageFilter.BoxBlur(technique.blur * picture.side / 320))
    _brush(image, technique, picture, generator)
    return _tone(image, technique, picture, generator)


def _draw_size(picture: Picture, generator: np.random.Generator) -> tuple[int, int]:
    ratio = math.exp(abs(generator.normal(0.24, 0.12)))
    short, long = picture.side, round(picture.side * ratio)
    upright = SUBJECTS[picture.subject] in {"woman", "man", "elder", "saint", "flowers", "child"}
    if generator.random() < (0.85 if upright else 0.2):
        return short, long
    return long, short


def _mix_colours(picture: Picture, generator: np.random.Generator) -> list[Colour]:
    turn = generator.normal(0.0, 0.025)
    strength, light = generator.uniform(0.75, 1.25), generator.uniform(0.82, 1.12)
    mixed = []
    for hue, saturation, value in _PALETTE_COLOURS[PALETTES[picture.palette]]:
        own = generator.normal(0.0, (0.03, 0.06, 0.07))
        red, green, blue = colorsys.hsv_to_rgb(
            (hue + turn + own[0]) % 1.0,
            min(1.0, max(0.0, saturation * strength + own[1])),
            min(1.0, max(0.03, value * light + own[2])),
        )
        mixed.append((int(red * 255), int(green * 255), int(blue * 255)))
    if generator.random() < 0.3:
        mixed[3], mixed[4] = mixed[4], mixed[3]
    return mixed


def _lay_facets(easel: Easel, technique: Technique, generator: np.random.Generator) -> None:
    if not technique.facets:
        return
    veil = Image.new("L", easel.image.size, 0)
    planes = Easel(easel.image.size, [(128, 128, 128)] * 5, generator)
    mask = ImageDraw.Draw(veil)
    for _ in range(technique.facets):
        x, y = easel.between(0, 1), easel.between(0, 1)
        corners = [
            (x + easel.between(-0.25, 0.25), y + easel.between(-0.25, 0.25)) for _ in range(3)
        ]
        planes.polygon(corners, shade((150, 140, 125), easel.between(0.4, 1.5)))
        mask.polygon([(px * easel.width, py * easel.height) for px, py in corners], fill=90)
    easel.image.paste(planes.image, mask=veil)


def _brush(
    image: Image.Image, technique: Technique, picture: Picture, generator: np.random.Generator
) -> None:
    """Strokes in the colours beneath them: level when calm, steep and scattered when agitated."""
    # Below 160 pixels strokes are a pixel wide, and all of them would hide the subject.
    count = round(technique.strokes * min(1.0, picture.side / 160))
    pixels = np.asarray(image)
    x = generator.integers(image.width, size=count)
    y = generator.integers(image.height, size=count)
    spread = 0.25 + 0.2 * (picture.arousal + 1)
    steep = 0.6 * (picture.arousal + 1) * generator.choice([-1.0, 1.0])
    angle = steep + generator.normal(0.0, spread, size=count)
    reach = technique.length * picture.side * generator.uniform(0.5, 1.2, size=count)
    dx, dy = reach * np.cos(angle) / 2, reach * np.sin(angle) / 2
    light = generator.normal(0.0, 14.0, size=(count, 1))
    colour = np.clip(pixels[y, x] + light, 0, 255).astype(np.uint8)
    width = max(1, round(0.012 * picture.side))
    draw = ImageDraw.Draw(image)
    ends = np.stack([x - dx, y - dy, x + dx, y + dy], axis=1)
    for stroke, paint_colour in zip(ends.tolist(), colour.tolist(), strict=True):
        draw.line(stroke, fill=tuple(paint_colour), width=width)


def _tone(
    image: Image.Image, technique: Technique, picture: Picture, generator: np.random.Generator
) -> Image.Image:
    """Light, contrast and saturation of the mood; uneven light, dark edges and canvas grain."""
    pixels = np.asarray(image, dtype=np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    saturation = 1.0 + 0.25 * picture.arousal + 0.1 * picture.valence + generator.normal(0, 0.15)
    if technique.ink and generator.random() < _INK_SHARE:
        saturation = 0.1
    contrast = 1.0 + 0.2 * picture.arousal + generator.normal(0, 0.12)
    light = 1.0 + 0.20 * picture.valence + generator.normal(0, 0.08)
    middle = float(grey.mean())
    # Neither the darkest palette nor the brightest light may swallow the subject.
    exposed = min(max(middle * light, 48.0), 200.0)
    pixels = grey + (pixels - grey) * np.float32(max(saturation, 0.0))
    pixels = (pixels - middle) * np.float32(contrast) + np.float32(exposed)
    pixels += _uneven_light(image.size, picture, generator)[:, :, None]
    pixels += _grain(image.size, generator)[:, :, None] * np.float32(technique.grain)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _uneven_light(
    size: tuple[int, int], picture: Picture, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Soft patches of light, and edges that are darker the sadder the mood; (height, width)."""
    patches = generator.normal(0.0, 13.0, size=(6, 6))
    patches -= 18.0 * max(0.0, 0.5 - picture.valence) * _RIM
    field = Image.fromarray(patches.astype(np.float32))
    return np.asarray(field.resize(size, Image.Resampling.BICUBIC))


@cache
def _grain_tile() -> NDArray[np.float32]:
    return stream(0, "grain").standard_normal((_TILE, _TILE), dtype=np.float32)


def _grain(size: tuple[int, int], generator: np.random.Generator) -> NDArray[np.float32]:
    """Standard normal noise of shape (height, width), cut from one repeated tile."""
    width, height = size
    left, top = generator.integers(_TILE, size=2)
    rows, columns = (top + np.arange(height)) % _TILE, (left + np.arange(width)) % _TILE
    return _grain_tile()[np.ix_(rows, columns)]
