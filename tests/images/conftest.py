from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def painting() -> Callable[[int, int], Image.Image]:
    """Smooth random colours, different at every place, so that turns and crops show."""

    def paint(width: int, height: int, seed: int = 0) -> Image.Image:
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)

    return paint


@pytest.fixture(scope="session")
def encode() -> Encode:
    def run(image: Image.Image, image_format: str, **options: Any) -> bytes:
        output = io.BytesIO()
        image.save(output, image_format, **options)
        return output.getvalue()

    return run


@pytest.fixture(scope="session")
def png_chunk() -> Callable[[bytes, bytes], bytes]:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    return chunk


@pytest.fixture(scope="session")
def bomb(png_chunk: Callable[[bytes, bytes], bytes]) -> bytes:
    """A one-bit PNG of 13000 x 13000 pixels in some twenty kilobytes."""
    side = 13_000
    rows = zlib.compress(bytes((1 + side // 8) * side), 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            png_chunk(b"IDAT", rows),
            png_chunk(b"IEND", b""),
        )
    )


@pytest.fixture(scope="session")
def gps_exif() -> Callable[[int], Image.Exif]:
    """EXIF with an orientation, a camera and a place on Earth."""

    def make(orientation: int) -> Image.Exif:
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[0x010F] = "SECRETCAMERA"
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
        return exif

    return make
