"""The planes of baseline JPEGs by `native/baseline.c`, sooner than libjpeg-turbo has the same ones.

Whatever is out of the ordinary is declined, a header as well as data: libjpeg-turbo then decodes
it, or says what is wrong with it.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_ssize_t, c_void_p
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from artcurate.images.jpeg import (
    BASELINE,
    END_OF_IMAGE,
    EXTENDED,
    HUFFMAN_TABLES,
    QUANTIZATION_TABLES,
    RESTART_INTERVAL,
    START_OF_SCAN,
    has_no_effect,
    header_segments,
)
from artcurate.images.lanczos import Plane
from artcurate.images.native import library

_MOST_COMPONENTS = 3
_DECLINED, _NO_MEMORY = 1, 2
#: What a scan of all coefficients at once states of itself: the first, the last, and no refinement.
_SEQUENTIAL = bytes((0, 63, 0))


def _zigzag() -> NDArray[np.intp]:
    """Where the coefficients of a file stand in rows (ITU-T T.81, figure A.6)."""
    down, across = np.divmod(np.arange(64), 8)
    diagonal = down + across
    return np.lexsort((np.where(diagonal % 2, down, across), diagonal))


_ZIGZAG = _zigzag()


class _Component(ctypes.Structure):
    """`struct component` of baseline.c."""

    _fields_ = (
        ("across", c_int32),
        ("down", c_int32),
        ("quanta", c_void_p),
        ("dc", c_char_p),
        ("ac", c_char_p),
        ("plane", c_void_p),
        ("stride", c_ssize_t),
    )


class _Scan(ctypes.Structure):
    """`struct scan` of baseline.c."""

    _fields_ = (
        ("size", c_int32),
        ("units_across", c_int32),
        ("units_down", c_int32),
        ("interval", c_int32),
        ("count", c_int32),
        ("components", _Component * _MOST_COMPONENTS),
    )


class _UnusualError(ValueError):
    """The header is not one of those that are read here."""


@dataclass(slots=True)
class _Header:
    """What a header says.

    quanta: by the number of their table, 64 bytes in the order of a file.
    codes: by class and number, as one byte of a DHT segment says them: what follows it.
    frame, scan: the bodies of their segments, None where they are not there yet.
    start: where the scan's data begin in the file.
    """

    quanta: dict[int, bytes] = field(default_factory=dict)
    codes: dict[int, bytes] = field(default_factory=dict)
    interval: int = 0
    frame: bytes | None = None
    scan: bytes | None = None
    start: int = 0


def decode_planes(
    jpeg: bytes, size: tuple[int, int], sampling: tuple[int, int], eighths: int
) -> list[Plane] | None:
    """The planes of a JPEG at `eighths` (8, 4, 2 or 1) of its scale; None where it is declined.

    size: width and height in pixels, which must be the header's.
    sampling: pixels to a sample of a colour, across and down; (1, 1) for a grey JPEG.

    Each is uint8 and holds whole units of blocks, so it is as large as the picture or larger. What
    libjpeg-turbo takes for red, green and blue is taken for brightness and colours here.

    Raises MemoryError.
    """
    decode = _function()
    if decode is None:
        return None
    try:
        header = _header_of(jpeg)
        factors = _factors(header, size, sampling)
        tables = _tables(header)
    except _UnusualError:
        return None
    width, height = (
        -(-length // (8 * span)) for length, span in zip(size, factors[0], strict=True)
    )
    scan = _Scan(eighths, width, height, header.interval, len(factors))
    planes = []
    for place, ((across, down), (quanta, dc, ac)) in enumerate(zip(factors, tables, strict=True)):
        plane = np.empty((height * down * eighths, width * across * eighths), np.uint8)
        planes.append(plane)
        scan.components[place] = _Component(
            *(across, down, quanta.ctypes.data, dc, ac, plane.ctypes.data, plane.shape[1])
        )
    result = decode(_address(jpeg) + header.start, len(jpeg) - header.start, byref(scan))
    if result == _NO_MEMORY:
        raise MemoryError("no memory for the data of a JPEG")
    return None if result == _DECLINED else planes


def _header_of(jpeg: bytes) -> _Header:
    header = _Header()
    for marker, body, end in header_segments(jpeg):
        if marker == QUANTIZATION_TABLES:
            header.quanta |= _quanta(body)
        elif marker == HUFFMAN_TABLES:
            header.codes |= _codes(body)
        elif marker == RESTART_INTERVAL and len(body) == 2:
            header.interval = int.from_bytes(body)
        elif marker in (BASELINE, EXTENDED) and header.frame is None:
            header.frame = body
        elif marker == START_OF_SCAN:
            header.scan, header.start = body, end
        elif not has_no_effect(marker):
            raise _UnusualError
    if header.frame is None or header.scan is None or not jpeg.endswith(END_OF_IMAGE):
        raise _UnusualError
    return header


def _quanta(body: bytes) -> dict[int, bytes]:
    """Source: ITU-T T.81, B.2.4.1. Quanta of 16 bits are unusual."""
    if len(body) % 65 or any(number > 3 for number in body[::65]):
        raise _UnusualError
    return {body[start]: body[start + 1 : start + 65] for start in range(0, len(body), 65)}


def _codes(body: bytes) -> dict[int, bytes]:
    """Source: ITU-T T.81, B.2.4.2."""
    found = {}
    start = 0
    while start < len(body):
        number, counts = body[start], body[start + 1 : start + 17]
        end = start + 17 + sum(counts)
        if number & ~0x13 or end > len(body) or sum(counts) > 256:
            raise _UnusualError
        found[number] = body[start + 1 : end]
        start = end
    return found


def _in_rows(quanta: bytes) -> NDArray[np.int16]:
    rows = np.empty(64, np.int16)
    rows[_ZIGZAG] = np.frombuffer(quanta, np.uint8)
    return rows


def _factors(
    header: _Header, size: tuple[int, int], sampling: tuple[int, int]
) -> list[tuple[int, int]]:
    """Blocks of each component in a unit, across and down (A.2.2, A.2.3, B.2.2)."""
    frame = header.frame or b""
    count = frame[5] if len(frame) > 5 else 0
    stated = int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])
    if len(frame) != 6 + 3 * count or frame[0] != 8 or stated != size:
        raise _UnusualError
    factors = [(one >> 4, one & 15) for one in frame[7::3]]
    if factors not in ([(1, 1)], [sampling, (1, 1), (1, 1)]):
        raise _UnusualError
    return factors


def _tables(header: _Header) -> list[tuple[NDArray[np.int16], bytes, bytes]]:
    """Quanta and both tables of codes of each component (B.2.2, B.2.3)."""
    frame, scan = header.frame or b"", header.scan or b""
    names, quanta = frame[6::3], frame[8::3]
    if len(set(names)) != len(names) or scan[:1] != frame[5:6] or scan[1:-3:2] != names:
        raise _UnusualError
    if len(scan) != 4 + 2 * len(names) or scan[-3:] != _SEQUENTIAL:
        raise _UnusualError
    try:
        return [
            (
                _in_rows(header.quanta[number]),
                header.codes[codes >> 4],
                header.codes[0x10 | codes & 15],
            )
            for number, codes in zip(quanta, scan[2:-3:2], strict=True)
        ]
    except KeyError as error:
        raise _UnusualError from error


def _address(data: bytes) -> int:
    """Where `data` lies, as long as it lives."""
    return ctypes.cast(c_char_p(data), c_void_p).value or 0


@cache
def _function() -> ctypes._NamedFuncPointer | None:
    native = library.load()
    if native is None:
        return None
    native.baseline_decode.argtypes = (c_void_p, c_size_t, POINTER(_Scan))
    return native.baseline_decode
