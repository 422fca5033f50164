"""Which library makes small pictures of large JPEGs: it decides bytes, so it is chosen once.

Pillow is always there and reads everything else. libvips (extra `vips`) decodes and resamples a
JPEG in one pass over its rows with vector instructions: the same Lanczos filter, the same faults,
in about half of Pillow's time (`benchmarks/decoders.py`). OpenCV is not among them: its area filter
is no faster than libvips and further from a full Lanczos reduction, and it takes truncated files
for whole ones.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Literal

import PIL
from PIL import Image

from artcurate.errors import UsageError
from artcurate.images.faults import Fault, FaultReason

Decoder = Literal["pillow", "libvips"]
Choice = Literal["auto", "pillow", "libvips"]


def choose(choice: Choice) -> Decoder:
    """The decoder meant by `choice`; `auto` is libvips where it is installed.

    Raises UsageError when libvips is asked for and not installed.
    """
    if choice == "auto":
        return "libvips" if _find_libvips() is not None else "pillow"
    if choice == "libvips":
        _libvips()
    return choice


def version_of(decoder: Decoder) -> str:
    """The decoder's version as the lock records it, such as `libvips 8.18.7`."""
    if decoder == "pillow":
        return f"pillow {PIL.__version__}"
    vips = _libvips()
    return "libvips " + ".".join(str(vips.version(place)) for place in range(3))


def reduce_jpeg(data: bytes, shrink: int, target: tuple[int, int]) -> Image.Image | Fault:
    """A grey or RGB JPEG as `target` pixels (width, height), by libvips; not turned.

    shrink: the JPEG is decoded at one over this (1, 2, 4 or 8) and reduced further by Lanczos
        (three lobes). A truncated file is a fault, as it is to Pillow.

    Raises UsageError when libvips is not installed.
    """
    vips = _libvips()
    width, height = target
    try:
        # Unlike "error", "truncated" lets pass what libjpeg only warns about, as Pillow does.
        image = vips.Image.jpegload_buffer(
            data, shrink=shrink, access="sequential", fail_on="truncated"
        )
        small = image.resize(width / image.width, vscale=height / image.height, kernel="lanczos3")
        pixels = small.write_to_memory()
    except vips.Error as error:
        return _fault_from(error)
    return Image.frombuffer("L" if small.bands == 1 else "RGB", target, pixels, "raw")


def _fault_from(error: Exception) -> Fault:
    """The fault behind an error of libvips, whose text is one line per cause, the last one ours."""
    message = str(error).strip().rpartition("\n")[2].rpartition(": ")[2]
    if "premature end" in message:
        return Fault(FaultReason.TRUNCATED, f"The image data ends early: {message}.")
    return Fault(FaultReason.CORRUPT, f"The image cannot be decoded: {message}.")


def _libvips() -> ModuleType:
    vips = _find_libvips()
    if vips is None:
        raise UsageError(
            "libvips is not installed here: `pip install pyvips pyvips-binary`, or build with "
            "`--set write.decoder=pillow`, which gives other bytes."
        )
    return vips


@cache
def _find_libvips() -> ModuleType | None:
    """The module pyvips, set to one thread and no cache: workers share the cores among them."""
    try:
        import pyvips
    except (ImportError, OSError):
        # OSError: the Python part is there and the C library is not.
        return None
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    module: ModuleType = pyvips
    return module
