"""What of every picture is written: the face as the annotators marked it, or all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.images.boxes import Floats, agreeing_boxes, clip_boxes, median_box, widen
from artcurate.shards.plan import CROP_COLUMNS
from artcurate.steps.registry import Parameters, step

Mask = NDArray[np.bool_]

EDGES = ("left", "top", "right", "bottom")
_ANNOTATORS = 3
_NEEDED = ("boxes", "width", "height")


class FaceCropParameters(Parameters):
    choice: Literal["none", "median", "agreeing"] = "none"
    """What is cut out. `none`: nothing, pictures stay whole. `median`: each edge the median of the
    annotators' boxes. `agreeing`: likewise of the boxes that agree, which are the most of which
    every two overlap by `overlap` or more; where no two do the picture stays whole."""
    overlap: float = Field(0.5, gt=0, le=1)
    """Intersection over union from which two boxes agree."""
    margin: float = Field(0.0, ge=0, le=10)
    """Share of the box's width and height that is added on each side, as far as the picture
    goes."""


class FaceCropFindings(TypedDict):
    """What the boxes are like and what was cut; JSON-able.

    boxes: that annotators drew. missing: that they did not. negative: boxes with an edge left of
    or above the picture; past_the_edge: right of or below it; both are clipped. outside: boxes
    without area inside the picture, which count as missing from here on.
    cropped: pictures of which a part is written. whole: the others, by reason.
    area: the median share of the picture that a crop keeps, None without crops.
    """

    choice: str
    images: int
    boxes: int
    missing: int
    negative: int
    past_the_edge: int
    outside: int
    cropped: int
    whole: dict[str, int]
    area: float | None


@step(FaceCropParameters)
def face_crop(corpus: Corpus, *, parameters: FaceCropParameters) -> Corpus:
    """Choose the part of every picture that is written, and count what is wrong with the boxes.

    Adds crop_left, crop_top, crop_right and crop_bottom unless the choice is `none`: whole pixels
    of the upright picture, inside it, right and bottom excluded; all four null where the picture
    stays whole. The findings are a `FaceCropFindings`.

    Raises DataError when the images have no boxes or their sizes are not known.
    """
    images = corpus.images
    missing = [name for name in _NEEDED if name not in images.columns]
    if missing:
        raise DataError(
            f"The images have no {' and no '.join(missing)}; face_crop needs CID's boxes and "
            "follows probe."
        )
    width, height = (images[name].cast(pl.Float64).to_numpy() for name in ("width", "height"))
    drawn = _drawn(images["boxes"])
    inside = clip_boxes(drawn, width, height)
    crops = _crops(inside, width, height, parameters)
    there, usable, cropped = (_known(boxes) for boxes in (drawn, inside, crops))
    low, high = drawn.min(axis=-1), drawn.reshape(-1, _ANNOTATORS, 2, 2).max(axis=-2)
    past = (high[..., 0] > width[:, None]) | (high[..., 1] > height[:, None])
    findings = FaceCropFindings(
        choice=parameters.choice,
        images=images.height,
        boxes=int(there.sum()),
        missing=int((~there).sum()),
        negative=int((low < 0).sum()),
        past_the_edge=int(past.sum()),
        outside=int((there & ~usable).sum()),
        cropped=int(cropped.sum()),
        whole=_whole(parameters.choice, cropped, np.asarray(usable.any(axis=1))),
        area=_area(crops[cropped], (width * height)[cropped]),
    )
    if parameters.choice != "none":
        images = images.with_columns(
            pl.Series(name, crops[:, place]).fill_nan(None).cast(pl.Int32)
            for place, name in enumerate(CROP_COLUMNS)
        )
    return replace(corpus, images=images).with_findings("face_crop", findings)


def _drawn(boxes: pl.Series) -> Floats:
    """The boxes as numbers, (pictures, annotators, 4)."""
    edges = boxes.to_frame("boxes").select(
        pl.col("boxes")
        .list.get(annotator, null_on_oob=True)
        .struct.field(edge)
        .cast(pl.Float64)
        .alias(f"{edge}_{annotator}")
        for annotator in range(_ANNOTATORS)
        for edge in EDGES
    )
    drawn: Floats = edges.to_numpy().reshape(-1, _ANNOTATORS, len(EDGES))
    return drawn


def _known(boxes: Floats) -> Mask:
    """Whether there is a box, (...,) of (..., 4)."""
    return np.asarray(np.isfinite(boxes).all(axis=-1))


def _crops(inside: Floats, width: Floats, height: Floats, parameters: FaceCropParameters) -> Floats:
    """What to cut out in whole pixels, (pictures, 4); not a number where nothing is."""
    if parameters.choice == "none":
        return np.full((len(inside), len(EDGES)), np.nan)
    agreeing = parameters.choice == "agreeing"
    boxes = agreeing_boxes(inside, parameters.overlap) if agreeing else inside
    chosen = widen(median_box(boxes), parameters.margin)
    whole = np.concatenate([np.floor(chosen[:, :2]), np.ceil(chosen[:, 2:])], axis=1)
    return clip_boxes(whole[:, None], width, height)[:, 0]


def _whole(choice: str, cropped: Mask, has_box: Mask) -> dict[str, int]:
    """Pictures that stay whole by reason; none where all do by choice."""
    if choice == "none":
        return {}
    counts = {
        "no_box": int((~cropped & ~has_box).sum()),
        "boxes_disagree": int((~cropped & has_box).sum()),
    }
    return {reason: number for reason, number in counts.items() if number}


def _area(crops: Floats, pixels: Floats) -> float | None:
    if not len(crops):
        return None
    return round(float(np.median((crops[:, 2:] - crops[:, :2]).prod(axis=1) / pixels)), 4)
