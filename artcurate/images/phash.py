"""Perceptual hash: 64 bits from the low frequencies of a small grey picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from artcurate.images.lanczos import Axis, Plane
from artcurate.images.reduction import reduce_plane

#: Side of the grey picture that is transformed, in pixels; `imagehash` calls it
#: hash_size * highfreq_factor.
SIDE = 32
_LOW = 8

#: Coefficients within this distance of the median count as equal to it. Without it the bits of
#: flat, striped or mirrored pictures, where many coefficients are the median in exact arithmetic,
#: would hang on the rounding of the machine's arithmetic; the coefficients of photographed and
#: painted pictures lie 0.1 and more from theirs (the nearest of 2,000 paintings: 0.12).
_TIE = 1e-6

#: DCT-II, unscaled: row k is 2 cos(pi k (2j + 1) / 2n).
_COSINES = 2 * np.cos(np.pi * np.arange(_LOW)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE))


def phash(image: Image.Image) -> int:
    """The 64-bit pHash of `image`; of one in mode YCbCr, that of its Y.

    Equal to `imagehash.phash(image)` in every bit whose coefficient is not the median up to
    rounding; there `imagehash` gives what the machine's arithmetic rounds to, and this gives 0.

    Source: Krawetz, "Looks Like It" (2011), with the median of all 64 coefficients, the constant
    one included, as imagehash has it.
    """
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return int(phash_grey(np.asarray(grey)[None])[0])


def phash_of_plane(luma: Plane) -> int:
    """The 64-bit pHash of a picture whose brightness is `luma`, uint8 (height, width)."""
    rows, columns = (Axis(length, SIDE, length / SIDE) for length in luma.shape)
    return int(phash_grey(reduce_plane(luma, rows, columns)[None])[0])


def phash_grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """pHash of many grey pictures: uint8 (n, 32, 32) to uint64 (n,), first bit highest."""
    low = (_COSINES @ pixels.astype(np.float64) @ _COSINES.T).reshape(len(pixels), _LOW * _LOW)
    bits = low - np.median(low, axis=1, keepdims=True) > _TIE
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def to_hex(value: int) -> str:
    """The form `str(imagehash.phash(image))` has: 16 lower-case hexadecimal digits."""
    return f"{value:016x}"
