"""Motifs in a room: portraits, still lifes and company; one drawing function per subject."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from artcurate.sources.synthetic.easel import Easel, animal, figure, room, shade, skin_tone


def _bust(easel: Easel, hat: bool) -> None:
    """A half-length portrait."""
    room(easel)
    x, y = easel.between(0.35, 0.65), easel.between(0.3, 0.42)
    size = easel.between(0.12, 0.19)
    skin = skin_tone(easel)
    easel.oval(x, y - 0.02, size * 1.25, size * 1.4, shade(easel.main, 0.45))
    easel.polygon([(x - 0.16, 0.62), (x + 0.16, 0.62), (x + 0.36, 1), (x - 0.36, 1)], easel.main)
    easel.box(x - 0.05, y, x + 0.05, 0.66, shade(skin, 0.85))
    easel.oval(x, y, size * 0.85, size * 1.15, skin)
    for side in (-1, 1):
        easel.oval(x + side * size * 0.35, y - 0.02, 0.015, 0.01, shade(easel.main, 0.3))
    easel.line([(x - 0.03, y + size * 0.6), (x + 0.03, y + size * 0.6)], easel.main, 0.012)
    if hat:
        easel.polygon(
            [(x - 0.2, y - size), (x + 0.2, y - size), (x, y - size - 0.22)], easel.ground
        )
    if easel.between(0, 1) < 0.5:
        easel.oval(x + easel.between(-0.2, 0.2), 0.85, 0.08, 0.05, skin)


def flowers(easel: Easel) -> None:
    room(easel)
    x, wide = easel.between(0.4, 0.6), easel.between(0.08, 0.13)
    easel.polygon(
        [(x - wide, 0.6), (x + wide, 0.6), (x + wide * 0.6, 0.92), (x - wide * 0.6, 0.92)],
        shade(easel.below, 1.15),
    )
    for _ in range(easel.whole(14, 30)):
        angle, far = easel.between(math.pi, 2 * math.pi), easel.between(0.05, 0.4)
        bx, by = x + math.cos(angle) * far, 0.58 + math.sin(angle) * far
        easel.line([(x, 0.6), (bx, by)], shade(easel.ground, 0.8), 0.008)
        bloom = easel.accent if easel.between(0, 1) < 0.5 else easel.main
        size = easel.between(0.03, 0.07)
        easel.oval(bx, by, size, size, shade(bloom, easel.between(0.9, 1.4)))
        easel.oval(bx, by, size * 0.4, size * 0.4, shade(bloom, 0.7))


def fruit(easel: Easel) -> None:
    room(easel)
    table = easel.between(0.55, 0.65)
    easel.box(0, table, 1, 1, shade(easel.below, 1.2))
    x = easel.between(0.35, 0.65)
    easel.oval(x, table + 0.12, 0.32, 0.12, shade(easel.above, 0.7))
    for _ in range(easel.whole(5, 12)):
        size = easel.between(0.05, 0.1)
        bx, by = x + easel.between(-0.22, 0.22), table + easel.between(-0.08, 0.14)
        easel.oval(bx, by, size, size, shade(easel.main if size > 0.07 else easel.accent, 1.1))
        easel.oval(
            bx - size * 0.3, by - size * 0.3, size * 0.2, size * 0.2, shade(easel.accent, 1.5)
        )


def woman(easel: Easel) -> None:
    _bust(easel, hat=False)
    easel.oval(easel.between(0.4, 0.6), 0.68, 0.02, 0.02, shade(easel.accent, 1.5))


def man(easel: Easel) -> None:
    _bust(easel, hat=easel.between(0, 1) < 0.7)


def child(easel: Easel) -> None:
    room(easel)
    figure(
        easel,
        easel.between(0.3, 0.7),
        easel.between(0.85, 0.95),
        easel.between(0.4, 0.55),
        easel.main,
    )
    for _ in range(easel.whole(2, 6)):
        x, y, size = easel.between(0.05, 0.95), easel.between(0.8, 0.95), easel.between(0.03, 0.06)
        easel.box(x, y, x + size, y + size, easel.accent)


def elder(easel: Easel) -> None:
    room(easel)
    x = easel.between(0.3, 0.6)
    back = [(x - 0.16, 1), (x - 0.12, 0.55), (x + 0.06, 0.4), (x + 0.2, 0.6), (x + 0.22, 1)]
    easel.polygon(back, easel.main)
    easel.oval(x + 0.12, 0.38, 0.09, 0.1, skin_tone(easel))
    easel.oval(x + 0.1, 0.31, 0.09, 0.05, shade(easel.below, 1.4))
    easel.line([(x + 0.35, 0.55), (x + 0.38, 1)], shade(easel.ground, 0.4), 0.02)
    easel.line([(x + 0.1, 0.6), (x + 0.35, 0.57)], skin_tone(easel), 0.04)


def dancers(easel: Easel) -> None:
    room(easel)
    count, centre = easel.whole(4, 9), easel.between(0.4, 0.6)
    for k in range(count):
        angle = 2 * math.pi * k / count + easel.between(0, 0.4)
        coat = easel.main if k % 2 else easel.accent
        figure(easel, centre + 0.35 * math.cos(angle), 0.78 + 0.14 * math.sin(angle), 0.38, coat)
    for _ in range(easel.whole(3, 8)):
        easel.oval(
            easel.between(0, 1), easel.between(0.05, 0.2), 0.025, 0.025, shade(easel.accent, 1.6)
        )


def saint(easel: Easel) -> None:
    room(easel)
    x = easel.between(0.4, 0.6)
    easel.oval(x, 0.45, 0.42, 0.5, shade(easel.above, 0.7))
    for k in range(12):
        angle = math.pi * k / 6
        end = (x + 0.4 * math.cos(angle), 0.3 + 0.4 * math.sin(angle))
        easel.line([(x, 0.3), end], shade(easel.accent, 1.1), 0.008)
    easel.oval(x, 0.3, 0.15, 0.15, shade(easel.accent, 1.5))
    easel.polygon([(x - 0.08, 0.4), (x + 0.08, 0.4), (x + 0.25, 1), (x - 0.25, 1)], easel.main)
    easel.oval(x, 0.3, 0.08, 0.1, skin_tone(easel))
    for side in (-1, 1):
        easel.line([(x, 0.5), (x + side * 0.24, 0.35)], shade(easel.main, 0.8), 0.05)


def dog(easel: Easel) -> None:
    room(easel)
    coat = shade(easel.main, easel.between(0.7, 1.2))
    x, y = easel.between(0.35, 0.55), easel.between(0.68, 0.76)
    animal(easel, x, y, easel.between(0.2, 0.3), coat)
    if easel.between(0, 1) < 0.5:
        easel.box(0.05, 0.3, 0.25, 1, shade(easel.ground, 0.6))


INDOORS: Mapping[str, Callable[[Easel], None]] = {
    motif.__name__: motif
    for motif in (flowers, fruit, woman, man, child, elder, dancers, saint, dog)
}
