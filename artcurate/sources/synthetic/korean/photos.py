"""The bytes of a synthetic CID picture: a phone's JPEG, turned as the phone was held."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_256
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from artcurate.sources.synthetic.easel import Colour, Easel, shade
from artcurate.sources.synthetic.korean.faces import Look, draw_face, draw_look, expression
from artcurate.sources.synthetic.korean.places import draw_place
from artcurate.sources.synthetic.scenes import stream

_QUALITY: Final = 88
_KEPT_BY_CUT: Final = 0.55
#: A placeholder is mostly header, which a corrupt picture still has.
_PLACEHOLDER_KEPT_BY_CUT: Final = 0.85
#: Drawn larger and reduced, so that edges are smooth.
_OVERSAMPLED: Final = 2
_OVERSAMPLED_UP_TO: Final = 1200
#: How the pixels of an upright picture are turned so that the orientation puts them right again.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    8: Image.Transpose.ROTATE_270,
}
_PHONES: Final = ("SM-G973N", "SM-N971N", "LM-V500N", "SM-A516N")
_PLACEHOLDER_SIZE: Final = (16, 12)


@dataclass(frozen=True, slots=True)
class Photo:
    """What a picture's bytes depend on.

    number: the picture's own; person, scene: indices; frame: within the scene.
    label, second: what the face shows, indices into LABELS; strength: how clearly.
    face: centre x and y, height and roll of the face in the upright picture.
    width, height: of the upright picture in pixels. moment: as EXIF writes it.
    corrupt: cut off in the middle of its data.
    """

    seed: int
    number: int
    person: int
    male: bool
    age: int
    scene: int
    frame: int
    place: int
    label: int
    second: int
    strength: float
    face: tuple[float, float, float, float]
    width: int
    height: int
    orientation: int
    moment: str
    located: bool
    corrupt: bool


def encode_photo(photo: Photo) -> bytes:
    """The JPEG bytes of a picture; the same for the same `Photo`."""
    image = paint(photo)
    if photo.orientation in _TURNS:
        image = image.transpose(_TURNS[photo.orientation])
    return _jpeg(image, photo)


def encode_placeholder(photo: Photo) -> bytes:
    """A JPEG of some 300 bytes: alike for all frames of a scene, with bytes of its own."""
    data = _scene_placeholder(photo.seed, photo.scene)
    exif = b""
    if photo.orientation != 1:
        # One IFD with one entry: tag 0x0112, SHORT, one value.
        entry = struct.pack("<HHIHHI", 0x0112, 3, 1, photo.orientation, 0, 0)
        exif = _segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry)
    comment = _segment(0xFE, f"{photo.seed}/{photo.number}".encode())
    whole = data[:2] + exif + comment + data[2:]
    return whole[: int(len(whole) * _PLACEHOLDER_KEPT_BY_CUT)] if photo.corrupt else whole


def paint(photo: Photo) -> Image.Image:
    """The upright RGB picture."""
    scale = _OVERSAMPLED if max(photo.width, photo.height) <= _OVERSAMPLED_UP_TO else 1
    size = photo.width * scale, photo.height * scale
    # Frames of a scene share its place and light, and each has a face of its own.
    setting = stream(photo.seed, "scene", str(photo.scene))
    moment = stream(photo.seed, "frame", str(photo.number))
    look = _look(photo.seed, photo.person, photo.male, photo.age)
    easel = Easel(size, _colours(setting), setting)
    draw_place(easel, photo.place)
    moves = expression(look, photo.label, photo.second, photo.strength, moment)
    draw_face(easel, look, moves, photo.face)
    image = easel.image.reduce(scale) if scale > 1 else easel.image
    light = setting.normal(1.0, 0.10) * moment.normal(1.0, 0.02)
    pixels = np.asarray(image, dtype=np.float32) * np.float32(min(max(light, 0.6), 1.3))
    noise = moment.normal(0.0, 3.0, size=(48, 48)).astype(np.float32)
    rows, columns = np.arange(image.height) % 48, np.arange(image.width) % 48
    pixels += noise[np.ix_(rows, columns)][:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@lru_cache(maxsize=2048)
def _look(seed: int, person: int, male: bool, age: int) -> Look:
    return draw_look(seed, person, male=male, age=age)


def _colours(generator: np.random.Generator) -> list[Colour]:
    sky = shade((176, 204, 230), generator.uniform(0.75, 1.1))
    wall, main, accent = (
        (red, green, blue) for red, green, blue in generator.integers(60, 225, size=(3, 3)).tolist()
    )
    return [sky, wall, (150, 132, 112), main, accent]


def _jpeg(image: Image.Image, photo: Photo) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "samsung"
    exif[ExifTags.Base.Model] = _PHONES[photo.person % len(_PHONES)]
    exif[ExifTags.Base.DateTime] = photo.moment
    exif[ExifTags.Base.Orientation] = photo.orientation
    if photo.located:
        exif[ExifTags.Base.GPSInfo] = {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (37.0, 33.0, float(photo.scene % 60)),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (126.0, 58.0, float(photo.person % 60)),
        }
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, exif=exif)
    data = buffer.getvalue()
    return data[: int(len(data) * _KEPT_BY_CUT)] if photo.corrupt else data


@lru_cache(maxsize=1024)
def _scene_placeholder(seed: int, scene: int) -> bytes:
    width, height = _PLACEHOLDER_SIZE
    dots = width // 2, height // 2
    noise = shake_256(f"{seed}/placeholder/{scene}".encode()).digest(dots[0] * dots[1])
    image = Image.frombytes("L", dots, noise).resize((width, height), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return buffer.getvalue()


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">2BH", 0xFF, marker, len(payload) + 2) + payload
