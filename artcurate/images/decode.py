"""From an image file to upright 8-bit pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from artcurate.images.faults import PILLOW_ERRORS, Fault, fault_from
from artcurate.images.header import MAX_PIXELS, Header, Opened, open_image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels as they are stored, in mode L, RGB or CMYK, without metadata.

    stored: size of the picture at full scale, as it is stored.
    turn: the EXIF orientation to be applied (`upright`).
    icc: the colour profile the pixels are in, None where the file has none.
    """

    header: Header
    image: Image.Image
    stored: tuple[int, int]
    turn: int
    icc: bytes | None


def decode(
    data: bytes, *, max_pixels: int = MAX_PIXELS, min_side: int | None = None
) -> Decoded | Fault:
    """Decode the first frame of an image file once its header passed the pixel budget.

    min_side: a JPEG may be decoded at 1/2, 1/4 or 1/8 as long as neither side gets shorter than
        this many pixels. All of its data is still read, so a truncated file is found out.
    """
    opened = open_image(data, max_pixels=max_pixels)
    return opened if isinstance(opened, Fault) else decode_opened(opened, min_side=min_side)


def decode_opened(opened: Opened, *, min_side: int | None = None) -> Decoded | Fault:
    """`decode` for an image that is open already; it can be decoded once."""
    image = opened.image
    stored = image.size
    try:
        if min_side is not None and isinstance(image, JpegImageFile):
            image.draft(None, (min_side, min_side))
        image.load()
        profile = profile_of(image)
        flat = _flatten(image)
    except PILLOW_ERRORS as error:
        return fault_from(error)
    return Decoded(opened.header, flat, stored, opened.turn, profile)


def profile_of(image: Image.Image) -> bytes | None:
    """The ICC profile that stands in the file of `image`."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """`image` as EXIF `orientation` (1 to 8) wants it shown."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _flatten(image: Image.Image) -> Image.Image:
    """8 bits per channel, transparency on white, nothing in `info`."""
    if image.mode.startswith("I;16"):
        flat = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    elif image.mode == "1":
        flat = image.convert("L")
    elif image.mode in ("L", "RGB", "CMYK"):
        flat = image
    else:
        flat = image.convert("RGB")
    flat.info = {}
    return flat
