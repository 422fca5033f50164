"""A synthetic WikiArt folder: `<Style>/<name>.jpg`, with the faults that real files have."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from artcurate.sources.synthetic.gallery import STYLES, Gallery
from artcurate.sources.synthetic.pictures import Picture, paint
from artcurate.sources.synthetic.scenes import AROUSAL, VALENCE

_BATCH = 32
_THUMBNAIL_SIDE = 48
_LARGE_FACTOR = 3
_LARGEST_SIDE = 2600
_QUALITY = 88
_COPY_QUALITY = 74
_COPY_SCALE = 0.9
_KEPT_BY_CUT = 0.6
_SOFTWARE = "Adobe Photoshop CS2 Windows"

#: How the pixels of an upright picture are turned so that the orientation puts them right again.
_TURNS: Final = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


class PixelMode(StrEnum):
    """How much of the pictures a sample holds."""

    FULL = "full"
    THUMBNAIL = "thumbnail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PictureFile:
    """One JPEG file. `location` is relative to the WikiArt folder.

    copied: scaled and compressed once more; cropped: a part only.
    orientation: EXIF; located: with a GPS position; stamped: with the scanner's software.
    truncated: cut off in the middle of its data.
    """

    location: str
    picture: Picture
    copied: bool = False
    cropped: bool = False
    orientation: int = 1
    located: bool = False
    stamped: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """Files to write below `root`; an independent piece of work."""

    root: Path
    files: tuple[PictureFile, ...]


def picture_batches(
    gallery: Gallery, root: Path, *, side: int, pixels: PixelMode
) -> list[PictureBatch]:
    """Every file of the gallery but the missing one. `side`: the shorter side in pixels."""
    if pixels is PixelMode.NONE:
        return []
    files = list(_picture_files(gallery, _THUMBNAIL_SIDE, 1))
    if pixels is PixelMode.FULL:
        files = list(_picture_files(gallery, side, _LARGE_FACTOR))
    return [
        PictureBatch(root, tuple(files[start : start + _BATCH]))
        for start in range(0, len(files), _BATCH)
    ]


def paint_batch(batch: PictureBatch) -> int:
    """Paint and write a batch; returns the number of bytes written."""
    written = 0
    for file in batch.files:
        data = encode(file)
        target = batch.root / file.location
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        written += len(data)
    return written


def encode(file: PictureFile) -> bytes:
    """The JPEG bytes of a file; the same for the same `PictureFile`."""
    image = paint(file.picture)
    if file.cropped:
        width, height = image.size
        image = image.crop((width // 6, height // 10, width, height - height // 8))
    if file.copied:
        width, height = (max(1, round(length * _COPY_SCALE)) for length in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    if file.orientation in _TURNS:
        image = image.transpose(_TURNS[file.orientation])
    buffer = io.BytesIO()
    quality = _COPY_QUALITY if file.copied else _QUALITY
    image.save(buffer, "JPEG", quality=quality, exif=_exif(file))
    data = buffer.getvalue()
    return data[: int(len(data) * _KEPT_BY_CUT)] if file.truncated else data


def known_duplicates(gallery: Gallery) -> Iterator[tuple[int, str, str]]:
    """(group, art_style, painting) as ArtEmis lists them: the kept painting of a group first.

    Only a part of the gallery's copies is listed.
    """
    members = np.flatnonzero(gallery.listed_group >= 0)
    order = members[np.lexsort((members, gallery.listed_group[members]))]
    for row in order.tolist():
        style = STYLES[int(gallery.styles[row])].name
        yield int(gallery.listed_group[row]), style, gallery.names[row]


def _picture_files(gallery: Gallery, side: int, large_factor: int) -> Iterator[PictureFile]:
    valence = (gallery.moods @ VALENCE).tolist()
    arousal = (gallery.moods @ AROUSAL).tolist()
    sides = np.where(gallery.large, min(side * large_factor, max(side, _LARGEST_SIDE)), side)
    source: Sequence[int] = gallery.picture.tolist()
    for row, original in enumerate(source):
        if row == gallery.missing:
            continue
        yield PictureFile(
            location=f"{gallery.keys[row]}.jpg",
            picture=Picture(
                seed=gallery.seed,
                number=original,
                # A copy shows the original's strokes, whatever folder it lies in.
                style=STYLES[int(gallery.styles[original])].name,
                subject=int(gallery.subjects[original]),
                palette=int(gallery.palettes[original]),
                valence=valence[original],
                arousal=arousal[original],
                side=int(sides[original]),
            ),
            copied=row != original,
            cropped=bool(gallery.cropped[row]),
            orientation=int(gallery.orientation[row]),
            located=row == gallery.located,
            stamped=row % 10 == 0,
            truncated=row == gallery.truncated,
        )


def _exif(file: PictureFile) -> Image.Exif:
    exif = Image.Exif()
    if file.orientation != 1 or file.stamped:
        exif[ExifTags.Base.Orientation] = file.orientation
    if file.stamped:
        exif[ExifTags.Base.Software] = _SOFTWARE
    if file.located:
        exif[ExifTags.Base.GPSInfo] = {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (48.0, 51.0, 36.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (2.0, 20.0, 24.0),
        }
    return exif
