"""Everything below a folder elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from artcurate.net.paths import RemotePath
from artcurate.remote.files import Entry, RemoteFiles

#: Folders below one another that are looked into: an index page may link to itself.
_DEEPEST = 16


def walk(
    files: RemoteFiles, root: RemotePath, passed_over: Callable[[str], bool]
) -> Iterator[tuple[str, Entry]]:
    """The files below `root`, each with its POSIX path below it.

    passed_over: tells the names of files and folders that are left out.

    Raises RemoteError, MissingError where `root` is no folder.
    """
    return _walk(files, root, "", _DEEPEST, passed_over)


def _walk(
    files: RemoteFiles,
    folder: RemotePath,
    below: str,
    deep: int,
    passed_over: Callable[[str], bool],
) -> Iterator[tuple[str, Entry]]:
    for entry in files.entries(folder):
        if passed_over(entry.name):
            continue
        if not entry.is_folder:
            yield f"{below}{entry.name}", entry
        elif deep:
            inner = folder / entry.name
            yield from _walk(files, inner, f"{below}{entry.name}/", deep - 1, passed_over)
