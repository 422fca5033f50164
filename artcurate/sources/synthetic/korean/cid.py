"""A synthetic CID as its files: label JSONs per class, and archives of pictures beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from artcurate.sources.synthetic.korean.album import MISSING_LABEL, Album
from artcurate.sources.synthetic.korean.annotators import UNKNOWN
from artcurate.sources.synthetic.korean.codes import LABELS, PLACES, SEX_SYLLABLES, label_words
from artcurate.sources.synthetic.korean.photos import Photo, encode_photo, encode_placeholder
from artcurate.sources.synthetic.scenes import stream
from artcurate.sources.synthetic.zips import ZipWriter

Rows = NDArray[np.int64]

TRAINING_PARTS: Final = 4
#: Label -> (whose archives hold a part of its pictures instead, the size of that part).
_MISPLACED: Final = {"embarrassment": ("anxiety", 0.24), "anxiety": ("embarrassment", 0.62)}
_PROFESSION: Final = {True: "전문인", False: "일반인"}
_ANNOTATORS: Final = ("annot_A", "annot_B", "annot_C")
#: Annotators' forms name the first place a little shorter than uploaders'.
_SHORT_PLACE: Final = "공공시설/종교/의료"
#: Of the coordinates, every so many is a whole number.
_WHOLE: Final = 60
_SPLIT_LABEL, _SPLIT_PART, _PIECES = "happiness", 2, 12


@dataclass(frozen=True, slots=True)
class PhotoArchive:
    """An archive to write: an independent piece of work.

    photos: (name as the archive spells it, picture). placeholders: write tiny pictures instead.
    pieces: cut the archive into so many files, `.part0` and on.
    """

    path: Path
    photos: tuple[tuple[bytes, Photo], ...]
    placeholders: bool
    pieces: int = 1


def write_labels(folder: Path, album: Album) -> list[Path]:
    """Write the label files, ASCII with escapes as CID has them; returns their paths."""
    order = stream(album.people.seed, "records").permutation(np.flatnonzero(~album.unlabelled))
    written = []
    for release, training in (("Training", True), ("Validation", False)):
        for label, word in enumerate(label_words()):
            suffix = release[:5].upper()
            path = folder / release / f"[라벨]EMOIMG_{word}_{suffix}"
            path.mkdir(parents=True)
            path /= f"img_emotion_{release.lower()}_data({word}).json"
            chosen = (album.shots.training == training) & (album.shots.label == label)
            path.write_text(json.dumps(list(_records(album, order[chosen[order]]))))
            written.append(path)
    return written


def photo_archives(
    folder: Path, album: Album, *, placeholders: bool, split: bool
) -> Iterator[PhotoArchive]:
    """The archives of pictures, one after another; the missing one is not among them.

    split: the second part of one label is cut into twelve pieces.
    """
    holder = _holders(album)
    names = [name.encode("cp949") for name in album.names]
    order = album.names.arg_sort().to_numpy()
    words = label_words()
    for release, training in (("Training", True), ("Validation", False)):
        for label, word in enumerate(words):
            inside = (holder == label) & (album.shots.training == training) & ~album.missing
            rows = order[inside[order]]
            parts = TRAINING_PARTS if training else 1
            if training and LABELS[label] == MISSING_LABEL:
                parts -= 1
            for part, members in enumerate(np.array_split(rows, parts), start=1):
                number = f"_{part:02}" if training else ""
                cut = split and training and (LABELS[label], part) == (_SPLIT_LABEL, _SPLIT_PART)
                yield PhotoArchive(
                    path=folder
                    / release
                    / f"[원천]EMOIMG_{word}_{release[:5].upper()}{number}.zip",
                    photos=tuple(
                        zip((names[row] for row in members), album.photos(members), strict=True)
                    ),
                    placeholders=placeholders,
                    pieces=_PIECES if cut else 1,
                )


def missing_archive() -> str:
    """Base name of the archive that is not there."""
    word = label_words()[LABELS.index(MISSING_LABEL)]
    return f"[원천]EMOIMG_{word}_TRAIN_{TRAINING_PARTS:02}.zip"


def write_archive(archive: PhotoArchive) -> int:
    """Draw and write the pictures of an archive; returns how many."""
    encode = encode_placeholder if archive.placeholders else encode_photo
    with archive.path.open("wb") as out, ZipWriter(out) as writer:
        for name, photo in archive.photos:
            writer.add(name, encode(photo), compress=False)
    if archive.pieces > 1:
        _cut(archive.path, archive.pieces)
    return len(archive.photos)


def _cut(path: Path, pieces: int) -> None:
    """Replace a file by `.part0`, `.part1`, …; each is read and written in turn."""
    size = path.stat().st_size
    step = -(-size // pieces)
    with path.open("rb") as whole:
        for number in range(pieces):
            path.with_name(f"{path.name}.part{number}").write_bytes(whole.read(step))
    path.unlink()


def _holders(album: Album) -> NDArray[np.int64]:
    """(n,) the label in whose archives each picture lies, not always its own."""
    generator = stream(album.people.seed, "folders")
    holder = album.shots.label.astype(np.int64)
    for name, (other, share) in _MISPLACED.items():
        rows = generator.permutation(np.flatnonzero(album.shots.label == LABELS.index(name)))
        holder[rows[: round(share * len(rows))]] = LABELS.index(other)
    return holder


def _records(album: Album, rows: Rows) -> Iterator[dict[str, Any]]:
    shots, people, said = album.shots, album.people, album.annotations
    words, male = [*label_words(), UNKNOWN], people.male
    sizes = np.tile(album.sizes()[rows], 2)
    boxes = np.round(said.boxes[rows] * sizes[:, None, :], 4).tolist()
    for row, name, drawn in zip(rows.tolist(), album.names.gather(rows), boxes, strict=True):
        person = int(shots.person[row])
        yield {
            "filename": name,
            "gender": SEX_SYLLABLES[0 if male[person] else 1],
            "age": int(people.age[person]),
            "isProf": _PROFESSION[bool(people.professional[person])],
            "faceExp_uploader": words[shots.label[row]],
            "bg_uploader": PLACES[shots.place[row]],
            **{
                annotator: {
                    "boxes": _box(drawn[number], whole=row % _WHOLE == number),
                    "faceExp": words[said.emotions[row, number]],
                    "bg": _place_word(int(said.places[row, number])),
                }
                for number, annotator in enumerate(_ANNOTATORS)
            },
        }


def _box(corners: Sequence[float], *, whole: bool) -> dict[str, float | int]:
    left, top, right, bottom = corners
    return {
        "maxX": right,
        "maxY": bottom,
        "minX": left,
        "minY": round(top) if whole else top,
    }


def _place_word(place: int) -> str:
    return _SHORT_PLACE if place == 0 else PLACES[place]
