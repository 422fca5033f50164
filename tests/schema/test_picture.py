from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from artcurate.schema.picture import MAX_PIXELS, picture_fault


def encoded(format_: str, size: tuple[int, int] = (3, 2)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, format_)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 0)
        + b"IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_pictures_are_known_by_their_header(format_: str) -> None:
    assert picture_fault(encoded(format_)) is None


def test_the_pixels_are_not_decoded() -> None:
    assert picture_fault(encoded("PNG", (500, 400))[:80]) is None


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no bytes"),
        (b"<html>not found</html>", "not a picture of a known format"),
        (b"%PDF-1.7", "not a picture of a known format"),
        (encoded("JPEG")[:3], "not a picture of a known format"),
        (png_header(13_380, 13_380), "pixels that Pillow opens"),
        (png_header(2**31 - 1, 2**31 - 1), "pixels that Pillow opens"),
    ],
)
def test_what_is_no_picture(data: bytes, fault: str) -> None:
    told = picture_fault(data)
    assert told is not None
    assert fault in told


def test_the_budget_holds_where_pillow_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert picture_fault(png_header(13_370, 13_370)) is None
    assert "pixels" in (picture_fault(png_header(13_380, 13_380)) or "")


def test_the_budget_is_what_pillow_opens_by_default() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert MAX_PIXELS == 2 * Image.MAX_IMAGE_PIXELS


@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"]))
def test_no_bytes_break_it(noise: bytes, format_: str) -> None:
    whole = encoded(format_)
    place = len(noise) % len(whole)
    picture_fault(whole[:place] + noise + whole[place:])
