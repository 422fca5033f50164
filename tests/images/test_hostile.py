"""Files that are broken or mean harm, on every path that a picture takes through a build."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from artcurate.errors import UsageError
from artcurate.images.decoders import Decoder, choose
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.probe import Probed, probe_image
from artcurate.images.transform import ImageForm, Transformed, transform

Encode = Callable[..., bytes]
Paint = Callable[..., Image.Image]
Chunk = Callable[[bytes, bytes], bytes]


def installed(decoder: Decoder) -> bool:
    try:
        choose(decoder)
    except UsageError:
        return False
    return True


DECODERS: tuple[Decoder, ...] = tuple(filter(installed, ("pillow", "libvips", "turbo")))
FORMS = [ImageForm(None, 95), *(ImageForm(64, 95, decoder) for decoder in DECODERS)]
RESIZED = FORMS[1:]


@pytest.fixture(params=FORMS, ids=str)
def form(request: pytest.FixtureRequest) -> ImageForm:
    form: ImageForm = request.param
    return form


def reasons(data: bytes) -> set[FaultReason | None]:
    """What the probe and the writer say of `data`, in every form that decodes it."""
    results = [probe_image(data), *(transform(data, form) for form in RESIZED)]
    return {result.reason if isinstance(result, Fault) else None for result in results}


def written(data: bytes, form: ImageForm) -> Image.Image:
    result = transform(data, form)
    assert isinstance(result, Transformed), result
    assert isinstance(probe_image(data), Probed)
    image = Image.open(io.BytesIO(result.data))
    image.load()
    assert image.size == (result.width, result.height)
    return image.convert("RGB")


def looks_like(image: Image.Image, picture: Image.Image, tolerance: float = 4) -> bool:
    expected = picture.convert("RGB").resize(image.size, Image.Resampling.LANCZOS)
    difference = np.asarray(image, float) - np.asarray(expected, float)
    return float(np.abs(difference).mean()) < tolerance


def with_claimed_size(image_format: str, data: bytes) -> bytes:
    """The file, saying that it has as many pixels as its format can say."""
    claimed = bytearray(data)
    if image_format == "GIF":
        claimed[6:10] = struct.pack("<HH", 65_535, 65_535)
        frame = claimed.index(b",\0\0\0\0")
        claimed[frame + 5 : frame + 9] = struct.pack("<HH", 65_535, 65_535)
    elif image_format == "TIFF":
        claimed = bytearray(data.replace(struct.pack("<I", 60), struct.pack("<I", 2**20)))
    elif image_format == "JPEG":
        frame = claimed.index(b"\xff\xc0")
        claimed[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    elif image_format == "BMP":
        claimed[18:26] = struct.pack("<ii", 2**20, 2**20)
    else:
        frame = claimed.index(b"\x9d\x01\x2a")
        claimed[frame + 3 : frame + 7] = struct.pack("<HH", 16_383, 16_383)
    return bytes(claimed)


@pytest.mark.parametrize("image_format", ["GIF", "TIFF", "WEBP", "JPEG", "BMP"])
def test_bombs_are_refused_by_their_headers(
    painting: Paint, encode: Encode, form: ImageForm, image_format: str
) -> None:
    data = with_claimed_size(image_format, encode(painting(60, 60), image_format))
    for result in (probe_image(data), transform(data, form)):
        assert isinstance(result, Fault)
        assert result.reason in (FaultReason.TOO_MANY_PIXELS, FaultReason.CORRUPT)


def test_the_png_bomb_is_refused(bomb: bytes, form: ImageForm) -> None:
    for result in (probe_image(bomb), transform(bomb, form)):
        assert isinstance(result, Fault)
        assert result.reason is FaultReason.TOO_MANY_PIXELS


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "MPO", "TIFF"])
def test_of_many_frames_the_first_is_shown(
    painting: Paint, encode: Encode, form: ImageForm, image_format: str
) -> None:
    first = painting(120, 80)
    others = [painting(120, 80, seed) for seed in range(1, 6)]
    data = encode(first, image_format, save_all=True, append_images=others)
    # GIF has 256 colours for them.
    assert looks_like(written(data, form), first, 20 if image_format == "GIF" else 4)
    result = transform(data, form)
    assert isinstance(result, Transformed)
    assert getattr(Image.open(io.BytesIO(result.data)), "n_frames", 1) == 1


def test_cmyk_becomes_its_colours(painting: Paint, encode: Encode) -> None:
    picture = painting(120, 80).convert("CMYK")
    data = encode(picture, "JPEG", quality=95)
    for form in RESIZED:
        assert looks_like(written(data, form), picture)


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(encode: Encode, image_format: str) -> None:
    ramp = np.linspace(0, 65_535, 100 * 100).reshape(100, 100).astype(np.uint16)
    data = encode(Image.fromarray(ramp), image_format)
    for form in RESIZED:
        assert looks_like(written(data, form), Image.fromarray((ramp >> 8).astype(np.uint8)))


@pytest.mark.parametrize("image_format", ["PNG", "GIF"])
def test_transparent_palettes_lie_on_white(encode: Encode, image_format: str) -> None:
    picture = Image.new("P", (100, 100), 1)
    picture.putpalette([0, 0, 0, 200, 30, 30])
    picture.paste(0, (0, 0, 50, 100))
    data = encode(picture, image_format, transparency=0)
    for form in RESIZED:
        pixels = np.asarray(written(data, form), int)
        assert pixels[30, 5].min() > 245
        assert np.abs(pixels[30, 58] - (200, 30, 30)).max() < 12


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_truncated_files_are_faults_everywhere(
    painting: Paint, encode: Encode, image_format: str, share: float
) -> None:
    data = encode(painting(300, 200), image_format)
    found = reasons(data[: int(len(data) * share)])
    assert len(found) == 1
    assert None not in found


@pytest.mark.parametrize("garbage", [b"\0" * 5000, b"\xff\xd8\xff" * 999, b"<script>" * 300])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_what_follows_the_image_is_dropped(
    painting: Paint, encode: Encode, form: ImageForm, image_format: str, garbage: bytes
) -> None:
    data = encode(painting(120, 80), image_format)
    assert transform(data + garbage, form) == transform(data, form)


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def test_a_thumbnail_that_lies_is_neither_shown_nor_kept(
    painting: Paint, encode: Encode, form: ImageForm
) -> None:
    picture, lie = painting(120, 80, 1), encode(Image.new("RGB", (96, 96), "red"), "JPEG")
    # First directory: no entries. Second: where the thumbnail begins and how long it is.
    entries = struct.pack("<HHII", 0x0201, 4, 1, 44) + struct.pack("<HHII", 0x0202, 4, 1, len(lie))
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<HI", 0, 14)
    exif = tiff + struct.pack("<H", 2) + entries + struct.pack("<I", 0)
    data = encode(picture, "JPEG", quality=95)
    hostile = data[:2] + segment(0xE1, b"Exif\0\0" + exif.ljust(44, b"\0") + lie) + data[2:]
    assert looks_like(written(hostile, form), picture)
    result = transform(hostile, form)
    assert isinstance(result, Transformed)
    assert lie[:200] not in result.data


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\x7f" + b"\xff" * 40,
        b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\3\0\0\0\1\0\x63\0\0",
        b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x09\0\0\0",
        b"no directory at all" * 50,
    ],
)
def test_a_corrupt_exif_block_does_not_spoil_the_picture(
    painting: Paint, encode: Encode, form: ImageForm, block: bytes
) -> None:
    data = encode(painting(120, 80), "JPEG", quality=95)
    hostile = data[:2] + segment(0xE1, b"Exif\0\0" + block) + data[2:]
    assert looks_like(written(hostile, form), painting(120, 80))


def test_zero_bytes_are_no_image(form: ImageForm) -> None:
    for data in (b"", b"\0", bytes(4000)):
        for result in (probe_image(data), transform(data, form)):
            assert isinstance(result, Fault)
            assert result.reason is FaultReason.NOT_AN_IMAGE


def test_a_text_chunk_of_100_mb_is_passed_over(
    painting: Paint, encode: Encode, png_chunk: Chunk
) -> None:
    data = encode(painting(120, 80), "PNG")
    start = len(b"\x89PNG\r\n\x1a\n") + 25
    hostile = data[:start] + png_chunk(b"tEXt", b"Comment\0" + b"x" * (100 << 20)) + data[start:]
    for form in FORMS:
        assert transform(hostile, form) == transform(data, form)
    probed = probe_image(hostile)
    assert isinstance(probed, Probed)
    assert (probed.width, probed.height) == (120, 80)
