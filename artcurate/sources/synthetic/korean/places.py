"""The ten kinds of places that synthetic pictures are taken in, drawn on an easel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from artcurate.sources.synthetic.easel import Colour, Easel, open_air, room, shade

_GREEN: Final[Colour] = (92, 140, 84)
_GLASS: Final[Colour] = (186, 208, 222)


def draw_place(easel: Easel, place: int) -> None:
    """Fill the easel with a place of the kind `place`, an index into PLACES."""
    _PLACES[place](easel)
    for _ in range(easel.whole(3, 6)):
        _thing(easel)


def _thing(easel: Easel) -> None:
    """Something that stands around, so that two places of a kind differ at a glance."""
    colour = shade((170, 160, 150), easel.between(0.25, 1.5))
    x, y = easel.between(0, 1), easel.between(0.35, 1)
    wide, high = easel.between(0.04, 0.16), easel.between(0.08, 0.3)
    if easel.between(0, 1) < 0.5:
        easel.box(x - wide, y - high, x + wide, y + high, colour)
    else:
        easel.oval(x, y, wide, high, colour)


def _public_building(easel: Easel) -> None:
    open_air(easel, 0.75)
    easel.box(0.1, 0.25, 0.9, 0.85, (214, 208, 196))
    easel.polygon([(0.06, 0.25), (0.5, 0.05), (0.94, 0.25)], (190, 182, 168))
    for column in range(6):
        x = 0.14 + column * 0.135
        easel.box(x, 0.28, x + 0.04, 0.85, (236, 232, 224))
    if easel.between(0, 1) < 0.5:
        easel.box(0.485, 0.08, 0.515, 0.2, (196, 60, 56))
        easel.box(0.455, 0.12, 0.545, 0.15, (196, 60, 56))


def _vehicle(easel: Easel) -> None:
    easel.box(0, 0, 1, 1, (120, 126, 134))
    for window in range(3):
        x = 0.03 + window * 0.33
        easel.box(x, 0.1, x + 0.28, 0.5, _GLASS)
        easel.box(x, 0.36, x + 0.28, 0.5, shade(_GREEN, easel.between(0.7, 1.2)))
    for strap in range(5):
        x = 0.1 + strap * 0.2
        easel.line([(x, 0.0), (x, 0.14)], (60, 60, 66), 0.012)
        easel.oval(x, 0.18, 0.035, 0.04, (230, 220, 190))
    easel.box(0, 0.68, 1, 1, (64, 82, 128))


def _shop(easel: Easel) -> None:
    room(easel)
    for shelf in range(4):
        y = 0.1 + shelf * 0.2
        x = 0.02
        while x < 0.95:
            wide = easel.between(0.03, 0.08)
            goods = tuple(easel.whole(60, 235) for _ in range(3))
            easel.box(x, y, x + wide, y + 0.15, (goods[0], goods[1], goods[2]))
            x += wide + 0.012
        easel.box(0, y + 0.15, 1, y + 0.175, (150, 120, 90))


def _sports_ground(easel: Easel) -> None:
    open_air(easel, 0.45)
    easel.box(0, 0.45, 1, 1, (84, 152, 76))
    for stripe in range(4):
        easel.box(0, 0.5 + stripe * 0.13, 1, 0.56 + stripe * 0.13, (98, 168, 88))
    easel.line([(0.5, 0.45), (0.5, 1)], (240, 240, 240), 0.012)
    easel.line([(0.05, 0.62), (0.3, 0.62), (0.3, 0.9)], (240, 240, 240), 0.012)
    for seat in range(24):
        easel.oval(
            seat / 24 + 0.02, 0.4, 0.018, 0.022, shade((200, 90, 80), easel.between(0.6, 1.3))
        )


def _stage(easel: Easel) -> None:
    easel.box(0, 0, 1, 1, (34, 24, 48))
    for light in range(4):
        x = 0.12 + light * 0.25 + easel.between(-0.04, 0.04)
        beam = ((250, 220, 120), (240, 110, 150), (120, 180, 250), (160, 240, 160))[light]
        easel.polygon([(x, 0), (x - 0.14, 0.8), (x + 0.14, 0.8)], shade(beam, 0.55))
        easel.oval(x, 0.02, 0.03, 0.03, beam)
    easel.box(0, 0.8, 1, 1, (90, 60, 50))


def _office(easel: Easel) -> None:
    easel.box(0, 0, 1, 1, (222, 224, 226))
    for lamp in range(3):
        easel.box(0.08 + lamp * 0.32, 0.03, 0.28 + lamp * 0.32, 0.07, (255, 255, 250))
    for desk in range(3):
        x = 0.02 + desk * 0.34
        easel.box(x, 0.6, x + 0.3, 0.66, (166, 132, 98))
        easel.box(x + 0.07, 0.4, x + 0.23, 0.56, (52, 58, 66))
        easel.box(x + 0.08, 0.41, x + 0.22, 0.54, shade(_GLASS, easel.between(0.7, 1.0)))
    easel.box(0, 0.85, 1, 1, (136, 140, 148))


def _nature(easel: Easel) -> None:
    open_air(easel, 0.6)
    for ridge in range(3):
        peak = easel.between(0.1, 0.9)
        base = 0.62 + ridge * 0.03
        colour = shade((96, 128, 112), 1.1 - ridge * 0.15)
        easel.polygon([(peak - 0.5, base), (peak, 0.2 + ridge * 0.1), (peak + 0.5, base)], colour)
    easel.box(0, 0.62, 1, 1, _GREEN)
    for _ in range(9):
        x, y = easel.between(0, 1), easel.between(0.58, 0.9)
        easel.line([(x, y), (x, y - 0.1)], (92, 66, 44), 0.02)
        easel.oval(x, y - 0.15, 0.06, 0.08, shade((70, 118, 60), easel.between(0.8, 1.3)))


def _city(easel: Easel) -> None:
    open_air(easel, 0.8)
    for tower in range(7):
        x, top = tower / 7, easel.between(0.05, 0.45)
        wall = shade((146, 152, 164), easel.between(0.7, 1.2))
        easel.box(x, top, x + 0.13, 0.82, wall)
        for floor in range(6):
            for window in range(3):
                y = top + 0.03 + floor * 0.07
                lit = (246, 226, 150) if easel.between(0, 1) < 0.3 else (90, 104, 124)
                left = x + 0.015 + window * 0.038
                easel.box(left, y, left + 0.024, y + 0.04, lit)
    easel.box(0, 0.82, 1, 1, (84, 86, 92))
    easel.line([(0, 0.9), (1, 0.9)], (236, 214, 96), 0.012)


def _heritage(easel: Easel) -> None:
    open_air(easel, 0.75)
    easel.box(0.12, 0.42, 0.88, 0.8, (226, 212, 186))
    for post in range(5):
        x = 0.14 + post * 0.175
        easel.box(x, 0.42, x + 0.03, 0.8, (142, 62, 48))
    eaves = [(0.0, 0.36), (0.2, 0.2), (0.8, 0.2), (1.0, 0.36), (0.86, 0.44), (0.14, 0.44)]
    easel.polygon(eaves, (64, 70, 78))
    easel.line([(0.0, 0.36), (0.14, 0.43), (0.86, 0.43), (1.0, 0.36)], (74, 132, 112), 0.02)
    easel.box(0, 0.8, 1, 1, (186, 172, 148))


def _home(easel: Easel) -> None:
    room(easel)
    x = easel.between(0.05, 0.55)
    easel.box(x, 0.08, x + 0.32, 0.46, (244, 240, 232))
    easel.box(x + 0.02, 0.1, x + 0.3, 0.44, _GLASS)
    easel.line([(x + 0.16, 0.1), (x + 0.16, 0.44)], (244, 240, 232), 0.015)
    sofa = shade(easel.main, easel.between(0.7, 1.2))
    easel.box(0.04, 0.62, 0.96, 0.95, sofa)
    easel.box(0.04, 0.74, 0.96, 0.78, shade(sofa, 0.8))
    y = easel.between(0.15, 0.3)
    easel.box(0.72, y, 0.9, y + 0.18, easel.accent)


#: In the order of PLACES.
_PLACES: Final[tuple[Callable[[Easel], None], ...]] = (
    _public_building,
    _vehicle,
    _shop,
    _sports_ground,
    _stage,
    _office,
    _nature,
    _city,
    _heritage,
    _home,
)
