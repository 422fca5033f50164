from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from artcurate.images import lanczos
from artcurate.images.lanczos import Axis, Plane, reduce_plane


def plane_of(width: int, height: int, *, low: int = 60, high: int = 196) -> Plane:
    """Noise that stays inside of 0 to 255 when a filter overshoots, so that nothing is clipped."""
    return np.random.default_rng(7).integers(low, high, (height, width), dtype=np.uint8)


def by_pillow(plane: Plane, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS), int)


def reduced(plane: Plane, size: tuple[int, int]) -> Plane:
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


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 400), st.floats(0.01, 3), st.floats(0, 0.99), st.booleans())
def test_no_sum_passes_what_float32_holds_exactly(
    length: int, scale: float, cut: float, mirrored: bool
) -> None:
    extent = length - cut
    count = max(1, round(length * scale))
    step = extent / count
    axis = Axis(length, count, -step, extent) if mirrored else Axis(length, count, step)
    bands = lanczos._bands(axis, 11, 0, 16)
    weights = np.concatenate([band.weights.T for band in bands]).astype(float)
    assert (weights * 2**11 == np.rint(weights * 2**11)).all()
    assert (weights.sum(axis=1) == np.ones(count)).all()
    assert np.abs(weights).sum(axis=1).max() < 2


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
        "from artcurate.images.lanczos import Axis, reduce_plane\n"
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
