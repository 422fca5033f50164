"""The raw corpora: what each is, under which terms it stands, and where it comes from.

`schemas/sources.yaml` says it once; the commands that download and the gate that guards publishing
read it from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from artcurate import resources
from artcurate.checked_yaml import FileModel, read_checked
from artcurate.errors import DataError, UsageError

_FILE = "sources"


class Permission(StrEnum):
    """Whether something may be passed on.

    `with-permission`: to everybody only by who has the holders' permission; a private repository,
    which its owner alone opens to others, may hold it.
    """

    YES = "yes"
    NO = "no"
    WITH_PERMISSION = "with-permission"


class Licence(FileModel):
    """The name of a licence or of terms of use, and where they can be read."""

    name: str
    url: str


class Redistribution(FileModel):
    """What of a corpus may be passed on, and on which ground."""

    text: Permission
    """Its sentences, as they are or normalised."""
    pixels: Permission
    """Its pictures, as they are or resized."""
    derivatives: Permission
    """What was made of it and shows neither text nor pixels: its labels, votes, measures.

    Ids, splits and hashes are always allowed: they say nothing to who does not hold the corpus.
    """
    basis: str
    """The terms this follows from, in a sentence."""


def _base_name(name: str) -> str:
    if name != PurePosixPath(name).name or name in ("", ".", ".."):
        raise ValueError("must be a plain name without folders")
    return name


FileName = Annotated[str, AfterValidator(_base_name)]


class HubPlace(FileModel):
    """A dataset repository on the Hugging Face Hub."""

    kind: Literal["hub"]
    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    files: tuple[str, ...]
    """Patterns of the files that are wanted."""
    revision: str = "main"
    """A commit where one is pinned; the branch's newest commit is recorded otherwise."""
    folder: FileName | None = None
    """Where to put it instead of the source's folder."""
    buildable: bool = True
    """Whether a bundled pipeline can read what lies there."""
    note: str

    @property
    def label(self) -> str:
        return self.repo


class DrivePlace(FileModel):
    """A zip archive on Google Drive."""

    kind: Literal["drive"]
    id: str = Field(pattern=r"^[\w-]{10,}$")
    file: FileName
    size: int = Field(gt=0)
    """Bytes, about: what the publisher states, rounded."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    note: str

    @property
    def label(self) -> str:
        return "drive"


class AIHubPlace(FileModel):
    """A dataset of AI Hub, fetched with the user's own key."""

    kind: Literal["aihub"]
    dataset: int = Field(gt=0)
    note: str

    @property
    def label(self) -> str:
        return "aihub"


class FormPlace(FileModel):
    """A place where only a person gets through; `steps` says what to do there."""

    kind: Literal["form"]
    url: str
    steps: tuple[str, ...] = Field(min_length=1)
    note: str

    @property
    def label(self) -> str:
        return "by hand"


Place = Annotated[HubPlace | DrivePlace | AIHubPlace | FormPlace, Field(discriminator="kind")]


class Source(FileModel):
    """One raw corpus."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    what: str
    homepage: str
    licence: Licence
    terms: str
    redistribute: Redistribution
    gated: bool = False
    """Whether its holders want to know each user: a form or an approval stands before it."""
    faces: bool = False
    """Whether it shows the faces of living persons."""
    size: int | None = Field(default=None, gt=0)
    """Bytes of the whole corpus, about; None where nobody states it."""
    folder: FileName
    """Where it lies below the data home."""
    found_by: tuple[str, ...]
    """Patterns below the data home that tell whether it is there."""
    reader: str
    """The reader of `sources.registry` that understands it."""
    forms: tuple[str, ...] = ()
    """The forms of its annotation files (`sources.forms`), where several corpora share a reader."""
    places: tuple[Place, ...] = Field(min_length=1)
    """Where it comes from, in the order in which they are tried."""
    then: str
    """The command that uses what lies in the data home; `{folder}` stands for the folder."""
    then_elsewhere: str
    """The command that uses what lies in another folder, `{folder}`."""
    citation: str


class _CatalogueFile(FileModel):
    title: str
    sources: dict[str, Source]

    @field_validator("sources", mode="before")
    @classmethod
    def _named(cls, entries: object) -> object:
        """Each corpus knows the name that it stands under."""
        if not isinstance(entries, dict):
            return entries
        return {
            name: {"name": name, **entry} if isinstance(entry, dict) else entry
            for name, entry in entries.items()
        }


@cache
def sources() -> Mapping[str, Source]:
    """Every known corpus under its name, in the order of the catalogue.

    Raises DataError where the bundled catalogue is wrong.
    """
    return read_catalogue(resources.schema_path(_FILE))


def source(name: str) -> Source:
    """The corpus called `name`. Raises UsageError naming the nearest one."""
    known = sources()
    if name not in known:
        raise UsageError(f"no corpus {resources.nearest(name, known)}")
    return known[name]


def read_catalogue(path: Path) -> Mapping[str, Source]:
    """The corpora that the catalogue at `path` describes, under their names.

    Raises DataError for every place of the file that is wrong.
    """
    return MappingProxyType(read_checked(path, _CatalogueFile).sources)


def source_of(reader: str, form: str | None = None) -> Source:
    """The corpus that an input of a pipeline holds.

    reader: the input's reader.
    form: the form of its annotations file, where the reader reads several corpora.

    Raises DataError where the catalogue knows no such corpus.
    """
    for known in sources().values():
        if known.reader == reader and (not known.forms or form is None or form in known.forms):
            return known
    what = f"reader {reader!r}" + (f", form {form!r}" if form else "")
    raise DataError(f"{what}: no corpus of the catalogue is read so; its terms are unknown.")
