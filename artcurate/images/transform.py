"""The bytes of an image as a shard holds them: as they came without metadata, or resized."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from functools import lru_cache

from PIL import Image, ImageCms

from artcurate.images.crop import Box, Crop, stored_box
from artcurate.images.decode import Decoded, decode_opened, profile_of, upright
from artcurate.images.decoders import Decoder, reduce_jpeg
from artcurate.images.faults import PILLOW_ERRORS, Fault, FaultReason, fault_from
from artcurate.images.header import MAX_PIXELS, Opened, open_image
from artcurate.images.metadata import UPRIGHT
from artcurate.images.planes import Picture, Planes, reduce_planes, to_image
from artcurate.images.turbo import decode_planes, encode_planes, sampling_of

#: Formats that every viewer and `datasets` show; others are written anew as JPEG.
_PASSING = frozenset(("JPEG", "PNG", "WEBP"))

#: libjpeg's JPEG_MAX_DIMENSION, in pixels.
_JPEG_MAX_SIDE = 65_500

#: A JPEG is decoded at a reduced scale no smaller than this many times its target. From 1.8 on the
#: result is nearer to the full picture's Lanczos reduction than OpenCV's area filter of the full
#: picture is, in the median and in the worst scan (SSIM 0.991 and 0.977 to 0.987 and 0.973); at 1.1
#: it is 0.96 and 0.91 (`benchmarks/decoders.py`).
_OVERSAMPLING = 1.8

#: What the planes that are encoded are reduced to: 4:2:0, as Pillow samples what it encodes.
_WRITTEN_SAMPLING = (2, 2)


@dataclass(frozen=True, slots=True)
class ImageForm:
    """How images are to be written.

    size: length of the short side in pixels, never upscaled; None leaves the image as it is.
    quality: JPEG quality, 1 to 100, of images that are encoded anew.
    decoder: what reduces whole JPEGs; everything else is Pillow's, and so is the encoding but for
        JPEGs that `turbo` keeps in planes.
    """

    size: int | None
    quality: int = 90
    decoder: Decoder = "pillow"

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


def transform(
    data: bytes, form: ImageForm, *, max_pixels: int = MAX_PIXELS, crop: Crop | None = None
) -> Transformed | Fault:
    """Write an image file in the form asked for.

    Without a size, JPEG, PNG and WebP keep their pixels' bytes and lose only their metadata.
    Written anew at full size are images that EXIF turns, animations, files whose structure cannot
    be followed, and formats that not everything shows (GIF, TIFF, BMP). With a size or a crop,
    every image becomes an sRGB JPEG. The pixels of an image that keeps its bytes are not decoded
    here. A crop that leaves nothing of the picture is a fault.
    """
    opened = open_image(data, max_pixels=max_pixels)
    if isinstance(opened, Fault):
        return opened
    if crop is None and form.size is None and opened.bare is not None and _passes(opened):
        header = opened.header
        return Transformed(opened.bare.data, header.width, header.height, header.format)
    box = _box(opened, crop)
    return box if isinstance(box, Fault) else _encoded_anew(opened, form, box)


def _passes(opened: Opened) -> bool:
    return (
        opened.header.format in _PASSING
        and opened.turn == UPRIGHT
        and opened.bare is not None
        and not opened.bare.animated
    )


def _box(opened: Opened, crop: Crop | None) -> Box | Fault:
    """What is kept of the image, in its frame as stored."""
    stored = opened.image.size
    if crop is None:
        return (0, 0, *stored)
    shown = crop.clipped(opened.header.width, opened.header.height)
    if shown is None:
        return Fault(
            FaultReason.BAD_CROP,
            f"The crop ({crop.left:g}, {crop.top:g}, {crop.right:g}, {crop.bottom:g}) leaves "
            f"nothing of the image's {opened.header.width} x {opened.header.height} pixels.",
        )
    return stored_box(shown, *stored, opened.turn)


def _encoded_anew(opened: Opened, form: ImageForm, box: Box) -> Transformed | Fault:
    picture = render(opened, form, box)
    return picture if isinstance(picture, Fault) else encode(picture, form.quality)


def render(opened: Opened, form: ImageForm, box: Box) -> Picture | Fault:
    """The pixels that a shard is to hold of what lies at `box` of the image as stored.

    They are upright, in sRGB, of the size of `form`: an image in mode RGB, or YCbCr planes where
    that saves work (`encode` takes both).
    """
    target = scaled_size(box[2] - box[0], box[3] - box[1], form.size)
    if max(target) > _JPEG_MAX_SIDE:
        return Fault(
            FaultReason.SIDE_TOO_LONG,
            f"{max(target):,} pixels are more than a JPEG's {_JPEG_MAX_SIDE:,}.",
        )
    whole = box == (0, 0, *opened.image.size)
    if form.decoder == "turbo" and whole and target != opened.image.size:
        picture = _reduced_by_turbo(opened, target)
        if picture is not None:
            return picture
    reduced = _reduced(opened, form.decoder, box, target)
    return reduced if isinstance(reduced, Fault) else _shown(reduced)


def _shown(decoded: Decoded) -> Image.Image | Fault:
    try:
        return upright(to_srgb(decoded), decoded.turn)
    except PILLOW_ERRORS as error:
        return fault_from(error)


def encode(picture: Picture, quality: int) -> Transformed | Fault:
    """An image in mode RGB or YCbCr, or planes in colour, as a JPEG of `quality` (1 to 100)."""
    if isinstance(picture, Planes):
        return _encoded_planes(picture, quality)
    try:
        output = io.BytesIO()
        picture.save(output, "JPEG", quality=quality)
    except PILLOW_ERRORS as error:
        return fault_from(error)
    return Transformed(output.getvalue(), picture.width, picture.height, "JPEG")


def _encoded_planes(planes: Planes, quality: int) -> Transformed | Fault:
    try:
        data = encode_planes(planes, quality)
    except MemoryError as error:
        return fault_from(error)
    return data if isinstance(data, Fault) else Transformed(data, *planes.size, "JPEG")


def _reduced_by_turbo(opened: Opened, target: tuple[int, int]) -> Picture | Fault | None:
    """The whole picture as `target` pixels, upright and in sRGB; None where it has no planes."""
    jpeg = _plain_jpeg(opened)
    sampling = sampling_of(jpeg) if jpeg else None
    if jpeg is None or sampling is None:
        return None
    stored = opened.image.size
    shrink = _shrink(stored, math.ceil(_OVERSAMPLING * min(target)))
    profile = profile_of(opened.image)
    try:
        planes = decode_planes(jpeg, stored, sampling, 8 // shrink)
        if planes is None or isinstance(planes, Fault):
            return planes
        srgb = profile is None or conversion_to_srgb(profile, "RGB") is None
        written = srgb and bool(planes.chroma)
        small = reduce_planes(
            planes,
            (stored[0] / shrink, stored[1] / shrink),
            target,
            orientation=opened.turn,
            sampling=_WRITTEN_SAMPLING if written else (1, 1),
        )
    except MemoryError as error:
        return fault_from(error)
    if written:
        return small
    return _shown(Decoded(opened.header, to_image(small), stored, UPRIGHT, profile))


def _reduced(
    opened: Opened, decoder: Decoder, box: Box, target: tuple[int, int]
) -> Decoded | Fault:
    """What lies at `box` of the image as stored, as `target` pixels."""
    stored = opened.image.size
    kept = box[2] - box[0], box[3] - box[1]
    if kept == target:
        decoded = decode_opened(opened)
    else:
        min_side = math.ceil(_OVERSAMPLING * min(target) * min(stored) / min(kept))
        jpeg = _plain_jpeg(opened)
        if decoder == "libvips" and kept == stored and jpeg is not None:
            return _reduced_by_libvips(opened, jpeg, min_side, target)
        decoded = decode_opened(opened, min_side=min_side)
    if isinstance(decoded, Fault):
        return decoded
    try:
        return _resized(decoded, box, target)
    except PILLOW_ERRORS as error:
        return fault_from(error)


def _plain_jpeg(opened: Opened) -> bytes | None:
    """The file without metadata where it is a JPEG, grey or in colours that are not CMYK."""
    plain = opened.header.format == "JPEG" and opened.image.mode in ("L", "RGB")
    return opened.bare.data if plain and opened.bare else None


def _reduced_by_libvips(
    opened: Opened, jpeg: bytes, min_side: int, target: tuple[int, int]
) -> Decoded | Fault:
    stored = opened.image.size
    image = reduce_jpeg(jpeg, _shrink(stored, min_side), target)
    if isinstance(image, Fault):
        return image
    return Decoded(opened.header, image, stored, opened.turn, profile_of(opened.image))


def _shrink(stored: tuple[int, int], min_side: int) -> int:
    """The largest of libjpeg's reductions that leaves the short side `min_side` pixels."""
    return max(scale for scale in (1, 2, 4, 8) if scale == 1 or min(stored) >= scale * min_side)


