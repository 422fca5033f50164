"""What three annotators say of each picture: the emotion, the place, and a box round the face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artcurate.sources.synthetic.korean.codes import LABELS, PLACES
from artcurate.sources.synthetic.korean.shots import ASPECT, UPRIGHT, Shots
from artcurate.sources.synthetic.scenes import draw_rows, stream

Floats = NDArray[np.float64]

ANNOTATORS: Final = 3
#: An annotator's word where none of LABELS fits; its index follows theirs.
UNKNOWN: Final = "알수없음"
#: Width of a face as a share of its height.
FACE_WIDTH: Final = 0.74

#: Of the votes on pictures without agreement: share of the uploader's own label, then, of the rest,
#: shares of what is seen instead. Rounded from CID's sample release.
_SEEN_INSTEAD: Final[Mapping[str, tuple[float, Mapping[str, float]]]] = {
    "anger": (0.44, {"anxiety": 10, "neutral": 8, "sadness": 7, "hurt": 4, "happiness": 1}),
    "sadness": (0.43, {"neutral": 12, "hurt": 10, "anger": 4, "anxiety": 4}),
    "anxiety": (0.32, {"neutral": 23, "sadness": 16, "hurt": 6, "embarrassment": 5, "anger": 5}),
    "hurt": (0.31, {"neutral": 17, "sadness": 16, "anxiety": 14, "anger": 6, "embarrassment": 5}),
    "embarrassment": (
        0.49,
        {"anxiety": 12, "neutral": 9, "happiness": 4, "anger": 4, "hurt": 2, "sadness": 1},
    ),
    "happiness": (0.33, {"sadness": 3, "neutral": 2, "embarrassment": 1, "anxiety": 1, "hurt": 1}),
    "neutral": (0.59, {"sadness": 3, "happiness": 3, "anxiety": 2, "hurt": 2, "embarrassment": 1}),
}
_UNKNOWN_SHARE: Final = 0.01
_SAME_PLACE: Final = 0.85
#: How far the annotators' boxes stray, as a share of the face. The third one often copies the
#: first.
_STRAY: Final = (0.012, 0.02, 0.015)
_COPIED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Annotations:
    """Of n pictures by three annotators.

    emotions: (n, 3) index into LABELS, or len(LABELS) for UNKNOWN. places: (n, 3) into PLACES.
    boxes: (n, 3, 4) left, top, right, bottom as shares of the upright picture, not clipped.
    """

    emotions: NDArray[np.int8]
    places: NDArray[np.int8]
    boxes: Floats

    def second_impression(self, label: NDArray[np.int8]) -> NDArray[np.int8]:
        """(n,) what the first annotator who disagrees with `label` sees; else `label`."""
        differs = (self.emotions != label[:, None]) & (self.emotions < len(LABELS))
        first = self.emotions[np.arange(len(label)), differs.argmax(axis=1)]
        return np.where(differs.any(axis=1), first, label)


def annotate(shots: Shots, seed: int) -> Annotations:
    """All agree on the emotion of unanimous pictures; at least one does not on the others."""
    generator = stream(seed, "annotators")
    return Annotations(
        emotions=_draw_emotions(shots, generator),
        places=_draw_places(shots, generator),
        boxes=_draw_boxes(shots, generator),
    )


def _draw_emotions(shots: Shots, generator: np.random.Generator) -> NDArray[np.int8]:
    own, instead = _chances()
    shape = (len(shots), ANNOTATORS)
    seen = draw_rows(generator, np.repeat(instead[shots.label], ANNOTATORS, axis=0)).reshape(shape)
    agrees = generator.random(shape) < own[shots.label][:, None]
    # The one who disagrees for certain.
    agrees[np.arange(len(shots)), generator.integers(ANNOTATORS, size=len(shots))] &= ~(
        agrees.all(axis=1)
    )
    agrees |= shots.unanimous[:, None]
    return np.where(agrees, shots.label[:, None], seen).astype(np.int8)


def _chances() -> tuple[Floats, Floats]:
    """(share of the own label, (LABELS, LABELS and UNKNOWN) shares of what is seen instead)."""
    own = np.array([_SEEN_INSTEAD[name][0] for name in LABELS])
    counts = np.array(
        [[_SEEN_INSTEAD[name][1].get(other, 0) for other in LABELS] for name in LABELS]
    )
    shares = counts / counts.sum(axis=1, keepdims=True) * (1 - _UNKNOWN_SHARE)
    return own, np.concatenate([shares, np.full((len(LABELS), 1), _UNKNOWN_SHARE)], axis=1)


def _draw_places(shots: Shots, generator: np.random.Generator) -> NDArray[np.int8]:
    shape = (len(shots), ANNOTATORS)
    other = generator.integers(len(PLACES), size=shape)
    same = generator.random(shape) < _SAME_PLACE
    return np.where(same, shots.place[:, None], other).astype(np.int8)


def _draw_boxes(shots: Shots, generator: np.random.Generator) -> Floats:
    x, y, height, _ = shots.face.T
    width = height * FACE_WIDTH * np.where(shots.orientation == UPRIGHT, ASPECT, 1 / ASPECT)
    size = np.stack([width, height], axis=1)
    centre = np.stack([x, y], axis=1)
    face = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    stray = generator.normal(0.0, 1.0, size=(len(shots), ANNOTATORS, 4))
    stray *= np.array(_STRAY)[:, None] * np.tile(size, 2)[:, None, :]
    boxes: Floats = face[:, None, :] + stray
    copied = generator.random(len(shots)) < _COPIED
    boxes[copied, 2] = boxes[copied, 0]
    return boxes
