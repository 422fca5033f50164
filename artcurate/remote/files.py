"""What can be asked of files elsewhere, whatever protocol leads there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from artcurate.archives.parts import ByteSource
from artcurate.errors import DataError
from artcurate.net.paths import WEB, RemotePath
from artcurate.net.retry import Retry

_Result = TypeVar("_Result")

#: What fails is tried so often: after half a second, one, two and four.
RETRY = Retry(attempts=5, first=0.5, longest=8.0, patience=60.0)


class RemoteError(DataError):
    """A file or folder elsewhere that cannot be read.

    place: its URL without secrets.
    detail: the reason, half a sentence without the place.
    """

    def __init__(self, place: str, detail: str) -> None:
        self.place, self.detail = place, detail
        super().__init__(f"{place}: {detail}.")

    def __reduce__(self) -> tuple[type[RemoteError], tuple[str, str]]:
        return type(self), (self.place, self.detail)


class MissingError(RemoteError):
    """There is nothing at the URL."""

    def __init__(self, place: str, detail: str = "no such file or folder") -> None:
        super().__init__(place, detail)


class TooManyBytesError(RemoteError):
    """The file is longer than the caller takes. size: in bytes, as far as that is known."""

    def __init__(self, place: str, size: int) -> None:
        self.size = size
        super().__init__(place, f"has {size:,} bytes or more")

    def __reduce__(self) -> tuple[type[RemoteError], tuple[str, int]]:  # type: ignore[override]
        return type(self), (self.place, self.size)


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder.

    bytes: its size, None where the listing does not tell.
    stamp: text that changes with the file, None where the listing gives none.
    """

    name: str
    is_folder: bool
    bytes: int | None = None
    stamp: str | None = None


class RemoteBytes(ByteSource, Protocol):
    """A file that is read in parts.

    stamp: text that changes with the file, None where the server gives none.
    """

    @property
    def stamp(self) -> str | None: ...


class RemoteFiles(Protocol):
    """Files of one host or bucket.

    What fails in passing is tried again (`RETRY`). All methods raise RemoteError: MissingError
    where there is nothing, another where the server refuses or does not answer.
    """

    def entries(self, folder: RemotePath) -> Sequence[Entry]:
        """What lies in `folder`, sorted by name; names that could lead elsewhere are left out.

        Raises MissingError for a file, too.
        """
        ...

    def open(self, path: RemotePath) -> RemoteBytes:
        """The file at `path`, to be read in parts and closed by the caller."""
        ...

    def read(self, path: RemotePath, limit: int) -> bytes:
        """All bytes of the file at `path`. Raises TooManyBytesError for more than `limit`."""
        ...

    def copy(self, path: RemotePath, target: BinaryIO) -> None:
        """Write the whole file at `path` into the empty file `target`."""
        ...

    def close(self) -> None: ...


def open_files(path: RemotePath) -> RemoteFiles:
    """The files of the host or bucket of `path`.

    Raises UsageError where the package that its protocol needs is missing, and RemoteError where
    it cannot be opened, as for lack of credentials.
    """
    if path.protocol in WEB:
        from artcurate.remote.web import WebFiles

        return WebFiles(RETRY)
    from artcurate.remote.stores import StoredFiles

    return StoredFiles(path, RETRY)


def require_there(files: RemoteFiles, path: RemotePath) -> None:
    """Raise RemoteError where the folder at `path`, or the one file of it that counts, is gone."""
    if path.only is None:
        files.entries(path)
    else:
        files.open(path / path.only).close()


def try_again(retry: Retry, path: RemotePath, attempt: Callable[[], _Result]) -> _Result:
    """What `attempt` returns, tried again while it raises TransientError.

    Raises RemoteError, which it may raise itself, where it failed too often or was refused.
    """
    place = str(path)
    try:
        return retry.run(place, attempt)
    except RemoteError:
        raise
    except DataError as error:
        detail = str(error).removeprefix(f"{place}: ").removesuffix(".")
        raise RemoteError(place, detail) from error
