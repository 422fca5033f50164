from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from artcurate.errors import UsageError
from artcurate.images.decoders import Decoder, choose
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.phash import to_hex
from artcurate.images.probe import Probed, probe_and_render, probe_image
from artcurate.images.transform import ImageForm, Transformed, transform
from artcurate.images.transform import encode as encode_picture

Encode = Callable[..., bytes]
Paint = Callable[..., Image.Image]


def _probed(data: bytes) -> Probed:
    probed = probe_image(data)
    assert isinstance(probed, Probed), probed
    return probed


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_describes_a_picture(painting: Paint, encode: Encode, image_format: str) -> None:
    data = encode(painting(300, 200), image_format)
    probed = _probed(data)
    assert (probed.width, probed.height, probed.format) == (300, 200, image_format)
    assert probed.sha256 == hashlib.sha256(data).hexdigest()
    shown = Image.open(io.BytesIO(data)).convert("RGB")
    assert to_hex(probed.phash) == str(imagehash.phash(shown))


def test_the_hash_is_that_of_the_picture_as_shown(painting: Paint, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = painting(300, 200)
    turned = _probed(encode(stored, "PNG", exif=exif))
    stored.getexif()[0x0112] = 6
    upright = _probed(encode(ImageOps.exif_transpose(stored), "PNG"))
    assert turned.orientation == 6
    assert (turned.width, turned.height, turned.phash) == (200, 300, upright.phash)


def test_large_jpegs_hash_nearly_like_their_full_picture(encode: Encode) -> None:
    rng = np.random.default_rng(0)
    for seed in range(2):
        coarse = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((3000, 2000), Image.Resampling.BICUBIC)
        grain = rng.integers(-20, 20, (2000, 3000, 1))
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
        data = encode(image, "JPEG", quality=90)
        expected = int(str(imagehash.phash(Image.open(io.BytesIO(data)))), 16)
        assert (expected ^ _probed(data).phash).bit_count() <= 2


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[:-1000], FaultReason.TRUNCATED),
        (lambda data: b"no picture" + data, FaultReason.NOT_AN_IMAGE),
        (lambda data: data[:2] + bytes(len(data)), FaultReason.NOT_AN_IMAGE),
        (lambda data: data[:3] + bytes(len(data)), FaultReason.CORRUPT),
    ],
)
def test_faults_are_values(
    painting: Paint,
    encode: Encode,
    spoil: Callable[[bytes], bytes],
    reason: FaultReason,
) -> None:
    fault = probe_image(spoil(encode(painting(900, 600), "JPEG")))
    assert isinstance(fault, Fault)
    assert fault.reason is reason
    assert fault.detail.endswith(".")


def test_a_bomb_is_refused_and_a_budget_is_kept(
    bomb: bytes, painting: Paint, encode: Encode
) -> None:
    for fault in (probe_image(bomb), probe_image(encode(painting(30, 20), "PNG"), max_pixels=599)):
        assert isinstance(fault, Fault)
        assert fault.reason is FaultReason.TOO_MANY_PIXELS


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_damage_raises(painting: Paint, encode: Encode) -> None:
    random = np.random.default_rng(7)
    originals = [
        encode(painting(60, 40), image_format)
        for image_format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
    ]
    for _ in range(100):
        for original in originals:
            data = bytearray(original)
            for place in random.integers(0, min(len(data), 300), 3):
                data[place] = random.integers(0, 256)
            result = probe_image(bytes(data), max_pixels=1_000_000)
            assert isinstance(result, Probed | Fault)


def test_real_scans_hash_like_imagehash() -> None:
    folder = os.environ.get("ARTCURATE_REAL_DATA")
    if not folder:
        pytest.skip("set ARTCURATE_REAL_DATA to the folder of real excerpts")
    paths = sorted((Path(folder) / "wikiart" / "full").rglob("*.jpg"))
    assert len(paths) == 30
    for path in paths:
        with Image.open(path) as image:
            expected = int(str(imagehash.phash(image)), 16)
            size = image.size
        probed = _probed(path.read_bytes())
        assert (probed.width, probed.height) == size
        assert (probed.phash ^ expected).bit_count() <= 2


def _require(decoder: Decoder) -> None:
    try:
        choose(decoder)
    except UsageError:
        pytest.skip(f"{decoder} is not installed")


class TestWithPicture:
    """One decoding gives what two would have given."""

    def both(self, data: bytes, form: ImageForm) -> tuple[Probed | Fault, bytes | None]:
        probed, rendered = probe_and_render(data, form)
        if rendered is None:
            return probed, None
        picture = encode_picture(rendered, form.quality)
        assert isinstance(picture, Transformed)
        return probed, picture.data

    @pytest.mark.parametrize("decoder", ["pillow", "libvips", "turbo"])
    @pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
    @pytest.mark.parametrize("orientation", [1, 6])
    @pytest.mark.parametrize("size", [128, 200, 900])
    def test_picture_and_description_are_those_of_both_ways(
        self,
        painting: Paint,
        encode: Encode,
        decoder: Decoder,
        image_format: str,
        orientation: int,
        size: int,
    ) -> None:
        _require(decoder)
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"exif": exif} if image_format in ("JPEG", "PNG", "WEBP", "TIFF") else {}
        data = encode(painting(640, 420), image_format, **options)
        form = ImageForm(size, 85, decoder)
        probed, picture = self.both(data, form)
        alone = _probed(data)
        assert isinstance(probed, Probed)
        assert (probed.phash ^ alone.phash).bit_count() <= 2
        assert replace(probed, phash=alone.phash) == alone
        made = transform(data, form)
        assert isinstance(made, Transformed)
        assert picture == made.data

    @pytest.mark.parametrize("decoder", ["pillow", "libvips", "turbo"])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_faults_are_those_of_the_probe(
        self, painting: Paint, encode: Encode, decoder: Decoder, progressive: bool
    ) -> None:
        _require(decoder)
        data = encode(painting(700, 500), "JPEG", progressive=progressive)
        form = ImageForm(256, 90, decoder)
        for cut in range(0, len(data), len(data) // 40):
            damaged = bytearray(data)
            damaged[cut : cut + 3] = b"\xff\x00\x7f"
            for broken in (data[:cut], bytes(damaged)):
                probed, _ = self.both(broken, form)
                alone = probe_image(broken)
                assert isinstance(probed, Fault) is isinstance(alone, Fault)
                if isinstance(alone, Fault):
                    assert probed == alone

    def test_what_cannot_take_the_form_is_sound_and_has_no_picture(self, encode: Encode) -> None:
        data = encode(Image.new("L", (70_000, 2)), "PNG")
        probed, picture = self.both(data, ImageForm(128))
        assert probed == probe_image(data)
        assert isinstance(probed, Probed)
        assert picture is None

    def test_the_pixel_budget_stands(self, painting: Paint, encode: Encode) -> None:
        data = encode(painting(300, 200), "JPEG")
        probed, pixels = probe_and_render(data, ImageForm(128), max_pixels=59_999)
        assert isinstance(probed, Fault)
        assert probed.reason is FaultReason.TOO_MANY_PIXELS
        assert pixels is None
