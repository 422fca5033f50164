"""A synthetic ArtELingo as users hold it: the release's CSV and a WikiArt folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artcurate.engines import Engine, Lost
from artcurate.errors import DataError, UsageError
from artcurate.progress import Meter, ProgressMode, meter
from artcurate.sources.synthetic.captions import draw_hands
from artcurate.sources.synthetic.folders import appearing, check_folder, write_readme
from artcurate.sources.synthetic.gallery import STYLES, Gallery, draw_gallery
from artcurate.sources.synthetic.release import write_release
from artcurate.sources.synthetic.votes import Votes, draw_votes
from artcurate.sources.synthetic.wikiart import (
    PictureBatch,
    PixelMode,
    known_duplicates,
    paint_batch,
    picture_batches,
)

RELEASE_FILE = "artelingo_release.csv"
DUPLICATES_FILE = "artemis_duplicates.csv"
WIKIART_FOLDER = "wikiart"
_TITLE = "Synthetic ArtELingo sample made by artcurate; no real painting, artist or caption."


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What a sample holds.

    paintings: WikiArt keys, copies included; captioned: those with captions; pictures: files.
    captions, empty, wrong_language, repeated, translated: rows of the CSV, and how many of them
        have no text, a text in another language than declared, the text of an earlier caption
        of the painting, or a literal translation of one.
    mojibake: keys with mis-decoded names. copies: paintings that show another one's picture;
        listed: those of them in the known-duplicates list.
    missing, truncated: keys of the painting without a file and of the one with a broken file.
    bytes: of all files.
    """

    directory: Path
    paintings: int
    captioned: int
    pictures: int
    captions: int
    empty: int
    wrong_language: int
    repeated: int
    translated: int
    mojibake: int
    copies: int
    listed: int
    missing: str
    truncated: str
    bytes: int


def write_artelingo_sample(
    directory: Path,
    *,
    paintings: int = 600,
    captions: int | None = None,
    seed: int = 0,
    pixels: PixelMode = PixelMode.FULL,
    image_size: int = 320,
    engine: Engine | None = None,
    progress: ProgressMode = ProgressMode.AUTO,
) -> SampleSummary:
    """Write raw ArtELingo inputs; the same arguments give the same bytes.

    `directory` appears whole, with artelingo_release.csv, artemis_duplicates.csv, README.txt and,
    unless `pixels` is NONE, wikiart/. An earlier sample there is replaced.

    Args:
        paintings: WikiArt keys, at least 30.
        captions: rows of the CSV; by default 5-7 English, 3-5 Arabic and 5 Chinese a painting.
        pixels: FULL, THUMBNAIL (48 pixels) or NONE.
        image_size: shorter side of a FULL picture in pixels, 32 to 2600; WikiArt's is about 1100.
        engine: maps the painting over processes; None paints in this one.

    Raises:
        UsageError: a parameter is out of range, or `directory` holds something else.
        DataError: the folder cannot be written.
    """
    if not 32 <= image_size <= 2600:
        raise UsageError(f"image size {image_size} is out of range; give 32 to 2600 pixels.")
    if seed < 0:
        raise UsageError(f"seed {seed} is negative; give 0 or more.")
    check_folder(directory, _TITLE, (RELEASE_FILE, DUPLICATES_FILE, WIKIART_FOLDER))
    gallery = draw_gallery(paintings, seed)
    votes = draw_votes(gallery, captions)
    with appearing(directory) as unfinished:
        with meter("captions", len(votes), unit="caption", mode=progress) as counted:
            _write_tables(unfinished, gallery, votes, counted)
        batches = picture_batches(
            gallery, unfinished / WIKIART_FOLDER, side=image_size, pixels=pixels
        )
        pictures = sum(len(batch.files) for batch in batches)
        with meter("pictures", pictures, unit="picture", mode=progress) as counted:
            _paint_all(batches, engine, counted)
        _describe(unfinished, gallery, votes)
        written = sum(p.stat().st_size for p in unfinished.rglob("*") if p.is_file())
    return _summary(directory, gallery, votes, pictures, written)


def _write_tables(folder: Path, gallery: Gallery, votes: Votes, counted: Meter) -> None:
    with (folder / RELEASE_FILE).open("wb") as out:
        write_release(out, gallery, votes, draw_hands(votes, gallery.seed), counted)
    with (folder / DUPLICATES_FILE).open("w", encoding="utf-8", newline="") as listing:
        writer = csv.writer(listing)
        writer.writerow(("group", "art_style", "painting"))
        writer.writerows(known_duplicates(gallery))


def _paint_all(batches: Sequence[PictureBatch], engine: Engine | None, counted: Meter) -> None:
    if engine is None:
        for batch in batches:
            paint_batch(batch)
            counted.advance(len(batch.files))
        return
    for outcome in engine.map(paint_batch, batches):
        if isinstance(outcome, Lost):
            raise DataError(f"a worker died while it painted pictures: {outcome.detail}")
        counted.advance(len(batches[outcome.index].files))


def _describe(folder: Path, gallery: Gallery, votes: Votes) -> None:
    write_readme(
        folder,
        _TITLE,
        f"{RELEASE_FILE}: {len(votes)} captions; {WIKIART_FOLDER}/<Style>/<artist>_<title>.jpg: "
        f"{len(STYLES)} styles; {DUPLICATES_FILE}: a part of the near-duplicates.",
        f"Seed {gallery.seed}, {len(gallery)} paintings: the same call gives the same bytes.",
    )


def _summary(
    directory: Path, gallery: Gallery, votes: Votes, pictures: int, written: int
) -> SampleSummary:
    return SampleSummary(
        directory=directory,
        paintings=len(gallery),
        captioned=int(np.unique(votes.painting).size),
        pictures=pictures,
        captions=len(votes),
        empty=int(votes.empty.sum()),
        wrong_language=int((votes.text_language != votes.language).sum()),
        repeated=int(votes.repeated.sum()),
        translated=int(votes.translated.sum()),
        mojibake=sum(not name.isascii() for name in gallery.names),
        copies=len(gallery.copies),
        listed=int(gallery.listed_group.max()) + 1,
        missing=gallery.keys[gallery.missing],
        truncated=gallery.keys[gallery.truncated],
        bytes=written,
    )
