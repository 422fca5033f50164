from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.header import MAX_PIXELS, Header, read_header

Encode = Callable[..., bytes]
Paint = Callable[[int, int], Image.Image]


def _header(data: bytes) -> Header:
    header = read_header(data)
    assert isinstance(header, Header), header
    return header


def _reason(data: bytes, **limits: int) -> FaultReason:
    fault = read_header(data, **limits)
    assert isinstance(fault, Fault), fault
    return fault.reason


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_every_allowed_format_is_described(
    painting: Paint, encode: Encode, image_format: str
) -> None:
    header = _header(encode(painting(60, 40), image_format))
    assert (header.width, header.height, header.format) == (60, 40, image_format)
    assert header.orientation == 1


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "size"), [(1, (60, 40)), (3, (60, 40)), (6, (40, 60))])
def test_size_is_that_of_the_picture_as_shown(
    painting: Paint,
    encode: Encode,
    gps_exif: Callable[[int], Image.Exif],
    image_format: str,
    orientation: int,
    size: tuple[int, int],
) -> None:
    header = _header(encode(painting(60, 40), image_format, exif=gps_exif(orientation)))
    assert (header.width, header.height) == size
    assert header.orientation == orientation


def test_the_bomb_is_refused_by_its_header(bomb: bytes) -> None:
    assert len(bomb) < 50_000
    assert _reason(bomb) is FaultReason.TOO_MANY_PIXELS


def test_scans_beyond_pillows_own_limit_are_allowed() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert Image.MAX_IMAGE_PIXELS < 108_000_000 < MAX_PIXELS < 13_000**2


def test_a_jpeg_of_endless_scans_is_refused(painting: Paint, encode: Encode) -> None:
    data = encode(painting(60, 40), "JPEG", progressive=True)
    assert isinstance(read_header(data), Header)
    body, end = data[:-2], data[-2:]
    last_scan = body[body.rindex(b"\xff\xda") :]
    assert _reason(body + last_scan * 200 + end) is FaultReason.TOO_MANY_SCANS
    junk = body[:20] + b"junk" + body[20:]
    assert _reason(junk + last_scan * 200 + end) is FaultReason.TOO_MANY_SCANS


def test_the_budget_is_exact(painting: Paint, encode: Encode) -> None:
    data = encode(painting(60, 40), "JPEG")
    assert isinstance(read_header(data, max_pixels=2400), Header)
    assert _reason(data, max_pixels=2399) is FaultReason.TOO_MANY_PIXELS


@pytest.mark.parametrize("image_format", ["GIF", "TIFF", "WEBP", "JPEG"])
def test_lying_dimensions_are_refused(painting: Paint, encode: Encode, image_format: str) -> None:
    data = bytearray(encode(painting(60, 40), image_format))
    if image_format == "GIF":
        data[6:10] = struct.pack("<HH", 65_000, 65_000)
    elif image_format == "TIFF":
        data = bytearray(bytes(data).replace(struct.pack("<I", 60), struct.pack("<I", 2**30), 1))
    elif image_format == "JPEG":
        frame = data.index(b"\xff\xc0")
        data[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    else:
        frame = data.index(b"\x9d\x01\x2a")
        data[frame + 3 : frame + 7] = struct.pack("<HH", 16_383, 16_383)
    assert isinstance(read_header(bytes(data)), Fault)


def test_a_name_does_not_make_an_image() -> None:
    assert _reason(b"This is a text file that somebody called .jpg\n") is FaultReason.NOT_AN_IMAGE
    assert _reason(b"\x00" * 4000) is FaultReason.NOT_AN_IMAGE
    assert _reason(b"x") is FaultReason.NOT_AN_IMAGE
    assert _reason(b"<svg xmlns='http://www.w3.org/2000/svg'/>") is FaultReason.NOT_AN_IMAGE


@pytest.mark.parametrize("image_format", ["ICO", "PPM", "JPEG2000", "AVIF"])
def test_formats_nobody_asked_for_are_named_and_not_opened(
    painting: Paint, encode: Encode, image_format: str
) -> None:
    fault = read_header(encode(painting(64, 64), image_format))
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.UNSUPPORTED_FORMAT
    assert image_format in fault.detail


def test_float_pixels_have_no_agreed_form(encode: Encode) -> None:
    data = encode(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF")
    assert _reason(data) is FaultReason.UNSUPPORTED_FORMAT


def test_a_header_cut_short_is_a_fault(painting: Paint, encode: Encode) -> None:
    data = encode(painting(60, 40), "JPEG")
    for length in (4, 20, 100):
        assert isinstance(read_header(data[:length]), Fault)


def test_metadata_cannot_spoil_sound_pixels(
    painting: Paint, encode: Encode, png_chunk: Callable[[bytes, bytes], bytes]
) -> None:
    png = encode(painting(60, 40), "PNG")
    start = len(b"\x89PNG\r\n\x1a\n") + 25
    huge_text = png_chunk(b"tEXt", b"Comment\0" + b"x" * (100 * 2**20))
    text_bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**27), 9))
    for extra in (huge_text, text_bomb):
        assert _header(png[:start] + extra + png[start:]).width == 60
    jpeg = encode(painting(60, 40), "JPEG")
    broken_exif = b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40
    segment = b"\xff\xe1" + struct.pack(">H", len(broken_exif) + 2) + broken_exif
    header = _header(jpeg[:2] + segment + jpeg[2:])
    assert (header.width, header.orientation) == (60, 1)


def test_reading_a_header_decodes_nothing(painting: Paint, encode: Encode) -> None:
    data = encode(painting(600, 400), "JPEG")
    assert _header(data[: len(data) // 2]).width == 600
