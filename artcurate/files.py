"""Writing files so that they appear whole or not at all, and saying in a sentence why they cannot.

A file is written under a temporary name beside its own, synced, renamed, and its folder synced:
after a power cut there is the old file or the new one, never a part of it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from artcurate.errors import DataError

_PARTIAL = ".partial"


@contextmanager
def atomic_file(path: Path, *, lasting: bool = True, cached: bool = True) -> Iterator[BinaryIO]:
    """A binary file to write, which takes the name `path` when the block ends without an error.

    lasting: whether nobody learns of it before it would survive a power cut. Not needed of what
        tells by itself whether it is whole.
    cached: whether the system may keep it in memory for the next who reads it. Not what is large
        and read by nobody here: it would push out what is still to be read.

    After an error nothing is left under either name; only a killed process leaves its temporary
    file, which `remove_partial_files` finds.

    Raises DataError when the file system refuses.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_PARTIAL}")
    with file_system_errors(path):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
                # What is not synced cannot be let go.
                if lasting and not cached and sys.platform == "linux":
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            temporary.replace(path)
            if lasting:
                sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` into `path`, whole or not at all. Raises DataError when it cannot be written."""
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Put `text` into `path` as UTF-8. Raises DataError when it cannot be written."""
    write_bytes(path, text.encode())


def make_folder(path: Path) -> None:
    """Make `path` and its parents where they are not there. Raises DataError when it cannot."""
    with file_system_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_partial_files(folder: Path) -> None:
    """Remove what killed writers left below `folder`. Nobody else may be writing there."""
    with file_system_errors(folder):
        for left_over in folder.rglob(f".*{_PARTIAL}"):
            left_over.unlink(missing_ok=True)


def require_free_space(folder: Path, needed: int) -> None:
    """Raise DataError when the file system of `folder` has fewer than `needed` bytes free."""
    with file_system_errors(folder):
        free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder}: about {_size(needed)} are needed and {_size(free)} are free; "
            "make room or choose another folder."
        )


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of the file at `path`. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def file_system_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `path`, into a DataError of one sentence."""
    try:
        yield
    except OSError as error:
        raise DataError(_sentence(path, error)) from error


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{path}: no space is left to write it; make room and run the same command again, "
            "which goes on from what is finished."
        )
    if error.errno == errno.EFBIG:
        return (
            f"{path}: the file grew beyond the size that the system allows; lift the limit "
            "(`ulimit -f`) or ask for smaller files, and run the same command again."
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV):
        return (
            f"{path}: its folder has gone away while it was written; bring the folder or its "
            "disk back and run the same command again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{path}: it may not be written ({os.strerror(error.errno)}); allow it or choose "
            "another folder."
        )
    return (
        f"{path}: it cannot be written ({error.strerror or error}); check the disk and run the "
        "same command again."
    )


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
