"""A task carried out far from its caller: the answer that travels back, and what it means there."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from artcurate.engines.reports import Tally, reporting
from artcurate.errors import UsageError


@dataclass(frozen=True, slots=True)
class Returned:
    """What the function gave for a task, and what it reported."""

    value: Any
    tally: Tally


@dataclass(frozen=True, slots=True)
class Raised:
    """What the function raised for a task, with the traceback as text."""

    error: Exception
    traceback: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The function wanted more memory than the worker may take."""


Answer = Returned | Raised | Exhausted


class WorkerError(Exception):
    """An exception of a task that cannot itself travel between processes."""


class WorkerTraceback(Exception):  # noqa: N818 (nobody catches it: it is shown)
    """The traceback of an exception in the worker where it happened; its `__cause__` here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def ask(function: Callable[[Any], object], task: object) -> bytes:
    """The message that `answer` takes. Raises UsageError when workers cannot import `function`."""
    if getattr(function, "__module__", None) == "__main__":
        raise UsageError(
            f"{getattr(function, '__name__', function)} is defined in the main script, which "
            "workers do not run; move it to a module, or use workers=0."
        )
    return pickle.dumps((function, task))


def answer(message: bytes, send: Callable[[Tally], None]) -> bytes:
    """The pickled `Answer` to a message of `ask`; `send` gets what the task reports."""
    try:
        function, task = pickle.loads(message)  # noqa: S301  (written by our own caller)
        with reporting(send) as reporter:
            value = function(task)
        return pickle.dumps(Returned(value, reporter.tally))
    except MemoryError:
        return pickle.dumps(Exhausted())
    except Exception as error:  # noqa: BLE001  (every exception is raised again in the caller)
        return _pack(error, "".join(traceback.format_exception(error)))


def _pack(error: Exception, text: str) -> bytes:
    """`error` pickled; as a `WorkerError` where it does not come through pickling unharmed."""
    try:
        packed = pickle.dumps(Raised(error, text))
        pickle.loads(packed)  # noqa: S301  (written one line above)
    except Exception:  # noqa: BLE001  (an exception class may do anything when pickled)
        return pickle.dumps(Raised(WorkerError(f"{type(error).__name__}: {error}"), text))
    return packed


def reraise(raised: Raised) -> None:
    """Raise here what the task raised there, with its traceback as the cause."""
    raise raised.error from WorkerTraceback(raised.traceback)
