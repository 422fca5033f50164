"""Cartoon faces: who it is shows in colours and shape, what they feel in brows, eyes and mouth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artcurate.sources.synthetic.easel import Colour, Easel, Point, shade
from artcurate.sources.synthetic.korean.annotators import FACE_WIDTH
from artcurate.sources.synthetic.korean.codes import LABELS
from artcurate.sources.synthetic.scenes import stream

#: What moves in a face: corners of the mouth up, mouth open, mouth wide, brows up, inner ends of
#: the brows up, eyes open, eyes down, eyes aside, blush, tears, mouth askew.
MOVES: Final = 11
_EXPRESSIONS: Final[Mapping[str, tuple[float, ...]]] = {
    "anger": (-0.6, 0.35, 0.2, -0.9, -1.0, 1.05, 0.0, 0.0, 0.5, 0.0, 0.1),
    "sadness": (-0.9, 0.0, -0.1, 0.1, 0.9, 0.6, 0.5, 0.0, 0.0, 0.8, 0.0),
    "anxiety": (-0.3, 0.35, -0.3, 0.8, 0.7, 1.3, 0.0, 0.3, 0.0, 0.0, 0.2),
    "hurt": (-0.6, 0.1, -0.2, 0.0, 0.6, 0.5, 0.9, 0.7, 0.0, 0.3, 0.1),
    "embarrassment": (0.1, 0.25, -0.2, 0.9, 0.2, 1.15, 0.1, 0.8, 1.0, 0.0, 0.7),
    "happiness": (1.0, 0.6, 0.5, 0.3, 0.1, 0.6, 0.0, 0.0, 0.4, 0.0, 0.0),
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0),
}
_SECOND_SHARE: Final = 0.6
#: How much faces of one person, and frames of one scene, stray from the pure expression.
_PERSONAL, _MOMENTARY = 0.16, 0.10

_SKINS: Final[tuple[Colour, ...]] = (
    (250, 224, 200),
    (243, 212, 184),
    (236, 199, 168),
    (226, 186, 152),
    (212, 170, 136),
)
_HAIRS: Final[tuple[Colour, ...]] = (
    (28, 24, 24),
    (44, 32, 28),
    (66, 44, 32),
    (96, 62, 40),
    (140, 90, 52),
)
_GREY: Final[Colour] = (168, 166, 164)
_CLOTHES: Final[tuple[Colour, ...]] = (
    (60, 90, 140),
    (150, 60, 60),
    (70, 120, 80),
    (210, 200, 180),
    (50, 50, 60),
    (200, 150, 70),
    (130, 100, 150),
    (230, 230, 235),
)
_WHITE: Final[Colour] = (250, 250, 248)
_LIPS: Final[Colour] = (176, 78, 78)
_TEAR: Final[Colour] = (150, 200, 235)
_ROUND: Final = [
    (math.cos(turn * math.tau / 28), math.sin(turn * math.tau / 28)) for turn in range(28)
]


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks like, whatever they feel."""

    skin: Colour
    hair: Colour
    clothes: Colour
    long_hair: bool
    fringe: float
    width: float
    jaw: float
    eyes_apart: float
    eye_size: float
    brow: float
    nose: float
    glasses: bool
    mole: Point | None
    wrinkles: bool
    habit: tuple[float, ...]


def draw_look(seed: int, person: int, *, male: bool, age: int) -> Look:
    """The look of a person; the same for the same arguments."""
    generator = stream(seed, "look", str(person))
    low, high = (generator.random(12), generator.random(12))
    grey = max(0.0, min(0.8, (age - 45) / 25)) if age >= 50 else 0.0
    hair = _mixed(_HAIRS[int(low[0] * len(_HAIRS))], _GREY, grey)
    return Look(
        skin=_SKINS[int(low[1] * len(_SKINS))],
        hair=hair,
        clothes=_CLOTHES[int(low[2] * len(_CLOTHES))],
        long_hair=bool(low[3] < (0.06 if male else 0.75)),
        fringe=0.15 + 0.35 * low[4],
        width=0.86 + 0.22 * low[5],
        jaw=0.55 + 0.4 * low[6],
        eyes_apart=0.36 + 0.12 * low[7],
        eye_size=0.75 + 0.5 * low[8],
        brow=0.6 + 0.9 * low[9] * (1.2 if male else 0.8),
        nose=0.14 + 0.12 * low[10],
        glasses=bool(low[11] < 0.3),
        mole=(high[0] * 1.2 - 0.6, 0.15 + 0.5 * high[1]) if high[2] < 0.35 else None,
        wrinkles=age >= 50,
        habit=tuple((generator.normal(size=MOVES) * _PERSONAL).tolist()),
    )


