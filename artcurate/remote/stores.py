"""Files of object stores and the Hub, through fsspec."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar

from fsspec.core import url_to_fs

from artcurate.errors import UsageError
from artcurate.net.paths import PACKAGES, RemotePath, is_below
from artcurate.net.retry import Retry, TransientError
from artcurate.remote.files import (
    Entry,
    MissingError,
    RemoteError,
    TooManyBytesError,
    try_again,
)

_Result = TypeVar("_Result")

#: Bytes of a file that is copied, taken at a time.
_COPIED = 8 << 20
#: What the file systems tell of a file's version, the most telling first, and of its time.
_VERSIONS = ("ETag", "etag", "xet_hash", "blob_id", "generation")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
_DENIAL = (
    "the storage refuses it or finds no credentials; set them as its own tools want them "
    "(environment, configuration file, login)"
)
_MISUNDERSTOOD = (
    "the storage does not understand the URL, or lacks an account for it; check the URL and what "
    "the storage's own tools need (environment, configuration file, login)"
)

#: The errors of the packages' own, by module. Their words may hold signed URLs and are not shown.
_MISSING = {
    "azure.core.exceptions": ("ResourceNotFoundError",),
    "huggingface_hub.errors": ("EntryNotFoundError", "RevisionNotFoundError"),
}
_DENIED = {
    "azure.core.exceptions": ("ClientAuthenticationError",),
    "botocore.exceptions": ("NoCredentialsError", "PartialCredentialsError", "TokenRetrievalError"),
    "google.auth.exceptions": ("DefaultCredentialsError", "RefreshError"),
    "huggingface_hub.errors": ("RepositoryNotFoundError", "LocalTokenNotFoundError"),
}
_PASSING = {
    "aiohttp": ("ClientError",),
    "azure.core.exceptions": ("AzureError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "gcsfs.retry": ("HttpError", "ChecksumError", "NonRetryableError"),
    "google.auth.exceptions": ("GoogleAuthError",),
    "httpx2": ("HTTPError",),
}


class StoredFiles:
    """Files of one bucket (`RemoteFiles`)."""

    def __init__(self, root: RemotePath, retry: Retry) -> None:
        self._retry = retry
        try:
            with _backend_errors(root):
                self._store, _ = url_to_fs(str(root), use_listings_cache=False)
        except ImportError:
            package = PACKAGES[root.protocol]
            raise UsageError(
                f"{root}: {root.protocol}:// needs the package {package}; install it with "
                f"`pip install {package}`."
            ) from None
        except TransientError as error:
            raise RemoteError(str(root), error.reason) from error

    def close(self) -> None:
        """fsspec keeps its connections for whoever comes next."""

    def entries(self, folder: RemotePath) -> Sequence[Entry]:
        listed = self._try(folder, lambda: self._store.ls(str(folder), detail=True))
        itself = self._store._strip_protocol(str(folder))
        found = [_entry(one) for one in listed if one["name"].rstrip("/") != itself]
        if len(found) < len(listed) or [one.name for one in found] == [folder.name]:
            self._require_folder(folder)
        return sorted((one for one in found if is_below(one.name)), key=lambda one: one.name)

    def open(self, path: RemotePath) -> StoredBytes:
        def attempt() -> StoredBytes:
            # No cache of fsspec's own: `Blocks` lies above.
            file = self._store.open(str(path), "rb", cache_type="none")
            return StoredBytes(path, file, _stamp(self._store.info(str(path))), self._try)

        return self._try(path, attempt)

    def read(self, path: RemotePath, limit: int) -> bytes:
        def attempt() -> bytes:
            try:
                # One request, whatever the size; asking for the size first would be another.
                data: bytes = self._store.cat_file(str(path), start=0, end=limit + 1)
            except _classes(_PASSING, OSError):
                # Stores refuse any part of a file without bytes.
                if self._store.info(str(path))["size"] != 0:
                    raise
                data = b""
            if len(data) > limit:
                raise TooManyBytesError(str(path), self._store.info(str(path))["size"])
            return data

        return self._try(path, attempt)

    def copy(self, path: RemotePath, target: BinaryIO) -> None:
        source = self.open(path)
        try:
            for start in range(0, source.size, _COPIED):
                target.write(source.read_at(start, _COPIED))
        finally:
            source.close()

    def _require_folder(self, path: RemotePath) -> None:
        if self._try(path, lambda: self._store.info(str(path)))["type"] == "file":
            raise MissingError(str(path), "is a file, not a folder")

    def _try(self, path: RemotePath, attempt: Callable[[], _Result]) -> _Result:
        def translated() -> _Result:
            with _backend_errors(path):
                return attempt()

        return try_again(self._retry, path, translated)


class StoredBytes:
    """A file of a bucket (`RemoteBytes`).

    file: open for reading, without a cache of its own.
    attempt: runs a read and tries it again.
    """

    def __init__(
        self,
        path: RemotePath,
        file: Any,
        stamp: str | None,
        attempt: Callable[[RemotePath, Callable[[], bytes]], bytes],
    ) -> None:
        self._path = path
        self._file = file
        self._attempt = attempt
        self._lock = threading.Lock()
        self.name = str(path)
        self.size: int = file.size
        self.stamp = stamp

    def read_at(self, offset: int, length: int) -> bytes:
        wanted = max(min(length, self.size - offset), 0)

        def attempt() -> bytes:
            with self._lock:
                self._file.seek(offset)
                data: bytes = self._file.read(wanted)
            if len(data) != wanted:
                raise TransientError("the connection broke")
            return data

        return self._attempt(self._path, attempt) if wanted else b""

    def close(self) -> None:
        self._file.close()


def _entry(listed: Mapping[str, Any]) -> Entry:
    name = listed["name"].rstrip("/").rpartition("/")[2]
    if listed["type"] == "directory":
        return Entry(name, is_folder=True)
    return Entry(name, is_folder=False, bytes=listed.get("size"), stamp=_stamp(listed))


def _stamp(info: Mapping[str, Any]) -> str | None:
    """Text that changes with the file of which the file system tells `info`."""
    for name in _VERSIONS:
        if info.get(name):
            return f"{name} {info[name]}"
    for name in _TIMES:
        if info.get(name) and info.get("size") is not None:
            return f"{name} {info[name]} {info['size']}"
    return None


@contextmanager
def _backend_errors(path: RemotePath) -> Iterator[None]:
    """Turn what a file system raises into RemoteError or TransientError, in words of our own."""
    try:
        yield
    except _classes(_MISSING, FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise MissingError(str(path)) from None
    except _classes(_DENIED, PermissionError):
        raise RemoteError(str(path), _DENIAL) from None
    except ValueError:
        # Their words may repeat what they were given.
        raise RemoteError(str(path), _MISUNDERSTOOD) from None
    except _classes(_PASSING, OSError, EOFError) as error:
        if _is_denial(error):
            raise RemoteError(str(path), _DENIAL) from None
        raise TransientError(f"the storage does not answer ({type(error).__name__})") from error


def _is_denial(error: Exception) -> bool:
    """Whether an HTTP answer stands behind `error` that says no."""
    answer = getattr(error, "response", error)
    codes = (getattr(answer, name, None) for name in ("status_code", "status", "code"))
    # The last is how gcsfs tells of 403.
    return any(code in (401, 403) for code in codes) or str(error).startswith("Forbidden: ")


def _classes(
    errors: Mapping[str, Sequence[str]], *more: type[Exception]
) -> tuple[type[Exception], ...]:
    """`more`, and those of `errors` whose modules are loaded: nobody else can raise them."""
    named = (
        getattr(sys.modules[module], name, None)
        for module, names in errors.items()
        if module in sys.modules
        for name in names
    )
    return (*more, *(one for one in named if one is not None))
