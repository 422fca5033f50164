"""Why an image cannot be used, as a value: a bad image never stops a build."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image


class FaultReason(StrEnum):
    """What is wrong with an image, from its file to its pixels."""

    OUTSIDE_ROOT = "outside_root"
    UNREADABLE = "unreadable"
    EMPTY_FILE = "empty_file"
    TOO_MANY_BYTES = "too_many_bytes"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_SCANS = "too_many_scans"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_MUCH_MEMORY = "too_much_memory"
    SIDE_TOO_LONG = "side_too_long"
    BAD_CROP = "bad_crop"


@dataclass(frozen=True, slots=True)
class Fault:
    """An image that cannot be used; `detail` is one sentence for the user."""

    reason: FaultReason
    detail: str


#: Everything Pillow's readers of the allowed formats raise on hostile bytes.
PILLOW_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def fault_from(error: Exception) -> Fault:
    """The fault behind one of `PILLOW_ERRORS`."""
    message = str(error).strip(" .") or type(error).__name__
    if isinstance(error, Image.DecompressionBombError):
        return Fault(FaultReason.TOO_MANY_PIXELS, f"The image is too large to decode: {message}.")
    if isinstance(error, MemoryError):
        return Fault(FaultReason.TOO_MUCH_MEMORY, "The image needs more memory than there is.")
    if isinstance(error, EOFError) or "truncated" in message.lower():
        return Fault(FaultReason.TRUNCATED, f"The image data ends early: {message}.")
    return Fault(FaultReason.CORRUPT, f"The image cannot be decoded: {message}.")
