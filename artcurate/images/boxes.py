"""Boxes that several people drew round one thing: clipped, compared, and made into one.

A set of boxes is float64, (pictures, people, 4): left, top, right, bottom in pixels from the upper
left corner, right and bottom not inside; all four not a number where somebody drew none.
"""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clip_boxes(boxes: Floats, width: Floats, height: Floats) -> Floats:
    """`boxes` with their edges in order and inside their pictures.

    width, height: of the pictures, (pictures,). A box without area inside becomes not a number.
    """
    near = np.minimum(boxes[..., :2], boxes[..., 2:])
    far = np.maximum(boxes[..., :2], boxes[..., 2:])
    size = np.stack([width, height], axis=-1)[:, None, :]
    near, far = np.clip(near, 0.0, size), np.clip(far, 0.0, size)
    inside = (far > near).all(axis=-1, keepdims=True)
    return np.where(inside, np.concatenate([near, far], axis=-1), np.nan)


def overlap(first: Floats, second: Floats) -> Floats:
    """Intersection over union (Jaccard index) of boxes, (...,) of two (..., 4); 0 for no box."""
    common = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(
        first[..., :2], second[..., :2]
    )
    shared = np.maximum(common, 0.0).prod(axis=-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(axis=-1) for box in (first, second)]
    share: Floats = np.nan_to_num(shared / (areas[0] + areas[1] - shared))
    return share


def median_box(boxes: Floats) -> Floats:
    """The median of each edge over the boxes there are, (pictures, 4); not a number without any."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median: Floats = np.nanmedian(boxes, axis=1)
    return median


def agreeing_boxes(boxes: Floats, least: float) -> Floats:
    """`boxes` without those that do not agree: the others are not a number.

    Boxes agree where every two of them overlap (`overlap`) by `least` or more. The largest set
    that agrees stays, of equally large ones the one whose smallest overlap is largest, then the
    first; a single box agrees with nobody.
    """
    people = boxes.shape[1]
    overlaps = {
        pair: overlap(boxes[:, pair[0]], boxes[:, pair[1]])
        for pair in combinations(range(people), 2)
    }
    stays = np.zeros(boxes.shape[:2], dtype=bool)
    for size in range(people, 1, -1):
        undecided = ~stays.any(axis=1)
        best = np.full(len(boxes), -np.inf)
        for chosen in combinations(range(people), size):
            smallest = np.minimum.reduce([overlaps[pair] for pair in combinations(chosen, 2)])
            better = undecided & (smallest >= least) & (smallest > best)
            best[better] = smallest[better]
            stays[better] = np.isin(np.arange(people), chosen)
    return np.where(stays[..., None], boxes, np.nan)


def widen(boxes: Floats, margin: float) -> Floats:
    """`boxes`, (..., 4), with `margin` times their width and height added on each side."""
    added = margin * (boxes[..., 2:] - boxes[..., :2])
    return np.concatenate([boxes[..., :2] - added, boxes[..., 2:] + added], axis=-1)
