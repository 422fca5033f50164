"""The indexes of archives elsewhere, read once for all workers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import polars as pl

from artcurate.archives.directory import INDEX_SCHEMA, read_index
from artcurate.archives.lookup import Lookup
from artcurate.archives.parts import ByteSource
from artcurate.archives.tars import TarReader, read_tar_index
from artcurate.archives.zips import ZipReader
from artcurate.errors import DataError
from artcurate.files import atomic_file, make_folder
from artcurate.net.paths import RemotePath
from artcurate.remote.blocks import Blocks
from artcurate.remote.files import RemoteBytes, RemoteFiles, open_files

#: Archives whose lookups a process keeps.
_KEPT = 64
_TAR = ".tar"


def remote_index(files: RemoteFiles, path: RemotePath) -> pl.DataFrame:
    """The members of the archive at `path`, of `files` (`INDEX_SCHEMA`).

    What was read is kept in `path.kept`, and taken from there while the archive has the same size
    and stamp. The headers of a tar archive are read one by one, those of a zip archive at once.

    Raises ArchiveError and RemoteError.
    """
    source = files.open(path)
    try:
        return _kept(path, source, lambda: _reader_of(path)(Blocks(source)))
    finally:
        source.close()


def remote_archive(files: RemoteFiles, path: RemotePath) -> ZipReader | TarReader:
    """The archive at `path`, of `files`, opened for reading. Raises RemoteError."""
    source = files.open(path)
    blocks = Blocks(source)

    def find() -> Lookup:
        return _lookup(path, source.size, source.stamp)

    return TarReader(blocks, find=find) if _is_tar(path) else ZipReader(blocks, find=find)


@lru_cache(maxsize=_KEPT)
def _lookup(path: RemotePath, _size: int, _stamp: str | None) -> Lookup:
    """Size and stamp tell the archive from one that has taken its place."""
    files = open_files(path)
    try:
        return Lookup(remote_index(files, path))
    finally:
        files.close()


def _kept(path: RemotePath, source: RemoteBytes, read: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """What `read` gives, or gave before."""
    if path.kept is None:
        return read()
    content = json.dumps([str(path), source.size, source.stamp])
    file = path.kept / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.index"
    if source.stamp is not None:
        with suppress(OSError, pl.exceptions.PolarsError):
            index = pl.read_ipc(file)
            if index.schema == INDEX_SCHEMA:
                return index
    index = read()
    _keep(index, file)
    return index


def _keep(index: pl.DataFrame, file: Path) -> None:
    """It is a help and no more: where it cannot be written, each worker reads its own."""
    with suppress(DataError):
        make_folder(file.parent)
        with atomic_file(file) as target:
            index.write_ipc(target)


def _is_tar(path: RemotePath) -> bool:
    return path.name.lower().endswith(_TAR)


def _reader_of(path: RemotePath) -> Callable[[ByteSource], pl.DataFrame]:
    return read_tar_index if _is_tar(path) else read_index
