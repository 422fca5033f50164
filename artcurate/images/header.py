"""What an image file says about itself, read without decoding a pixel."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from artcurate.images.faults import PILLOW_ERRORS, Fault, FaultReason, fault_from
from artcurate.images.metadata import UPRIGHT, Bare, Format, without_metadata

#: Largest image decoded by default, in pixels. Above Pillow's own warning at 89 million, which
#: real scans of paintings pass, and below the 169 million of the usual 13000 x 13000 bomb.
MAX_PIXELS = 128_000_000

#: Readers are called directly, not through Image.open: its bomb check hangs on a global of the
#: whole process, and its detection would try formats that nobody asked for.
_READERS: dict[Format, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "BMP": BmpImageFile,
}

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
)

_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I;16N")
#: Pixel layouts with an agreed way to 8-bit RGB. Floats, 32-bit integers and Lab have none.
_MODES = frozenset(
    ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", *_SIXTEEN_BIT_MODES)
)

_TIFF_ORIENTATION = 274

#: A progressive JPEG has some ten scans; each costs a pass over all pixels, however short it is.
_MAX_SCANS = 100
_START_OF_SCAN = b"\xff\xda"

#: First bytes by which Pillow tells formats apart; its tests fail on fewer.
_PREFIX = 16


@dataclass(frozen=True, slots=True)
class Header:
    """Size in pixels as a viewer shows the image (EXIF orientation applied), and its kind.

    orientation: the EXIF orientation as stored, 1 to 8.
    mode: Pillow's name of the pixel layout.
    """

    width: int
    height: int
    format: Format
    orientation: int
    mode: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An image that passed the pixel budget and is not decoded yet.

    image: reads from `bare.data`, as it is stored, not turned.
    turn: the EXIF orientation still to be applied once the image is decoded.
    bare: the file without metadata, or None where its structure could not be followed.
    """

    header: Header
    image: ImageFile.ImageFile
    turn: int
    bare: Bare | None


def read_header(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Header | Fault:
    """The header of an image file (first frame), or why it has none that can be used."""
    opened = open_image(data, max_pixels=max_pixels)
    return opened if isinstance(opened, Fault) else opened.header


def open_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Opened | Fault:
    """Open an image file without decoding it.

    Pillow sees the file without its metadata where the file's structure can be followed, so a
    corrupt EXIF block or a huge text chunk cannot spoil an image whose pixels are sound.
    """
    image_format = detect_format(data)
    if isinstance(image_format, Fault):
        return image_format
    bare = without_metadata(data, image_format)
    content = bare.data if bare else data
    if image_format == "JPEG" and _scans(content, bare) > _MAX_SCANS:
        return Fault(
            FaultReason.TOO_MANY_SCANS, f"The JPEG has more than {_MAX_SCANS} progressive scans."
        )
    try:
        image = _READERS[image_format](io.BytesIO(content))
    except PILLOW_ERRORS as error:
        return fault_from(error)
    if image.width * image.height > max_pixels:
        return Fault(
            FaultReason.TOO_MANY_PIXELS,
            f"The image has {image.width} x {image.height} pixels, "
            f"more than the limit of {max_pixels:,}.",
        )
    if image.mode not in _MODES:
        return Fault(
            FaultReason.UNSUPPORTED_FORMAT,
            f"{image_format} with pixels of kind {image.mode} has no agreed form in RGB.",
        )
    return _describe(image, image_format, bare)


def _scans(content: bytes, bare: Bare | None) -> int:
    """Scans of a JPEG, or at least as many as it has where its structure could not be followed."""
    return bare.scans if bare else content.count(_START_OF_SCAN)


def _describe(image: ImageFile.ImageFile, image_format: Format, bare: Bare | None) -> Opened:
    width, height = image.size
    if isinstance(image, TiffImageFile):
        # Pillow turns TIFF by itself: its size is the turned one already.
        stored = image.tag_v2.get(_TIFF_ORIENTATION)
        orientation = stored if isinstance(stored, int) and 1 <= stored <= 8 else UPRIGHT
        return Opened(Header(width, height, image_format, orientation, image.mode), image, 1, bare)
    orientation = bare.orientation if bare else UPRIGHT
    if orientation >= 5:
        width, height = height, width
    header = Header(width, height, image_format, orientation, image.mode)
    return Opened(header, image, orientation, bare)


def detect_format(data: bytes) -> Format | Fault:
    """The format that the first bytes declare; the file's name has no say."""
    for signature, image_format in _SIGNATURES:
        if data.startswith(signature):
            return image_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    other = _other_format(data[:_PREFIX]) if len(data) >= _PREFIX else None
    if other:
        return Fault(
            FaultReason.UNSUPPORTED_FORMAT,
            f"The image is {other}; read are {', '.join(_READERS)}.",
        )
    return Fault(FaultReason.NOT_AN_IMAGE, "The file does not begin like an image.")


def _other_format(prefix: bytes) -> str | None:
    """The format Pillow knows by `prefix` beside those allowed; nothing is opened."""
    Image.init()
    for name, (_, accepts) in sorted(Image.OPEN.items()):
        if name not in _READERS and accepts is not None and accepts(prefix):
            return name
    return None
