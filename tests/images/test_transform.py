from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.transform import ImageForm, Transformed, scaled_size, transform

Encode = Callable[..., bytes]
Paint = Callable[..., Image.Image]
MakeExif = Callable[[int], Image.Exif]

ORIGINAL = ImageForm(None)


def _written(data: bytes, form: ImageForm) -> tuple[Transformed, Image.Image]:
    written = transform(data, form)
    assert isinstance(written, Transformed), written
    image = Image.open(io.BytesIO(written.data))
    image.load()
    assert image.size == (written.width, written.height)
    assert image.format == written.format
    return written, image


def _difference(left: Image.Image, right: Image.Image) -> float:
    a, b = (np.asarray(image.convert("RGB"), dtype=float) for image in (left, right))
    return float(np.abs(a - b).mean())


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_originals_pass_byte_for_byte(painting: Paint, encode: Encode, image_format: str) -> None:
    data = encode(painting(90, 60), image_format)
    written, _ = _written(data, ORIGINAL)
    assert written == Transformed(data, 90, 60, image_format)


@pytest.mark.parametrize("form", [ORIGINAL, ImageForm(32)])
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_no_metadata_is_left(
    painting: Paint,
    encode: Encode,
    gps_exif: MakeExif,
    form: ImageForm,
    image_format: str,
    orientation: int,
) -> None:
    options = {"comment": b"SECRET"} if image_format == "JPEG" else {}
    data = encode(painting(90, 60), image_format, exif=gps_exif(orientation), **options)
    assert b"SECRET" in data
    written, image = _written(data, form)
    assert b"SECRET" not in written.data
    assert b"Exif" not in written.data
    assert image.getexif() == {}
    assert not {"exif", "xmp", "comment", "icc_profile"} & set(image.info)


