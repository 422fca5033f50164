"""Whether files elsewhere are still the ones that were read before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePosixPath

from artcurate.net.paths import RemotePath
from artcurate.remote.files import RemoteError, RemoteFiles, open_files

#: Of more files in one folder the folder's listing is asked, of fewer each file.
_FEW = 4


def stamps_of(root: RemotePath, locations: Iterable[str]) -> dict[str, str]:
    """Text that changes with the file, for those `locations` below `root` whose server gives it.

    Raises UsageError where a package is missing, and RemoteError where `root` cannot be opened.
    """
    by_folder: defaultdict[str, set[str]] = defaultdict(set)
    for location in locations:
        by_folder[str(PurePosixPath(location).parent)].add(location)
    found: dict[str, str] = {}
    files = open_files(root)
    try:
        for folder, wanted in sorted(by_folder.items()):
            few = len(wanted) <= _FEW
            known = _each(files, root, wanted) if few else _listed(files, root, folder)
            found |= {location: known[location] for location in wanted & known.keys()}
    finally:
        files.close()
    return found


def _each(files: RemoteFiles, root: RemotePath, locations: Iterable[str]) -> dict[str, str]:
    found = {}
    for location in locations:
        with suppress(RemoteError, ValueError):
            source = files.open(root / location)
            source.close()
            if source.stamp is not None:
                found[location] = f"{source.stamp} {source.size}"
    return found


def _listed(files: RemoteFiles, root: RemotePath, folder: str) -> dict[str, str]:
    found = {}
    with suppress(RemoteError, ValueError):
        for entry in files.entries(root if folder == "." else root / folder):
            if entry.stamp is not None:
                place = entry.name if folder == "." else f"{folder}/{entry.name}"
                found[place] = f"{entry.stamp} {entry.bytes}"
    return found
