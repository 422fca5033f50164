"""libjpeg-turbo is the oracle: what is not declined has its samples, bit for bit."""

from __future__ import annotations

import io
import os
import random
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

sys.path.insert(0, str(Path(__file__).parent))
from coded_jpeg import random_jpeg

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


UNITS = [[(1, 1)], *([sampling, (1, 1), (1, 1)] for sampling in [*SAMPLINGS, (1, 2), (4, 1)])]


@settings(deadline=None, max_examples=400)
@given(st.integers(0, 2**32), st.integers(8, 60), st.integers(8, 60), st.sampled_from(UNITS))
def test_any_codes_quanta_and_coefficients_give_the_samples_of_libjpeg_turbo(
    seed: int, width: int, height: int, units: list[tuple[int, int]]
) -> None:
    jpeg = random_jpeg(random.Random(seed), (width, height), units)
    for eighths in SCALES:
        planes = baseline.decode_planes(jpeg, (width, height), units[0], eighths)
        expected = by_turbo(jpeg, (width, height), units[0], eighths)
        if planes is not None and expected is not None:
            assert_equal(planes, expected)


def test_most_of_them_are_read() -> None:
    """Otherwise the test above would show nothing."""
    read = [
        baseline.decode_planes(
            random_jpeg(random.Random(seed), (40, 30), units), (40, 30), units[0], eighths
        )
        is not None
        for seed in range(40)
        for units in UNITS
        for eighths in SCALES
    ]
    assert 0.6 < np.mean(read) < 1


