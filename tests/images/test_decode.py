from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from artcurate.images.decode import Decoded, decode, upright
from artcurate.images.faults import Fault, FaultReason

Encode = Callable[..., bytes]
Paint = Callable[..., Image.Image]


def _shown(data: bytes) -> Image.Image:
    decoded = decode(data)
    assert isinstance(decoded, Decoded), decoded
    image = upright(decoded.image, decoded.turn)
    assert image.size == (decoded.header.width, decoded.header.height)
    return image


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_shown_as_pillow_turns_them(
    painting: Paint, encode: Encode, image_format: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = painting(30, 20)
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encode(stored, image_format, exif=exif, **options)
    stored.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(stored)
    np.testing.assert_array_equal(np.asarray(_shown(data)), np.asarray(expected))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("min_side", [None, 256, 100])
@pytest.mark.parametrize("missing", [2, 30, 2000, 0.5])
def test_truncated_jpegs_are_found_at_every_scale(
    painting: Paint, encode: Encode, progressive: bool, min_side: int | None, missing: float
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), "JPEG", quality=50, progressive=progressive)
    cut = int(missing if missing > 1 else len(data) * missing)
    fault = decode(data[:-cut], min_side=min_side)
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.TRUNCATED


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_truncated_files_of_other_formats_are_faults(
    painting: Paint, encode: Encode, image_format: str
) -> None:
    data = encode(painting(300, 200), image_format)
    assert isinstance(decode(data[: len(data) // 2]), Fault)


def test_damaged_pixel_data_is_a_fault(painting: Paint, encode: Encode) -> None:
    data = bytearray(encode(painting(300, 200), "PNG"))
    data[len(data) // 2] ^= 0xFF
    fault = decode(bytes(data))
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.CORRUPT


def test_reduced_decoding_keeps_both_sides_above_the_limit(painting: Paint, encode: Encode) -> None:
    decoded = decode(encode(painting(1600, 900), "JPEG"), min_side=200)
    assert isinstance(decoded, Decoded)
    assert decoded.image.size == (400, 225)
    assert (decoded.header.width, decoded.header.height) == (1600, 900)


def test_transparency_lies_on_white(encode: Encode) -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert _shown(encode(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    half = Image.new("LA", (4, 4), (0, 128))
    assert _shown(encode(half, "PNG")).getpixel((0, 0)) == (127, 127, 127)
    palette = Image.new("P", (4, 4), 3)
    palette.putpalette([0, 0, 0] * 3 + [0, 0, 255])
    assert _shown(encode(palette, "PNG")).getpixel((0, 0)) == (0, 0, 255)
    assert _shown(encode(palette, "PNG", transparency=3)).getpixel((0, 0)) == (255, 255, 255)
    assert _shown(encode(palette, "GIF", transparency=3)).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_clipped(encode: Encode) -> None:
    grey = np.array([[0, 0x0100, 0x7F80, 0xFFFF]], np.uint16)
    for image_format in ("PNG", "TIFF"):
        shown = np.asarray(_shown(encode(Image.fromarray(grey), image_format)))
        np.testing.assert_array_equal(shown, [[0, 1, 127, 255]])


def test_cmyk_stays_cmyk_for_its_profile(painting: Paint, encode: Encode) -> None:
    decoded = decode(encode(painting(40, 30).convert("CMYK"), "JPEG"))
    assert isinstance(decoded, Decoded)
    assert decoded.image.mode == "CMYK"


def test_only_the_first_frame_of_an_animation_is_seen(painting: Paint, encode: Encode) -> None:
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    for image_format in ("GIF", "PNG", "TIFF", "MPO", "WEBP"):
        data = encode(red, image_format, save_all=True, append_images=[blue])
        red_value, _, blue_value = np.asarray(_shown(data).convert("RGB"))[10, 10]
        assert red_value > 250
        assert blue_value < 5
