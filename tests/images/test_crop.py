from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from artcurate.images.crop import Crop, stored_box
from artcurate.images.decode import upright
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.transform import ImageForm, Transformed, transform

Encode = Callable[..., bytes]

#: As shown: upper left, upper right, lower left, lower right.
COLOURS = ((250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10))


def quadrants(width: int, height: int) -> Image.Image:
    """Each quarter of the picture in one of `COLOURS`."""
    pixels = np.empty((height, width, 3), np.uint8)
    for number, colour in enumerate(COLOURS):
        rows = slice(height // 2, None) if number // 2 else slice(0, height // 2)
        columns = slice(width // 2, None) if number % 2 else slice(0, width // 2)
        pixels[rows, columns] = colour
    return Image.fromarray(pixels)


def stored(shown: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    """What has to be stored with EXIF `orientation` to be shown as `shown`."""
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return upright(shown, back), exif


def cut(data: bytes, form: ImageForm, *edges: float) -> Image.Image:
    written = transform(data, form, crop=Crop(*edges))
    assert isinstance(written, Transformed), written
    assert written.format == "JPEG"
    image = Image.open(io.BytesIO(written.data))
    assert image.size == (written.width, written.height)
    return image


def is_all(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.asarray(image.convert("RGB"), int) - colour).max() < 24)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("size", [None, 40])
@pytest.mark.parametrize("quadrant", range(4))
def test_each_quadrant_of_the_picture_as_shown(
    encode: Encode, orientation: int, image_format: str, size: int | None, quadrant: int
) -> None:
    pixels, exif = stored(quadrants(640, 480), orientation)
    options = {"quality": 95, "subsampling": 0} if image_format == "JPEG" else {}
    data = encode(pixels, image_format, exif=exif, **options)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert shown.size == (640, 480)
    left, top = 320 * (quadrant % 2), 240 * (quadrant // 2)
    image = cut(data, ImageForm(size, 95), left, top, left + 320, top + 240)
    assert image.size == ((53, 40) if size else (320, 240))
    assert is_all(image, COLOURS[quadrant])


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_box_past_the_edges_keeps_what_lies_inside(encode: Encode, orientation: int) -> None:
    pixels, exif = stored(quadrants(200, 100), orientation)
    data = encode(pixels, "PNG", exif=exif)
    image = cut(data, ImageForm(None, 95), 100, 50, 900, math.pi * 100)
    assert image.size == (100, 50)
    assert is_all(image, COLOURS[3])
    whole = cut(data, ImageForm(None, 95), -5, -1.5, 201, 100)
    assert whole.size == (200, 100)


@pytest.mark.parametrize(
    "edges",
    [
        (50, 10, 50, 20),
        (60, 10, 50, 20),
        (300, 0, 400, 50),
        (-50, 0, 0, 50),
        (10, 40, 20, math.nan),
        (-math.inf, 0, 20, 20),
        (10, 10, 10.4, 20),
    ],
)
def test_a_box_that_leaves_nothing_is_a_fault(
    encode: Encode, edges: tuple[float, float, float, float]
) -> None:
    fault = transform(encode(quadrants(200, 100), "JPEG"), ImageForm(64), crop=Crop(*edges))
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.BAD_CROP
    assert "200 x 100" in fault.detail


def test_a_small_crop_of_a_large_jpeg_keeps_its_detail(encode: Encode) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (75, 100, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC)
    data = encode(picture, "JPEG", quality=95, subsampling=0)
    image = cut(data, ImageForm(128, 95), 400, 300, 656, 556)
    expected = picture.crop((400, 300, 656, 556)).resize((128, 128), Image.Resampling.LANCZOS)
    difference = np.asarray(image, float) - np.asarray(expected, float)
    assert np.sqrt((difference**2).mean()) < 6
    assert cut(data, ImageForm(128), 400, 300, 420, 330).size == (20, 30)


def test_what_fits_the_whole_picture_is_still_encoded_anew(encode: Encode) -> None:
    data = encode(quadrants(64, 64), "JPEG", quality=70)
    written = transform(data, ImageForm(None, 95), crop=Crop(0, 0, 64, 64))
    assert isinstance(written, Transformed)
    assert written.data != data


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 8),
    st.data(),
)
def test_cutting_and_turning_commute(
    width: int, height: int, orientation: int, data: st.DataObject
) -> None:
    picture = Image.fromarray(np.arange(width * height, dtype=np.uint16).reshape(height, width))
    shown = upright(picture, orientation)
    left = data.draw(st.integers(0, shown.width - 1))
    top = data.draw(st.integers(0, shown.height - 1))
    box = (
        left,
        top,
        data.draw(st.integers(left + 1, shown.width)),
        data.draw(st.integers(top + 1, shown.height)),
    )
    turned = upright(picture.crop(stored_box(box, width, height, orientation)), orientation)
    np.testing.assert_array_equal(np.asarray(turned), np.asarray(shown.crop(box)))
