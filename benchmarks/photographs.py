"""Pictures that cost a JPEG decoder what photographs and scans of paintings cost it.

Polygons with soft edges, brightness and colour with the 1/f spectrum of natural scenes, and
grain; the quality is the one at which the first picture comes nearest to the bytes asked for.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of picture: pixels, and bytes of its JPEG."""

    name: str
    width: int
    height: int
    size: int


WIKIART = Kind("wikiart", 1400, 1100, 350_000)
CID = Kind("cid", 3000, 2000, 1_500_000)


def make_photographs(folder: Path, kind: Kind, count: int) -> list[Path]:
    """`count` JPEG files of `kind` in `folder`, the same on every machine with the same Pillow."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.jpg" for number in range(count)]
    quality = None
    for number, path in enumerate(paths):
        picture = photograph(number, kind.width, kind.height)
        quality = quality or _quality(picture, kind.size)
        path.write_bytes(_encoded(picture, quality))
    return paths


def photograph(seed: int, width: int, height: int) -> Image.Image:
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), _colour(random))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y = random.uniform(0, width), random.uniform(0, height)
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 9)))
        lengths = height * random.gamma(1.2, 0.12) * random.uniform(0.4, 1, angles.size)
        corners = zip(x + lengths * np.cos(angles), y + lengths * np.sin(angles), strict=True)
        draw.polygon(list(corners), fill=_colour(random))
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(1.2)), np.float32)
    pixels = pixels + 22 * _natural(random, height, width, 1.0)[..., None]
    tints = [_natural(random, height // 4, width // 4, 1.3) for _ in range(3)]
    pixels += 8 * np.stack(tints, axis=-1).repeat(4, axis=0).repeat(4, axis=1)
    pixels += random.normal(0, 4, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _colour(random: np.random.Generator) -> tuple[int, ...]:
    return tuple(random.integers(20, 236, 3).tolist())


def _natural(
    random: np.random.Generator, height: int, width: int, power: float
) -> npt.NDArray[np.float64]:
    """Noise of mean 0 and deviation 1 whose amplitude falls as frequency to the minus `power`."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = 1
    shape = frequency.shape
    spectrum = random.standard_normal(shape) + 1j * random.standard_normal(shape)
    field = np.fft.irfft2(spectrum / frequency**power, (height, width))
    return (field - field.mean()) / field.std()


def _quality(picture: Image.Image, size: int) -> int:
    return min(range(40, 98, 2), key=lambda one: abs(len(_encoded(picture, one)) - size))


def _encoded(picture: Image.Image, quality: int) -> bytes:
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=quality)
    return output.getvalue()
