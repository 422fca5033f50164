from __future__ import annotations

import builtins
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from artcurate.errors import UsageError
from artcurate.images import decoders, turbo
from artcurate.images.decoders import Decoder, advice, choose, reduce_jpeg, version_of
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.native import library
from artcurate.images.transform import ImageForm, Transformed, scaled_size, transform

pytest.importorskip("pyvips")

Encode = Callable[..., bytes]
Paint = Callable[..., Image.Image]

DECODERS: tuple[Decoder, ...] = (
    ("pillow", "libvips", "turbo") if turbo.is_installed() else ("pillow", "libvips")
)


def shown(data: bytes, form: ImageForm) -> Image.Image:
    written = transform(data, form)
    assert isinstance(written, Transformed), written
    return Image.open(io.BytesIO(written.data))


def error(left: Image.Image, right: Image.Image) -> float:
    """Root mean square of the difference."""
    a, b = (np.asarray(image.convert("RGB"), float) for image in (left, right))
    return float(np.sqrt(((a - b) ** 2).mean()))


def textured(width: int, height: int) -> Image.Image:
    """Fine grain on smooth colours: what a bad filter spoils first."""
    random = np.random.default_rng(4)
    coarse = Image.fromarray(random.integers(60, 196, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), float)
    grain = random.normal(0, 20, (height, width, 1))
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("size", [64, 200, 301, 512, 700])
@pytest.mark.parametrize("progressive", [False, True])
def test_every_decoder_comes_near_the_full_lanczos_reduction(
    encode: Encode, decoder: Decoder, size: int, progressive: bool
) -> None:
    data = encode(textured(1100, 800), "JPEG", quality=90, progressive=progressive)
    full = Image.open(io.BytesIO(data))
    expected = full.resize(scaled_size(*full.size, size), Image.Resampling.LANCZOS)
    image = shown(data, ImageForm(size, 100, decoder))
    assert image.size == expected.size
    assert error(image, expected) < 3


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [128, 301])
def test_all_decoders_turn_and_convert_alike(
    painting: Paint, encode: Encode, mode: str, orientation: int, size: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(painting(641, 423).convert(mode), "JPEG", exif=exif, quality=95)
    images = [shown(data, ImageForm(size, 95, one)) for one in DECODERS]
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    for image in images:
        assert image.size == images[0].size
        assert image.mode == "RGB"
        assert error(image, images[0]) < 2.5
        assert error(image, upright.resize(image.size, Image.Resampling.LANCZOS)) < 4


def wide_profile() -> bytes:
    """A profile of an RGB space in which every colour is another one than in sRGB."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    changed = bytearray(profile)
    changed[red : red + 4], changed[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(changed).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", ["srgb", "other", "broken"])
def test_all_decoders_see_colour_profiles_alike(
    painting: Paint, encode: Encode, mode: str, kind: str
) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = {"srgb": srgb, "other": wide_profile(), "broken": b"nothing"}[kind]
    picture = painting(640, 420).convert(mode)
    data = encode(picture, "JPEG", quality=95, icc_profile=profile)
    images = [shown(data, ImageForm(128, 95, one)) for one in DECODERS]
    for image in images:
        assert error(image, images[0]) < 2.5
        assert "icc_profile" not in image.info
    assert (error(images[0], picture.resize(images[0].size)) > 20) is (
        kind == "other" and mode == "RGB"
    )


@pytest.mark.parametrize(
    "options", [{"keep_rgb": True}, {"restart_marker_blocks": 3}, {"subsampling": 0}]
)
def test_all_decoders_read_rarer_files(
    painting: Paint, encode: Encode, options: dict[str, int]
) -> None:
    picture = painting(640, 420)
    data = encode(picture, "JPEG", quality=95, **options) + b"what follows the end"
    for decoder in DECODERS:
        image = shown(data, ImageForm(128, 95, decoder))
        assert error(image, picture.resize(image.size, Image.Resampling.LANCZOS)) < 4


@pytest.mark.parametrize("size", [500, 300, 120, 40])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [2, 30, 2000, 0.5])
def test_all_decoders_find_truncated_files(
    encode: Encode, size: int, progressive: bool, missing: float
) -> None:
    data = encode(textured(800, 600), "JPEG", quality=80, progressive=progressive)
    cut = data[: -int(missing if missing > 1 else len(data) * missing)]
    for decoder in DECODERS:
        fault = transform(cut, ImageForm(size, decoder=decoder))
        assert isinstance(fault, Fault)
        assert fault.reason is FaultReason.TRUNCATED


def test_all_decoders_find_the_same_damage(encode: Encode) -> None:
    original = encode(textured(400, 300), "JPEG", quality=80)
    random = np.random.default_rng(3)
    differing = 0
    for _ in range(150):
        data = bytearray(original)
        for place in random.integers(2, len(data), 3):
            data[place] = random.integers(0, 256)
        results = [
            transform(bytes(data), ImageForm(100, decoder=decoder), max_pixels=10**6)
            for decoder in DECODERS
        ]
        differing += len({isinstance(result, Fault) for result in results}) == 2
    assert differing == 0


@pytest.mark.parametrize("decoder", DECODERS)
def test_bytes_are_the_same_in_another_process(encode: Encode, decoder: Decoder) -> None:
    data = encode(textured(900, 700), "JPEG")
    program = (
        "import sys, hashlib\n"
        "from artcurate.images.transform import ImageForm, transform\n"
        f"data = transform(sys.stdin.buffer.read(), ImageForm(256, 90, {decoder!r})).data\n"
        "print(hashlib.sha256(data).hexdigest())"
    )
    here = transform(data, ImageForm(256, 90, decoder))
    assert isinstance(here, Transformed)
    for threads in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            input=data,
            capture_output=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
        )
        assert run.stdout.decode().strip() == hashlib.sha256(here.data).hexdigest()


def test_libvips_takes_one_thread_and_keeps_nothing() -> None:
    import pyvips

    choose("libvips")
    assert pyvips.concurrency_get() == 1
    assert pyvips.cache_get_max() == 0


@pytest.fixture
def without_libvips(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    find = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "pyvips":
            raise ImportError(name)
        return find(name, *rest)  # type: ignore[arg-type]

    decoders._find_libvips.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    yield
    decoders._find_libvips.cache_clear()


@pytest.fixture
def without_turbo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    turbo._library.cache_clear()
    monkeypatch.setattr(turbo, "_NAMES", ("libnothing.so.0",))
    yield
    turbo._library.cache_clear()


@pytest.mark.usefixtures("without_libvips", "without_turbo")
def test_without_libraries_auto_is_pillow_and_they_are_refused(encode: Encode) -> None:
    assert choose("auto") == choose("pillow") == "pillow"
    with pytest.raises(UsageError, match="pip install pyvips"):
        choose("libvips")
    with pytest.raises(UsageError, match="apt install libturbojpeg0"):
        choose("turbo")
    with pytest.raises(UsageError, match="not installed"):
        reduce_jpeg(b"", 1, (10, 10))
    assert shown(encode(textured(90, 60), "JPEG"), ImageForm(32)).size == (48, 32)


@pytest.mark.usefixtures("without_turbo")
def test_without_turbo_auto_is_libvips() -> None:
    assert choose("auto") == "libvips"


def test_versions_tell_the_decoders_apart() -> None:
    assert version_of("pillow") == f"pillow {Image.__version__}"
    assert version_of("libvips").startswith("libvips 8.")


@pytest.mark.skipif(not turbo.is_installed(), reason="libturbojpeg is not installed")
def test_turbo_is_what_auto_prefers() -> None:
    assert choose("auto") == choose("turbo") == "turbo"
    assert version_of("turbo") == f"libjpeg-turbo {turbo.version()}"


def test_advice_names_what_is_faster_where_the_choice_was_left_to_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turbo, "is_installed", lambda: False)
    told = advice("auto")
    assert told is not None
    assert told.startswith(f"{version_of('libvips')} makes the pictures; libturbojpeg is faster")
    assert advice("pillow") is None
    monkeypatch.setattr(decoders, "_find_libvips", lambda: None)
    told = advice("auto")
    assert told is not None
    assert told.startswith("pillow ")


@pytest.mark.skipif(not turbo.is_installed(), reason="libturbojpeg is not installed")
def test_advice_asks_for_a_compiler_where_one_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "is_compiled", lambda: True)
    assert advice("auto") is None
    monkeypatch.setattr(library, "is_compiled", lambda: False)
    monkeypatch.setattr(library, "can_be_compiled", lambda: True)
    told = advice("auto")
    assert told is not None
    assert "C compiler" in told
    assert "the same bytes" in told
    monkeypatch.setattr(library, "can_be_compiled", lambda: False)
    assert advice("auto") is None
