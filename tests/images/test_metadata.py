from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from artcurate.images.metadata import Bare, Format, exif_orientation, without_metadata

Encode = Callable[..., bytes]
Paint = Callable[[int, int], Image.Image]
MakeExif = Callable[[int], Image.Exif]

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRETXMP</x:xmpmeta>"


def _bare(data: bytes, image_format: Format) -> Bare:
    bare = without_metadata(data, image_format)
    assert bare is not None
    return bare


def _pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)))


def _full_of_secrets(image: Image.Image, encode: Encode, exif: Image.Exif, form: str) -> bytes:
    if form == "PNG":
        info = PngInfo()
        info.add_text("Author", "SECRETAUTHOR")
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        return encode(image, "PNG", pnginfo=info, exif=exif)
    if form == "WEBP":
        return encode(image, "WEBP", exif=exif, xmp=XMP)
    return encode(image, "JPEG", exif=exif, xmp=XMP, comment=b"SECRETCOMMENT")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_secrets_go_and_every_pixel_stays(
    painting: Paint, encode: Encode, gps_exif: MakeExif, form: Format
) -> None:
    data = _full_of_secrets(painting(60, 40), encode, gps_exif(6), form)
    assert b"SECRET" in data
    bare = _bare(data, form)
    assert b"SECRET" not in bare.data
    assert b"Exif" not in bare.data
    assert b"EXIF" not in bare.data
    assert bare.orientation == 6
    np.testing.assert_array_equal(_pixels(bare.data), _pixels(data))
    assert Image.open(io.BytesIO(bare.data)).getexif() == {}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_file_without_metadata_comes_back_untouched(
    painting: Paint, encode: Encode, form: Format
) -> None:
    data = encode(painting(60, 40), form)
    assert _bare(data, form).data is data


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_colour_profile_stays(
    painting: Paint, encode: Encode, gps_exif: MakeExif, form: Format
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encode(painting(60, 40), form, icc_profile=profile, exif=gps_exif(1))
    assert Image.open(io.BytesIO(_bare(data, form).data)).info["icc_profile"] == profile


def test_a_large_profile_in_several_segments_stays(painting: Paint, encode: Encode) -> None:
    profile = bytes(range(256)) * 1000
    data = encode(painting(60, 40), "JPEG", icc_profile=profile, comment=b"c")
    assert Image.open(io.BytesIO(_bare(data, "JPEG").data)).info["icc_profile"] == profile


def test_the_adobe_mark_of_cmyk_stays(painting: Paint, encode: Encode) -> None:
    data = encode(painting(60, 40).convert("CMYK"), "JPEG", comment=b"SECRET")
    bare = _bare(data, "JPEG").data
    assert b"SECRET" not in bare
    np.testing.assert_array_equal(_pixels(bare), _pixels(data))


def test_progressive_jpegs_keep_all_their_scans(painting: Paint, encode: Encode) -> None:
    data = encode(painting(300, 200), "JPEG", progressive=True, comment=b"SECRET")
    bare = _bare(data, "JPEG").data
    assert len(data) - len(bare) == len(b"SECRET") + 4
    np.testing.assert_array_equal(_pixels(bare), _pixels(data))


def test_what_follows_the_end_of_the_image_goes(painting: Paint, encode: Encode) -> None:
    jpeg = encode(painting(60, 40), "JPEG")
    assert _bare(jpeg + b"a film and SECRET", "JPEG").data == jpeg
    png = encode(painting(60, 40), "PNG")
    assert _bare(png + b"trailing", "PNG").data == png


def test_restart_marks_and_fill_bytes_are_no_ends(painting: Paint, encode: Encode) -> None:
    data = encode(painting(160, 120), "JPEG", restart_marker_blocks=2)
    assert data.count(b"\xff\xd3") > 1
    filled = data[:2] + b"\xff\xff\xff" + data[2:]
    assert _bare(data, "JPEG").data is data
    np.testing.assert_array_equal(_pixels(_bare(filled, "JPEG").data), _pixels(data))


def test_an_embedded_thumbnail_goes(painting: Paint, encode: Encode, gps_exif: MakeExif) -> None:
    thumbnail = encode(painting(16, 16), "JPEG")
    extension = b"JFXX\0\x10" + thumbnail
    segment = b"\xff\xe0" + struct.pack(">H", len(extension) + 2) + extension
    data = encode(painting(60, 40), "JPEG")
    assert _bare(data[:20] + segment + data[20:], "JPEG").data == data


def test_further_frames_go_or_are_told(painting: Paint, encode: Encode) -> None:
    frames = {"save_all": True, "append_images": [painting(60, 40).rotate(180)]}
    mpo = encode(painting(60, 40), "MPO", **frames)
    bare = _bare(mpo, "JPEG")
    assert Image.open(io.BytesIO(bare.data)).format == "JPEG"
    assert bare.data.count(b"\xff\xd9") == 1
    apng = _bare(encode(painting(60, 40), "PNG", **frames), "PNG")
    assert not getattr(Image.open(io.BytesIO(apng.data)), "is_animated", False)
    assert not apng.animated
    assert _bare(encode(painting(60, 40), "WEBP", **frames), "WEBP").animated


def test_a_structure_that_cannot_be_followed_is_not_guessed(
    painting: Paint, encode: Encode
) -> None:
    jpeg = encode(painting(60, 40), "JPEG")
    assert without_metadata(jpeg[:2] + b"junk" + jpeg[2:], "JPEG") is None
    assert without_metadata(jpeg[:10], "JPEG") is None
    png = encode(painting(60, 40), "PNG")
    assert without_metadata(png[:-30], "PNG") is None
    webp = encode(painting(60, 40), "WEBP")
    assert without_metadata(webp[:-30], "WEBP") is None


def _exif(order: str, entries: list[tuple[int, int, bytes]], offset: int = 8) -> bytes:
    mark = {"<": b"II", ">": b"MM"}[order]
    body = struct.pack(f"{order}H", len(entries))
    for tag, kind, value in entries:
        body += struct.pack(f"{order}HHI", tag, kind, 1) + value.ljust(4, b"\0")
    return mark + struct.pack(f"{order}HI", 42, offset) + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_both_byte_orders(order: str, orientation: int) -> None:
    value = struct.pack(f"{order}H", orientation)
    block = _exif(order, [(0x010E, 2, b"abc"), (0x0112, 3, value)])
    assert exif_orientation(block) == orientation
    assert exif_orientation(b"Exif\0\0" + block) == orientation


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II",
        b"not exif at all",
        _exif("<", []),
        _exif("<", [(0x0112, 3, struct.pack("<H", 9))]),
        _exif("<", [(0x0112, 3, struct.pack("<H", 0))]),
        _exif("<", [(0x0112, 3, struct.pack("<H", 6))], offset=2**31),
        _exif("<", [(0x0112, 3, struct.pack("<H", 6))])[:14],
    ],
)
def test_a_broken_exif_block_means_upright(block: bytes) -> None:
    assert exif_orientation(block) == 1
