"""libjpeg-turbo is the oracle: what is not declined has its samples, bit for bit."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from artcurate.images import baseline, turbo
from artcurate.images.lanczos import Plane
from artcurate.images.native import library
from artcurate.images.planes import Planes

if not turbo.is_installed():
    pytest.skip("libturbojpeg is not installed", allow_module_level=True)
if library.load() is None:
    pytest.skip("the C is not compiled here, or cannot run", allow_module_level=True)

SCALES = (8, 4, 2, 1)
SAMPLINGS = [(1, 1), (2, 1), (2, 2)]


def picture_of(kind: str, width: int, height: int, seed: int = 0) -> Image.Image:
    down, across = np.mgrid[:height, :width]
    if kind == "waves":
        layers = [128 + 120 * np.sin(across / (seed % 7 + 1)), 128 + 110 * np.cos(down / 3)]
        pixels = np.stack([*layers, across * down % 256], axis=-1)
    elif kind == "flat":
        pixels = np.full((height, width, 3), seed % 256)
    else:
        levels = 2 if kind == "black and white" else 256
        noise = np.random.default_rng(seed).integers(0, levels, (height, width, 3))
        pixels = noise * (255 // (levels - 1))
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(picture: Image.Image, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", **options)
    return target.getvalue()


def by_turbo(jpeg: bytes, size: tuple[int, int], sampling: tuple[int, int], eighths: int) -> object:
    with patch.object(baseline, "decode_planes", return_value=None):
        return turbo.decode_planes(jpeg, size, sampling, eighths)


def assert_equal(planes: list[Plane], expected: object) -> None:
    assert isinstance(expected, Planes), expected
    # Beside its picture libjpeg-turbo's luma is padded by what happens to lie there.
    layers = [expected.brightness, *expected.chroma]
    assert len(planes) == len(layers)
    for plane, layer in zip(planes, layers, strict=True):
        assert np.array_equal(plane[: layer.shape[0], : layer.shape[1]], layer)


@st.composite
def jpegs(draw: st.DrawFn) -> tuple[bytes, tuple[int, int], tuple[int, int]]:
    """Whole files of Pillow's in all forms that are read here: file, size and sampling."""
    # From 8 pixels on no other scale than the one asked for gives the same sizes.
    size = draw(st.integers(8, 130)), draw(st.integers(8, 130))
    kind = draw(st.sampled_from(["waves", "flat", "noise", "black and white"]))
    picture = picture_of(kind, *size, draw(st.integers(0, 2**31)))
    restarts = draw(st.sampled_from([{}, {"restart_marker_blocks": 3}, {"restart_marker_rows": 1}]))
    options = {
        "quality": draw(st.sampled_from([1, 20, 75, 95, 100])),
        "optimize": draw(st.booleans()),
        **restarts,
    }
    if draw(st.booleans()):
        return encoded(picture.convert("L"), **options), size, (1, 1)
    option = draw(st.integers(0, 2))
    return encoded(picture, subsampling=option, **options), size, SAMPLINGS[option]


@settings(deadline=None, max_examples=300)
@given(jpegs(), st.sampled_from(SCALES))
def test_the_samples_are_those_of_libjpeg_turbo(
    given_jpeg: tuple[bytes, tuple[int, int], tuple[int, int]], eighths: int
) -> None:
    jpeg, size, sampling = given_jpeg
    planes = baseline.decode_planes(jpeg, size, sampling, eighths)
    assert planes is not None
    assert_equal(planes, by_turbo(jpeg, size, sampling, eighths))


@st.composite
def changed_jpegs(draw: st.DrawFn) -> tuple[bytes, tuple[int, int], tuple[int, int]]:
    jpeg, size, sampling = draw(jpegs())
    data = bytearray(jpeg)
    scan = data.index(b"\xff\xda")
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(draw(st.sampled_from([2, scan])), len(data) - 3))
        kind = draw(st.sampled_from(["bit", "byte", "less", "more"]))
        if kind == "bit":
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "byte":
            data[place] = draw(st.sampled_from([0, 1, 0x7F, 0xD0, 0xD9, 0xFF]))
        elif kind == "less":
            del data[place]
        else:
            data.insert(place, draw(st.integers(0, 255)))
    return bytes(data), size, sampling