def expression(
    look: Look, label: int, second: int, strength: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """(MOVES,) how the face moves: for `label` as clearly as `strength` says, else for `second`."""
    names = ("neutral", LABELS[label], LABELS[second])
    rest, first, other = (np.array(_EXPRESSIONS[name]) for name in names)
    blend = rest + strength * (first - rest) + (1 - strength) * _SECOND_SHARE * (other - rest)
    moves: NDArray[np.float64] = blend + np.array(look.habit)
    moves += generator.normal(0.0, _MOMENTARY, size=MOVES)
    return moves


class _Head:
    """Draws on an easel in the face's own frame: u and v from -1 to 1 over its width and height."""

    def __init__(self, easel: Easel, x: float, y: float, height: float, roll: float) -> None:
        self._easel = easel
        self._x, self._y = x, y
        # All lengths are shares of the picture's height until a point is placed.
        self._half_u, self._half_v = height * FACE_WIDTH / 2, height / 2
        self._cos, self._sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
        self._aspect = easel.height / easel.width
        self._unit = height * easel.height / min(easel.width, easel.height)

    def _place(self, u: float, v: float) -> Point:
        right, down = u * self._half_u, v * self._half_v
        return (
            self._x + (right * self._cos - down * self._sin) * self._aspect,
            self._y + right * self._sin + down * self._cos,
        )

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        self._easel.polygon([self._place(u, v) for u, v in points], colour)

    def oval(self, u: float, v: float, ru: float, rv: float, colour: Colour) -> None:
        self.shape([(u + ru * x, v + rv * y) for x, y in _ROUND], colour)

    def stroke(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line; its width is a share of the face's height."""
        self._easel.line([self._place(u, v) for u, v in points], colour, width * self._unit)


def draw_face(
    easel: Easel,
    look: Look,
    moves: NDArray[np.float64],
    place: tuple[float, float, float, float],
) -> None:
    """Draw head and shoulders. `place`: centre x and y, height, and roll of the face in degrees."""
    head = _Head(easel, *place)
    smile, gape, wide, raised, tilt, lids, down, aside, blush, tears, askew = moves.tolist()
    _draw_body(head, look)
    _draw_skull(head, look)
    if blush > 0.25:
        colour = _mixed(look.skin, (232, 110, 100), min(0.6, blush * 0.5))
        for side in (-1, 1):
            head.oval(side * 0.52, 0.26, 0.2, 0.11, colour)
    for side in (-1, 1):
        _draw_eye(head, look, side, lids, (aside, down))
        _draw_brow(head, look, side, raised, tilt)
        if tears > 0.4:
            head.oval(side * look.eyes_apart, 0.22, 0.05, 0.12 + 0.08 * tears, _TEAR)
    dark = shade(look.skin, 0.78)
    head.stroke([(0.02, -0.08), (0.1, look.nose), (-0.05, look.nose + 0.03)], dark, 0.012)
    _draw_mouth(head, (smile, max(0.0, gape), wide, askew))
    _draw_marks(head, look)


def _draw_body(head: _Head, look: Look) -> None:
    if look.long_hair:
        head.oval(0.0, 0.25, 1.12 * look.width, 1.35, look.hair)
    head.shape([(-0.34, 0.6), (0.34, 0.6), (0.42, 1.5), (-0.42, 1.5)], shade(look.skin, 0.88))
    head.oval(0.0, 2.25, 2.0, 1.05, look.clothes)
    head.oval(0.0, 1.3, 0.42, 0.2, shade(look.skin, 0.88))


def _draw_skull(head: _Head, look: Look) -> None:
    head.oval(0.0, -0.28, 1.02 * look.width, 0.84, look.hair)
    for side in (-1, 1):
        head.oval(side * 0.93 * look.width, 0.0, 0.12, 0.17, shade(look.skin, 0.92))
    outline = []
    for x, y in _ROUND:
        narrow = 1.0 - (1.0 - look.jaw) * max(0.0, y) ** 2
        outline.append((x * 0.92 * look.width * narrow, y * 0.98))
    head.shape(outline, look.skin)
    top = -0.98 + look.fringe
    head.shape(
        [
            (-0.9 * look.width, -0.5),
            *((-0.7, -0.95), (0.0, -1.05), (0.7, -0.95)),
            (0.9 * look.width, -0.5),
            *((0.45, top), (-0.1, top - 0.1), (-0.5, top + 0.05)),
        ],
        look.hair,
    )


def _draw_eye(head: _Head, look: Look, side: int, lids: float, gaze: Point) -> None:
    u, size = side * look.eyes_apart, 0.17 * look.eye_size
    open_ = size * 0.62 * max(0.12, min(1.4, lids))
    head.oval(u, -0.05, size, open_, _WHITE)
    iris = min(size * 0.55, open_ * 0.95)
    x, y = max(-1.0, min(1.0, gaze[0])), max(-1.0, min(1.0, gaze[1]))
    head.oval(u + x * size * 0.45, -0.05 + y * open_ * 0.5, iris * 1.1, iris, (48, 34, 28))
    lid = [(u - size * 1.1, -0.04), (u, -0.05 - open_ * 1.1), (u + size * 1.1, -0.04)]
    head.stroke(lid, (40, 30, 28), 0.014)


def _draw_brow(head: _Head, look: Look, side: int, raised: float, tilt: float) -> None:
    v = -0.27 - 0.1 * raised
    inner, outer = side * look.eyes_apart * 0.45, side * (look.eyes_apart + 0.22)
    middle = (inner + outer) / 2
    points = [(inner, v - 0.13 * tilt), (middle, v - 0.05), (outer, v + 0.08 * tilt)]
    head.stroke(points, shade(look.hair, 0.9), 0.022 * look.brow)


def _draw_mouth(head: _Head, moves: tuple[float, float, float, float]) -> None:
    smile, gape, wide, askew = moves
    half, v = 0.3 + 0.1 * wide, 0.52
    corners = [-half, -half / 2, 0.0, half / 2, half]
    upper = [(u, v - 0.16 * smile * (u / half) ** 2 + 0.12 * askew * u / half) for u in corners]
    if gape > 0.08:
        depth = 0.3 * gape
        lower = [(u, y + depth * (1 - (u / half) ** 2)) for u, y in reversed(upper)]
        head.shape([*upper, *lower], (120, 36, 40))
        head.stroke([*upper, *lower, upper[0]], _LIPS, 0.016)
    else:
        head.stroke(upper, _LIPS, 0.026)


def _draw_marks(head: _Head, look: Look) -> None:
    line = shade(look.skin, 0.8)
    if look.wrinkles:
        for side in (-1, 1):
            head.stroke([(side * 0.38, 0.22), (side * 0.46, 0.5)], line, 0.01)
        head.stroke([(-0.3, -0.5), (0.3, -0.5)], line, 0.009)
    if look.mole is not None:
        head.oval(*look.mole, 0.035, 0.03, (90, 60, 50))
    if look.glasses:
        for side in (-1, 1):
            rim = [(side * look.eyes_apart + 0.24 * x, -0.04 + 0.17 * y) for x, y in _ROUND]
            head.stroke([*rim, rim[0]], (40, 40, 44), 0.014)
        head.stroke([(-0.15, -0.06), (0.15, -0.06)], (40, 40, 44), 0.014)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
