"""Synthetic ECC and CID, together what the pairing of the two needs, in AI Hub's layouts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from artcurate.engines import Engine, Lost
from artcurate.errors import DataError, UsageError
from artcurate.progress import Meter, ProgressMode, meter
from artcurate.sources.synthetic.folders import appearing, check_folder, write_readme
from artcurate.sources.synthetic.korean.album import Album, draw_album
from artcurate.sources.synthetic.korean.cid import (
    PhotoArchive,
    missing_archive,
    photo_archives,
    write_archive,
    write_labels,
)
from artcurate.sources.synthetic.korean.dialogues import Dialogues, draw_dialogues
from artcurate.sources.synthetic.korean.ecc import write_ecc
from artcurate.sources.synthetic.wikiart import PixelMode

ECC_FOLDER: Final = "ecc"
CID_FOLDER: Final = "cid"
_TITLE: Final = "Synthetic Korean sample made by artcurate; no real person, face or sentence."
_THUMBNAIL_SIDE: Final = 64
_PLACEHOLDER_SIDE: Final = 12
_LEAST_IMAGES: Final = 140


@dataclass(frozen=True, slots=True)
class KoreanSample:
    """What a sample holds.

    dialogues: of both ECC releases; only_in_sheets: those that the JSON files lack.
    images: label records; unanimous: those on which the uploader and all annotators agree.
    pictures: in the archives that are there; unlabelled: those of them without a record.
    unpictured: records whose picture lies in `missing`, the archive that is not there.
    persons: with at least one record. corrupt: names of the pictures that are cut off.
    bytes: of all files.
    """

    directory: Path
    dialogues: int
    only_in_sheets: int
    persons: int
    images: int
    unanimous: int
    pictures: int
    unlabelled: int
    unpictured: int
    missing: str
    corrupt: tuple[str, ...]
    bytes: int


def write_korean_sample(
    directory: Path,
    *,
    persons: int = 60,
    dialogues: int = 900,
    images: int = 1500,
    seed: int = 0,
    like_published: bool = False,
    older_ecc: bool = False,
    split_archive: bool = False,
    pixels: PixelMode = PixelMode.FULL,
    image_size: int = 200,
    engine: Engine | None = None,
    progress: ProgressMode = ProgressMode.AUTO,
) -> KoreanSample:
    """Write raw inputs of the Korean pairing; the same arguments give the same bytes.

    `directory` appears whole, with ecc/018.감성대화, cid/Training, cid/Validation and README.txt.
    An earlier sample there is replaced.

    Args:
        persons: who sends pictures, at least 12.
        dialogues: of both ECC releases together, at least 100.
        images: CID's label records, at least 140; their pictures lie in zip archives.
        like_published: populations that give the published Table I by the published rules: the
            images on which all agree, and the first and second human sentences of Training
            without repeats, are per emotion, age group and gender as many as limited the
            published pairs, and more on the other side. `persons`, `dialogues` and `images` are
            then the least numbers; there are never fewer than 1,100 persons, about 24,500
            dialogues of Training and about 63,000 records. No fault of the pictures touches one
            that counts.
        older_ecc: ECC's spreadsheets as the older release has them, with a fourth turn.
        split_archive: one archive of pictures lies in pieces, as AI Hub delivers large ones.
        pixels: FULL, THUMBNAIL (64 pixels) or NONE (placeholders of some 400 bytes).
        image_size: shorter side of most FULL pictures in pixels, 64 to 5000; CID's have from
            1083 to 4951.
        engine: maps the drawing over processes; None draws in this one.

    Raises:
        UsageError: a parameter is out of range, the persons are too few for the images, or
            `directory` holds something else.
        DataError: the folder cannot be written.
    """
    pixels = PixelMode(pixels)
    _check_numbers(images, image_size, seed)
    check_folder(directory, _TITLE, (ECC_FOLDER, CID_FOLDER))
    sides = {PixelMode.THUMBNAIL: _THUMBNAIL_SIDE, PixelMode.NONE: _PLACEHOLDER_SIDE}
    talk = draw_dialogues(dialogues, seed, like_published=like_published, fourth_turn=older_ecc)
    album = draw_album(
        persons,
        images,
        seed,
        like_published=like_published,
        short=sides.get(pixels, image_size),
    )
    with appearing(directory) as unfinished:
        with meter("dialogues", len(talk), unit="dialogue", mode=progress) as counted:
            write_ecc(unfinished / ECC_FOLDER, talk, older=older_ecc, counted=counted)
        folder = unfinished / CID_FOLDER
        write_labels(folder, album)
        pictures = int((~album.missing).sum())
        archives = photo_archives(
            folder, album, placeholders=pixels is PixelMode.NONE, split=split_archive
        )
        with meter("pictures", pictures, unit="picture", mode=progress) as counted:
            _write_archives(archives, engine, counted)
        write_readme(
            unfinished,
            _TITLE,
            f"{ECC_FOLDER}: {len(talk)} dialogues in the layout of AI Hub data set 86; "
            f"{CID_FOLDER}: {pictures} pictures in the layout of AI Hub data set 82.",
            f"Seed {seed}: the same call gives the same bytes.",
        )
        written = sum(path.stat().st_size for path in unfinished.rglob("*") if path.is_file())
    return _summary(directory, talk, album, written)


def _check_numbers(images: int, image_size: int, seed: int) -> None:
    if images < _LEAST_IMAGES:
        raise UsageError(
            f"{images} images are too few to hold every kind of fault; "
            f"ask for at least {_LEAST_IMAGES}."
        )
    if not 64 <= image_size <= 5000:
        raise UsageError(f"image size {image_size} is out of range; give 64 to 5000 pixels.")
    if seed < 0:
        raise UsageError(f"seed {seed} is negative; give 0 or more.")


def _write_archives(
    archives: Iterable[PhotoArchive], engine: Engine | None, counted: Meter
) -> None:
    if engine is None:
        for archive in archives:
            counted.advance(write_archive(archive))
        return
    for outcome in engine.map(write_archive, list(archives)):
        if isinstance(outcome, Lost):
            raise DataError(f"a worker died while it drew pictures: {outcome.detail}")
        counted.advance(outcome.result)


def _summary(directory: Path, talk: Dialogues, album: Album, written: int) -> KoreanSample:
    labelled = ~album.unlabelled
    return KoreanSample(
        directory=directory,
        dialogues=len(talk),
        only_in_sheets=int(talk.profiles.only_in_sheet.sum()),
        persons=int(np.unique(album.shots.person[labelled]).size),
        images=int(labelled.sum()),
        unanimous=int((album.shots.unanimous & labelled).sum()),
        pictures=int((~album.missing).sum()),
        unlabelled=int(album.unlabelled.sum()),
        unpictured=int(album.missing.sum()),
        missing=missing_archive(),
        corrupt=tuple(album.names.filter(album.corrupt)),
        bytes=written,
    )
