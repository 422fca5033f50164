"""Motifs under the open sky: one drawing function per subject."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from artcurate.sources.synthetic.easel import Colour, Easel, animal, figure, open_air, shade


def _ridge(easel: Easel, base: float, rise: float, colour: Colour) -> None:
    count = easel.whole(4, 8)
    peaks = [(k / count, base - easel.between(0.15, 1.0) * rise) for k in range(count + 1)]
    easel.polygon([(0, 1), *peaks, (1, 1)], colour)


def mountains(easel: Easel) -> None:
    open_air(easel, 0.75)
    for depth in range(easel.whole(2, 4)):
        tone = shade(easel.main, 1.25 - 0.22 * depth)
        _ridge(easel, 0.75 + 0.06 * depth, 0.6 - 0.13 * depth, tone)
    top = easel.between(0.2, 0.8)
    easel.polygon([(top, 0.12), (top + 0.09, 0.32), (top - 0.1, 0.34)], shade(easel.below, 1.4))


def sea(easel: Easel) -> None:
    horizon = easel.between(0.3, 0.6)
    open_air(easel, horizon)
    easel.box(0, horizon, 1, 1, easel.main)
    for _ in range(easel.whole(12, 26)):
        y, x = easel.between(horizon, 1), easel.between(-0.1, 0.9)
        rise = 0.02 * (1 + 2 * y)
        easel.line([(x, y), (x + 0.12, y - rise), (x + 0.25, y)], shade(easel.accent, 1.2), 0.01)
    if easel.between(0, 1) < 0.6:
        _ridge(easel, 1.0, easel.between(0.1, 0.3), shade(easel.ground, 0.6))


def ship(easel: Easel) -> None:
    sea(easel)
    x, y = easel.between(0.25, 0.65), easel.between(0.55, 0.7)
    lean = easel.between(-0.06, 0.06)
    hull = [(x - 0.16, y), (x + 0.2, y + lean), (x + 0.13, y + 0.1), (x - 0.11, y + 0.1)]
    easel.polygon(hull, shade(easel.main, 0.35))
    for mast in range(easel.whole(1, 3)):
        foot = x - 0.08 + mast * 0.09
        top = y - easel.between(0.25, 0.42)
        easel.line([(foot, y), (foot + lean, top)], shade(easel.main, 0.3), 0.01)
        sail = [(foot + lean, top), (foot + 0.1, y - 0.06), (foot - 0.01, y - 0.05)]
        easel.polygon(sail, shade(easel.accent, 1.5))


def river(easel: Easel) -> None:
    horizon = easel.between(0.35, 0.5)
    open_air(easel, horizon)
    bend, source = easel.between(-0.3, 0.3), easel.between(0.3, 0.7)
    left = [(source - 0.01 + bend * t * (1 - t) * 2 - 0.35 * t * t, t) for t in (0, 0.3, 0.6, 1)]
    right = [(source + 0.01 + bend * t * (1 - t) * 2 + 0.3 * t * t, t) for t in (1, 0.6, 0.3, 0)]
    banks = [(x, horizon + (1 - horizon) * t) for x, t in left + right]
    easel.polygon(banks, shade(easel.below, 1.1))
    for _ in range(easel.whole(3, 8)):
        x, y = easel.between(0, 1), horizon + easel.between(-0.02, 0.1)
        easel.oval(x, y - 0.05, 0.06, 0.08, easel.main)
    if easel.between(0, 1) < 0.6:
        easel.line([(0.1, 0.62), (0.5, 0.52), (0.9, 0.62)], shade(easel.accent, 0.7), 0.05)


def forest(easel: Easel) -> None:
    open_air(easel, easel.between(0.55, 0.75))
    for _ in range(easel.whole(7, 16)):
        x, foot = easel.between(0, 1), easel.between(0.65, 1)
        thick = 0.02 + 0.03 * (foot - 0.6)
        easel.line(
            [(x, foot), (x + easel.between(-0.03, 0.03), 0)], shade(easel.ground, 0.5), thick
        )
        easel.oval(
            x, easel.between(0.02, 0.35), 0.16, 0.14, shade(easel.main, easel.between(0.6, 1.2))
        )


def field(easel: Easel) -> None:
    horizon = easel.between(0.3, 0.5)
    open_air(easel, horizon)
    easel.box(0, horizon, 1, 1, easel.main)
    vanish = easel.between(0.2, 0.8)
    for furrow in range(-6, 13):
        easel.line([(vanish, horizon), (furrow / 6, 1)], shade(easel.main, 0.75), 0.012)
    for _ in range(easel.whole(1, 6)):
        x, y = easel.between(0.05, 0.95), easel.between(horizon + 0.08, 0.9)
        easel.oval(x, y, 0.09 * y, 0.08 * y, easel.accent)


def _house(easel: Easel, x: float, foot: float, size: float) -> None:
    wall = shade(easel.accent, easel.between(0.7, 1.3))
    easel.box(x, foot - size, x + size * 1.1, foot, wall)
    roof = [(x - size * 0.1, foot - size), (x + size * 0.55, foot - size * 1.6)]
    easel.polygon([*roof, (x + size * 1.2, foot - size)], shade(easel.main, 0.7))
    easel.box(x + size * 0.4, foot - size * 0.5, x + size * 0.65, foot, shade(easel.main, 0.4))


def village(easel: Easel) -> None:
    horizon = easel.between(0.4, 0.6)
    open_air(easel, horizon)
    _ridge(easel, horizon + 0.05, 0.2, shade(easel.ground, 0.85))
    for _ in range(easel.whole(4, 9)):
        _house(
            easel, easel.between(-0.05, 0.9), easel.between(horizon, 0.95), easel.between(0.09, 0.2)
        )


def city(easel: Easel) -> None:
    open_air(easel, 0.75)
    x = -0.05
    while x < 1:
        wide, top = easel.between(0.08, 0.2), easel.between(0.1, 0.5)
        wall = shade(easel.main, easel.between(0.6, 1.2))
        easel.box(x, top, x + wide, 0.78, wall)
        for storey in range(4):
            y = top + 0.06 + storey * 0.12
            if y < 0.7:
                easel.box(x + 0.03, y, x + wide - 0.02, y + 0.04, shade(easel.accent, 1.2))
        x += wide + 0.01
    for _ in range(easel.whole(3, 9)):
        figure(
            easel, easel.between(0, 1), easel.between(0.85, 0.98), 0.16, shade(easel.ground, 0.4)
        )


def battle(easel: Easel) -> None:
    open_air(easel, easel.between(0.4, 0.55))
    for _ in range(easel.whole(3, 7)):
        size = easel.between(0.1, 0.22)
        easel.oval(
            easel.between(0, 1), easel.between(0.2, 0.5), size, size * 0.7, shade(easel.below, 0.8)
        )
    for _ in range(easel.whole(10, 18)):
        x, foot = easel.between(0, 1), easel.between(0.6, 1)
        figure(easel, x, foot, 0.2 * foot, shade(easel.main, easel.between(0.4, 1.1)))
        tip = (x + easel.between(-0.15, 0.15), foot - easel.between(0.2, 0.4))
        easel.line([(x, foot - 0.1), tip], shade(easel.ground, 0.35), 0.008)


def horse(easel: Easel) -> None:
    open_air(easel, easel.between(0.45, 0.65))
    for _ in range(easel.whole(1, 3)):
        size = easel.between(0.25, 0.4)
        animal(easel, easel.between(0.3, 0.6), easel.between(0.5, 0.65), size, easel.main)
    if easel.between(0, 1) < 0.5:
        figure(easel, easel.between(0.1, 0.9), 0.95, 0.4, shade(easel.accent, 0.8))


def ruins(easel: Easel) -> None:
    open_air(easel, easel.between(0.6, 0.75))
    for column in range(easel.whole(3, 7)):
        x, top = 0.05 + column * 0.15, easel.between(0.15, 0.6)
        stone = shade(easel.accent, easel.between(0.7, 1.2))
        easel.polygon(
            [(x, top), (x + 0.07, top + easel.between(-0.06, 0.06)), (x + 0.08, 0.85), (x, 0.85)],
            stone,
        )
        easel.box(x - 0.02, 0.82, x + 0.1, 0.87, shade(stone, 0.8))
    for _ in range(easel.whole(2, 6)):
        x, y = easel.between(0, 0.9), easel.between(0.85, 0.97)
        easel.polygon([(x, y), (x + 0.06, y - 0.05), (x + 0.12, y)], shade(easel.main, 0.7))


def beast(easel: Easel) -> None:
    open_air(easel, easel.between(0.6, 0.8))
    x, y = easel.between(0.4, 0.6), easel.between(0.45, 0.6)
    hide = shade(easel.main, 0.55)
    spikes = easel.whole(10, 18)
    outline = []
    for k in range(spikes * 2):
        far = easel.between(0.3, 0.42) if k % 2 else easel.between(0.18, 0.26)
        angle = math.pi * k / spikes
        outline.append((x + far * math.cos(angle), y + far * math.sin(angle)))
    easel.polygon(outline, hide)
    easel.polygon([(x - 0.14, y + 0.04), (x + 0.14, y + 0.04), (x, y + 0.2)], easel.accent)
    for k in range(5):
        left = x - 0.12 + k * 0.05
        easel.polygon(
            [(left, y + 0.04), (left + 0.03, y + 0.04), (left + 0.015, y + 0.1)], (235, 230, 210)
        )
    for side in (-1, 1):
        easel.oval(x + side * 0.08, y - 0.06, 0.035, 0.025, shade(easel.accent, 1.5))


def shapes(easel: Easel) -> None:
    easel.box(0, 0, 1, 1, easel.below)
    tones = (easel.above, easel.ground, easel.main, easel.accent)
    for k in range(easel.whole(2, 14)):
        tone = shade(tones[k % 4], easel.between(0.7, 1.3))
        x, y = easel.between(-0.1, 0.8), easel.between(-0.1, 0.8)
        wide, tall = easel.between(0.1, 0.55), easel.between(0.1, 0.55)
        form = easel.whole(0, 3)
        if form == 0:
            easel.box(x, y, x + wide, y + tall, tone)
        elif form == 1:
            easel.polygon([(x, y + tall), (x + wide, y), (x + wide * 0.6, y + tall * 1.2)], tone)
        elif form == 2:
            easel.oval(x + 0.2, y + 0.2, wide * 0.5, wide * 0.5, tone)
        else:
            easel.line([(x, y), (x + wide, y + tall)], tone, 0.03)


OUTDOORS: Mapping[str, Callable[[Easel], None]] = {
    motif.__name__: motif
    for motif in (
        mountains,
        sea,
        ship,
        river,
        forest,
        field,
        village,
        city,
        battle,
        horse,
        ruins,
        beast,
        shapes,
    )
}