def scaled_size(width: int, height: int, size: int | None) -> tuple[int, int]:
    """`width` x `height` with a short side of `size` pixels; unchanged where it is no longer."""
    short = min(width, height)
    if size is None or short <= size:
        return width, height
    return max(1, round(width * size / short)), max(1, round(height * size / short))


def _resized(decoded: Decoded, box: Box, target: tuple[int, int]) -> Decoded:
    """The part of the picture at `box`, in pixels of the full size, as `target` pixels."""
    image = decoded.image
    scale_x, scale_y = image.width / decoded.stored[0], image.height / decoded.stored[1]
    left, top, right, bottom = (
        box[0] * scale_x,
        box[1] * scale_y,
        box[2] * scale_x,
        box[3] * scale_y,
    )
    outer = math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)
    if outer != (0, 0, *image.size):
        # Cut first: the filter would let in what lies just outside of the box.
        image = image.crop(outer)
        left, right, top, bottom = (
            left - outer[0],
            right - outer[0],
            top - outer[1],
            bottom - outer[1],
        )
    if image.size != target:
        image = image.resize(target, Image.Resampling.LANCZOS, box=(left, top, right, bottom))
    return replace(decoded, image=image)


def to_srgb(decoded: Decoded) -> Image.Image:
    """Mode RGB in the sRGB colour space.

    A profile that cannot be read or does not fit the pixels is ignored, as browsers do.
    """
    image = decoded.image
    if decoded.icc:
        conversion = conversion_to_srgb(decoded.icc, image.mode)
        if conversion is not None:
            converted = ImageCms.applyTransform(image, conversion)
            if converted is not None:
                image = converted
    image = image.convert("RGB")
    image.info = {}
    return image


@lru_cache(maxsize=4)
def conversion_to_srgb(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
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
