"""What happens to tasks, for whoever keeps a log. Nothing of a task's content is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works on tasks: the name of its machine and its process id there."""

    node: str
    pid: int


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task was given away; on a cluster nobody knows yet to whom, then `worker` is None.

    function: the name of what is mapped. task: its index. attempt: 1, 2 or 3.
    """

    function: str
    task: int
    attempt: int
    worker: Worker | None


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task ended after `seconds`; units and bytes are what it reported, 0 where it does not."""

    function: str
    task: int
    attempt: int
    seconds: float
    units: int
    bytes: int
    worker: Worker | None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task raised `error` (the name of its class), which ends the build."""

    function: str
    task: int
    attempt: int
    seconds: float
    error: str
    worker: Worker | None


@dataclass(frozen=True, slots=True)
class TaskDied:
    """The worker of a task died. detail: how. retried: whether another worker gets the task."""

    function: str
    task: int
    attempt: int
    seconds: float
    detail: str
    retried: bool
    worker: Worker | None


@dataclass(frozen=True, slots=True)
class TaskLost:
    """A task was given up."""

    function: str
    task: int
    deaths: int
    detail: str


TaskEvent = TaskStarted | TaskDone | TaskFailed | TaskDied | TaskLost
Observe = Callable[[TaskEvent], None]


def ignore(_: TaskEvent) -> None:
    """Keep no log."""
