"""Metadata out of image files without touching a pixel: EXIF (GPS!), XMP, comments, thumbnails.

Kept is what decides how pixels look: ICC profiles, gamma, transparency, the Adobe and JFIF marks.
Dropped is everything else, what follows the end of the image (further frames, appended films)
included.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]

UPRIGHT = 1

_EXIF_MARK = b"Exif\0\0"
_ORIENTATION_TAG = 0x0112

_SOI, _EOI, _SOS, _COM, _APP0, _APP1, _APP2, _APP14, _APP15 = (
    *(0xD8, 0xD9, 0xDA, 0xFE),
    *(0xE0, 0xE1, 0xE2, 0xEE, 0xEF),
)
_JFIF_BYTES_WITHOUT_THUMBNAIL = 18
#: By the byte that follows 0xFF, whether it ends a scan: all but zero (a literal 0xFF) and the
#: restart marks.
_ENDS_SCAN = np.ones(256, dtype=bool)
_ENDS_SCAN[[0x00, *range(0xD0, 0xD8)]] = False
#: Bytes of a scan that are looked at together.
_CHUNK = 2**16

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(b"tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs".split())

_WEBP_KEPT = frozenset((b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"))
_WEBP_ANIMATED, _WEBP_XMP, _WEBP_EXIF = 0x02, 0x04, 0x08


@dataclass(frozen=True, slots=True)
class Bare:
    """An image file without metadata.

    data: the file; the very object that came in where there was nothing to drop.
    orientation: the EXIF orientation (1 to 8) the file had; 1 where it had none or a broken one.
    animated: the file still holds several frames.
    scans: passes over the pixels of a JPEG; 1 for other formats.
    """

    data: bytes
    orientation: int = UPRIGHT
    animated: bool = False
    scans: int = 1


def without_metadata(data: bytes, image_format: Format) -> Bare | None:
    """`data` less its metadata, or None where the file's structure cannot be followed.

    GIF, TIFF and BMP are never followed.
    """
    try:
        if image_format == "JPEG":
            return _bare_jpeg(data)
        if image_format == "PNG":
            return _bare_png(data)
        if image_format == "WEBP":
            return _bare_webp(data)
    except (struct.error, IndexError):
        return None
    return None


def exif_orientation(block: bytes) -> int:
    """The orientation (1 to 8) that an EXIF block or a TIFF file declares, 1 where it does not.

    Source: Exif 3.0, section 4.6.5.1.6 (tag 0x0112, first image file directory).
    """
    tiff = block.removeprefix(_EXIF_MARK)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(offset + 2, offset + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == _ORIENTATION_TAG:
                form = {3: "H", 4: "I"}.get(kind, "H")
                (value,) = struct.unpack_from(f"{order}{form}", tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def _bare_jpeg(data: bytes) -> Bare | None:
    """Source: ITU-T T.81, annex B (markers and segments)."""
    kept: list[slice] = []
    orientation = UPRIGHT
    position = scans = 0
    dropped = False
    while position < len(data):
        if data[position] != 0xFF:
            return None
        start = position
        while data[position + 1] == 0xFF:
            position += 1
        marker = data[position + 1]
        if marker in (_SOI, 0x01) or 0xD0 <= marker <= 0xD7:
            end = position + 2
        elif marker == _EOI:
            kept.append(slice(start, position + 2))
            dropped |= position + 2 < len(data)
            break
        else:
            end = position + 2 + struct.unpack_from(">H", data, position + 2)[0]
            if end < position + 4 or end > len(data):
                return None
        if _keeps_segment(data, marker, position, end):
            if marker == _SOS:
                scans += 1
                end = _end_of_scan(data, end)
            kept.append(slice(start, end))
        else:
            dropped = True
            body = data[position + 4 : end]
            if marker == _APP1 and body.startswith(_EXIF_MARK) and orientation == UPRIGHT:
                orientation = exif_orientation(body)
        position = end
    bare = b"".join([data[part] for part in kept]) if dropped else data
    return Bare(bare, orientation, scans=scans)


def _end_of_scan(data: bytes, start: int) -> int:
    """Where the next marker stands, or the end of the file."""
    # Over every byte of every image: a chunk at a time is faster than from 0xFF to 0xFF.
    for first in range(start, len(data) - 1, _CHUNK):
        chunk = np.frombuffer(data, np.uint8, min(_CHUNK + 1, len(data) - first), first)
        suspects = chunk[:-1] == 0xFF
        suspects &= chunk[1:] != 0
        if not suspects.any():
            continue
        places = np.flatnonzero(suspects)
        markers = places[_ENDS_SCAN[chunk[places + 1]]]
        if markers.size:
            return first + int(markers[0])
    return len(data)


def _keeps_segment(data: bytes, marker: int, start: int, end: int) -> bool:
    if marker == _APP0:
        return data.startswith(b"JFIF\0", start + 4) and (
            end - start == _JFIF_BYTES_WITHOUT_THUMBNAIL
        )
    if marker == _APP2:
        return data.startswith(b"ICC_PROFILE\0", start + 4)
    if marker == _APP14:
        return data.startswith(b"Adobe", start + 4)
    return not (_APP0 <= marker <= _APP15 or marker == _COM)


def _bare_png(data: bytes) -> Bare | None:
    """Source: PNG Specification, third edition, section 5.3 (chunk layout)."""
    kept = [_PNG_SIGNATURE]
    orientation = UPRIGHT
    position = len(_PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            return None
        # An upper-case first letter marks a chunk that no decoder may skip.
        if kind in _PNG_KEPT or kind[:1].isupper():
            kept.append(data[position:end])
        elif kind == b"eXIf":
            orientation = exif_orientation(data[position + 8 : end - 4])
        position = end
    bare = b"".join(kept)
    return Bare(data if len(bare) == len(data) else bare, orientation)


def _bare_webp(data: bytes) -> Bare | None:
    """Source: RFC 9649, section 2 (RIFF container, VP8X flags)."""
    (declared,) = struct.unpack_from("<I", data, 4)
    limit = declared + 8
    if limit > len(data):
        return None
    kept: list[bytes] = []
    orientation = UPRIGHT
    animated = False
    position = 12
    while position + 8 <= limit:
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length + length % 2
        if end > limit:
            return None
        if kind == b"VP8X":
            animated = bool(data[position + 8] & _WEBP_ANIMATED)
            flags = data[position + 8] & ~(_WEBP_XMP | _WEBP_EXIF)
            kept.append(data[position : position + 8] + bytes([flags]) + data[position + 9 : end])
        elif kind in _WEBP_KEPT:
            kept.append(data[position:end])
        elif kind == b"EXIF":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
        position = end
    body = b"".join(kept)
    bare = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    return Bare(data if bare == data else bare, orientation, animated)
