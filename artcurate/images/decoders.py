"""Which library makes small pictures of large JPEGs: it decides bytes, so it is chosen once.

Pillow is always there and reads everything else. libvips (extra `vips`) decodes and resamples a
JPEG in one pass over its rows with vector instructions. `turbo` (the system's `libturbojpeg`) takes
the planes of a JPEG as they are, reduces each for itself and writes them: no colour is converted
and none blown up. All have the same Lanczos filter and find the same faults; what they cost and how
near they come to a full reduction is measured by `benchmarks/decoders.py`. OpenCV is not among
them: its area filter is further from a full Lanczos reduction, and it takes truncated files for
whole ones.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Literal

import PIL
from PIL import Image

from artcurate.errors import UsageError
from artcurate.images import turbo
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.native import library

Decoder = Literal["pillow", "libvips", "turbo"]
Choice = Literal["auto", "pillow", "libvips", "turbo"]


def choose(choice: Choice) -> Decoder:
    """The decoder meant by `choice`; `auto` is the fastest one that is installed.

    Raises UsageError when the decoder asked for is not installed.
    """
    if choice == "auto":
        if turbo.is_installed():
            return "turbo"
        return "libvips" if _find_libvips() is not None else "pillow"
    if choice == "libvips":
        _libvips()
    if choice == "turbo" and not turbo.is_installed():
        raise UsageError(
            "libturbojpeg is not installed here: `apt install libturbojpeg0`, `brew install "
            "jpeg-turbo` or `conda install libjpeg-turbo`, or build with "
            "`--set write.decoder=pillow`, which gives other bytes."
        )
    return choice


def advice(choice: Choice) -> str | None:
    """What would make the pictures of `choice` sooner here, for the user; None where nothing would.

    Raises UsageError when the decoder asked for is not installed.
    """
    decoder = choose(choice)
    if choice == "auto" and decoder != "turbo":
        return (
            f"{version_of(decoder)} makes the pictures; libturbojpeg is faster and gives other "
            "bytes: `apt install libturbojpeg0`, `brew install jpeg-turbo` or `conda install "
            "libjpeg-turbo`."
        )
    if decoder == "turbo" and library.can_be_compiled() and not library.is_compiled():
        return (
            "artcurate was installed without a C compiler; installed anew where there is one "
            "(`apt install gcc`), it makes pictures sooner and gives the same bytes."
        )
    return None


def version_of(decoder: Decoder) -> str:
    """The decoder's version as the lock records it, such as `libvips 8.18.7`."""
    if decoder == "pillow":
        return f"pillow {PIL.__version__}"
    if decoder == "turbo":
        return f"libjpeg-turbo {turbo.version()}"
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
