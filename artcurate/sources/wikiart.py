"""WikiArt, as the authors of ArtGAN collected it: 81,444 paintings in 27 style folders.

The archive `wikiart.zip` (25.4 GB) unpacks to `wikiart/<Style>/<artist>_<title>[-year][(n)].jpg`.
Names are lower-case slugs of `a-z 0-9 - _ . ( ) '`; 709 names of 11 artists hold UTF-8 that was
once read as Latin-1, invisible soft hyphens and no-break spaces among it, so a name is never
stripped or cut at white space. The first underscore ends the artist; titles hold more of them.
1,349 base names stand in two style folders, so only style and name together are a key. No checksum
of the archive was ever published and copies are known to be damaged; what the folder holds is taken
as it is, and the step `probe` finds the images that do not decode.

Terms: non-commercial research.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus
from artcurate.errors import DataError
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.storage import resolve_inside
from artcurate.keys import name_paintings, nfc_key

_IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"))
_ARCHIVE_FOLDER = "wikiart"
_EXPECTED = (
    "give the folder that holds WikiArt's style folders (Baroque, Impressionism, ...) "
    "with the paintings in them"
)

_FILE_SCHEMA = {
    "style": pl.String(),
    "painting": pl.String(),
    "location": pl.String(),
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


@dataclass(slots=True)
class _Scan:
    """What a walk over the style folders met, rows in the order of their schemas.

    others: files that are no images, by suffix, and "folders" for folders inside style folders.
    """

    files: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    faults: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def count_other(self, file: str) -> None:
        self.others[_readable(_suffix(file)) or "no suffix"] += 1

    def refuse(self, style: str, file: str, fault: Fault | tuple[str, str]) -> None:
        reason, detail = (fault.reason, fault.detail) if isinstance(fault, Fault) else fault
        self.faults.append((style, _stem(file), file, str(reason), detail))


def locate_wikiart(root: Path, *, name: str = "images") -> Corpus:
    """The paintings below `root`, which holds the style folders or a folder `wikiart` with them.

    No image is opened. `images` is sorted by id; its `location` is spelled as on disk, id, style
    and painting are in NFC, artist and title are slugs with their mojibake repaired. Its root is
    named `name`, and so are the findings: images, styles, other_files, set_aside.

    Symbolic links out of the folder, folders and files that cannot be read, and names that are not
    UTF-8 go to the quarantine. Of several files with one id (NFC and NFD copies, a JPEG and a PNG)
    the one whose name is in NFC is kept, then the first by name; the others go to the quarantine.
    Files without the suffix of an image and hidden files are only counted.

    Raises DataError when there is no such folder, it cannot be read, or it holds no image.
    """
    folder, scan = _scan_root(root)
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
            "other_files": dict(sorted(scan.others.items())),
            "set_aside": _counts(quarantine["reason"]),
        },
    )


def _scan_root(root: Path) -> tuple[Path, _Scan]:
    if not root.is_dir():
        kind = "is not a folder" if root.exists() else "no such folder"
        raise DataError(f"{root}: {kind}; {_EXPECTED}.")
    for folder in (root, root / _ARCHIVE_FOLDER):
        if folder.is_dir():
            try:
                scan = _scan_styles(os.path.realpath(folder))
            except OSError as error:
                raise DataError(
                    f"{folder}: cannot be read ({error.strerror}); {_EXPECTED}."
                ) from None
            if scan.files or scan.faults:
                return folder, scan
    raise DataError(f"{root}: holds no images in style folders; {_EXPECTED}.")


def _scan_styles(root: str) -> _Scan:
    scan = _Scan()
    for entry in _entries(root):
        if _is_hidden(entry.name):
            scan.others["hidden"] += 1
        elif not _is_utf8(entry.name):
            scan.refuse(_readable(entry.name), "", ("name_not_utf8", "The name is not UTF-8."))
        elif entry.is_symlink() and isinstance(fault := resolve_inside(root, entry.name), Fault):
            scan.refuse(entry.name, "", fault)
        elif not entry.is_dir():
            scan.count_other(entry.name)
        else:
            try:
                _scan_style(scan, root, entry)
            except OSError as error:
                detail = f"The folder cannot be read: {error.strerror}."
                scan.refuse(entry.name, "", ("unreadable_folder", detail))
    return scan


def _scan_style(scan: _Scan, root: str, folder: os.DirEntry[str]) -> None:
    style = folder.name
    for entry in _entries(folder.path):
        if _is_hidden(entry.name):
            scan.others["hidden"] += 1
        elif entry.is_dir(follow_symlinks=False):
            scan.others["folders"] += 1
        elif _suffix(entry.name) not in _IMAGE_SUFFIXES:
            scan.count_other(entry.name)
        elif not _is_utf8(entry.name):
            scan.refuse(style, _readable(entry.name), ("name_not_utf8", "The name is not UTF-8."))
        else:
            size = _size_inside(root, style, entry)
            if isinstance(size, Fault):
                scan.refuse(style, entry.name, size)
            else:
                location = f"{style}/{entry.name}"
                scan.files.append((style, _stem(entry.name), location, entry.name, size))


def _size_inside(root: str, style: str, entry: os.DirEntry[str]) -> int | Fault:
    if entry.is_symlink():
        path = resolve_inside(root, f"{style}/{entry.name}")
        if isinstance(path, Fault):
            return path
    try:
        return entry.stat().st_size
    except OSError as error:
        return Fault(FaultReason.UNREADABLE, f"The file cannot be read: {error.strerror}.")


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from sorted(entries, key=lambda entry: entry.name)


def _is_hidden(name: str) -> bool:
    """`.DS_Store`, the `._*.jpg` that macOS puts beside every file, `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def _is_utf8(name: str) -> bool:
    """Bytes that are not UTF-8 arrive from the file system as lone surrogates."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _readable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", errors="replace")


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (Path is ten times slower)


def _stem(name: str) -> str:
    """`name` without the suffix of an image; any other dot belongs to it."""
    suffix = _suffix(name)
    return name[: len(name) - len(suffix)] if suffix in _IMAGE_SUFFIXES else name


def _name_images(files: pl.DataFrame, root: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(the images table, the files whose id another file has taken)."""
    ordered = (
        _with_ids(files)
        .with_columns(spelled_otherwise=pl.col("location") != nfc_key(pl.col("location")))
        .sort("id", "spelled_otherwise", "location")
    )
    images = name_paintings(ordered.drop("id", "spelled_otherwise")).select(
        "id",
        "style",
        "painting",
        "artist",
        "title",
        root=pl.lit(root),
        location="location",
        member=pl.lit(None, pl.String),
        source="source",
        bytes="bytes",
    )
    twins = (
        ordered.join(images.select("id", kept="location"), on="id", maintain_order="left")
        .filter(pl.col("location") != pl.col("kept"))
        .with_columns(
            reason=pl.lit("same_name"),
            detail=pl.format("{} is the same name as {}, which is kept", "location", "kept"),
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