@settings(deadline=None, max_examples=600)
@given(changed_jpegs(), st.sampled_from(SCALES))
def test_a_damaged_file_is_what_it_is_to_libjpeg_turbo(
    given_jpeg: tuple[bytes, tuple[int, int], tuple[int, int]], eighths: int
) -> None:
    jpeg, size, sampling = given_jpeg
    found = turbo.decode_planes(jpeg, size, sampling, eighths)
    expected = by_turbo(jpeg, size, sampling, eighths)
    if isinstance(found, Planes):
        assert_equal([found.luma, *found.chroma], expected)
    else:
        assert found == expected


def test_every_way_to_sample_colours_is_read() -> None:
    """4:4:0 and 4:1:1 have units that Pillow does not write."""
    for sampling in ((1, 2), (4, 1)):
        luma, blue, red = (
            np.asarray(picture_of("noise", 123, 77, seed).convert("L")) for seed in range(3)
        )
        across, down = -(-123 // sampling[0]), -(-77 // sampling[1])
        padded = np.pad(luma, ((0, -77 % sampling[1]), (0, -123 % sampling[0])))
        chroma = (blue[:down, :across], red[:down, :across])
        jpeg = turbo.encode_planes(Planes((123, 77), sampling, padded, chroma), 90)
        assert isinstance(jpeg, bytes)
        for eighths in SCALES:
            planes = baseline.decode_planes(jpeg, (123, 77), sampling, eighths)
            assert planes is not None
            assert_equal(planes, by_turbo(jpeg, (123, 77), sampling, eighths))


JPEG = encoded(picture_of("waves", 64, 48), quality=90)


def replaced(old: bytes, new: bytes) -> bytes:
    assert JPEG.count(old) == 1
    return JPEG.replace(old, new)


FRAME, SCAN, QUANTA, CODES = (JPEG.index(bytes((0xFF, it))) for it in (0xC0, 0xDA, 0xDB, 0xC4))


def with_byte(place: int, value: int) -> bytes:
    return JPEG[:place] + bytes((value,)) + JPEG[place + 1 :]


@pytest.mark.parametrize(
    "jpeg",
    [
        pytest.param(encoded(picture_of("waves", 64, 48), progressive=True), id="progressive"),
        pytest.param(encoded(picture_of("waves", 64, 48).convert("CMYK")), id="four colours"),
        pytest.param(with_byte(FRAME + 4, 12), id="12 bits"),
        pytest.param(with_byte(FRAME + 5, 1), id="another height"),
        pytest.param(with_byte(FRAME + 11, 0x21), id="another sampling"),
        pytest.param(with_byte(FRAME + 13, 1), id="a component twice"),
        pytest.param(with_byte(FRAME + 12, 3), id="quanta that are not there"),
        pytest.param(with_byte(SCAN + 4, 1), id="a scan of one component"),
        pytest.param(with_byte(SCAN + 6, 0x33), id="codes that are not there"),
        pytest.param(with_byte(SCAN + 11, 1), id="a scan without first coefficients"),
        pytest.param(with_byte(QUANTA + 4, 0x10), id="quanta of 16 bits"),
        pytest.param(with_byte(CODES + 4, 0x24), id="codes of no class"),
        pytest.param(with_byte(CODES + 5, 2), id="codes of ones alone"),
        pytest.param(with_byte(SCAN + 1, 0xDC), id="lines counted anew"),
        pytest.param(replaced(b"\xff\xda", b"\xff\xdd\x00\x04\x00\x01\xff\xda"), id="no restarts"),
        pytest.param(JPEG[:FRAME] + JPEG[FRAME : FRAME + 19] + JPEG[FRAME:], id="two frames"),
        pytest.param(JPEG[:-40] + JPEG[-2:], id="too few data"),
        pytest.param(JPEG[:-2] + b"\0\0" + JPEG[-2:], id="more data"),
        pytest.param(JPEG[:-2], id="no end"),
        pytest.param(JPEG[:SCAN], id="no scan"),
        pytest.param(JPEG[: FRAME + 5], id="half of a frame"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_out_of_the_ordinary_is_declined(jpeg: bytes) -> None:
    assert baseline.decode_planes(JPEG, (64, 48), (2, 2), 8) is not None
    assert baseline.decode_planes(jpeg, (64, 48), (2, 2), 8) is None


def test_without_the_library_all_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "load", lambda: None)
    baseline._function.cache_clear()
    try:
        assert baseline.decode_planes(JPEG, (64, 48), (2, 2), 8) is None
    finally:
        baseline._function.cache_clear()


def test_tiny_pictures_have_the_scale_that_turbojpeg_takes() -> None:
    """Half of 3 pixels is 2, and so are five eighths of them."""
    jpeg = encoded(picture_of("noise", 3, 3), quality=100)
    for eighths in SCALES:
        mine = turbo.decode_planes(jpeg, (3, 3), (2, 2), eighths)
        assert isinstance(mine, Planes)
        assert_equal([mine.luma, *mine.chroma], by_turbo(jpeg, (3, 3), (2, 2), eighths))


def test_memory_that_is_refused_is_a_memory_error(tmp_path: Path) -> None:
    """The planes have their memory; the copy of the data behind them does not."""
    (tmp_path / "large.jpg").write_bytes(encoded(picture_of("noise", 1500, 1500), quality=100))
    program = (
        "import resource, sys, numpy as np\n"
        "from artcurate.images import baseline\n"
        "jpeg = open(sys.argv[1], 'rb').read()\n"
        "decode = baseline._function()\n"
        "def limited(*given):\n"
        "    now = int(open('/proc/self/statm').read().split()[5]) * resource.getpagesize()\n"
        "    resource.setrlimit(resource.RLIMIT_DATA, (now + (1 << 19),) * 2)\n"
        "    return decode(*given)\n"
        "baseline._function = lambda: limited\n"
        "try:\n    print(baseline.decode_planes(jpeg, (1500, 1500), (2, 2), 1))\n"
        "except MemoryError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "large.jpg"], capture_output=True, text=True
    )
    assert done.stdout == "no memory for the data of a JPEG\n", done.stderr


SANITIZED = """
import io, random, sys
from pathlib import Path
import numpy as np
from PIL import Image
from artcurate.images import baseline
from artcurate.images.native import library
library.LIBRARY = Path(sys.argv[1])
if library.load() is None:
    sys.exit("not loaded")
chance, read = random.Random(5), 0
for number in range(4000):
    size = chance.randrange(1, 90), chance.randrange(1, 90)
    noise = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(
        file, "JPEG", quality=chance.choice([1, 50, 100]), subsampling=2,
        optimize=chance.random() < 0.5, restart_marker_blocks=chance.choice([0, 1, 5]),
    )
    data = bytearray(file.getvalue())
    scan = data.index(b"\\xff\\xda")
    for _ in range(number % 4):
        place = chance.randrange(chance.choice([2, scan]), len(data))
        data[place] = chance.randrange(256)
    found = baseline.decode_planes(bytes(data), size, (2, 2), chance.choice([8, 4, 2, 1]))
    read += found is not None
print(read)
"""


def test_damaged_files_lead_to_no_byte_that_is_not_theirs(tmp_path: Path) -> None:
    """The same C under the compiler's sanitizers of addresses and of undefined behaviour."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc here")
    sanitizers = [
        subprocess.run(
            ["gcc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("asan", "ubsan")
    ]
    if not all(Path(path).is_absolute() for path in sanitizers):
        pytest.skip("gcc has no sanitizers here")
    digest = library.digest_of(library.sources())
    compiled = tmp_path / "native.so"
    subprocess.run(
        [
            *("gcc", "-std=c11", "-O1", "-mavx2", "-mbmi", "-mbmi2", "-fPIC", "-shared"),
            *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"),
            *(f'-DNATIVE_SOURCES="{digest}"', "-o", compiled),
            *(path for path in library.sources() if path.suffix == ".c"),
        ],
        check=True,
    )
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED, compiled],
        env={
            **os.environ,
            "LD_PRELOAD": " ".join(sanitizers),
            # The interpreter keeps what it has until the end.
            "ASAN_OPTIONS": "detect_leaks=0",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 1000 < int(done.stdout) < 4000
