"""From folders, archives and Parquet files to the table of paintings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus
from artcurate.errors import DataError
from artcurate.keys import name_paintings, nfc_key
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.remote.files import MissingError
from artcurate.sources.wikiart.containers import (
    NAMELESS_ROWS,
    find_containers,
    scan_containers,
)
from artcurate.sources.wikiart.elsewhere import looks_elsewhere
from artcurate.sources.wikiart.folders import scan_folders
from artcurate.sources.wikiart.names import CONTAINER_SUFFIXES, suffix_of
from artcurate.sources.wikiart.scan import FoundFault, Scan

_ARCHIVE_FOLDER = "wikiart"
_EXPECTED = (
    "give the folder that holds WikiArt's style folders (Baroque, Impressionism, ...) "
    "with the paintings in them, or a tar, zip or Parquet file of them"
)

_FILE_SCHEMA = {
    "style": pl.String(),
    "painting": pl.String(),
    "location": pl.String(),
    "member": pl.String(),
    "source": pl.String(),
    "bytes": pl.Int64(),
}
_FAULT_SCHEMA = {
    "style": pl.String(),
    "painting": pl.String(),
    "source": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
}


def locate_wikiart(root: AnyPath, *, name: str = "images") -> Corpus:
    """The paintings below `root`, which holds the style folders or a folder `wikiart` with them.

    Where there are no such folders, those in the tar and zip archives below `root` are taken, and
    the pictures in Parquet files there (`containers.scan_containers`); `root` may also be one such
    file, and a URL. Archives beside style folders are only counted: they are what was unpacked.

    No image is opened. `images` is sorted by id; its `location` is spelled as on disk, `member` as
    in the archive, or it is the 0-based row of a Parquet file, whose `bytes` are null; id, style
    and painting are in NFC, artist and title are slugs with their mojibake repaired. Its root is
    named `name`, and so are the findings: images, styles, containers (images in each), other_files,
    set_aside.

    Symbolic links out of the folder, folders and files that cannot be read, encrypted members and
    names that are not UTF-8 go to the quarantine. Of several files with one id (NFC and NFD copies,
    a JPEG and a PNG) the one whose name is in NFC is kept, then the first by name; the others go to
    the quarantine. Files without the suffix of an image and hidden files are only counted.

    Raises DataError when there is nothing there, it cannot be read, an archive is damaged, or there
    is no image.
    """
    folder, scan = _scan(root)
    files = pl.DataFrame(scan.files, schema=_FILE_SCHEMA, orient="row")
    images, twins = _name_images(files, name)
    refused = pl.DataFrame(scan.faults, schema=_FAULT_SCHEMA, orient="row").sort("style", "source")
    faults = _quarantine_rows(_with_ids(refused))
    quarantine = pl.concat([faults, _quarantine_rows(twins)])
    corpus = Corpus(
        annotations=pl.DataFrame(schema={"id": pl.String}),
        images=images,
        quarantine=quarantine,
        roots={name: folder},
    )
    return corpus.with_findings(
        name,
        {
            "images": images.height,
            "styles": _counts(images["style"]),
            "containers": _counts(images.filter(pl.col("member").is_not_null())["location"]),
            "other_files": dict(sorted(scan.others.items())),
            "set_aside": _counts(quarantine["reason"]),
        },
    )


def _scan(root: AnyPath) -> tuple[AnyPath, Scan]:
    """The folder below which the pictures lie, and what is there.

    What could not be read on the way there is among its faults.
    """
    faults: list[FoundFault] = []
    nameless = 0
    try:
        for folder, scan in _looks(root):
            faults += scan.faults
            nameless += scan.others[NAMELESS_ROWS]
            if scan.files:
                return folder, replace(scan, faults=faults)
    except MissingError as error:
        raise DataError(f"{root}: {error.detail}; {_EXPECTED}.") from None
    except OSError as error:
        raise DataError(
            f"{error.filename or root}: cannot be read ({error.strerror}); {_EXPECTED}."
        ) from None
    if faults:
        return root, Scan(faults=faults)
    if nameless:
        raise DataError(
            f"{root}: its Parquet files hold {nameless:,} pictures without the style and name by "
            "which captions find them, as the copies of WikiArt on the Hub do; fetch the archive, "
            "as `artcurate sources wikiart` says."
        )
    raise DataError(f"{root}: holds no images in style folders; {_EXPECTED}.")


def _looks(root: AnyPath) -> Iterator[tuple[AnyPath, Scan]]:
    """What there is to find pictures in, in the order in which it is to be taken."""
    if isinstance(root, RemotePath):
        return looks_elsewhere(root, _ARCHIVE_FOLDER)
    if not root.exists():
        raise DataError(f"{root}: no such file or folder; {_EXPECTED}.")
    return _looks_at_file(root) if root.is_file() else _looks_below(root)


def _looks_below(root: Path) -> Iterator[tuple[AnyPath, Scan]]:
    for folder in (root, root / _ARCHIVE_FOLDER):
        if folder.is_dir():
            yield folder, scan_folders(os.path.realpath(folder))
    real = os.path.realpath(root)
    yield root, scan_containers(root, find_containers(real))


def _looks_at_file(file: Path) -> Iterator[tuple[AnyPath, Scan]]:
    real = file.resolve()
    if suffix_of(real.name) not in CONTAINER_SUFFIXES:
        raise DataError(f"{file}: is no folder and no tar, zip or Parquet file; {_EXPECTED}.")
    yield real.parent, scan_containers(real.parent, [real.name])


def _name_images(files: pl.DataFrame, root: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(the images table, the files whose id another file has taken)."""
    ordered = (
        _with_ids(files)
        .with_columns(place=pl.concat_str("location", "member", separator="/", ignore_nulls=True))
        .with_columns(spelled_otherwise=pl.col("place") != nfc_key(pl.col("place")))
        .sort("id", "spelled_otherwise", "place")
    )
    named = name_paintings(ordered.drop("id", "spelled_otherwise"))
    images = named.select(
        "id",
        "style",
        "painting",
        "artist",
        "title",
        root=pl.lit(root),
        location="location",
        member="member",
        source="source",
        bytes="bytes",
    )
    twins = (
        ordered.join(named.select("id", kept="place"), on="id", maintain_order="left")
        .filter(pl.col("place") != pl.col("kept"))
        .with_columns(
            reason=pl.lit("same_name"),
            detail=pl.format("{} is the same name as {}, which is kept", "place", "kept"),
        )
    )
    return images, twins


def _with_ids(places: pl.DataFrame) -> pl.DataFrame:
    key = pl.concat_str("style", "painting", separator="/").str.strip_suffix("/")
    return places.with_columns(id=nfc_key(key))


def _quarantine_rows(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "id",
        "source",
        "reason",
        "detail",
        table=pl.lit("images"),
        row=pl.lit(None, pl.Int64),
        step=pl.lit("read"),
        by_design=pl.lit(False),
    ).select([pl.col(name).cast(dtype) for name, dtype in QUARANTINE_SCHEMA.items()])


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(sorted(Counter(values.to_list()).items()))
