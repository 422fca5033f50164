from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.face_crop import FaceCropParameters, face_crop

Korean = Callable[..., Corpus]
#: Pictures of the fixture are so wide and so high.
WIDTH, HEIGHT = 100, 200


def box(left: float, top: float, right: float, bottom: float) -> dict[str, float]:
    edges = {"left": left, "top": top, "right": right, "bottom": bottom}
    return {edge: float(value) for edge, value in edges.items()}


FACE = box(10.4, 20, 50, 80.2)


def run(korean: Korean, *boxes: list[Any], **parameters: Any) -> Corpus:
    corpus = korean([{"person": n, "boxes": drawn} for n, drawn in enumerate(boxes)])
    return face_crop(corpus, parameters=FaceCropParameters(**parameters))


def crops(corpus: Corpus) -> list[tuple[int | None, ...]]:
    return corpus.images.select("crop_left", "crop_top", "crop_right", "crop_bottom").rows()


def test_nothing_is_cut_by_default_and_the_boxes_are_counted(korean: Korean) -> None:
    result = run(korean, [box(-3, 5, 50, 60), box(20, 20, 120, 60), None], [FACE] * 3)
    assert "crop_left" not in result.images.columns
    assert result.findings["face_crop"] == {
        "choice": "none",
        "images": 2,
        "boxes": 5,
        "missing": 1,
        "negative": 1,
        "past_the_edge": 1,
        "outside": 0,
        "cropped": 0,
        "whole": {},
        "area": None,
    }


def test_median_takes_whole_pixels_that_hold_the_middle_box(korean: Korean) -> None:
    drawn = [FACE, box(0, 0, 99, 199), box(12, 30, 40, 60)]
    assert crops(run(korean, drawn, choice="median")) == [(10, 20, 50, 81)]


def test_boxes_are_clipped_before_they_count(korean: Korean) -> None:
    outside = box(-50, 0, -10, 40)
    result = run(
        korean,
        [box(-20, -20, 300, 300), box(-5, 0, 250, 280), outside],
        [outside, None, None],
        choice="median",
    )
    assert crops(result) == [(0, 0, WIDTH, HEIGHT), (None,) * 4]
    found = result.findings["face_crop"]
    assert (found["negative"], found["past_the_edge"], found["outside"]) == (4, 2, 2)
    assert (found["cropped"], found["whole"], found["area"]) == (1, {"no_box": 1}, 1.0)


def test_agreeing_leaves_out_the_box_that_strays(korean: Korean) -> None:
    elsewhere = box(70, 150, 90, 190)
    result = run(
        korean, [FACE, elsewhere, FACE], [FACE, elsewhere, None], choice="agreeing", overlap=0.6
    )
    assert crops(result) == [(10, 20, 50, 81), (None,) * 4]
    assert result.findings["face_crop"]["whole"] == {"boxes_disagree": 1}


def test_a_margin_ends_at_the_picture(korean: Korean) -> None:
    result = run(korean, [box(10, 20, 60, 120)] * 3, choice="median", margin=0.5)
    assert crops(result) == [(0, 0, 85, 170)]
    assert result.findings["face_crop"]["area"] == pytest.approx(0.7225)


def test_sizes_must_be_known(korean: Korean) -> None:
    corpus = korean([{}])
    unprobed = replace(corpus, images=corpus.images.drop("width", "height"))
    with pytest.raises(DataError, match="no width and no height; face_crop needs CID's boxes"):
        face_crop(unprobed, parameters=FaceCropParameters())


def test_no_image_is_lost_or_reordered(korean: Korean) -> None:
    result = run(korean, *[[FACE] * 3] * 5, choice="agreeing")
    before = korean([{"person": n, "boxes": [FACE] * 3} for n in range(5)])
    assert result.images["id"].equals(before.images["id"])
    assert result.images["crop_left"].dtype == pl.Int32
