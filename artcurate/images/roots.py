"""The folder, of this machine or elsewhere, that pictures lie below and may not lie outside of."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from artcurate.errors import DataError
from artcurate.images.faults import Fault, FaultReason
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.remote.blocks import Blocks, SourceFile
from artcurate.remote.files import (
    RemoteError,
    TooManyBytesError,
    open_files,
    require_there,
)

# Workers that read no archive do without polars, a third of their start.
if TYPE_CHECKING:
    import polars as pl

    from artcurate.archives.tars import TarReader
    from artcurate.archives.zips import ZipReader

_TAR = ".tar"


class OpenRoot(Protocol):
    """Files below a root, which `resolve` names and the other methods read.

    RemoteError is what files elsewhere fail with; `fault_of` says what it means.
    """

    def resolve(self, location: str) -> str | Fault:
        """What the other methods call the file at the POSIX path `location`.

        A fault where that leads out of the root.
        """
        ...

    def read(self, path: str, max_bytes: int) -> bytes | Fault:
        """All bytes of a file; a fault where it has more than `max_bytes`."""
        ...

    def index(self, path: str) -> pl.DataFrame:
        """The members of a tar or zip archive (`INDEX_SCHEMA`). Raises ArchiveError."""
        ...

    def archive(self, path: str) -> ZipReader | TarReader:
        """A tar or zip archive, opened. Raises ArchiveError."""
        ...

    def parquet(self, path: str) -> Any:
        """A Parquet file, as what `pyarrow.parquet.ParquetFile` reads from."""
        ...

    def fault_of(self, error: RemoteError) -> Fault:
        """The fault of a file that cannot be read. Raises DataError when the whole root is gone."""
        ...

    def close(self) -> None: ...


def open_root(root: AnyPath) -> OpenRoot:
    """`root`, opened for one process.

    Raises UsageError where a package is missing for it, and RemoteError where it cannot be opened.
    """
    return RemoteRoot(root) if isinstance(root, RemotePath) else LocalRoot(root)


class LocalRoot:
    """A folder of this machine; symbolic links may not lead out of it."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    def resolve(self, location: str) -> str | Fault:
        return resolve_inside(self._root, location)

    def read(self, path: str, max_bytes: int) -> bytes | Fault:
        try:
            # Without O_NONBLOCK a named pipe that poses as an image would block for ever.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as file:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    return Fault(FaultReason.UNREADABLE, "It is not a regular file.")
                if status.st_size > max_bytes:
                    return too_large(status.st_size, max_bytes)
                # Not `max_bytes`: what is asked for is reserved at once.
                return file.read(status.st_size)
        except OSError as error:
            return unreadable(error)

    def index(self, path: str) -> pl.DataFrame:
        from artcurate.archives.parts import open_bytes
        from artcurate.archives.tars import read_tar_index
        from artcurate.archives.zips import ZipReader

        if _is_tar(path):
            source = open_bytes(Path(path))
            try:
                return read_tar_index(source)
            finally:
                source.close()
        with ZipReader(Path(path)) as reader:
            return reader.index

    def archive(self, path: str) -> ZipReader | TarReader:
        from artcurate.archives.tars import TarReader
        from artcurate.archives.zips import ZipReader

        return TarReader(Path(path)) if _is_tar(path) else ZipReader(Path(path))

    def parquet(self, path: str) -> Any:
        return path

    def fault_of(self, error: RemoteError) -> Fault:
        return Fault(FaultReason.UNREADABLE, f"The file cannot be read: {error.detail}.")

    def close(self) -> None:
        """Nothing is held open."""


class RemoteRoot:
    """A folder elsewhere; names are taken by their letters and cannot lead out of it."""

    def __init__(self, root: RemotePath) -> None:
        self._root = root
        self._files = open_files(root)

    def resolve(self, location: str) -> str | Fault:
        try:
            _ = self._root / location
        except ValueError:
            return _outside()
        if self._root.only is not None and location != self._root.only:
            return _outside()
        return location

    def read(self, path: str, max_bytes: int) -> bytes | Fault:
        try:
            return self._files.read(self._root / path, max_bytes)
        except TooManyBytesError as error:
            return too_large(error.size, max_bytes)

    def index(self, path: str) -> pl.DataFrame:
        from artcurate.remote.indexes import remote_index

        return remote_index(self._files, self._root / path)

    def archive(self, path: str) -> ZipReader | TarReader:
        from artcurate.remote.indexes import remote_archive

        return remote_archive(self._files, self._root / path)

    def parquet(self, path: str) -> Any:
        blocks = Blocks(self._files.open(self._root / path))
        return pa.PythonFile(SourceFile(blocks), mode="r")

    def fault_of(self, error: RemoteError) -> Fault:
        try:
            require_there(self._files, self._root)
        except RemoteError as gone:
            raise DataError(
                f"{gone.place}: the images have gone away while they were read ({gone.detail}); "
                "bring them or the connection back and run the same command again, which goes on "
                "from what is finished."
            ) from error
        return Fault(FaultReason.UNREADABLE, f"The file cannot be read: {error.detail}.")

    def close(self) -> None:
        self._files.close()


def resolve_inside(root: str, location: str) -> str | Fault:
    """The real path of `location` below `root` (a real path), symbolic links followed.

    A fault where it does not exist or lies outside `root`.
    """
    try:
        # Joined by hand: os.path.join would let an absolute location replace the root.
        path = os.path.realpath(f"{root}{os.sep}{location}", strict=True)
    except (OSError, ValueError) as error:
        return unreadable(error)
    return path if os.path.commonpath((root, path)) == root else _outside()


def too_large(size: int, max_bytes: int) -> Fault:
    return Fault(
        FaultReason.TOO_MANY_BYTES,
        f"The image has {size:,} bytes, more than the limit of {max_bytes:,}.",
    )


def unreadable(error: Exception) -> Fault:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Fault(FaultReason.UNREADABLE, f"The file cannot be read: {text.rstrip('.')}.")


def _outside() -> Fault:
    return Fault(FaultReason.OUTSIDE_ROOT, "The path leads out of its folder.")


def _is_tar(path: str) -> bool:
    return path.lower().endswith(_TAR)
