"""Perceptual hash: 64 bits from the low frequencies of a small grey picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

#: Side of the grey picture that is transformed, in pixels; `imagehash` calls it
#: hash_size * highfreq_factor.
SIDE = 32
_LOW = 8


def phash(image: Image.Image) -> int:
    """The 64-bit pHash of `image`, equal bit for bit to `imagehash.phash(image)`.

    Source: Krawetz, "Looks Like It" (2011), with the median of all 64 coefficients, the constant
    one included, as imagehash has it.
    """
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return int(phash_grey(np.asarray(grey)[None])[0])


def phash_grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """pHash of many grey pictures: uint8 (n, 32, 32) to uint64 (n,), first bit highest."""
    columns = _dct(np.swapaxes(pixels, 1, 2).astype(np.float64))
    low = _dct(np.swapaxes(columns, 1, 2))[:, :_LOW, :_LOW].reshape(len(pixels), _LOW * _LOW)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def to_hex(value: int) -> str:
    """The form `str(imagehash.phash(image))` has: 16 lower-case hexadecimal digits."""
    return f"{value:016x}"


def _dct(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """DCT-II of the last axis (even length n), unscaled: twice the sum of x cos(pi k (2j+1) / 2n).

    The steps and their order are those of pocketfft (scipy.fft.dct): in flat or mirrored pictures
    many coefficients equal the median up to rounding, and only the same rounding gives the
    same bits.
    """
    n = rows.shape[-1]
    spectrum = np.empty((*rows.shape[:-1], n // 2 + 1), dtype=np.complex128)
    odd, even = rows[..., 1:-1:2], rows[..., 2:-1:2]
    spectrum[..., 0] = 2 * rows[..., 0]
    spectrum[..., -1] = 2 * rows[..., -1]
    spectrum[..., 1:-1] = (odd + even) + 1j * (even - odd)
    folded = np.fft.irfft(spectrum, n=n, norm="forward", axis=-1)
    twiddle = np.cos(2 * np.pi * np.arange(1, n) / (4 * n))
    k = np.arange(1, n // 2)
    mirrored = n - k
    plus = twiddle[k - 1] * folded[..., mirrored] + twiddle[mirrored - 1] * folded[..., k]
    minus = twiddle[k - 1] * folded[..., k] - twiddle[mirrored - 1] * folded[..., mirrored]
    result = np.asarray(folded, dtype=np.float64)
    result[..., k] = 0.5 * (plus + minus)
    result[..., mirrored] = 0.5 * (plus - minus)
    result[..., n // 2] *= twiddle[n // 2 - 1]
    return result
