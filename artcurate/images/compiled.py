"""Planes reduced by `lanczos.c`, three times as fast as `banded` and with the same samples.

The installation compiles it where there is a C compiler for x86-64 (`hatch_build.py`); it runs
where the processor has AVX2. Nothing but time hangs on it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_ssize_t, c_void_p
from functools import cache
from pathlib import Path

import numpy as np

from artcurate.images.lanczos import (
    BETWEEN_BITS,
    COLUMN_BITS,
    ROW_BITS,
    Axis,
    Plane,
    Weights,
    weights_of,
)

_SOURCE = Path(__file__).with_name("lanczos.c")
#: Where the installation puts what it compiled of it.
LIBRARY = Path(__file__).with_name("_lanczos.so")
#: Columns that the library weighs in one step; narrower planes it cannot read.
_STEP = 32


class _Axis(ctypes.Structure):
    """`struct axis` of lanczos.c."""

    _fields_ = (
        ("count", c_int32),
        ("taps", c_int32),
        ("first", c_void_p),
        ("weights", c_void_p),
    )


def is_usable() -> bool:
    """Whether it is compiled of the source that is there, and the processor can run it."""
    return _library() is not None


def fits_the_machine() -> bool:
    """Whether it could be compiled here."""
    return os.name == "posix" and platform.machine() == "x86_64"


def takes(plane: Plane) -> bool:
    """Whether `reduce_plane` can reduce `plane` here."""
    return is_usable() and plane.shape[1] >= _STEP and plane.strides[1] == 1


def reduce_plane(plane: Plane, rows: Axis, columns: Axis) -> Plane:
    """What `reduction.reduce_plane` says, of a plane that this module `takes`."""
    library = _library()
    if library is None:
        raise OSError(f"{LIBRARY.name} is not compiled or cannot run here")
    if plane.shape != (rows.length, columns.length):
        raise ValueError(f"a plane of {plane.shape} is none of {rows.length} x {columns.length}")
    result = np.empty((rows.count, columns.count), np.uint8)
    down, across = weights_of(rows, COLUMN_BITS), weights_of(columns, ROW_BITS)
    if library.lanczos_reduce(
        plane.ctypes.data,
        plane.strides[0],
        columns.length,
        byref(_given(down)),
        COLUMN_BITS - BETWEEN_BITS,
        byref(_given(across)),
        ROW_BITS + BETWEEN_BITS,
        result.ctypes.data,
    ):
        raise MemoryError("no memory for a reduction")
    return result


def _given(weights: Weights) -> _Axis:
    """`weights`, which must outlive the result."""
    count, taps = weights.whole.shape
    return _Axis(count, taps, weights.first.ctypes.data, weights.whole.ctypes.data)


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError:
        return None
    axis = POINTER(_Axis)
    library.lanczos_reduce.argtypes = (
        *(c_void_p, c_ssize_t, c_int32, axis, c_int, axis, c_int),
        c_void_p,
    )
    library.lanczos_source.restype = c_char_p
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()
    fits = library.lanczos_source() == digest.encode() and library.lanczos_runs_here()
    return library if fits else None
