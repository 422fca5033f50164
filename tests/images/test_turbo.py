from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from artcurate.images import turbo
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.planes import Planes, reduce_planes, to_image
from artcurate.images.turbo import decode_planes, encode_planes, sampling_of

if not turbo.is_installed():
    pytest.skip("libturbojpeg is not installed", allow_module_level=True)

Encode = Callable[..., bytes]
Paint = Callable[..., Image.Image]

SAMPLINGS = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2), "4:4:0": (1, 2), "4:1:1": (4, 1)}


def sampled(picture: Image.Image, sampling: tuple[int, int], quality: int = 95) -> bytes:
    """A JPEG whose colours are `sampling` pixels wide and high."""
    layers = [np.asarray(layer) for layer in picture.convert("YCbCr").split()]
    planes = Planes(picture.size, (1, 1), layers[0], tuple(layers[1:]))
    small = reduce_planes(planes, picture.size, picture.size, orientation=1, sampling=sampling)
    data = encode_planes(small, quality)
    assert isinstance(data, bytes)
    return data


def decoded(data: bytes, eighths: int = 8) -> Planes:
    size = Image.open(io.BytesIO(data)).size
    sampling = sampling_of(data)
    assert sampling is not None
    planes = decode_planes(data, size, sampling, eighths)
    assert isinstance(planes, Planes), planes
    return planes


def error(left: Image.Image, right: Image.Image) -> float:
    a, b = (np.asarray(image.convert("RGB"), float) for image in (left, right))
    return float(np.sqrt(((a - b) ** 2).mean()))


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("size", [(160, 96), (161, 97), (163, 95), (16, 1), (1, 1)])
def test_planes_are_those_of_the_file(painting: Paint, name: str, size: tuple[int, int]) -> None:
    data = sampled(painting(*size), SAMPLINGS[name])
    assert sampling_of(data) == SAMPLINGS[name]
    planes = decoded(data)
    assert planes.size == size
    # Brightness is not sampled, so it is bit for bit what Pillow reads.
    expected = Image.open(io.BytesIO(data))
    expected.draft("L", None)
    assert np.array_equal(planes.brightness, np.asarray(expected))
    down, across = (
        -(-length // span) for length, span in zip(size[::-1], planes.sampling[::-1], strict=True)
    )
    assert {plane.shape for plane in planes.chroma} == {(down, across)}


@pytest.mark.parametrize("option", [0, 1, 2])
def test_pillows_files_are_read_as_they_are_sampled(
    painting: Paint, encode: Encode, option: int
) -> None:
    data = encode(painting(90, 61), "JPEG", subsampling=option)
    assert sampling_of(data) == [(1, 1), (2, 1), (2, 2)][option]


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(320, 240), (321, 243)])
def test_reduced_planes_are_the_picture_upright(
    painting: Paint, name: str, orientation: int, size: tuple[int, int]
) -> None:
    """Colours that lay half a sample beside their brightness would show here."""
    picture = painting(*size)
    data = sampled(picture, SAMPLINGS[name], 100)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.open(io.BytesIO(data)).convert("RGB")
    turned.getexif()[0x0112] = orientation
    shown = ImageOps.exif_transpose(turned)
    target = (81, 61)
    for sampling in ((2, 2), (1, 1)):
        small = reduce_planes(
            decoded(data), size, target, orientation=orientation, sampling=sampling
        )
        assert small.size == (target if orientation < 5 else target[::-1])
        written = encode_planes(small, 100)
        assert isinstance(written, bytes)
        expected = shown.resize(small.size, Image.Resampling.LANCZOS)
        assert error(Image.open(io.BytesIO(written)), expected) < 2.5
        if sampling == (1, 1):
            assert error(to_image(small), expected) < 2.5


@pytest.mark.parametrize("eighths", [4, 2, 1])
@pytest.mark.parametrize("size", [(640, 480), (645, 491)])
@pytest.mark.parametrize("name", SAMPLINGS)
def test_a_reduced_scale_shows_the_same_picture(
    painting: Paint, name: str, size: tuple[int, int], eighths: int
) -> None:
    picture = painting(*size)
    planes = decoded(sampled(picture, SAMPLINGS[name]), eighths)
    assert planes.size == tuple(-(-side * eighths // 8) for side in size)
    extent = size[0] * eighths / 8, size[1] * eighths / 8
    small = reduce_planes(planes, extent, (48, 36), orientation=1, sampling=(1, 1))
    assert error(to_image(small), picture.resize((48, 36), Image.Resampling.LANCZOS)) < 3


def test_grey_files_have_one_plane(painting: Paint, encode: Encode) -> None:
    grey = painting(90, 61).convert("L")
    planes = decoded(encode(grey, "JPEG", quality=100))
    assert planes.chroma == ()
    assert error(to_image(planes), grey) < 2


def test_files_without_such_planes_are_left_to_others(painting: Paint, encode: Encode) -> None:
    picture = painting(64, 64)
    whole = encode(picture, "JPEG")
    frame = whole.index(b"\xff\xc0")
    assert sampling_of(encode(picture.convert("CMYK"), "JPEG")) is None
    for place, value in (
        (frame + 1, 0xC9),  # arithmetic coding
        (frame + 1, 0xC3),  # lossless
        (frame + 4, 12),  # bits
        (frame + 11, 0x31),  # three across
        (frame + 14, 0x21),  # a colour that is finer than the other
    ):
        changed = bytearray(whole)
        changed[place] = value
        assert sampling_of(bytes(changed)) is None
    for cut in (whole[:-2], whole[: frame + 4], whole[:2], b"", whole + b"more"):
        assert sampling_of(cut) is None


def test_red_green_and_blue_are_no_planes(painting: Paint, encode: Encode) -> None:
    picture = painting(64, 64)
    data = encode(picture, "JPEG", keep_rgb=True)
    assert decode_planes(data, (64, 64), (1, 1), 8) is None


def test_a_size_other_than_the_one_allowed_is_refused(painting: Paint, encode: Encode) -> None:
    data = encode(painting(64, 64), "JPEG")
    fault = decode_planes(data, (63, 64), (2, 2), 8)
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.CORRUPT


def test_what_is_missing_and_what_is_wrong_are_told_apart(painting: Paint, encode: Encode) -> None:
    data = encode(painting(640, 480), "JPEG", quality=95)
    for cut in (len(data) - 2, len(data) // 2, 700):
        fault = decode_planes(data[:cut], (640, 480), (2, 2), 8)
        assert isinstance(fault, Fault)
        assert fault.reason is FaultReason.TRUNCATED
    assert b"\xff\xdb" in data
    without_tables = data.replace(b"\xff\xdb", b"\xff\xfe")
    for broken in (without_tables, data[:300] + b"\xff\xd9", b"no JPEG"):
        fault = decode_planes(broken, (640, 480), (2, 2), 8)
        assert isinstance(fault, Fault)
        assert fault.reason is FaultReason.CORRUPT
        assert fault.detail.startswith("The image cannot be decoded: ")


def test_damage_that_libjpeg_only_warns_about_passes(painting: Paint, encode: Encode) -> None:
    data = bytearray(encode(painting(640, 480), "JPEG", quality=95))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    Image.open(io.BytesIO(bytes(data))).load()
    assert isinstance(decode_planes(bytes(data), (640, 480), (2, 2), 8), Planes)


def test_the_version_is_that_of_libjpeg_turbo() -> None:
    assert int(turbo.version().partition(".")[0]) >= 2
