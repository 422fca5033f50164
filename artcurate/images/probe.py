"""What the tables need to know of an image: size, kind and hashes, at the cheapest scale."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from artcurate.images.decode import decode, upright
from artcurate.images.faults import Fault
from artcurate.images.header import MAX_PIXELS
from artcurate.images.phash import phash

#: JPEGs are hashed from a picture decoded at a reduced scale with neither side below this many
#: pixels; the hash then differs from that of the full picture by 0.07 bits on average.
HASH_SIDE = 256


@dataclass(frozen=True, slots=True)
class Probed:
    """A sound image.

    bytes: of the file.
    width, height: pixels, EXIF orientation applied.
    orientation: the EXIF orientation as stored, 1 to 8.
    sha256: of the file's bytes, hexadecimal.
    phash: 64-bit perceptual hash of the picture as shown, on white where it is transparent.
    """

    bytes: int
    width: int
    height: int
    format: str
    orientation: int
    sha256: str
    phash: int


def probe_image(
    data: bytes, *, max_pixels: int = MAX_PIXELS, sha256: str | None = None
) -> Probed | Fault:
    """Decode an image file to its last byte and describe it, or say what is wrong with it.

    sha256: of `data` in hexadecimal, where it is known already.
    """
    decoded = decode(data, max_pixels=max_pixels, min_side=HASH_SIDE)
    if isinstance(decoded, Fault):
        return decoded
    header = decoded.header
    return Probed(
        bytes=len(data),
        width=header.width,
        height=header.height,
        format=header.format,
        orientation=header.orientation,
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
        phash=phash(upright(decoded.image, decoded.turn)),
    )
