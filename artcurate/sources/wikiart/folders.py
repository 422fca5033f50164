"""Style folders on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.roots import resolve_inside
from artcurate.sources.wikiart.names import (
    CONTAINER_SUFFIXES,
    is_hidden,
    is_image,
    is_utf8,
    readable,
    stem_of,
    suffix_of,
)
from artcurate.sources.wikiart.scan import FoundFile, Scan

NOT_UTF8 = ("name_not_utf8", "The name is not UTF-8.")


def scan_folders(root: str) -> Scan:
    """The pictures in the style folders below `root`, a real path.

    Symbolic links out of it, folders and files that cannot be read, and names that are not UTF-8
    are faults; archives at `root` are others. Raises OSError when `root` itself cannot be read.
    """
    scan = Scan()
    for entry in _entries(root):
        if is_hidden(entry.name):
            scan.others["hidden"] += 1
        elif not is_utf8(entry.name):
            scan.refuse(readable(entry.name), "", NOT_UTF8)
        elif suffix_of(entry.name) in CONTAINER_SUFFIXES:
            scan.count_other(entry.name)
        elif entry.is_symlink() and isinstance(fault := resolve_inside(root, entry.name), Fault):
            scan.refuse(entry.name, "", fault)
        elif not entry.is_dir():
            scan.count_other(entry.name)
        else:
            try:
                _scan_style(scan, root, entry)
            except OSError as error:
                detail = f"The folder cannot be read: {error.strerror}."
                scan.refuse(entry.name, "", ("unreadable_folder", detail))
    return scan


def _scan_style(scan: Scan, root: str, folder: os.DirEntry[str]) -> None:
    style = folder.name
    for entry in _entries(folder.path):
        if is_hidden(entry.name):
            scan.others["hidden"] += 1
        elif entry.is_dir(follow_symlinks=False):
            scan.others["folders"] += 1
        elif not is_image(entry.name):
            scan.count_other(entry.name)
        elif not is_utf8(entry.name):
            scan.refuse(style, readable(entry.name), NOT_UTF8)
        else:
            size = _size_inside(root, style, entry)
            if isinstance(size, Fault):
                scan.refuse(style, entry.name, size)
            else:
                location = f"{style}/{entry.name}"
                scan.files.append(
                    FoundFile(style, stem_of(entry.name), location, None, entry.name, size)
                )


def _size_inside(root: str, style: str, entry: os.DirEntry[str]) -> int | Fault:
    if entry.is_symlink():
        path = resolve_inside(root, f"{style}/{entry.name}")
        if isinstance(path, Fault):
            return path
    try:
        return entry.stat().st_size
    except OSError as error:
        return Fault(FaultReason.UNREADABLE, f"The file cannot be read: {error.strerror}.")


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from sorted(entries, key=lambda entry: entry.name)
