"""The planes of a JPEG in and out, by the TurboJPEG library of libjpeg-turbo.

The library (`libturbojpeg.so.0`) comes with the system or with conda, not from the Python package
index; the functions used here are in all of its versions from 2.0 on.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_ulong, c_void_p
from functools import cache
from pathlib import Path

import numpy as np

from artcurate.images import baseline
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.jpeg import (
    BASELINE,
    END_OF_IMAGE,
    EXTENDED,
    FRAMES,
    PROGRESSIVE,
    header_segments,
)
from artcurate.images.lanczos import Plane
from artcurate.images.planes import Planes

#: The last one is Homebrew's, whose folders the loader does not look into by itself.
_NAMES = (
    "libturbojpeg.so.0",
    "libturbojpeg.dylib",
    f"{os.environ.get('HOMEBREW_PREFIX', '')}/lib/libturbojpeg.dylib",
)
_VERSION = re.compile(rb"libjpeg-turbo version (\d[\d.]*)")

#: TurboJPEG's numbers of the samplings: pixels to a sample of a colour, across and down.
_SAMPLINGS = {(1, 1): 0, (2, 1): 1, (2, 2): 2, (1, 2): 4, (4, 1): 5}
_GREY = 3
#: TurboJPEG's numbers of the colour spaces whose first plane is brightness.
_YCBCR, _GREYSCALE = 1, 2
#: The exact transform, which versions before 3 leave for a faster one when they encode.
_ACCURATE_DCT = 4096

#: Frames that every build of the library decodes.
_FRAMES = frozenset((BASELINE, EXTENDED, PROGRESSIVE))

#: What libjpeg only warns about, by how its messages begin (jerror.h). After a warning TurboJPEG
#: calls everything a warning, so the message has to tell.
_TRUNCATED = "Premature end of JPEG file"
_WARNINGS = (
    "Corrupt JPEG data",
    "Inconsistent progression sequence",
    "Invalid SOS parameters",
    "Unknown Adobe color transform code",
    "Warning: unknown JFIF revision number",
)


def is_installed() -> bool:
    """Whether the library is found and states its version, without which no lock can name it."""
    return _library() is not None and _stated_version() is not None


def version() -> str:
    """The version that the library's file states, such as `2.1.5`; its functions do not tell.

    Raises OSError when the library is not installed, and ValueError when its file does not say.
    """
    stated = _stated_version()
    if stated is None:
        raise ValueError(f"{_path_of(_loaded())} does not say which libjpeg-turbo it is.")
    return stated


@cache
def _stated_version() -> str | None:
    found = _VERSION.search(Path(_path_of(_loaded())).read_bytes())
    return found[1].decode() if found else None


def sampling_of(jpeg: bytes) -> tuple[int, int] | None:
    """How many pixels a sample of a colour spans across and down; (1, 1) for a grey JPEG.

    None where `decode_planes` has nothing to give: arithmetic or lossless coding, samples that are
    not 8 bits, four colours, or samplings other than 4:4:4, 4:2:2, 4:2:0, 4:4:0 and 4:1:1; and
    where the file does not end with its image, which has to be looked at row by row.
    """
    frame = _frame_of(jpeg) if jpeg.endswith(END_OF_IMAGE) else None
    # Source: ITU-T T.81, B.2.2: precision, height, width, components, then three bytes of each:
    # name, factors across and down, table.
    if frame is None or len(frame) < 6 or frame[0] != 8:
        return None
    factors = [(one >> 4, one & 15) for one in frame[7::3]]
    if len(factors) == 1:
        return 1, 1
    if len(factors) != 3 or factors[1:] != [(1, 1), (1, 1)] or factors[0] not in _SAMPLINGS:
        return None
    return factors[0]


def _frame_of(jpeg: bytes) -> bytes | None:
    """What the frame's segment says, where it is one of `_FRAMES`."""
    for marker, body, _ in header_segments(jpeg):
        if marker in FRAMES:
            return body if marker in _FRAMES else None
    return None


