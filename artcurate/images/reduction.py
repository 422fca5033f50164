"""Lanczos reduction of one plane of 8-bit samples."""

from __future__ import annotations

from artcurate.images import banded, compiled
from artcurate.images.lanczos import Axis, Plane


def reduce_plane(plane: Plane, rows: Axis, columns: Axis) -> Plane:
    """The samples wanted along both axes of `plane`, uint8 (rows.count, columns.count).

    They differ from those of Pillow's Lanczos filter by 1 at most, and are the same on every
    machine: `compiled` and `banded` give the same ones.
    """
    if compiled.takes(plane):
        return compiled.reduce_plane(plane, rows, columns)
    return banded.reduce_plane(plane, rows, columns)
