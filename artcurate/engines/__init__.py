"""Engines map a pure function over independent tasks, wherever the work then happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from artcurate.engines.reports import Watch

T = TypeVar("T")
R = TypeVar("R")

#: A task is given up when this many workers have died over it.
MAX_DEATHS = 3


class EngineName(StrEnum):
    """Where tasks run: in processes of this machine, or on a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """A task that ended: its place in the list of tasks and its result."""

    index: int
    result: R


@dataclass(frozen=True, slots=True)
class Lost:
    """A task that was given up after its worker died `deaths` times."""

    index: int
    deaths: int
    detail: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What every machine with workers needs under the same path.

    written: folders that workers read and write. read: files and folders that they read.
    """

    written: tuple[Path, ...] = ()
    read: tuple[Path, ...] = ()


class Engine(Protocol):
    """Maps `function` over `tasks`; results come in any order.

    `function` is a module-level function whose result depends on its task alone; an exception it
    raises is raised here, in the caller. Tasks and results are picklable and small. `watch` is
    told how far running tasks have come, where `function` reports it (`reports.report`).
    """

    def map(
        self, function: Callable[[T], R], tasks: Sequence[T], *, watch: Watch | None = None
    ) -> Iterator[Done[R] | Lost]: ...
