from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.images.boxes import agreeing_boxes, clip_boxes, median_box, overlap, widen

NONE = [np.nan] * 4
SIZE = 20


def boxes(*drawn: list[float]) -> np.ndarray:
    """The boxes of one picture."""
    return np.array([drawn], dtype=np.float64)


def clipped(box: list[float]) -> list[float]:
    return list(clip_boxes(boxes(box), np.array([100.0]), np.array([50.0]))[0, 0])


def test_edges_are_put_in_order_and_inside_the_picture() -> None:
    assert clipped([-10, 5, 40, 60]) == [0, 5, 40, 50]
    assert clipped([40, 30, 10, 20]) == [10, 20, 40, 30]


def test_a_box_without_area_inside_is_none() -> None:
    assert np.isnan(clipped([-10, 5, 0, 60])).all()
    assert np.isnan(clipped([100, 5, 200, 60])).all()
    assert np.isnan(clipped([10, 5, 10, 60])).all()
    assert np.isnan(clipped(NONE)).all()


def test_overlap_of_boxes_that_share_a_third() -> None:
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([1.0, 0, 3, 2])) == pytest.approx(1 / 3)
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([2.0, 0, 3, 2])) == 0
    assert overlap(np.array([0.0, 0, 2, 2]), np.array(NONE)) == 0


corner = st.integers(0, SIZE - 1)
side = st.integers(1, SIZE // 2)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def cells(one: tuple[int, int, int, int]) -> set[tuple[int, int]]:
    return {(x, y) for x in range(one[0], one[2]) for y in range(one[1], one[3])}


@given(box, box)
def test_overlap_counts_pixels(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    mine, theirs = cells(first), cells(second)  # type: ignore[arg-type]
    expected = len(mine & theirs) / len(mine | theirs)
    assert overlap(np.array(first, float), np.array(second, float)) == pytest.approx(expected)


def test_the_median_is_taken_edge_by_edge_over_the_boxes_there_are() -> None:
    assert list(median_box(boxes([0, 1, 9, 9], [2, 2, 8, 8], [3, 9, 7, 9]))[0]) == [2, 2, 8, 9]
    assert list(median_box(boxes([0, 0, 4, 4], NONE, [2, 2, 8, 8]))[0]) == [1, 1, 6, 6]
    assert np.isnan(median_box(boxes(NONE, NONE, NONE))).all()


def who_agrees(*drawn: list[float], least: float = 0.5) -> list[int]:
    kept = agreeing_boxes(boxes(*drawn), least)[0]
    return [place for place, one in enumerate(kept) if np.isfinite(one).all()]


def test_the_box_that_strays_does_not_agree() -> None:
    face, near, elsewhere = [0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]
    assert who_agrees(face, near, [0, 1, 10, 11]) == [0, 1, 2]
    assert who_agrees(face, elsewhere, near) == [0, 2]
    assert who_agrees(face, elsewhere, [80, 80, 90, 90]) == []
    assert who_agrees(face, NONE, near) == [0, 2]
    assert who_agrees(face, NONE, NONE) == []


def test_of_a_chain_the_closer_two_agree() -> None:
    chain = [[0, 0, 10, 10], [3, 0, 13, 10], [5, 0, 15, 10]]
    assert who_agrees(*chain) == [1, 2]
    assert who_agrees(*chain, least=0.3) == [0, 1, 2]


@given(st.lists(box, min_size=3, max_size=3), st.floats(0.05, 1))
def test_every_two_that_agree_overlap_and_no_larger_set_does(
    drawn: list[tuple[int, ...]], least: float
) -> None:
    chosen = who_agrees(*[list(map(float, one)) for one in drawn], least=least)

    def agree(*places: int) -> bool:
        return all(
            len(cells(drawn[a]) & cells(drawn[b])) / len(cells(drawn[a]) | cells(drawn[b]))  # type: ignore[arg-type]
            >= least
            for a in places
            for b in places
            if a < b
        )

    largest = max(
        [0] + [2 for a, b in ((0, 1), (0, 2), (1, 2)) if agree(a, b)] + [3] * agree(0, 1, 2)
    )
    assert len(chosen) == largest
    assert agree(*chosen)


def test_a_margin_is_added_on_every_side() -> None:
    assert list(widen(np.array([10.0, 10, 20, 30]), 0.1)) == [9, 8, 21, 32]
