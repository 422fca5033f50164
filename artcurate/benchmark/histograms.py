"""A picture as numbers without a network: its colours and the directions of its edges."""

from __future__ import annotations

import numpy as np
from PIL import Image

from artcurate.benchmark.presets import LiteImage
from artcurate.benchmark.task import FloatArray


def histogram_width(form: LiteImage) -> int:
    """How many numbers `picture_histograms` gives."""
    hue, saturation, value = form.hsv_bins
    return hue * saturation * value + form.orientations * form.cells**2


def picture_histograms(picture: Image.Image, form: LiteImage) -> FloatArray:
    """float32 (width,): the HSV histogram, then the histogram of oriented gradients.

    Both hold square roots of shares (Hellinger), so each part has length 1.
    """
    small = picture.resize((form.side, form.side), Image.Resampling.BOX, reducing_gap=2.0)
    return np.concatenate((_colours(small, form), _gradients(small, form)))


def _colours(picture: Image.Image, form: LiteImage) -> FloatArray:
    pixels = np.asarray(picture.convert("HSV"), dtype=np.int64).reshape(-1, 3)
    hue, saturation, value = form.hsv_bins
    bins = pixels * np.array(form.hsv_bins) >> 8
    flat = (bins[:, 0] * saturation + bins[:, 1]) * value + bins[:, 2]
    counts = np.bincount(flat, minlength=hue * saturation * value)
    shares: FloatArray = np.sqrt(counts / counts.sum()).astype(np.float32)
    return shares


def _gradients(picture: Image.Image, form: LiteImage) -> FloatArray:
    """Magnitudes of grey-level gradients by cell and unsigned direction.

    Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (CVPR 2005), with
    hard binning and one normalisation of the whole picture instead of blocks.
    """
    grey = np.asarray(picture.convert("L"), dtype=np.float32)
    down, across = np.gradient(grey)
    magnitude = np.hypot(down, across)
    turn = np.mod(np.arctan2(down, across), np.pi) / np.pi
    direction = np.minimum((turn * form.orientations).astype(np.int64), form.orientations - 1)
    cell = np.arange(form.side) * form.cells // form.side
    place = (cell[:, None] * form.cells + cell[None, :]) * form.orientations + direction
    sums = np.bincount(
        place.ravel(), magnitude.ravel(), minlength=form.cells**2 * form.orientations
    )
    total = sums.sum()
    shares: FloatArray = np.sqrt(sums / total if total else sums).astype(np.float32)
    return shares
