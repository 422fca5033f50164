"""The latent side of a synthetic corpus: emotions, subjects, palettes and how they go together.

Every table is a joint distribution with given margins, so that the labels of a large sample have
the shares of ArtEmis whatever the subjects and palettes are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: ArtEmis v1: captions per emotion, in the order of the release's label ids.
EMOTION_COUNTS: Mapping[str, int] = {
    "amusement": 45_336,
    "awe": 72_927,
    "contentment": 126_134,
    "excitement": 37_636,
    "anger": 6_640,
    "disgust": 22_411,
    "fear": 41_577,
    "sadness": 49_061,
    "something else": 52_962,
}
EMOTIONS: tuple[str, ...] = tuple(EMOTION_COUNTS)
VALENCE = np.array([0.7, 0.6, 0.8, 0.7, -0.8, -0.8, -0.8, -0.7, 0.0])
AROUSAL = np.array([0.2, 0.3, -0.8, 0.9, 0.9, 0.1, 0.7, -0.6, -0.2])

#: How readily one emotion is taken for another; symmetric, 1 on the diagonal.
_KINSHIP: Mapping[tuple[str, str], float] = {
    ("amusement", "contentment"): 0.4,
    ("amusement", "excitement"): 0.4,
    ("awe", "contentment"): 0.7,
    ("awe", "excitement"): 0.4,
    ("awe", "fear"): 0.2,
    ("contentment", "excitement"): 0.2,
    ("contentment", "sadness"): 0.1,
    ("anger", "disgust"): 0.6,
    ("anger", "fear"): 0.4,
    ("anger", "sadness"): 0.4,
    ("disgust", "fear"): 0.4,
    ("disgust", "sadness"): 0.2,
    ("fear", "sadness"): 0.5,
}
_STRANGERS = 0.05
_NEUTRAL_KINSHIP = 0.2

#: What a culture sees instead, and how often: (language, from, to) -> share.
_CULTURE: Mapping[str, Mapping[tuple[str, str], float]] = {
    "english": {("contentment", "awe"): 0.04, ("contentment", "something else"): 0.04},
    "arabic": {
        ("something else", "contentment"): 0.25,
        ("contentment", "awe"): 0.12,
        ("sadness", "fear"): 0.10,
    },
    "chinese": {
        ("awe", "contentment"): 0.22,
        ("amusement", "contentment"): 0.12,
        ("excitement", "amusement"): 0.15,
        ("fear", "sadness"): 0.10,
    },
}
LANGUAGES: tuple[str, ...] = tuple(_CULTURE)

#: Share of each subject among figurative paintings and the emotions it favours.
_SUBJECTS: Mapping[str, tuple[float, Mapping[str, float]]] = {
    "mountains": (7, {"awe": 3, "contentment": 2}),
    "sea": (7, {"awe": 2, "contentment": 2}),
    "ship": (4, {"excitement": 2, "fear": 2, "awe": 2}),
    "river": (6, {"contentment": 3}),
    "forest": (6, {"contentment": 2, "fear": 2}),
    "field": (5, {"contentment": 3}),
    "village": (6, {"contentment": 2, "sadness": 1.5}),
    "city": (5, {"excitement": 2, "something else": 2}),
    "flowers": (5, {"contentment": 3, "awe": 1.5}),
    "fruit": (4, {"something else": 3, "disgust": 1.5}),
    "woman": (11, {"something else": 2, "awe": 1.5}),
    "man": (10, {"something else": 2, "anger": 2, "amusement": 1.5}),
    "child": (5, {"amusement": 3, "contentment": 1.5}),
    "elder": (4, {"sadness": 4}),
    "dancers": (4, {"amusement": 3, "excitement": 4}),
    "battle": (3, {"anger": 6, "fear": 3, "sadness": 3, "excitement": 2}),
    "saint": (6, {"awe": 3, "sadness": 2}),
    "horse": (3, {"excitement": 3, "awe": 1.5}),
    "dog": (3, {"amusement": 5}),
    "ruins": (3, {"sadness": 3, "fear": 3}),
    "beast": (3, {"fear": 5, "disgust": 5}),
    "shapes": (1, {"something else": 4, "disgust": 1.5, "anger": 1.5}),
}
SUBJECTS: tuple[str, ...] = tuple(_SUBJECTS)

_PALETTES: Mapping[str, tuple[float, Mapping[str, float]]] = {
    "golden": (16, {"contentment": 8, "awe": 4}),
    "clear": (16, {"contentment": 5, "awe": 8, "excitement": 2}),
    "pastel": (12, {"contentment": 6, "amusement": 7}),
    "motley": (14, {"amusement": 10, "excitement": 14}),
    "fiery": (9, {"anger": 20, "excitement": 8, "fear": 2}),
    "dark": (12, {"fear": 20, "sadness": 4, "anger": 4}),
    "grey": (12, {"sadness": 18, "something else": 4, "fear": 2}),
    "murky": (9, {"disgust": 26, "sadness": 2, "something else": 7}),
}
PALETTES: tuple[str, ...] = tuple(_PALETTES)

#: Wordings that leave the emotion open between several, mostly of opposite polarity.
_AMBIGUITY: Mapping[str, Mapping[str, float]] = {
    "hushed": {
        "contentment": 1.0,
        "sadness": 0.9,
        "something else": 0.4,
        "awe": 0.3,
        "fear": 0.2,
    },
    "mighty": {"awe": 0.7, "fear": 0.5, "anger": 0.2, "sadness": 0.1},
    "odd": {"amusement": 1.0, "disgust": 1.0, "something else": 0.6},
    "fierce": {"excitement": 1.0, "anger": 0.8, "fear": 0.3},
}
AMBIGUITIES: tuple[str, ...] = tuple(_AMBIGUITY)


def prior() -> Floats:
    """Shares of the nine emotions in ArtEmis, summing to 1."""
    counts = np.array(list(EMOTION_COUNTS.values()), dtype=np.float64)
    shares: Floats = counts / counts.sum()
    return shares


def balanced(affinity: Floats, rows: Floats, columns: Floats) -> Floats:
    """The joint distribution nearest to `affinity` with the given margins.

    Sinkhorn's alternate scaling (Sinkhorn 1967); `affinity` is positive, margins sum to 1.
    """
    joint: Floats = affinity.copy()
    for _ in range(500):
        joint *= (rows / joint.sum(axis=1))[:, None]
        joint *= (columns / joint.sum(axis=0))[None, :]
    return joint


@cache
def confusion() -> Floats:
    """9 x 9, row-stochastic: the second thought of someone who feels the row's emotion.

    Leaves the prior unchanged.
    """
    affinity = np.full((9, 9), _STRANGERS)
    affinity[-1, :] = affinity[:, -1] = _NEUTRAL_KINSHIP
    for (one, other), kinship in _KINSHIP.items():
        i, j = EMOTIONS.index(one), EMOTIONS.index(other)
        affinity[i, j] = affinity[j, i] = kinship
    np.fill_diagonal(affinity, 1.0)
    return balanced(affinity, prior(), prior()) / prior()[:, None]


@cache
def culture(language: str) -> Floats:
    """9 x 9, row-stochastic: what annotators of `language` call each emotion."""
    shifts = np.eye(9)
    for (seen, called), share in _CULTURE[language].items():
        i, j = EMOTIONS.index(seen), EMOTIONS.index(called)
        shifts[i, j] += share
        shifts[i, i] -= share
    return shifts


@cache
def subject_given_emotion() -> Floats:
    """9 x subjects, row-stochastic, for figurative paintings."""
    return _conditional(_SUBJECTS)


@cache
def palette_given_emotion() -> Floats:
    """9 x palettes, row-stochastic."""
    return _conditional(_PALETTES)


@cache
def ambiguity_given_emotion() -> Floats:
    """9 x ambiguous groups of wordings, row-stochastic."""
    table = np.array(
        [[_AMBIGUITY[group].get(emotion, 0.0) for group in AMBIGUITIES] for emotion in EMOTIONS]
    )
    normalised: Floats = table / table.sum(axis=1, keepdims=True)
    return normalised


def draw_rows(generator: np.random.Generator, distributions: Floats) -> NDArray[np.int8]:
    """One category per row of an (n, k) array of distributions."""
    edges = np.cumsum(distributions, axis=1)
    edges /= edges[:, -1:]
    points = generator.random(len(distributions))
    # argmax finds the first edge above the point; rounding cannot push it past the last one.
    category: NDArray[np.int8] = (points[:, None] < edges).argmax(axis=1).astype(np.int8)
    return category


def stream(seed: int, *names: str) -> np.random.Generator:
    """The random stream of one part of the sample; parts do not disturb each other."""
    words = [seed, *b"/".join(name.encode() for name in names)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def _conditional(table: Mapping[str, tuple[float, Mapping[str, float]]]) -> Floats:
    shares = np.array([share for share, _ in table.values()], dtype=np.float64)
    affinity = np.array(
        [[favours.get(emotion, 1.0) for _, favours in table.values()] for emotion in EMOTIONS]
    )
    joint = balanced(affinity, prior(), shares / shares.sum())
    return joint / prior()[:, None]
