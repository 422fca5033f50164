"""The segments of a JPEG's header (ITU-T T.81, annex B)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

START_OF_SCAN = 0xDA
QUANTIZATION_TABLES = 0xDB
HUFFMAN_TABLES = 0xC4
RESTART_INTERVAL = 0xDD
#: Frames: all but tables of codes, a reserved marker and conditioning of arithmetic codes.
FRAMES = frozenset(range(0xC0, 0xD0)) - {HUFFMAN_TABLES, 0xC8, 0xCC}
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2

END_OF_IMAGE = b"\xff\xd9"


def has_no_effect(marker: int) -> bool:
    """Whether no sample hangs on what a segment says: those of applications, and comments."""
    return 0xE0 <= marker <= 0xEF or marker == 0xFE


class Segment(NamedTuple):
    """A segment: `body` without marker and length, and where it ends in the file."""

    marker: int
    body: bytes
    end: int


def header_segments(jpeg: bytes) -> Iterator[Segment]:
    """The segments from the start of the file up to and with that of its first scan.

    They end early where the file does, or where no marker stands.
    """
    position = 2
    while position + 4 <= len(jpeg) and jpeg[position] == 0xFF:
        marker = jpeg[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4])
        yield Segment(marker, jpeg[position + 4 : end], end)
        if marker == START_OF_SCAN:
            return
        position = end
