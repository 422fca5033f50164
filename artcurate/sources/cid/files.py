"""Finding CID's label files below folders, whatever they are called and packed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from artcurate.archives.documents import Content, Document, documents, read_content
from artcurate.archives.faults import ArchiveError
from artcurate.archives.tree import File, Tree
from artcurate.errors import DataError
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.remote.tree import survey_anywhere
from artcurate.sources.cid.labels import looks_like_labels, read_labels
from artcurate.sources.cid.names import parse_names
from artcurate.sources.releases import Release, release_of

_UNOPENED = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".heic", ".mp4")
#: So many first bytes show what a file is.
_START_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One label file.

    place: its POSIX path below the folder that was given, through the archive it lies in.
    release: as the path tells.
    url: of the file or of its archive; None for this machine.
    """

    place: str
    release: Release | None
    records: int
    bytes: int
    sha256: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found below the given paths.

    same: (place, place of the file with the same content) of label files that were not read again.
    ignored: places of files that are neither labels nor pictures.
    """

    files: tuple[LabelFile, ...]
    same: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    tree: Tree[File]


def find_labels(paths: Sequence[AnyPath]) -> tuple[Found, pl.DataFrame]:
    """Every label file at or below `paths`, in the order of their places, and their records.

    The records have the columns of `labels.RAW_SCHEMA` and `parse_names`, file (its number among
    those found, from 0), source (the file's base name) and release. `name` is null where it could
    be parsed.

    Raises:
        DataError: there are none, or a file or archive is damaged; all problems at once.
    """
    tree = survey_anywhere(paths, unopened=_UNOPENED)
    problems: list[str] = []
    ignored: list[str] = []
    same: list[tuple[str, str]] = []
    files: dict[str, LabelFile] = {}
    records: list[pl.DataFrame] = []
    for document in documents(tree, unopened=_UNOPENED):
        try:
            if not _holds_labels(document):
                ignored.append(document.place)
                continue
            content = read_content(document)
            twin = files.get(content.sha256)
            if twin:
                same.append((document.place, twin.place))
            else:
                files[content.sha256], labels = _read(content)
                records.append(labels.with_columns(file=pl.lit(len(files) - 1, pl.Int32)))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    if not files:
        given = ", ".join(str(path) for path in paths)
        raise DataError(
            f"{given}: no CID labels among {len(ignored):,} files; give the folder that holds the "
            "label files (img_emotion_training_data and the like), zipped or not, and the pictures."
        )
    return Found(tuple(files.values()), tuple(same), tuple(ignored), tree), pl.concat(records)


def _holds_labels(document: Document) -> bool:
    try:
        return looks_like_labels(document.start(_START_BYTES))
    except ArchiveError:
        if document.name.lower().endswith(".json"):
            raise
        return False


def _read(content: Content) -> tuple[LabelFile, pl.DataFrame]:
    document = content.document
    release = release_of(f"{document.file.root.name}/{document.place}")
    raw = read_labels(content)
    labels = raw.hstack(parse_names(raw["name"])).with_columns(
        named=pl.col("name").is_not_null(),
        # The name says nothing more once it is parsed, and half a million of them are large.
        name=pl.when(pl.col("id").is_null()).then("name"),
        source=pl.lit(document.name),
        release=pl.lit(release, pl.String),
    )
    path = document.file.path
    file = LabelFile(
        place=document.place,
        release=release,
        records=raw.height,
        bytes=len(content.data),
        sha256=content.sha256,
        url=str(path) if isinstance(path, RemotePath) else None,
    )
    return file, labels
