"""A dataset's row for every pair: all columns of its sentence and of its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from artcurate.pairing.apportion import Ints
from artcurate.pairing.draw import Pairs, redraw
from artcurate.pairing.order import random_keys
from artcurate.shards.plan import CROP_COLUMNS
from artcurate.steps.face_crop import EDGES

#: Columns as the sentence has them; those that are not there are left out.
_OF_SENTENCE = (
    "source",
    "row",
    "dialogue",
    "turn",
    "text",
    "fine_emotion",
    "situation",
    "disease",
    "disease_asked",
    "sentence_group",
)
#: Columns as the picture has them.
_OF_IMAGE = (
    "emotion",
    "age_group",
    "gender",
    "person",
    "professional",
    "background",
    "uploader_emotion",
    "annotator_emotions",
    "soft_label",
    "width",
    "height",
)
_ANNOTATORS = 3


def pair_rows(sentences: pl.DataFrame, images: pl.DataFrame, pairs: Pairs) -> pl.DataFrame:
    """One row per pair, ordered by id.

    Columns: id (`{id of the sentence}-{number among its pairs, from 1}`), annotation_id, image_id,
    then the columns of both that are there, `split` of the picture, `crop` where pictures are
    cropped (a struct of whole pixels, null for a whole picture), and `boxes` as shares of the
    sides of what is written of the picture, where these are known. Label, age group and gender
    are those of the picture, which the sentence has too unless it goes with any.
    """
    left = sentences.select("id", *_present(sentences, _OF_SENTENCE))[pairs.left]
    right = _framed(
        images.select(
            pl.col("id").alias("image_id"),
            *_present(images, (*_OF_IMAGE, "split", "boxes", *CROP_COLUMNS)),
        )[pairs.right]
    )
    rows = left.rename({"id": "annotation_id"}).hstack(right)
    number = pl.Series(pairs.number + 1).cast(pl.String)
    return rows.select(
        pl.concat_str("annotation_id", pl.lit("-") + number).alias("id"), pl.all()
    ).sort("id")


def drawn_anew(rows: pl.DataFrame, bins: Ints, draws: int, seed: int) -> pl.Series:
    """For every row the ids of the pairs whose pictures it gets in further draws, list[str].

    bins: rows may exchange pictures within their bin, int64, (rows,). In each draw every picture
    goes to exactly one row, so a draw needs no pixels beside those of the pairs.
    """
    places = [
        redraw(bins, random_keys(rows["id"], seed, f"draw {number}"))
        for number in range(1, draws + 1)
    ]
    pictures = rows["id"].gather(np.column_stack(places).ravel())
    return pictures.reshape((rows.height, draws)).arr.to_list().alias("draws")


def _present(table: pl.DataFrame, names: Sequence[str]) -> list[str]:
    return [name for name in names if name in table.columns]


def _framed(images: pl.DataFrame) -> pl.DataFrame:
    """`images` with boxes in the frame of what is written of them, and that frame as `crop`."""
    if not {"boxes", "width", "height"} <= set(images.columns):
        return images.drop("boxes", strict=False)
    nought = pl.lit(0)
    whole = {"left": nought, "top": nought, "right": pl.col("width"), "bottom": pl.col("height")}
    if CROP_COLUMNS[0] not in images.columns:
        return images.with_columns(_relative_boxes(whole))
    return images.with_columns(
        _relative_boxes({edge: pl.coalesce(f"crop_{edge}", whole[edge]) for edge in EDGES}),
        crop=pl.when(pl.col(CROP_COLUMNS[0]).is_not_null()).then(
            pl.struct([pl.col(f"crop_{edge}").alias(edge) for edge in EDGES])
        ),
    ).drop(CROP_COLUMNS)


def _relative_boxes(frame: Mapping[str, pl.Expr]) -> pl.Expr:
    """The annotators' boxes as shares of the sides of `frame`, edges in order, clipped to it.

    frame: its edges in pixels of the upright picture. Null where a box is missing or has no area
    inside.
    """
    boxes = (
        pl.col("boxes").list.get(annotator, null_on_oob=True) for annotator in range(_ANNOTATORS)
    )
    return pl.concat_list(_relative(box, frame) for box in boxes).alias("boxes")


def _relative(box: pl.Expr, frame: Mapping[str, pl.Expr]) -> pl.Expr:
    shares = {
        edge: ((box.struct.field(edge) - frame[start]) / (frame[end] - frame[start]))
        .clip(0.0, 1.0)
        .cast(pl.Float32)
        for start, end in (("left", "right"), ("top", "bottom"))
        for edge in (start, end)
    }
    ordered = {
        "left": pl.min_horizontal(shares["left"], shares["right"]),
        "top": pl.min_horizontal(shares["top"], shares["bottom"]),
        "right": pl.max_horizontal(shares["left"], shares["right"]),
        "bottom": pl.max_horizontal(shares["top"], shares["bottom"]),
    }
    inside = (ordered["left"] < ordered["right"]) & (ordered["top"] < ordered["bottom"])
    return pl.when(box.is_not_null() & inside).then(
        pl.struct([value.alias(edge) for edge, value in ordered.items()])
    )
