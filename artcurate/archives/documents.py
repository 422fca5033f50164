"""Files that are read whole, whether they lie on disk or inside a zip archive."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.lookup import Member
from artcurate.archives.tree import File, Tree
from artcurate.archives.zips import ZipReader

#: Largest document read, in bytes.
MAX_DOCUMENT_BYTES = 1 << 30

_HIDDEN = r"(?:^|[/\\])\.[^/\\]*$"


@dataclass(frozen=True, slots=True)
class Document:
    """A file, or the member `member` of the zip archive `file`."""

    file: File
    member: Member | None = None

    @property
    def size(self) -> int:
        return self.file.size if self.member is None else self.member.size

    @property
    def place(self) -> str:
        """Its POSIX path below the root, through the archive where it lies in one."""
        inside = f"/{self.member.name}" if self.member else ""
        return f"{self.file.location}{inside}"

    @property
    def name(self) -> str:
        """Its base name."""
        return self.place.replace("\\", "/").rpartition("/")[2]

    @property
    def path(self) -> str:
        """Where it lies, for messages."""
        inside = f", {self.member.name}" if self.member else ""
        return f"{self.file.path}{inside}"

    def start(self, length: int) -> bytes:
        """Up to `length` first bytes. Raises ArchiveError where it cannot be read."""
        if self.member:
            with ZipReader(self.file.open()) as reader:
                return reader.read_start(self.member, length)
        return self._read_file(length)

    def read(self, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
        """All its bytes. Raises ArchiveError where it cannot be read or is larger than allowed."""
        if self.member:
            with ZipReader(self.file.open()) as reader:
                return reader.read_member(self.member, max_bytes=max_bytes)
        if self.size > max_bytes:
            detail = f"It has {self.size:,} bytes, more than the limit of {max_bytes:,}."
            raise ArchiveError(ArchiveFault.TOO_LARGE, self.path, detail)
        return self._read_file(self.size)

    def _read_file(self, length: int) -> bytes:
        source = self.file.open()
        try:
            return source.read_at(0, length)
        finally:
            source.close()


@dataclass(frozen=True, slots=True)
class Content:
    """A document that has been read."""

    document: Document
    data: bytes
    sha256: str


def documents(tree: Tree[File], *, unopened: tuple[str, ...]) -> Iterator[Document]:
    """Files and members of `tree` but those whose names end in one of `unopened` (lower case).

    What macOS adds to archives is passed over.
    """
    for file in tree.files:
        if not file.name.lower().endswith(unopened):
            yield Document(file)
    passed_over = "|".join([_HIDDEN, *(rf"(?i:{re.escape(ending)})$" for ending in unopened)])
    for archive in tree.archives:
        members = archive.index.filter(~pl.col("name").str.contains(passed_over))
        for values in members.drop("key").iter_rows():
            yield Document(archive.file, Member(*values))


def read_content(document: Document) -> Content:
    """The bytes of `document` and their sha256. Raises ArchiveError."""
    data = document.read()
    return Content(document, data, hashlib.sha256(data).hexdigest())
