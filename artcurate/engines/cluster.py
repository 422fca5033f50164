"""Whether the machines of a Ray cluster fit: the same versions, and the same folders in sight."""

from __future__ import annotations

import os
import platform
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

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
#: Seconds that a machine gets to answer; its first worker has to start meanwhile.
_PATIENCE = 120.0


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
class _Sight:
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


def check_nodes(mine: Identity, reach: Reach) -> None:
    """Look at every machine that has cores. Raises UsageError naming all that do not fit.

    Each machine finds a file that was just written into each of `reach.written`, leaves one of
    its own there, and finds the first names of each of `reach.read`.
    """
    nodes = [
        (node["NodeID"], node["NodeManagerHostname"])
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU")
    ]
    token = f".artcurate-{secrets.token_hex(8)}"
    needed = [str(folder / token) for folder in reach.written]
    needed += [sample for path in reach.read for sample in _samples(path)]
    try:
        for folder in reach.written:
            with file_system_errors(folder):
                (folder / token).touch()
        asked = [
            (
                name,
                _LOOK.options(
                    scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
                ).remote(needed, [str(folder / f"{token}-{node}") for folder in reach.written]),
                [folder / f"{token}-{node}" for folder in reach.written],
            )
            for node, name in nodes
        ]
        problems = [
            problem
            for name, reference, signs in asked
            if (problem := _problem(name, reference, signs, mine))
        ]
    finally:
        for folder in reach.written:
            for sign in folder.glob(f"{token}*"):
                sign.unlink(missing_ok=True)
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))


def _samples(path: Path) -> list[str]:
    if not path.is_dir():
        return [str(path)]
    with file_system_errors(path), os.scandir(path) as entries:
        return [str(path), *(entry.path for entry in islice(entries, _SAMPLES))]


def look(needed: Sequence[str], signs: Sequence[str]) -> _Sight:
    """Look for `needed` on the machine where this runs, and write `signs` there."""
    missing = [path for path in needed if not os.path.exists(path)]  # noqa: PTH110 (they travel as text)
    for sign in signs:
        try:
            Path(sign).touch()
        except OSError:
            missing.append(sign)
    return _Sight(socket.gethostname(), identity(), tuple(missing))


_LOOK: Any = ray.remote(num_cpus=0, max_retries=0)(look)


def _problem(name: str, reference: Any, signs: Sequence[Path], mine: Identity) -> str | None:
    """What is wrong with the machine that answers at `reference`, in a sentence."""
    try:
        sight: _Sight = ray.get(reference, timeout=_PATIENCE)
    except GetTimeoutError:
        return f"{name} does not take tasks; take it out of the cluster or look at its log."
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        return f"{name} cannot take tasks ({reason}); install the same artcurate there."
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
