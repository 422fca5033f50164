"""The worker process of the local engine: takes one task at a time and answers each.

It is started by `artcurate.engines.local` as a new interpreter and never runs the caller's main
script again, so that a script needs no `if __name__ == "__main__"` guard.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import select
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Never

#: What a worker sends once, when it can take tasks.
READY = b"ready"
_PR_SET_PDEATHSIG = 1
_ABANDONED = 3


@dataclass(frozen=True, slots=True)
class Returned:
    """What the function gave for a task."""

    value: object


@dataclass(frozen=True, slots=True)
class Raised:
    """What the function raised for a task, with the traceback as text."""

    error: Exception
    traceback: str


class WorkerError(Exception):
    """An exception of a task that cannot itself travel between processes."""


def serve(handle: int, parent: int, memory_limit: int | None) -> None:
    """Answer the tasks that come in at the socket `handle` until it is closed.

    The process ends when the process `parent` ends, however that happens. `memory_limit` is in
    bytes and counts private writable memory (RLIMIT_DATA); beyond it a task meets MemoryError.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(handle, False)
    _end_with(parent, handle)
    if memory_limit is not None:
        _, ceiling = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit, ceiling))
    # The parent may go away between any two bytes; then there is nobody to tell.
    with suppress(EOFError, ConnectionError):
        _serve(Connection(handle))


def _serve(connection: Connection) -> Never:
    connection.send_bytes(READY)
    while True:
        connection.send_bytes(_answer(connection.recv_bytes()))


def _answer(message: bytes) -> bytes:
    """The pickled `Returned` or `Raised` of a pickled (function, task)."""
    try:
        function, task = pickle.loads(message)  # noqa: S301  (written by our own parent)
        return pickle.dumps(Returned(function(task)))
    except Exception as error:  # noqa: BLE001  (every exception is raised again in the parent)
        return _pack(error, "".join(traceback.format_exception(error)))


def _pack(error: Exception, text: str) -> bytes:
    """`error` pickled; as a `WorkerError` where it does not come through pickling unharmed."""
    try:
        packed = pickle.dumps(Raised(error, text))
        pickle.loads(packed)  # noqa: S301  (written one line above)
    except Exception:  # noqa: BLE001  (an exception class may do anything when pickled)
        return pickle.dumps(Raised(WorkerError(f"{type(error).__name__}: {error}"), text))
    return packed


def _end_with(parent: int, handle: int) -> None:
    """Make this process end when `parent` does.

    On Linux the kernel kills it at once; elsewhere, and where the kernel's signal is bound to a
    thread that lives on, a thread sees the other end of the socket close.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(_ABANDONED)
    threading.Thread(target=_exit_at_hang_up, args=(handle,), daemon=True).start()


def _exit_at_hang_up(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, 0)
    poll.poll()
    os._exit(_ABANDONED)
