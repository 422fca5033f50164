"""A canvas in relative coordinates, and what many motifs have in common.

Coordinates run from 0 to 1 over width and height. Nothing here knows of emotions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Easel:
    """A picture in the making.

    colours: sky or wall above, the same lower down, ground, main colour, accent.
    """

    def __init__(
        self, size: tuple[int, int], colours: Sequence[Colour], generator: np.random.Generator
    ) -> None:
        self.width, self.height = size
        self.above, self.below, self.ground, self.main, self.accent = colours
        self._chances: Iterator[float] = iter(generator.random(1024).tolist())
        self.image = Image.new("RGB", size, self.below)
        self._draw = ImageDraw.Draw(self.image)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * next(self._chances)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(next(self._chances) * (high - low + 1))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([(x * self.width, y * self.height) for x, y in points], fill=colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """An ellipse round (x, y); both radii are shares of the shorter side."""
        side = min(self.width, self.height)
        cx, cy = x * self.width, y * self.height
        box = (cx - rx * side, cy - ry * side, cx + rx * side, cy + ry * side)
        self._draw.ellipse(box, fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A polyline; its width is a share of the shorter side."""
        pixels = max(1, round(width * min(self.width, self.height)))
        path = [(x * self.width, y * self.height) for x, y in points]
        self._draw.line(path, fill=colour, width=pixels)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)


def shade(colour: Colour, factor: float) -> Colour:
    """A darker (factor < 1) or lighter colour."""
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def skin_tone(easel: Easel) -> Colour:
    """A natural tone in the light of the picture's palette."""
    red, green, blue = (
        (part + natural) // 2 for part, natural in zip(easel.accent, (222, 176, 140), strict=True)
    )
    return red, green, blue


def open_air(easel: Easel, horizon: float) -> None:
    bands = 12
    for band in range(bands):
        share = band / (bands - 1)
        top, low = easel.above, easel.below
        red, green, blue = (
            int(one + (other - one) * share) for one, other in zip(top, low, strict=True)
        )
        easel.box(0, horizon * band / bands, 1, horizon * (band + 1) / bands, (red, green, blue))
    easel.box(0, horizon, 1, 1, easel.ground)
    if easel.between(0, 1) < 0.4:
        radius = easel.between(0.03, 0.07)
        easel.oval(easel.between(0.1, 0.9), horizon * 0.4, radius, radius, shade(easel.above, 1.5))


def room(easel: Easel) -> None:
    easel.box(0, 0, 1, 1, easel.above)
    edge = easel.between(0.2, 0.8)
    easel.box(0, 0, edge, 1, shade(easel.above, 0.85))
    easel.box(0, easel.between(0.65, 0.8), 1, 1, easel.ground)
    if easel.between(0, 1) < 0.5:
        x = easel.between(0.05, 0.7)
        easel.box(x, 0.1, x + 0.18, 0.4, shade(easel.below, 1.3))


def figure(easel: Easel, x: float, foot: float, tall: float, coat: Colour) -> None:
    """A standing person; `tall` is a share of the height."""
    skin = skin_tone(easel)
    wide = tall * 0.3
    easel.polygon(
        [
            (x - wide * 0.35, foot - tall * 0.8),
            (x + wide * 0.35, foot - tall * 0.8),
            (x + wide * easel.between(0.5, 1.0), foot),
            (x - wide * easel.between(0.5, 1.0), foot),
        ],
        coat,
    )
    easel.oval(x, foot - tall * 0.9, tall * 0.09, tall * 0.11, skin)
    reach = easel.between(-0.5, 0.5)
    easel.line([(x, foot - tall * 0.7), (x + reach * tall, foot - tall * 0.6)], skin, tall * 0.05)


def animal(easel: Easel, x: float, y: float, size: float, coat: Colour) -> None:
    """A four-legged animal of body length `size`, facing right."""
    for leg in (-0.4, -0.28, 0.28, 0.4):
        step = easel.between(-0.12, 0.12)
        path = [(x + leg * size, y), (x + (leg + step) * size, y + size * 0.75)]
        easel.line(path, shade(coat, 0.8), size * 0.09)
    easel.oval(x, y, size * 0.55, size * 0.26, coat)
    neck = [
        (x + size * 0.25, y),
        (x + size * 0.5, y + size * 0.1),
        (x + size * 0.75, y - size * 0.5),
    ]
    easel.polygon([*neck, (x + size * 0.55, y - size * 0.6)], coat)
    easel.oval(x + size * 0.72, y - size * 0.5, size * 0.2, size * 0.11, coat)
    tail = (x - size * 0.8, y + size * easel.between(-0.4, 0.4))
    easel.line([(x - size * 0.5, y), tail], shade(coat, 0.6), size * 0.07)
