"""Reading the bytes of images: plain files, members of zip and tar archives, rows of Parquet."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from types import TracebackType

import pyarrow as pa

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.tars import TarReader
from artcurate.archives.zips import ZipReader
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.parquet import ParquetImages

#: Largest image file read by default, in bytes.
MAX_BYTES = 256 * 2**20

_ARCHIVE_FAULTS = {
    ArchiveFault.NOT_A_ZIP: FaultReason.UNSUPPORTED_FORMAT,
    ArchiveFault.NOT_A_TAR: FaultReason.UNSUPPORTED_FORMAT,
    ArchiveFault.TOO_LARGE: FaultReason.TOO_MANY_BYTES,
    ArchiveFault.TRUNCATED: FaultReason.TRUNCATED,
    ArchiveFault.CORRUPT: FaultReason.CORRUPT,
}


class ImageReader:
    """Reads images below one root; a context manager that keeps the last container open.

    root: the folder that no image may lie outside of, whatever symbolic links say.
    max_bytes: larger images are refused before they are read.
    """

    def __init__(self, root: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._root = os.path.realpath(root)
        self._max_bytes = max_bytes
        self._container: ParquetImages | None = None
        self._archive: ZipReader | TarReader | None = None
        self._archive_path = ""

    def __enter__(self) -> ImageReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close_container()
        self._close_archive()

    def read(self, location: str, member: str | None = None) -> bytes | Fault:
        """The bytes of one image.

        location: POSIX path of the file below the root.
        member: name inside the container at `location`; the 0-based row of a Parquet file, the
            decoded name of a member of a zip archive or of one named `*.tar`.
        """
        path = resolve_inside(self._root, location)
        if isinstance(path, Fault):
            return path
        data = self._read_file(path) if member is None else self._read_member(path, member)
        if isinstance(data, Fault) or data:
            return data
        return Fault(FaultReason.EMPTY_FILE, "The image has zero bytes.")

    def _read_file(self, path: str) -> bytes | Fault:
        try:
            # Without O_NONBLOCK a named pipe that poses as an image would block for ever.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as file:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    return Fault(FaultReason.UNREADABLE, "It is not a regular file.")
                if status.st_size > self._max_bytes:
                    return self._too_large(status.st_size)
                # Not `max_bytes`: what is asked for is reserved at once.
                return file.read(status.st_size)
        except OSError as error:
            return _unreadable(error)

    def _read_member(self, path: str, member: str) -> bytes | Fault:
        if PurePosixPath(path).suffix.lower() != ".parquet":
            return self._read_archived(path, member)
        try:
            data = self._opened(path).read(int(member))
        except (OSError, ValueError, IndexError, pa.ArrowException) as error:
            return _unreadable(error)
        if data is None:
            return Fault(FaultReason.EMPTY_FILE, "The row holds no image.")
        return self._too_large(len(data)) if len(data) > self._max_bytes else data

    def _read_archived(self, path: str, member: str) -> bytes | Fault:
        try:
            if self._archive is None or self._archive_path != path:
                self._close_archive()
                self._archive, self._archive_path = _open_archive(Path(path)), path
            return self._archive.read(member, max_bytes=self._max_bytes)
        except ArchiveError as error:
            return Fault(_ARCHIVE_FAULTS.get(error.fault, FaultReason.UNREADABLE), error.detail)

    def _close_archive(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _opened(self, path: str) -> ParquetImages:
        if self._container is None or self._container.path != path:
            self._close_container()
            self._container = ParquetImages(path)
        return self._container

    def _close_container(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def _too_large(self, size: int) -> Fault:
        return Fault(
            FaultReason.TOO_MANY_BYTES,
            f"The image has {size:,} bytes, more than the limit of {self._max_bytes:,}.",
        )


def _open_archive(path: Path) -> ZipReader | TarReader:
    return TarReader(path) if path.suffix.lower() == ".tar" else ZipReader(path)


def resolve_inside(root: str, location: str) -> str | Fault:
    """The real path of `location` below `root` (a real path), symbolic links followed.

    A fault where it does not exist or lies outside `root`.
    """
    try:
        # Joined by hand: os.path.join would let an absolute location replace the root.
        path = os.path.realpath(f"{root}{os.sep}{location}", strict=True)
    except (OSError, ValueError) as error:
        return _unreadable(error)
    if os.path.commonpath((root, path)) != root:
        return Fault(FaultReason.OUTSIDE_ROOT, "The path leads out of its folder.")
    return path


def _unreadable(error: Exception) -> Fault:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Fault(FaultReason.UNREADABLE, f"The file cannot be read: {text}.")