def decode_planes(
    jpeg: bytes, size: tuple[int, int], sampling: tuple[int, int], eighths: int
) -> Planes | Fault | None:
    """The planes of a JPEG at `eighths` (8, 4, 2 or 1) of its scale; sizes are rounded up.

    size: width and height in pixels as its header was read before; they bound the memory.
    sampling: what `sampling_of` said.

    None where the three planes are red, green and blue. As with Pillow, a truncated file is a
    fault, and data that libjpeg only warns about is not.
    """
    library = _loaded()
    with _handle(library, library.tjInitDecompress) as handle:
        number = _read_header(library, handle, jpeg, size, sampling)
        if number is None or isinstance(number, Fault):
            return number
        width, height = scaled = tuple(-(-side * eighths // 8) for side in size)
        shapes = [
            (
                library.tjPlaneHeight(plane, height, number),
                library.tjPlaneWidth(plane, width, number),
            )
            for plane in range(1 if number == _GREY else 3)
        ]
        planes: list[Plane] | Fault | None = None
        # TurboJPEG takes the largest scale that gives these sizes; tiny pictures have several.
        if scaled != tuple(-(-side * (eighths + 1) // 8) for side in size):
            planes = _cut(baseline.decode_planes(jpeg, size, sampling, eighths), shapes)
        if planes is None:
            planes = _read_planes(library, handle, jpeg, scaled, shapes)
        if isinstance(planes, Fault):
            return planes
    return Planes((width, height), sampling, planes[0], tuple(planes[1:]))


def _read_header(
    library: ctypes.CDLL,
    handle: int,
    jpeg: bytes,
    size: tuple[int, int],
    sampling: tuple[int, int],
) -> int | Fault | None:
    """TurboJPEG's number of the sampling; None where the planes are red, green and blue."""
    found = [c_int() for _ in range(4)]
    if library.tjDecompressHeader3(handle, jpeg, len(jpeg), *map(byref, found)):
        fault = _fault_of(library, handle)
        if fault:
            return fault
    width, height, number, space = (one.value for one in found)
    if space not in (_YCBCR, _GREYSCALE):
        return None
    expected = _GREY if space == _GREYSCALE else _SAMPLINGS[sampling]
    if (width, height) != size or number != expected:
        return Fault(FaultReason.CORRUPT, "The JPEG has more than one header.")
    return number


def _cut(units: list[Plane] | None, shapes: list[tuple[int, int]]) -> list[Plane] | None:
    """Planes that hold whole units of blocks in the shapes that TurboJPEG gives them."""
    if units is None:
        return None
    return [plane[:rows, :columns] for plane, (rows, columns) in zip(units, shapes, strict=True)]


def _read_planes(
    library: ctypes.CDLL,
    handle: int,
    jpeg: bytes,
    size: tuple[int, ...],
    shapes: list[tuple[int, int]],
) -> list[Plane] | Fault:
    planes = [np.empty(shape, np.uint8) for shape in shapes]
    if library.tjDecompressToYUVPlanes(
        handle, jpeg, len(jpeg), _pointers(planes), size[0], None, size[1], 0
    ):
        fault = _fault_of(library, handle)
        if fault:
            return fault
    return planes


def encode_planes(planes: Planes, quality: int) -> bytes | Fault:
    """A picture in colours as a JPEG of `quality` (1 to 100), in the sampling it has."""
    library = _loaded()
    data, length = c_void_p(), c_ulong()
    layers = [np.ascontiguousarray(plane) for plane in (planes.luma, *planes.chroma)]
    with _handle(library, library.tjInitCompress) as handle:
        try:
            if library.tjCompressFromYUVPlanes(
                handle,
                _pointers(layers),
                planes.size[0],
                None,
                planes.size[1],
                _SAMPLINGS[planes.sampling],
                byref(data),
                byref(length),
                quality,
                _ACCURATE_DCT,
            ):
                message = library.tjGetErrorStr2(handle).decode(errors="replace")
                return Fault(FaultReason.CORRUPT, f"The picture cannot be encoded: {message}.")
            return ctypes.string_at(data, length.value)
        finally:
            library.tjFree(data)


def _fault_of(library: ctypes.CDLL, handle: int) -> Fault | None:
    """What the library's last error means; None for a warning."""
    message = library.tjGetErrorStr2(handle).decode(errors="replace").strip(" .")
    message = message.rpartition("(): ")[2]
    if message.startswith(_WARNINGS):
        return None
    if message == _TRUNCATED:
        return Fault(FaultReason.TRUNCATED, f"The image data ends early: {message}.")
    if "memory" in message.lower():
        return Fault(FaultReason.TOO_MUCH_MEMORY, "The image needs more memory than there is.")
    return Fault(FaultReason.CORRUPT, f"The image cannot be decoded: {message}.")


@contextmanager
def _handle(library: ctypes.CDLL, start: ctypes._NamedFuncPointer) -> Iterator[int]:
    """A codec of one call's own, so that no call meets what another left."""
    handle = start()
    if not handle:
        raise MemoryError("TurboJPEG cannot be started")
    try:
        yield handle
    finally:
        library.tjDestroy(handle)


def _pointers(planes: list[Plane]) -> ctypes.Array[c_void_p]:
    return (c_void_p * 3)(*(plane.ctypes.data for plane in planes))


def _loaded() -> ctypes.CDLL:
    library = _library()
    if library is None:
        raise OSError("libturbojpeg is not installed")
    return library


@cache
def _library() -> ctypes.CDLL | None:
    for name in _NAMES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        return _declared(library)
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """`library`, its functions with their types as turbojpeg.h has them."""
    ints = POINTER(c_int)
    for function, result, arguments in (
        ("tjInitDecompress", c_void_p, ()),
        ("tjInitCompress", c_void_p, ()),
        ("tjDestroy", c_int, (c_void_p,)),
        ("tjFree", None, (c_void_p,)),
        ("tjGetErrorStr2", c_char_p, (c_void_p,)),
        ("tjPlaneWidth", c_int, (c_int, c_int, c_int)),
        ("tjPlaneHeight", c_int, (c_int, c_int, c_int)),
        ("tjDecompressHeader3", c_int, (c_void_p, c_char_p, c_ulong, ints, ints, ints, ints)),
        (
            "tjDecompressToYUVPlanes",
            c_int,
            (c_void_p, c_char_p, c_ulong, POINTER(c_void_p), c_int, ints, c_int, c_int),
        ),
        (
            "tjCompressFromYUVPlanes",
            c_int,
            (
                *(c_void_p, POINTER(c_void_p), c_int, ints, c_int, c_int),
                *(POINTER(c_void_p), POINTER(c_ulong), c_int, c_int),
            ),
        ),
    ):
        symbol = getattr(library, function)
        symbol.restype, symbol.argtypes = result, arguments
    return library


class _Symbol(ctypes.Structure):
    """Dl_info of dladdr(3)."""

    _fields_ = (
        ("file", c_char_p),
        ("base", c_void_p),
        ("name", c_char_p),
        ("address", c_void_p),
    )


def _path_of(library: ctypes.CDLL) -> str:
    """The file that a library was loaded from."""
    symbol = _Symbol()
    ask = ctypes.CDLL(None).dladdr
    ask.argtypes = (c_void_p, POINTER(_Symbol))
    if not ask(ctypes.cast(library.tjDestroy, c_void_p), byref(symbol)):
        raise OSError("dladdr does not know libturbojpeg")
    return str(symbol.file.decode())
