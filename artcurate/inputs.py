"""What a build is given to read: paths of this machine, and URLs that are fetched or read there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from artcurate.corpus import Corpus
from artcurate.errors import UsageError
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.remote.fetch import fetch
from artcurate.sources.annotations import is_annotations_file
from artcurate.sources.registry import Urls

_FETCHED, _INDEXES = "fetched", "indexes"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An input that its reader can take.

    urls: where fetched files came from, by their name and bytes.
    """

    paths: tuple[AnyPath, ...]
    urls: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def told_in(self, corpus: Corpus) -> Corpus:
        """`corpus`, which was read from these files, with the URLs that they came from."""
        return replace(
            corpus,
            inputs=tuple(
                replace(file, url=file.url or self.urls.get((file.name, file.bytes)))
                for file in corpus.inputs
            ),
        )


def absolute(path: AnyPath) -> AnyPath:
    """`path`, whatever the working folder is by then."""
    return path.absolute() if isinstance(path, Path) else path


def prepare(paths: Sequence[AnyPath], urls: Urls, folder: Path) -> Prepared:
    """`paths` as a reader takes them that treats URLs as `urls` says.

    folder: what is fetched, and what workers share of files elsewhere, lies there until the build
        ends.

    Raises DataError where something cannot be fetched.
    """
    if urls is Urls.FETCHED:
        return _fetched(paths, folder / _FETCHED)
    indexes = folder / _INDEXES
    return Prepared(
        tuple(
            replace(path, kept=indexes) if isinstance(path, RemotePath) else path for path in paths
        )
    )


def _fetched(paths: Sequence[AnyPath], folder: Path) -> Prepared:
    found: list[AnyPath] = []
    urls: dict[tuple[str, int], str] = {}
    # Files that lie together stay together: their folder's name is that of their pictures' root.
    numbers: dict[str, int] = {}
    for path in paths:
        if isinstance(path, RemotePath):
            above = path.parent
            number = numbers.setdefault(str(above), len(numbers) + 1)
            fetched = fetch(path, folder / str(number) / above.name, is_annotations_file)
            found.append(fetched.path)
            urls |= fetched.urls
        else:
            found.append(path)
    return Prepared(tuple(found), urls)


def require_shared(paths: Sequence[AnyPath], workers: int | None) -> None:
    """Raise UsageError where worker processes cannot see what only this process has."""
    hidden = [path for path in paths if isinstance(path, RemotePath) and path.protocol == "memory"]
    if hidden and workers != 0:
        raise UsageError(f"{hidden[0]}: only this process has it; build with workers=0.")