def test_builds_of_libjpeg_turbo_without_vectors_have_the_same_samples() -> None:
    """They wrap where vectors saturate: what would differ is declined."""
    program = (
        "import random, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from coded_jpeg import random_jpeg\n"
        "from test_baseline import SCALES, UNITS, assert_equal, baseline, by_turbo\n"
        "read = 0\n"
        "for seed in range(300):\n"
        "    units = UNITS[seed % len(UNITS)]\n"
        "    jpeg = random_jpeg(random.Random(seed), (40, 30), units)\n"
        "    for eighths in SCALES:\n"
        "        planes = baseline.decode_planes(jpeg, (40, 30), units[0], eighths)\n"
        "        expected = by_turbo(jpeg, (40, 30), units[0], eighths)\n"
        "        if planes is not None and expected is not None:\n"
        "            assert_equal(planes, expected)\n"
        "            read += 1\n"
        "print(read)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, Path(__file__).parent],
        env={**os.environ, "JSIMD_FORCENONE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 500


JPEG = encoded(picture_of("waves", 64, 48), quality=90)


FRAME, SCAN, QUANTA, CODES = (JPEG.index(bytes((0xFF, it))) for it in (0xC0, 0xDA, 0xDB, 0xC4))


def with_byte(place: int, value: int) -> bytes:
    return JPEG[:place] + bytes((value,)) + JPEG[place + 1 :]


RESTARTING = encoded(picture_of("waves", 64, 48), quality=90, restart_marker_blocks=2)


def changed(jpeg: bytes, old: bytes, new: bytes) -> bytes:
    """`jpeg` with the first `old` replaced."""
    assert old in jpeg
    return jpeg.replace(old, new, 1)


def with_counts(*counts: int) -> bytes:
    """The first table's 12 codes with other lengths: so many of 1 bit, of 2 bits and so on."""
    assert sum(counts) == sum(JPEG[CODES + 5 : CODES + 21]) == 12
    return JPEG[: CODES + 5] + bytes(counts).ljust(16, b"\0") + JPEG[CODES + 21 :]


ORDINARY = [
    pytest.param(JPEG, id="as Pillow writes it"),
    pytest.param(RESTARTING, id="with restarts"),
    pytest.param(changed(JPEG, b"\xff\xc0", b"\xff\xc1"), id="an extended frame"),
    pytest.param(changed(JPEG, b"\xff\xc4", b"\xff\xff\xff\xc4"), id="filled before a segment"),
    pytest.param(changed(JPEG, b"\xff\xda", b"\xff\xfe\0\4hi\xff\xda"), id="a comment"),
]


@pytest.mark.parametrize("jpeg", ORDINARY)
def test_what_is_ordinary_is_read(jpeg: bytes) -> None:
    planes = baseline.decode_planes(jpeg, (64, 48), (2, 2), 8)
    assert planes is not None
    assert_equal(planes, by_turbo(jpeg, (64, 48), (2, 2), 8))


@pytest.mark.parametrize(
    "jpeg",
    [
        pytest.param(encoded(picture_of("waves", 64, 48), progressive=True), id="progressive"),
        pytest.param(encoded(picture_of("waves", 64, 48).convert("CMYK")), id="four colours"),
        pytest.param(with_byte(FRAME + 4, 12), id="12 bits"),
        pytest.param(with_byte(FRAME + 5, 1), id="another height"),
        pytest.param(with_byte(FRAME + 11, 0x21), id="another sampling"),
        pytest.param(
            changed(with_byte(FRAME + 13, 1), b"\3\1\0\2\x11\3\x11", b"\3\1\0\1\x11\3\x11"),
            id="a component twice",
        ),
        pytest.param(with_byte(FRAME + 12, 3), id="quanta that are not there"),
        pytest.param(with_byte(SCAN + 4, 1), id="a scan of one component"),
        pytest.param(with_byte(SCAN + 6, 0x33), id="codes that are not there"),
        pytest.param(with_byte(SCAN + 11, 1), id="a scan without first coefficients"),
        pytest.param(with_byte(QUANTA + 4, 0x10), id="quanta of 16 bits"),
        pytest.param(with_byte(QUANTA + 5, 0), id="a quantum of 0"),
        pytest.param(with_byte(CODES + 4, 0x24), id="codes of no class"),
        pytest.param(with_counts(0, 0, 8, 0, 4), id="more codes than there are"),
        pytest.param(with_counts(0, 3, 1, 1, 1, 1, 1, 1, 1, 2), id="a code of ones alone"),
        pytest.param(with_byte(CODES + 21, 16), id="a difference of 16 bits"),
        pytest.param(changed(JPEG, b"\xff\xda", b"\xff\xdc\0\4\0\x30\xff\xda"), id="lines"),
        pytest.param(changed(JPEG, b"\xff\xda", b"\xff\xdd\0\4\0\1\xff\xda"), id="no restarts"),
        pytest.param(changed(JPEG, b"\xff\xda", b"\xff\xdd\0\3\0\xff\xda"), id="half an interval"),
        pytest.param(changed(RESTARTING, b"\xff\xd1", b"\xff\xd3"), id="restarts out of order"),
        pytest.param(RESTARTING[:-2] + b"\xff\xd5\xff\xd9", id="a restart too many"),
        pytest.param(changed(RESTARTING, b"\xff\xd1", b"\xff\xff\xd1"), id="filled restarts"),
        pytest.param(JPEG[: FRAME + 19] + JPEG[FRAME:], id="two frames"),
        pytest.param(JPEG[:-2] + JPEG[SCAN:], id="two scans"),
        pytest.param(JPEG[:-40] + JPEG[-2:], id="too few data"),
        pytest.param(JPEG[:-2] + b"\0\0" + JPEG[-2:], id="more data"),
        pytest.param(JPEG[:-2], id="no end"),
        pytest.param(JPEG[:SCAN] + b"\xff\xd9", id="no scan"),
        pytest.param(JPEG[: FRAME + 5] + b"\xff\xd9", id="half of a frame"),
        pytest.param(JPEG[:FRAME] + b"\xff\xc0\0\2" + JPEG[FRAME:], id="an empty frame"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_out_of_the_ordinary_is_declined(jpeg: bytes) -> None:
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


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
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
import random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from coded_jpeg import random_jpeg
from artcurate.images import baseline
from artcurate.images.native import library
library.LIBRARY = Path(sys.argv[1])
if library.load() is None:
    sys.exit("not loaded")
chance, read = random.Random(5), 0
units = [[(1, 1)], *([first, (1, 1), (1, 1)] for first in [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)])]
for number in range(2500):
    size, unit = (chance.randint(8, 40), chance.randint(8, 40)), chance.choice(units)
    data = bytearray(random_jpeg(chance, size, unit))
    scan = data.index(b"\\xff\\xda")
    for _ in range(number % 4):
        place = chance.randrange(chance.choice([2, scan]), len(data))
        data[place] = chance.randrange(256)
    found = baseline.decode_planes(bytes(data), size, unit[0], chance.choice([8, 4, 2, 1]))
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
            *("gcc", *library.FLAGS, "-O1"),
            *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"),
            *(f'-DNATIVE_SOURCES="{digest}"', "-o", compiled),
            *(path for path in library.sources() if path.suffix == ".c"),
        ],
        check=True,
    )
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED, compiled, Path(__file__).parent],
        env={
            **os.environ,
            "LD_PRELOAD": " ".join(sanitizers),
            # The interpreter keeps what it has until the end; its own allocator would hide where
            # a small object ends.
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 500 < int(done.stdout) < 2000
