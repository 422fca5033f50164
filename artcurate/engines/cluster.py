"""Whether the machines of a Ray cluster fit: the same versions, and the same folders in sight."""

from __future__ import annotations

import os
import platform
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

import artcurate
from artcurate.engines import Reach
from artcurate.errors import UsageError
from artcurate.files import file_system_errors
from artcurate.images import turbo
from artcurate.images.versions import code_digest

#: Distributions that decide bytes, beside the system's libjpeg-turbo; those of them that are not
#: installed have to be absent everywhere.
_LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "pillow",
    "polars",
    "pyarrow",
    "pyvips",
    "pyvips-binary",
)
#: Names of an input folder that every machine has to find in it.
_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """What has to be equal on all machines: versions by name, in the order of names."""

    versions: tuple[tuple[str, str], ...]

    def require(self, node: str) -> None:
        """Raise UsageError when this machine, named `node`, differs."""
        problem = self.difference(identity(), node)
        if problem is not None:
            raise UsageError(problem)

    def difference(self, other: Identity, node: str) -> str | None:
        """What differs on `node`, which has `other`, in a sentence; None where nothing does."""
        theirs = dict(other.versions)
        differing = [
            f"{name} {theirs.get(name)} instead of {mine}"
            for name, mine in self.versions
            if theirs.get(name) != mine
        ]
        if not differing:
            return None
        return f"{node} has {', '.join(differing)}; install the same versions on every machine."


@dataclass(frozen=True, slots=True)
class Sight:
    """What a machine sees: its name and identity, and the paths that are not there."""

    node: str
    identity: Identity
    missing: tuple[str, ...]


@cache
def identity() -> Identity:
    """The identity of this machine. The package counts by the content of its files."""
    code = code_digest(Path(artcurate.__file__).parent)[:8]
    found = {
        "Python": platform.python_version(),
        "artcurate": f"{artcurate.__version__} ({code})",
    }
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "(none)"
    found["libjpeg-turbo"] = turbo.version() if turbo.is_installed() else "(none)"
    return Identity(tuple(sorted(found.items())))


@dataclass(frozen=True, slots=True)
class Trial:
    """By what a machine shows that it sees the folders that this one sees.

    token: name of the file that was written here into each of `written`.
    needed: that file in each of them, and the first names of each input.
    """

    token: str
    written: tuple[Path, ...]
    needed: tuple[str, ...]

    def signs(self, node: str) -> list[Path]:
        """What machine `node` is to write, so that this one sees it."""
        return [folder / f"{self.token}-{node}" for folder in self.written]


@contextmanager
def trial(reach: Reach) -> Iterator[Trial]:
    """A trial of what lies in `reach`, whose files are there as long as it lasts."""
    token = f".artcurate-{secrets.token_hex(8)}"
    needed = [str(folder / token) for folder in reach.written]
    needed += [sample for path in reach.read for sample in _samples(path)]
    try:
        for folder in reach.written:
            with file_system_errors(folder):
                (folder / token).touch()
        yield Trial(token, tuple(reach.written), tuple(needed))
    finally:
        for folder in reach.written:
            for sign in folder.glob(f"{token}*"):
                sign.unlink(missing_ok=True)


def _samples(path: Path) -> list[str]:
    if not path.is_dir():
        return [str(path)]
    with file_system_errors(path), os.scandir(path) as entries:
        return [str(path), *(entry.path for entry in islice(entries, _SAMPLES))]


def look(needed: Sequence[str], signs: Sequence[str]) -> Sight:
    """Look for `needed` on the machine where this runs, and write `signs` there."""
    missing = [path for path in needed if not os.path.exists(path)]  # noqa: PTH110 (they travel as text)
    for sign in signs:
        try:
            Path(sign).touch()
        except OSError:
            missing.append(sign)
    return Sight(socket.gethostname(), identity(), tuple(missing))


def problem_of(name: str, sight: Sight, signs: Sequence[Path], mine: Identity) -> str | None:
    """What is wrong with machine `name`, in a sentence; None where nothing is."""
    difference = mine.difference(sight.identity, name)
    if difference is not None:
        return difference
    unseen = [*sight.missing, *(str(sign) for sign in signs if not sign.exists())]
    if unseen:
        folder = Path(unseen[0]).parent
        return (
            f"{name} does not see the same {folder} as this machine; every machine of a cluster "
            "needs the inputs and --out under the same path on shared storage."
        )
    return None
