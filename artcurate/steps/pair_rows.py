"""A dataset's row for every pair: all columns of its sentence and of its picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from artcurate.pairing.apportion import Ints
from artcurate.pairing.draw import Pairs, redraw
from artcurate.pairing.order import random_keys

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
_EDGES = {"left": "width", "right": "width", "top": "height", "bottom": "height"}
_ANNOTATORS = 3


def pair_rows(sentences: pl.DataFrame, images: pl.DataFrame, pairs: Pairs) -> pl.DataFrame:
    """One row per pair, ordered by id.

    Columns: id (`{id of the sentence}-{number among its pairs, from 1}`), annotation_id, image_id,
    then the columns of both that are there, `split` of the picture, and `boxes` as shares of the
    picture's sides where these are known. Label, age group and gender are those of the picture,
    which the sentence has too unless it goes with any.
    """
    left = sentences.select("id", *_present(sentences, _OF_SENTENCE))[pairs.left]
    drawn = images.select(
        pl.col("id").alias("image_id"), *_present(images, (*_OF_IMAGE, "split", "boxes"))
    )[pairs.right]
    known = {"boxes", "width", "height"} <= set(drawn.columns)
    right = drawn.with_columns(_relative_boxes()) if known else drawn.drop("boxes", strict=False)
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


def _relative_boxes() -> pl.Expr:
    """The annotators' boxes as shares of width and height, edges in order, clipped to the picture.

    Null where a box is missing.
    """
    boxes = (
        pl.col("boxes").list.get(annotator, null_on_oob=True) for annotator in range(_ANNOTATORS)
    )
    return pl.concat_list(_relative(box) for box in boxes).alias("boxes")


def _relative(box: pl.Expr) -> pl.Expr:
    shares = {
        edge: (box.struct.field(edge) / pl.col(side)).clip(0.0, 1.0).cast(pl.Float32)
        for edge, side in _EDGES.items()
    }
    return pl.when(box.is_not_null()).then(
        pl.struct(
            left=pl.min_horizontal(shares["left"], shares["right"]),
            top=pl.min_horizontal(shares["top"], shares["bottom"]),
            right=pl.max_horizontal(shares["left"], shares["right"]),
            bottom=pl.max_horizontal(shares["top"], shares["bottom"]),
        )
    )
