"""The bytes of an image as a shard holds them: as they came without metadata, or resized."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageCms

from artcurate.images.decode import Decoded, decode_opened, upright
from artcurate.images.faults import PILLOW_ERRORS, Fault, FaultReason, fault_from
from artcurate.images.header import MAX_PIXELS, Opened, open_image
from artcurate.images.metadata import UPRIGHT

#: Formats that every viewer and `datasets` show; others are written anew as JPEG.
_PASSING = frozenset(("JPEG", "PNG", "WEBP"))

#: libjpeg's JPEG_MAX_DIMENSION, in pixels.
_JPEG_MAX_SIDE = 65_500

#: A JPEG is decoded at a reduced scale no smaller than this many times its target.
_OVERSAMPLING = 2


@dataclass(frozen=True, slots=True)
class ImageForm:
    """How images are to be written.

    size: length of the short side in pixels, never upscaled; None leaves the image as it is.
    quality: JPEG quality, 1 to 100, of images that are encoded anew.
    """

    size: int | None
    quality: int = 90

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ValueError(f"size must be at least 1, not {self.size}")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality must lie between 1 and 100, not {self.quality}")


@dataclass(frozen=True, slots=True)
class Transformed:
    """An image file without metadata, upright, `width` x `height` pixels as shown."""

    data: bytes
    width: int
    height: int
    format: str


def transform(data: bytes, form: ImageForm, *, max_pixels: int = MAX_PIXELS) -> Transformed | Fault:
    """Write an image file in the form asked for.

    Without a size, JPEG, PNG and WebP keep their pixels' bytes and lose only their metadata.
    Written anew at full size are images that EXIF turns, animations, files whose structure cannot
    be followed, and formats that not everything shows (GIF, TIFF, BMP). With a size, every image
    becomes an sRGB JPEG. The pixels of an image that keeps its bytes are not decoded here.
    """
    opened = open_image(data, max_pixels=max_pixels)
    if isinstance(opened, Fault):
        return opened
    if form.size is None and opened.bare is not None and _passes(opened):
        header = opened.header
        return Transformed(opened.bare.data, header.width, header.height, header.format)
    return _encoded_anew(opened, form)


def _passes(opened: Opened) -> bool:
    return (
        opened.header.format in _PASSING
        and opened.turn == UPRIGHT
        and opened.bare is not None
        and not opened.bare.animated
    )


def _encoded_anew(opened: Opened, form: ImageForm) -> Transformed | Fault:
    stored = opened.image.size
    target = scaled_size(*stored, form.size)
    shrinks = target != stored
    decoded = decode_opened(opened, min_side=_OVERSAMPLING * min(target) if shrinks else None)
    if isinstance(decoded, Fault):
        return decoded
    if max(target) > _JPEG_MAX_SIDE:
        return Fault(
            FaultReason.SIDE_TOO_LONG,
            f"{max(target):,} pixels are more than a JPEG's {_JPEG_MAX_SIDE:,}.",
        )
    try:
        image = upright(to_srgb(_resized(decoded, target)), decoded.turn)
        output = io.BytesIO()
        image.save(output, "JPEG", quality=form.quality)
    except PILLOW_ERRORS as error:
        return fault_from(error)
    return Transformed(output.getvalue(), image.width, image.height, "JPEG")


def scaled_size(width: int, height: int, size: int | None) -> tuple[int, int]:
    """`width` x `height` with a short side of `size` pixels; unchanged where it is no longer."""
    short = min(width, height)
    if size is None or short <= size:
        return width, height
    return max(1, round(width * size / short)), max(1, round(height * size / short))


def _resized(decoded: Decoded, target: tuple[int, int]) -> Decoded:
    if decoded.image.size == target:
        return decoded
    image = decoded.image.resize(target, Image.Resampling.LANCZOS)
    return Decoded(decoded.header, image, decoded.turn, decoded.icc)


def to_srgb(decoded: Decoded) -> Image.Image:
    """Mode RGB in the sRGB colour space.

    A profile that cannot be read or does not fit the pixels is ignored, as browsers do.
    """
    image = decoded.image
    if decoded.icc:
        conversion = _conversion(decoded.icc, image.mode)
        if conversion is not None:
            converted = ImageCms.applyTransform(image, conversion)
            if converted is not None:
                image = converted
    image = image.convert("RGB")
    image.info = {}
    return image


@lru_cache(maxsize=4)
def _conversion(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from profile `icc` to sRGB; None where it is sRGB already or of no use."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        name: str = ImageCms.getProfileDescription(profile)
        if mode == "RGB" and "srgb" in name.lower():
            return None
        srgb = ImageCms.createProfile("sRGB")
        conversion: ImageCms.ImageCmsTransform = ImageCms.buildTransform(profile, srgb, mode, "RGB")
        return conversion
    except (ImageCms.PyCMSError, OSError):
        return None
