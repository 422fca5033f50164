"""The files that a publication consists of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from artcurate.files import sha256_of
from artcurate.package import findings, lock, pictures
from artcurate.package.lock import Lock
from artcurate.package.summary import QUARANTINE_FILE
from artcurate.package.validate import CARD_FILE, CROISSANT_FILE, PIPELINE_FILE, SCHEMA_FILE
from artcurate.schema.model import Schema

#: Folders of a recipe and of what a benchmark adds; the configs' own come from the schema.
RECIPE_FOLDER = "recipe"
_BENCHMARK_FOLDERS = ("predictions", "figures")
_ROOT_FILES = (
    CARD_FILE,
    CROISSANT_FILE,
    PIPELINE_FILE,
    QUARANTINE_FILE,
    lock.FILE_NAME,
    findings.FILE_NAME,
    pictures.FILE_NAME,
    SCHEMA_FILE,
    "split.json",
    "scores.json",
    "eval.yaml",
    "report.html",
)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it is to stand in the repository.

    name: its POSIX path there.
    content: its bytes, or where they lie.
    """

    name: str
    content: bytes | Path
    size: int
    sha256: str

    def read(self) -> bytes:
        """Its bytes; for small files."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content


def sent_bytes(name: str, content: bytes) -> SentFile:
    """A file that exists in memory only."""
    return SentFile(name, content, len(content), hashlib.sha256(content).hexdigest())


def sent_file(name: str, path: Path) -> SentFile:
    """The file at `path`, hashed here and now."""
    return SentFile(name, path, path.stat().st_size, sha256_of(path))


def dataset_files(folder: Path, locked: Lock) -> list[SentFile]:
    """Everything of the built dataset in `folder`, sorted by name; shards as the lock has them."""
    shards = [
        SentFile(shard.name, folder / shard.name, shard.bytes, shard.sha256)
        for shard in locked.shards
    ]
    beside = [sent_file(name, folder / name) for name in _beside(folder)]
    return sorted([*shards, *beside], key=lambda file: file.name)


def _beside(folder: Path) -> Iterator[str]:
    yield from (name for name in _ROOT_FILES if (folder / name).is_file())
    for inner in _BENCHMARK_FOLDERS:
        for path in sorted((folder / inner).rglob("*")):
            if path.is_file():
                yield path.relative_to(folder).as_posix()


def stale(remote: Iterable[str], planned: Sequence[SentFile], schema: Schema) -> tuple[str, ...]:
    """Files of an earlier publication that are no longer part of it, sorted.

    Only what a publication makes counts: whatever else lies in the repository is its maintainers'.
    """
    kept = {file.name for file in planned}
    folders = {config.folder for config in schema.configs}
    return tuple(sorted(name for name in remote if name not in kept and _made_by_us(name, folders)))


def _made_by_us(name: str, shard_folders: Iterable[str]) -> bool:
    path = PurePosixPath(name)
    if len(path.parts) == 1:
        return name in _ROOT_FILES
    first = path.parts[0]
    if first in shard_folders or first == RECIPE_FOLDER:
        return path.suffix == ".parquet"
    return first in _BENCHMARK_FOLDERS
