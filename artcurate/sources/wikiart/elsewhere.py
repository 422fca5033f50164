"""Style folders and containers below a URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from unicodedata import normalize

from artcurate.net.paths import RemotePath
from artcurate.remote.files import Entry, RemoteError, RemoteFiles, open_files
from artcurate.remote.walk import walk
from artcurate.sources.wikiart.containers import scan_containers
from artcurate.sources.wikiart.names import (
    CONTAINER_SUFFIXES,
    is_hidden,
    is_image,
    stem_of,
    suffix_of,
)
from artcurate.sources.wikiart.scan import FoundFile, Scan


def looks_elsewhere(root: RemotePath, archive_folder: str) -> Iterator[tuple[RemotePath, Scan]]:
    """What lies below `root`, in the order in which it is to be taken, as for local folders.

    archive_folder: the name of a folder in which the style folders may lie, too.

    Raises RemoteError where `root` cannot be read, and DataError where an archive is damaged.
    """
    if suffix_of(root.name) in CONTAINER_SUFFIXES:
        file = root.as_file()
        yield file, scan_containers(file, [root.name])
        return
    with closing(open_files(root)) as files:
        top = files.entries(root)
        yield root, _scan_folders(files, root, top)
        if any(entry.is_folder and entry.name == archive_folder for entry in top):
            inner = root / archive_folder
            yield inner, _scan_folders(files, inner, files.entries(inner))
        locations = sorted(
            (
                location
                for location, entry in walk(files, root, is_hidden)
                if suffix_of(entry.name) in CONTAINER_SUFFIXES
            ),
            key=lambda location: (normalize("NFC", location), location),
        )
    yield root, scan_containers(root, locations)


def _scan_folders(files: RemoteFiles, root: RemotePath, top: Iterable[Entry]) -> Scan:
    scan = Scan()
    for entry in top:
        if is_hidden(entry.name):
            scan.others["hidden"] += 1
        elif not entry.is_folder:
            scan.count_other(entry.name)
        else:
            try:
                _scan_style(scan, entry.name, files.entries(root / entry.name))
            except RemoteError as error:
                detail = f"The folder cannot be read: {error.detail}."
                scan.refuse(entry.name, "", ("unreadable_folder", detail))
    return scan


def _scan_style(scan: Scan, style: str, entries: Iterable[Entry]) -> None:
    for entry in entries:
        if is_hidden(entry.name):
            scan.others["hidden"] += 1
        elif entry.is_folder:
            scan.others["folders"] += 1
        elif not is_image(entry.name):
            scan.count_other(entry.name)
        else:
            location = f"{style}/{entry.name}"
            stem = stem_of(entry.name)
            scan.files.append(FoundFile(style, stem, location, None, entry.name, entry.bytes))
