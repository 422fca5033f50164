"""Finding ECC's dialogues below folders, whatever the files are called and packed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from artcurate.archives.documents import Content, Document, documents, read_content
from artcurate.archives.faults import ArchiveError
from artcurate.archives.tree import File, Tree
from artcurate.errors import DataError
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.remote.tree import survey_anywhere
from artcurate.sources.ecc.dialogues import decode_dialogues
from artcurate.sources.ecc.records import looks_like_dialogues, read_dialogues
from artcurate.sources.ecc.tables import looks_like_table, read_csv, read_workbook
from artcurate.sources.releases import Release, release_of
from artcurate.sources.workbooks import looks_like_workbook

Form = Literal["json", "xlsx", "csv"]
#: JSON says most of a dialogue (its talk-id), so it is read first and wins.
FORMS: tuple[Form, ...] = ("json", "xlsx", "csv")

#: Pictures, sounds and films lie beside many corpora and hold no dialogues.
_UNOPENED = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".wav", ".mp3", ".mp4")
_TEXT_SUFFIXES = (".json", ".xlsx", ".csv")
#: So many first bytes show what a file is.
_START_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class DialogueFile:
    """One file of dialogues, decoded (`decode_dialogues`), in the file's order.

    place: its POSIX path below the folder that was given, through the archive it lies in.
    name: its base name.
    url: of the file or of its archive; None for this machine.
    """

    place: str
    name: str
    form: Form
    release: Release | None
    bytes: int
    sha256: str
    dialogues: pl.DataFrame
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found below the given paths.

    same: (place, place of the file with the same content) of files that were not read again.
    ignored: places of files that hold no dialogues.
    """

    files: tuple[DialogueFile, ...]
    same: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    tree: Tree[File]


def find_dialogues(paths: Sequence[AnyPath]) -> Found:
    """Every file of ECC dialogues at or below `paths`, JSON first, then by place.

    Raises:
        DataError: nothing is found, or a file or archive is damaged; all problems at once.
    """
    tree = survey_anywhere(paths, unopened=_UNOPENED)
    problems: list[str] = []
    ignored: list[str] = []
    same: list[tuple[str, str]] = []
    files: list[DialogueFile] = []
    seen: dict[str, str] = {}
    for document in documents(tree, unopened=_UNOPENED):
        try:
            form = _form_of(document)
            content = read_content(document) if form else None
            if form is None or content is None:
                ignored.append(document.place)
            elif content.sha256 in seen:
                same.append((document.place, seen[content.sha256]))
            elif (raw := _read(content, form)) is not None:
                seen[content.sha256] = document.place
                files.append(_decoded(content, form, raw))
            else:
                ignored.append(document.place)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    if not files:
        given = ", ".join(str(path) for path in paths)
        raise DataError(
            f"{given}: no ECC dialogues among {len(ignored):,} files; give the folder that holds "
            "감성대화말뭉치 as JSON, xlsx or CSV, zipped or not."
        )
    files.sort(key=lambda file: FORMS.index(file.form))
    return Found(tuple(files), tuple(same), tuple(ignored), tree)


def _form_of(document: Document) -> Form | None:
    try:
        start = document.start(_START_BYTES)
    except ArchiveError:
        if document.name.lower().endswith(_TEXT_SUFFIXES):
            raise
        return None
    if looks_like_workbook(document.name, start):
        return "xlsx"
    if looks_like_dialogues(start):
        return "json"
    return "csv" if looks_like_table(start) else None


def _read(content: Content, form: Form) -> pl.DataFrame | None:
    if form == "json":
        return read_dialogues(content)
    return read_workbook(content) if form == "xlsx" else read_csv(content)


def _decoded(content: Content, form: Form, raw: pl.DataFrame) -> DialogueFile:
    document = content.document
    path = document.file.path
    release = release_of(f"{document.file.root.name}/{document.place}")
    return DialogueFile(
        place=document.place,
        name=document.name,
        form=form,
        release=release,
        bytes=len(content.data),
        sha256=content.sha256,
        dialogues=decode_dialogues(raw, release),
        url=str(path) if isinstance(path, RemotePath) else None,
    )
