"""Files and zip archives below a URL, listed and opened like those on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from artcurate.archives.parts import ByteSource, open_bytes, split_name
from artcurate.archives.tree import (
    Archive,
    File,
    Tree,
    index_if_archive,
    is_passed_over,
    order_of,
    survey,
)
from artcurate.errors import DataError
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.remote.blocks import Blocks
from artcurate.remote.files import MissingError, RemoteFiles, open_files
from artcurate.remote.indexes import remote_index
from artcurate.remote.walk import walk


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file below a folder elsewhere (`archives.tree.File`)."""

    root: RemotePath
    location: str
    size: int

    @property
    def path(self) -> RemotePath:
        return self.root / self.location

    @property
    def name(self) -> str:
        return self.location.rpartition("/")[2]

    def open(self) -> ByteSource:
        return open_source(self.path)

    def index(self) -> pl.DataFrame:
        with closing(open_files(self.root)) as files:
            return remote_index(files, self.path)


class _Opened:
    """A file elsewhere with the connection it is read through (`ByteSource`)."""

    def __init__(self, path: RemotePath) -> None:
        with ExitStack() as opened:
            files = opened.enter_context(closing(open_files(path)))
            self._blocks = opened.enter_context(closing(Blocks(files.open(path))))
            self._closing = opened.pop_all()
        self.name = self._blocks.name
        self.size = self._blocks.size

    def read_at(self, offset: int, length: int) -> bytes:
        return self._blocks.read_at(offset, length)

    def close(self) -> None:
        self._closing.close()


def open_source(path: AnyPath) -> ByteSource:
    """The bytes of the file at `path`, of this machine or elsewhere; to be closed by the caller.

    Raises DataError where it cannot be read.
    """
    return _Opened(path) if isinstance(path, RemotePath) else open_bytes(path)


def survey_anywhere(paths: Sequence[AnyPath], *, unopened: tuple[str, ...] = ()) -> Tree[File]:
    """What lies at and below `paths`, of this machine and elsewhere, as `survey` has it.

    Elsewhere there are no symbolic links, and an archive in parts is a problem.

    Raises DataError: all problems of all paths at once.
    """
    trees: list[Tree[File]] = []
    problems: list[str] = []
    # Paths of this machine together: a file met twice counts once.
    here = [path for path in paths if isinstance(path, Path)]
    elsewhere = [path for path in paths if isinstance(path, RemotePath)]
    for found in _surveys(here, elsewhere, unopened):
        if isinstance(found, DataError):
            problems += found.problems
        else:
            trees.append(found)
    if problems:
        raise DataError(problems)
    return Tree(
        files=tuple(file for tree in trees for file in tree.files),
        archives=tuple(archive for tree in trees for archive in tree.archives),
        links_outside=tuple(link for tree in trees for link in tree.links_outside),
        undecodable=tuple(name for tree in trees for name in tree.undecodable),
    )


def _surveys(
    here: Sequence[Path], elsewhere: Iterable[RemotePath], unopened: tuple[str, ...]
) -> Iterator[Tree[File] | DataError]:
    if here:
        try:
            yield survey(here, unopened=unopened)
        except DataError as error:
            yield error
    for root in dict.fromkeys(elsewhere):
        try:
            yield _survey_elsewhere(root, unopened)
        except DataError as error:
            yield error


def _survey_elsewhere(path: RemotePath, unopened: tuple[str, ...]) -> Tree[RemoteFile]:
    with closing(open_files(path)) as files:
        listed = _listed(files, path)
    parts = [file for file in listed if split_name(file.name) is not None]
    if parts:
        problem = "a part of an archive, which is read from disks alone; join the parts."
        raise DataError([f"{file.path}: {problem}" for file in parts])
    plain: list[RemoteFile] = []
    archives: list[Archive[RemoteFile]] = []
    problems: list[str] = []
    for file in listed:
        try:
            index = index_if_archive(file, unopened)
        except DataError as error:
            problems += error.problems
            continue
        if index is None:
            plain.append(file)
        else:
            archives.append(Archive(file, index))
    if problems:
        raise DataError(problems)
    return Tree(tuple(plain), tuple(archives), links_outside=(), undecodable=())


def _listed(files: RemoteFiles, path: RemotePath) -> list[RemoteFile]:
    """The file at `path`, or the files below the folder there, in the order of their places."""
    try:
        found = [
            (place, entry.bytes)
            for place, entry in sorted(
                walk(files, path, is_passed_over), key=lambda one: order_of(one[0])
            )
        ]
        root = path
    except MissingError:
        root = path.as_file()
        found = [(path.name, None)]
    return [
        RemoteFile(root, place, _size(files, root / place) if size is None else size)
        for place, size in found
    ]


def _size(files: RemoteFiles, path: RemotePath) -> int:
    """Asked of the file itself, where its folder's listing does not tell."""
    with closing(files.open(replace(path, only=None))) as source:
        return source.size
