"""Reading the bytes of images: plain files, members of zip and tar archives, rows of Parquet."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

import pyarrow as pa

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.parquet import ParquetImages
from artcurate.images.roots import open_root, too_large, unreadable
from artcurate.net.paths import AnyPath
from artcurate.remote.files import RemoteError

if TYPE_CHECKING:
    from artcurate.archives.tars import TarReader
    from artcurate.archives.zips import ZipReader

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

    root: the folder, here or elsewhere, that no image may lie outside of, whatever symbolic links
        say.
    max_bytes: larger images are refused before they are read.

    Raises UsageError where a package is missing for a root elsewhere, and RemoteError where it
    cannot be opened.
    """

    def __init__(self, root: AnyPath, *, max_bytes: int = MAX_BYTES) -> None:
        self._root = open_root(root)
        self._max_bytes = max_bytes
        self._container: ParquetImages | None = None
        self._container_path = ""
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
        self._root.close()

    def read(self, location: str, member: str | None = None) -> bytes | Fault:
        """The bytes of one image.

        location: POSIX path of the file below the root.
        member: name inside the container at `location`; the 0-based row of a Parquet file, the
            decoded name of a member of a zip archive or of one named `*.tar`.

        Raises DataError when a root elsewhere can no longer be reached at all.
        """
        path = self._root.resolve(location)
        if isinstance(path, Fault):
            return path
        try:
            data = self._read(path, member)
        except RemoteError as error:
            # What was opened may stand at any place by now.
            self._close_container()
            self._close_archive()
            return self._root.fault_of(error)
        if isinstance(data, Fault) or data:
            return data
        return Fault(FaultReason.EMPTY_FILE, "The image has zero bytes.")

    def _read(self, path: str, member: str | None) -> bytes | Fault:
        if member is None:
            return self._root.read(path, self._max_bytes)
        if path.lower().endswith(".parquet"):
            return self._read_row(path, member)
        return self._read_archived(path, member)

    def _read_row(self, path: str, row: str) -> bytes | Fault:
        try:
            data = self._opened(path).read(int(row))
        except (OSError, ValueError, IndexError, pa.ArrowException) as error:
            return unreadable(error)
        if data is None:
            return Fault(FaultReason.EMPTY_FILE, "The row holds no image.")
        return too_large(len(data), self._max_bytes) if len(data) > self._max_bytes else data

    def _read_archived(self, path: str, member: str) -> bytes | Fault:
        try:
            if self._archive is None or self._archive_path != path:
                self._close_archive()
                self._archive, self._archive_path = self._root.archive(path), path
            return self._archive.read(member, max_bytes=self._max_bytes)
        except ArchiveError as error:
            return Fault(_ARCHIVE_FAULTS.get(error.fault, FaultReason.UNREADABLE), error.detail)

    def _close_archive(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _opened(self, path: str) -> ParquetImages:
        if self._container is None or self._container_path != path:
            self._close_container()
            self._container = ParquetImages(self._root.parquet(path))
            self._container_path = path
        return self._container

    def _close_container(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None
