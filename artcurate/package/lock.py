"""`artcurate.lock`: what a dataset was made of and what came out, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from artcurate import __version__
from artcurate.errors import DataError, UsageError
from artcurate.files import sha256_of, write_text

FILE_NAME = "artcurate.lock"
FORMAT = 1

_LIBRARIES = ("langdetect", "numpy", "pillow", "polars", "pyarrow")


@dataclass(frozen=True, slots=True)
class LockedInput:
    """A raw file, or all files of a folder under one digest.

    name: the base name of the file or folder.
    files: how many files the digest covers; 1 for a file.
    url: where it was read from, without what a URL holds in secret; None for this machine.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    input: str
    name: str
    files: int
    bytes: int
    sha256: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class LockedShard:
    """A finished shard; `name` is its POSIX path below the dataset."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    config: str
    split: str
    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that decides a dataset's bytes, and the bytes' hashes. No path, no time.

    Only where an input lay elsewhere does its URL stand there, for whoever looks for it.

    fingerprint: sha256 of the pipeline's literals.
    schema_sha256: sha256 of the resolved schema (`schema_digest`).
    versions: of the libraries that decide bytes.
    seeds: by `step.parameter`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    pipeline: str
    fingerprint: str
    schema: str
    schema_sha256: str
    inputs: tuple[LockedInput, ...]
    seeds: Mapping[str, int]
    versions: Mapping[str, str]
    shards: tuple[LockedShard, ...]
    format: int = field(default=FORMAT)

    def to_json(self) -> str:
        """The lock's text: the same for the same content, whatever order it was gathered in."""
        ordered = replace(
            self,
            inputs=tuple(sorted(self.inputs, key=lambda file: (file.input, file.name))),
            shards=tuple(sorted(self.shards, key=lambda shard: shard.name)),
        )
        plain = asdict(ordered)
        plain["inputs"] = [
            {key: value for key, value in one.items() if key != "url" or value is not None}
            for one in plain["inputs"]
        ]
        return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Difference:
    """A shard that is not what the lock says."""

    shard: str
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"{self.shard}: {self.problem}; expected {self.expected}."


def locked_folder(
    input_name: str, name: str, files: Iterable[tuple[str, int, str]], url: str | None = None
) -> LockedInput:
    """One entry for many files, each given as (id, bytes, sha256 in hexadecimal digits).

    The digest is the sha256 of one line per file, sorted by id: the JSON array of id and sha256.
    """
    digest = hashlib.sha256()
    count = total = 0
    for identifier, size, sha256 in sorted(files):
        digest.update(json.dumps([identifier, sha256], ensure_ascii=False).encode() + b"\n")
        count += 1
        total += size
    return LockedInput(input_name, name, count, total, digest.hexdigest(), url)


def library_versions(decoder: str | None = None) -> dict[str, str]:
    """Versions of this package and of the libraries that decide a dataset's bytes.

    decoder: name and version of what reduced the images, None where none was reduced.
    """
    from PIL import features

    turbo, plain = features.version("libjpeg_turbo"), features.version("jpg")
    return {
        "artcurate": __version__,
        "libjpeg": f"turbo {turbo}" if turbo else str(plain),
        **({"decoder": decoder} if decoder else {}),
        **{name: version(name) for name in _LIBRARIES},
    }


def write_lock(lock: Lock, folder: Path) -> None:
    """Write the lock into the dataset at `folder`. Raises DataError when it cannot."""
    write_text(folder / FILE_NAME, lock.to_json())


def read_lock(folder: Path) -> Lock:
    """The lock of the dataset at `folder`.

    Raises:
        UsageError: there is none.
        DataError: it cannot be read, or is no lock of this format.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no {FILE_NAME}, so artcurate did not build it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).") from None
    _check_format(text, path)
    try:
        return TypeAdapter(Lock).validate_json(text)
    except ValidationError as error:
        places = [".".join(map(str, one["loc"])) or "the file" for one in error.errors()]
        raise DataError(f"{path}: not a lock; wrong at {', '.join(places[:5])}.") from None


def _check_format(text: str, path: Path) -> None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError(f"{path}: not a lock; it is not JSON.") from None
    number = content.get("format") if isinstance(content, dict) else None
    if number != FORMAT:
        raise DataError(
            f"{path}: a lock of format {number!r}; this version of artcurate reads {FORMAT}."
        )


def verify_lock(folder: Path, lock: Lock, workers: int | None = None) -> tuple[Difference, ...]:
    """Hash every shard again, in threads; what differs from the lock, in the lock's order.

    A Parquet file in a shard's folder that the lock does not name is a difference too.
    """
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        found = pool.map(lambda shard: _difference(folder, shard), lock.shards)
        differences = [difference for difference in found if difference]
    named = {shard.name for shard in lock.shards}
    for place in sorted({str(PurePosixPath(name).parent) for name in named if _inside(name)}):
        for path in sorted((folder / place).glob("*.parquet")):
            name = str(PurePosixPath(place) / path.name)
            if name not in named:
                differences.append(Difference(name, "not in the lock", "only locked shards"))
    return tuple(differences)


def missing_shards(folder: Path) -> tuple[str, ...]:
    """Names of shards that the lock in `folder` has and the folder has not.

    Nothing is known to be missing where there is no lock. Raises DataError where it is damaged.
    """
    if not (folder / FILE_NAME).exists():
        return ()
    names = (shard.name for shard in read_lock(folder).shards)
    return tuple(name for name in names if not (folder / name).is_file())


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _difference(folder: Path, shard: LockedShard) -> Difference | None:
    if not _inside(shard.name):
        return Difference(shard.name, "lies outside the dataset", "a path below it")
    path = folder / shard.name
    try:
        size = path.stat().st_size
        if size != shard.bytes:
            return Difference(shard.name, f"{size:,} bytes", f"{shard.bytes:,} bytes")
        sha256 = sha256_of(path)
    except FileNotFoundError:
        return Difference(shard.name, "no such file", f"{shard.bytes:,} bytes")
    except OSError as error:
        return Difference(shard.name, f"cannot be read ({error.strerror})", "a file")
    if sha256 != shard.sha256:
        return Difference(shard.name, f"sha256 {sha256}", f"sha256 {shard.sha256}")
    return None
