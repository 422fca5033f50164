from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from artcurate.images import banded, compiled
from artcurate.images.lanczos import Axis, Plane, weights_of
from artcurate.images.native import library
from artcurate.images.reduction import reduce_plane


def plane_of(width: int, height: int, *, low: int = 60, high: int = 196) -> Plane:
    """Noise that stays inside of 0 to 255 when a filter overshoots, so that nothing is clipped."""
    return np.random.default_rng(7).integers(low, high, (height, width), dtype=np.uint8)


def by_pillow(plane: Plane, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS), int)


def reduced(plane: Plane, size: tuple[int, int]) -> Plane:
    """As this machine does it; whether it is compiled changes nothing, as is shown below."""
    rows, columns = (
        Axis(length, count, length / count)
        for length, count in zip(plane.shape, size[::-1], strict=True)
    )
    return reduce_plane(plane, rows, columns)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.floats(0.02, 1.6),
    st.floats(0.02, 1.6),
)
def test_the_result_is_pillows_up_to_rounding(
    width: int, height: int, across: float, down: float
) -> None:
    plane = plane_of(width, height)
    size = max(1, round(width * across)), max(1, round(height * down))
    result = reduced(plane, size)
    assert result.dtype == np.uint8
    assert result.shape == size[::-1]
    assert np.abs(result - by_pillow(plane, size)).max() <= 1


@pytest.mark.parametrize("size", [(512, 400), (41, 33), (1400, 3), (1, 1)])
def test_large_planes_go_in_strips_without_seams(size: tuple[int, int]) -> None:
    plane = plane_of(1400, 1100)
    assert np.abs(reduced(plane, size) - by_pillow(plane, size)).max() <= 1


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_one_value_stays_that_value(value: int) -> None:
    plane = np.full((97, 131), value, np.uint8)
    assert (reduced(plane, (40, 23)) == value).all()


@st.composite
def axes(draw: st.DrawFn, *, shortest: int = 1) -> Axis:
    length = draw(st.integers(shortest, 400))
    count = max(1, round(length * draw(st.floats(0.01, 3))))
    extent = length - draw(st.floats(0, 0.99))
    step = extent / count
    return Axis(length, count, -step, extent) if draw(st.booleans()) else Axis(length, count, step)


@settings(deadline=None, max_examples=200)
@given(axes())
def test_no_sum_passes_what_float32_and_16_bits_hold_exactly(axis: Axis) -> None:
    first, whole = weights_of(axis, 11)
    assert first.dtype == np.int32
    assert whole.dtype == np.int16
    assert first.min() >= 0
    assert (first + whole.shape[1]).max() <= axis.length
    assert (whole.sum(axis=1) == 2**11).all()
    assert np.abs(whole.astype(int)).sum(axis=1).max() < 2**12


compiled_only = pytest.mark.skipif(
    library.load() is None, reason="the C is not compiled here, or cannot run"
)


@compiled_only
@settings(deadline=None, max_examples=300)
@given(axes(), axes(shortest=32), st.integers(0, 2**32 - 1), st.sampled_from([2, 256]))
def test_compiled_or_by_numpy_the_samples_are_the_same(
    rows: Axis, columns: Axis, seed: int, levels: int
) -> None:
    """Planes of two values overshoot in both directions; sums end on halves now and then."""
    noise = np.random.default_rng(seed).integers(0, levels, (rows.length, columns.length))
    plane = (noise * (255 // (levels - 1))).astype(np.uint8)
    assert compiled.takes(plane)
    by_numpy = banded.reduce_plane(plane, rows, columns)
    assert np.array_equal(compiled.reduce_plane(plane, rows, columns), by_numpy)


def test_halves_are_rounded_to_even() -> None:
    """In the middle between two samples of a ramp of odd steps the value ends on a half."""
    plane = np.tile(np.arange(64, dtype=np.uint8) * 3, (40, 1))
    for place in range(4, 60):
        columns = Axis(64, 1, 1.0, place - 0.5)
        middle = reduce_plane(plane, Axis(40, 1, 40.0), columns)
        assert middle.tolist() == [[round(3 * place - 1.5)]]


@compiled_only
def test_a_plane_within_a_larger_one_is_read_and_nothing_beside_it() -> None:
    larger = plane_of(300, 200)
    rows, columns = Axis(150, 50, 3.0), Axis(233, 70, 233 / 70)
    inner = larger[20:170, 31:264]
    expected = compiled.reduce_plane(inner.copy(), rows, columns)
    assert np.array_equal(compiled.reduce_plane(inner, rows, columns), expected)


@compiled_only
def test_the_compiled_form_takes_no_plane_that_it_cannot_read() -> None:
    assert not compiled.takes(plane_of(31, 300))
    assert not compiled.takes(plane_of(300, 64).T)
    with pytest.raises(ValueError, match="64 x 65"):
        compiled.reduce_plane(plane_of(64, 64), Axis(64, 10, 6.4), Axis(65, 10, 6.5))


@compiled_only
def test_memory_that_is_refused_is_a_memory_error() -> None:
    program = (
        "import resource, numpy as np\n"
        "from artcurate.images.lanczos import Axis, weights_of\n"
        "from artcurate.images.compiled import reduce_plane\n"
        "rows, columns = Axis(6, 6, 1.0), Axis(20_000_000, 64, 312500.0)\n"
        "plane = np.zeros((6, 20_000_000), np.uint8)\n"
        "weights_of(rows, 14), weights_of(columns, 11)\n"
        "now = int(open('/proc/self/statm').read().split()[5]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (now + (100 << 20),) * 2)\n"
        "try:\n    reduce_plane(plane, rows, columns)\n"
        "except MemoryError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "no memory for a reduction\n", done.stderr


def test_a_mirrored_axis_mirrors_the_result() -> None:
    plane = plane_of(301, 203)
    rows, columns = Axis(203, 60, 203 / 60), Axis(301, 77, 301 / 77)
    mirrored = Axis(301, 77, -301 / 77, 301)
    straight = reduce_plane(plane, rows, columns).astype(int)
    assert np.abs(reduce_plane(plane, rows, mirrored)[:, ::-1] - straight).max() <= 1


def test_a_part_of_the_axis_is_that_part() -> None:
    plane = plane_of(400, 300)
    rows = Axis(300, 60, 5.0)
    whole = reduce_plane(plane, rows, Axis(400, 80, 5.0))
    assert np.array_equal(reduce_plane(plane, rows, Axis(400, 40, 5.0, 200)), whole[:, 40:])


def test_threads_of_the_linear_algebra_change_nothing() -> None:
    program = (
        "import hashlib, numpy as np\n"
        "from artcurate.images.banded import reduce_plane\n"
        "from artcurate.images.lanczos import Axis\n"
        "plane = np.random.default_rng(1).integers(0, 256, (1100, 1400), dtype=np.uint8)\n"
        "small = reduce_plane(plane, Axis(1100, 512, 1100 / 512), Axis(1400, 652, 1400 / 652))\n"
        "print(hashlib.sha256(small).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OPENBLAS_CORETYPE": core},
            capture_output=True,
            check=True,
        ).stdout
        for threads, core in (("1", ""), ("2", ""), ("1", "Haswell"), ("1", "Nehalem"))
    }
    assert len(seen) == 1