@pytest.mark.parametrize("image_format", ["JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [None, 40])
def test_images_stand_upright(
    painting: Paint,
    encode: Encode,
    gps_exif: MakeExif,
    image_format: str,
    orientation: int,
    size: int | None,
) -> None:
    stored = painting(120, 80)
    data = encode(stored, image_format, exif=gps_exif(orientation))
    stored.getexif()[0x0112] = orientation
    shown = ImageOps.exif_transpose(stored)
    if size:
        shown = shown.resize(scaled_size(*shown.size, size), Image.Resampling.LANCZOS)
    _, image = _written(data, ImageForm(size, quality=95))
    assert image.size == shown.size
    assert _difference(image, shown) < 6


def test_short_side_gets_the_size_asked_for(painting: Paint, encode: Encode) -> None:
    written, image = _written(encode(painting(900, 600), "JPEG", quality=95), ImageForm(256))
    assert (written.width, written.height) == (384, 256)
    assert image.mode == "RGB"
    full = painting(900, 600).resize((384, 256), Image.Resampling.LANCZOS)
    assert _difference(image, full) < 2


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_nothing_is_upscaled(painting: Paint, encode: Encode, image_format: str) -> None:
    written, _ = _written(encode(painting(90, 60), image_format), ImageForm(512))
    assert (written.width, written.height, written.format) == (90, 60, "JPEG")


@pytest.mark.parametrize(
    ("before", "size", "after"),
    [
        ((900, 600), 300, (450, 300)),
        ((600, 900), 300, (300, 450)),
        ((900, 600), 600, (900, 600)),
        ((900, 600), None, (900, 600)),
        ((1001, 333), 100, (301, 100)),
    ],
)
def test_scaled_size(before: tuple[int, int], size: int | None, after: tuple[int, int]) -> None:
    assert scaled_size(*before, size) == after


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_pixel_layout_becomes_rgb(painting: Paint, encode: Encode, mode: str) -> None:
    if mode == "I;16":
        grey = np.asarray(painting(90, 60).convert("L")).astype(np.uint16) * 257
        image = Image.fromarray(grey)
    else:
        image = painting(90, 60).convert(mode)
    data = encode(image, "TIFF" if mode in ("CMYK", "YCbCr") else "PNG")
    for form in (ImageForm(None, 95), ImageForm(90, 95)):
        written, result = _written(data, form)
        expected = painting(90, 60).convert("L").convert("RGB") if mode == "I;16" else image
        if written.format == "JPEG":
            assert result.mode == "RGB"
            # Dithered dots are just what JPEG blurs.
            assert _difference(result, expected) < {"1": 40, "P": 16}.get(mode, 4)


@pytest.mark.parametrize("image_format", ["GIF", "TIFF", "BMP"])
def test_formats_that_not_everything_shows_are_written_as_jpeg(
    painting: Paint, encode: Encode, image_format: str
) -> None:
    written, _ = _written(encode(painting(90, 60), image_format), ORIGINAL)
    assert (written.width, written.height, written.format) == (90, 60, "JPEG")


def test_animations_become_their_first_frame(encode: Encode) -> None:
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    for image_format in ("GIF", "PNG", "WEBP", "MPO"):
        data = encode(red, image_format, save_all=True, append_images=[blue])
        _, image = _written(data, ORIGINAL)
        assert getattr(image, "n_frames", 1) == 1
        assert _difference(image, red) < 3


def test_a_jpeg_that_cannot_be_followed_is_written_anew(painting: Paint, encode: Encode) -> None:
    data = encode(painting(90, 60), "JPEG", comment=b"SECRET")
    written, image = _written(data[:20] + b"junk" + data[20:], ORIGINAL)
    assert b"SECRET" not in written.data
    assert _difference(image, painting(90, 60)) < 4


def test_transparency_lies_on_white(encode: Encode) -> None:
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    _, image = _written(encode(clear, "PNG"), ImageForm(20, 95))
    assert np.asarray(image).min() > 250


def _swapped_profile() -> bytes:
    """A valid RGB profile whose red and green primaries are exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return (
        bytes(profile)
        .replace(b"s\0R\0G\0B", b"t\0e\0s\0t")
        .replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    )


def test_the_profile_is_applied_when_pixels_are_written(encode: Encode) -> None:
    red = encode(Image.new("RGB", (40, 40), (255, 0, 0)), "PNG", icc_profile=_swapped_profile())
    _, image = _written(red, ImageForm(20, 95))
    low, high, _ = np.asarray(image)[10, 10]
    assert high > 200
    assert low < 60
    assert "icc_profile" not in image.info


def test_a_profile_of_no_use_is_ignored(painting: Paint, encode: Encode) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"no profile at all", lab):
        _, image = _written(
            encode(painting(90, 60), "JPEG", quality=95, icc_profile=profile), ImageForm(60, 95)
        )
        assert _difference(image, painting(90, 60)) < 4


def test_a_grey_picture_keeps_its_profiles_meaning(painting: Paint, encode: Encode) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = painting(90, 60).convert("L")
    _, image = _written(encode(grey, "JPEG", quality=95, icc_profile=srgb), ImageForm(60, 95))
    assert _difference(image, grey) < 4


def test_what_no_jpeg_can_hold_is_a_fault(encode: Encode) -> None:
    ribbon = encode(Image.new("L", (70_000, 30)), "PNG")
    fault = transform(ribbon, ImageForm(30))
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.SIDE_TOO_LONG
    assert isinstance(transform(ribbon, ORIGINAL), Transformed)
    assert isinstance(transform(ribbon, ImageForm(20)), Transformed)


def test_bombs_and_truncated_files_are_faults(painting: Paint, encode: Encode, bomb: bytes) -> None:
    fault = transform(bomb, ORIGINAL)
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.TOO_MANY_PIXELS
    data = encode(painting(900, 600), "JPEG")
    fault = transform(data[: len(data) // 2], ImageForm(64))
    assert isinstance(fault, Fault)
    assert fault.reason is FaultReason.TRUNCATED


def test_the_same_input_gives_the_same_bytes(painting: Paint, encode: Encode) -> None:
    data = encode(painting(900, 600), "JPEG")
    assert transform(data, ImageForm(128)) == transform(data, ImageForm(128))


@pytest.mark.parametrize(("size", "quality"), [(0, 90), (-5, 90), (512, 0), (512, 101)])
def test_forms_without_meaning_are_refused(size: int, quality: int) -> None:
    with pytest.raises(ValueError, match="must"):
        ImageForm(size, quality)
