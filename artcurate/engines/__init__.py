"""Engines map a pure function over independent tasks, wherever the work then happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


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


class Engine(Protocol):
    """Maps `function` over `tasks`; results come in any order.

    `function` is a module-level function whose result depends on its task alone; an exception it
    raises is raised here, in the caller. Tasks and results are picklable and small.
    """

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[Done[R] | Lost]: ...
