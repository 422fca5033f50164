"""Files elsewhere, fetched whole into a folder that a build keeps until it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from artcurate.errors import DataError
from artcurate.files import atomic_file, make_folder, require_free_space, write_text
from artcurate.net.paths import RemotePath
from artcurate.remote.files import MissingError, RemoteError, RemoteFiles, open_files
from artcurate.remote.walk import walk


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies at a URL, fetched.

    path: the file, or the folder that has the files under their names.
    urls: where each file came from, by its name, as a reader of `path` calls it, and its bytes.
    """

    path: Path
    urls: dict[tuple[str, int], str]


def fetch(source: RemotePath, folder: Path, wanted: Callable[[str], bool]) -> Fetched:
    """Fetch the file at `source`, or the files of the folder there whose names are `wanted`.

    What is in `folder` already and has not changed is kept; what the server gives no version of
    is fetched again.

    Raises RemoteError where something cannot be read, and DataError where it cannot be written.
    """
    target = folder / source.name
    with closing(open_files(source)) as files:
        places = [] if wanted(source.name) else _places(files, source, wanted)
        if not places:
            size = _fetch_file(files, source, target)
            return Fetched(target, {(source.name, size): str(source)})
        urls = {}
        for place in places:
            size = _fetch_file(files, source / place, target / place)
            urls[place, size] = str(source / place)
    return Fetched(target, urls)


def _places(files: RemoteFiles, source: RemotePath, wanted: Callable[[str], bool]) -> list[str]:
    """The wanted files of the folder at `source`, by their paths below it; none for a file.

    Raises DataError where the folder has none.
    """
    try:
        places = sorted(
            place
            for place, entry in walk(files, source, lambda name: name.startswith("."))
            if wanted(entry.name)
        )
    except MissingError:
        return []
    if not places:
        raise DataError(f"{source}: the folder holds no file of a kind that is read here.")
    return places


def _fetch_file(files: RemoteFiles, source: RemotePath, target: Path) -> int:
    """The bytes of the file at `source`, which lies at `target` then."""
    make_folder(target.parent)
    note = target.with_name(f".{target.name}.version")
    version = _version(files, source, target.parent)
    if version is None or not target.is_file() or _noted(note) != version:
        with atomic_file(target) as file:
            files.copy(source, file)
        if version is not None:
            write_text(note, version)
    return target.stat().st_size


def _version(files: RemoteFiles, source: RemotePath, folder: Path) -> str | None:
    """Text that changes with the file, None where the server says nothing of it.

    Raises DataError where `folder` has no room for it.
    """
    try:
        found = files.open(source)
    except MissingError:
        raise
    except RemoteError:
        # Servers that hand out no parts hand out the whole.
        return None
    found.close()
    require_free_space(folder, found.size)
    return None if found.stamp is None else json.dumps([str(source), found.stamp, found.size])


def _noted(note: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return note.read_text(encoding="utf-8")
    return None
