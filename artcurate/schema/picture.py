"""What the first bytes of a picture say, without decoding a pixel."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

from artcurate.images.faults import PILLOW_ERRORS

#: Formats that a shard may hold.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
#: Pillow, and so `datasets`, refuses to open a picture with more pixels than this.
MAX_PIXELS = 2 * 89_478_485

_TOO_MANY = f"more than the {MAX_PIXELS:,} pixels that Pillow opens"


def picture_fault(data: bytes) -> str | None:
    """Why `data` is no picture that can be shown, as its header tells; None where it is one."""
    if not data:
        return "no bytes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
    except Image.DecompressionBombError:
        return _TOO_MANY
    except UnidentifiedImageError:
        return "not a picture of a known format"
    except PILLOW_ERRORS as error:
        return f"a broken picture header ({error})"
    if width < 1 or height < 1:
        return "a picture without pixels"
    return _TOO_MANY if width * height > MAX_PIXELS else None
