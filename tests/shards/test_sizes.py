from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageFilter

from artcurate.images.transform import ImageForm
from artcurate.shards.sizes import estimate_image_bytes, kept_length, value_bytes


def test_text_counts_as_utf8_with_four_bytes_for_its_length() -> None:
    assert value_bytes(pa.array(["ab", "漢", None, ""])) == 4 * 4 + 2 + 3


def test_nested_values_count_to_the_leaves() -> None:
    votes = pa.array([[{"n": 1, "t": "ab"}, {"n": 2, "t": "c"}], [], None])
    assert value_bytes(votes) == 3 * 4 + 2 * 8 + 2 * 4 + 3


def test_a_slice_counts_itself_alone() -> None:
    assert value_bytes(pa.array([["a"], ["bb", "c"], ["d"]]).slice(1, 1)) == 4 + 2 * 4 + 3


def test_originals_count_as_they_lie_on_disk() -> None:
    sizes = np.array([123_456], dtype=np.int64)
    side = np.array([4000], dtype=np.int64)
    assert estimate_image_bytes(side, side, sizes, ImageForm(None)).tolist() == [123_456]


def test_an_image_is_never_estimated_as_enlarged() -> None:
    width, height = np.array([100, 4000]), np.array([80, 3000])
    small, large = estimate_image_bytes(width, height, width, ImageForm(512, 100))
    assert small == np.ceil(100 * 80 * 8.16 / 8)
    assert large == pytest.approx(512 * 683 * 8.16 / 8, rel=0.01)


@pytest.mark.parametrize("quality", [60, 80, 90, 95])
def test_the_estimate_is_near_what_the_encoder_spends_on_rough_texture(quality: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    painted = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(0.9))
    encoded = io.BytesIO()
    painted.save(encoded, "JPEG", quality=quality)
    width, height = np.array([800]), np.array([600])
    (estimate,) = estimate_image_bytes(width, height, width, ImageForm(600, quality))
    assert 0.5 < estimate / len(encoded.getvalue()) < 2


def test_what_lies_inside_an_image_counts_for_a_crop() -> None:
    start, stop = np.array([-10.0, 20, 90, 0, 50]), np.array([20.0, 50, 300, np.nan, 40])
    side = np.full(5, 100)
    assert kept_length(start, stop, side).tolist() == [20, 30, 10, 1, 1]
