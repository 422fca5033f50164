from __future__ import annotations

import os
from collections.abc import Callable
from csv import DictReader
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dctn

from artcurate.images.phash import phash, phash_grey, to_hex

Paint = Callable[..., Image.Image]


def _coefficients(image: Image.Image) -> np.ndarray:
    """The 64 low frequencies that `imagehash.phash` compares with their median."""
    grey = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS))
    return dctn(grey.astype(float), axes=(0, 1))[:8, :8].ravel()


def _same_as_imagehash(image: Image.Image) -> bool:
    """Equal bits wherever the oracle's answer does not hang on rounding."""
    low = _coefficients(image)
    decided = np.abs(low - np.median(low)) > 1e-5
    ours = np.array([bit == "1" for bit in f"{phash(image):064b}"])
    return bool(np.all((ours == imagehash.phash(image).hash.ravel())[decided]))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P", "1", "LA", "YCbCr"])
@pytest.mark.parametrize("size", [(1, 1), (7, 500), (32, 32), (641, 480)])
def test_equals_imagehash(painting: Paint, mode: str, size: tuple[int, int]) -> None:
    assert _same_as_imagehash(painting(*size).convert(mode))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([2, 3, 17, 256]),
)
def test_equals_imagehash_on_noise(seed: int, width: int, height: int, levels: int) -> None:
    noise = np.random.default_rng(seed).integers(0, levels, (height, width), dtype=np.uint8)
    assert _same_as_imagehash(Image.fromarray(noise))


RAMP = np.arange(0, 256, 8, dtype=np.uint8)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.zeros((32, 32), np.uint8), "0000000000000000"),
        (np.full((32, 32), 200, np.uint8), "8000000000000000"),
        # Left dark, right light: the odd cosines of the first row are negative.
        (np.tile(RAMP, (32, 1)), "8000000000000000"),
        (np.tile(RAMP[::-1], (32, 1)), "d500000000000000"),
        (np.tile(RAMP[::-1], (32, 1)).T.copy(), "8080008000800080"),
    ],
    ids=["black", "grey", "ramp up", "ramp down", "upright ramp"],
)
def test_coefficients_equal_to_the_median_give_zero_on_every_machine(
    pixels: np.ndarray, expected: str
) -> None:
    assert to_hex(phash(Image.fromarray(pixels))) == expected


def test_many_pictures_at_once_give_what_each_gives() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 32, 32), dtype=np.uint8)
    hashes = phash_grey(pixels)
    assert hashes.dtype == np.uint64
    assert [int(value) for value in hashes] == [phash(Image.fromarray(p)) for p in pixels]
    assert phash_grey(pixels[:0]).shape == (0,)


def test_hex_keeps_leading_zeros() -> None:
    assert to_hex(1) == "0000000000000001"


def test_equals_the_published_hashes_of_2000_real_paintings() -> None:
    data = os.environ.get("ARTCURATE_REAL_DATA")
    if not data:
        pytest.skip("set ARTCURATE_REAL_DATA to the folder of real excerpts")
    folder = Path(data) / "wikiart"
    with (folder / "small_manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(DictReader(file))
    assert len(rows) == 2000
    for row in rows:
        with Image.open(folder / "small" / row["file"]) as image:
            assert to_hex(phash(image)) == row["phash64"]
