"""The worker process of the local engine: takes one task at a time and answers each.

It is started by `artcurate.engines.local` as a new interpreter and never runs the caller's main
script again, so that a script needs no `if __name__ == "__main__"` guard.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import select
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Never

from artcurate.engines.answers import answer
from artcurate.engines.memory import keep_freed_memory, limit_memory
from artcurate.engines.reports import Tally

#: What a worker sends once, when it can take tasks.
READY = b"ready"
_PR_SET_PDEATHSIG = 1
_ABANDONED = 3


def serve(handle: int, parent: int, memory_limit: int | None) -> None:
    """Answer the tasks that come in at the socket `handle` until it is closed.

    The process ends when the process `parent` ends, however that happens. `memory_limit` is in
    bytes (`memory.limit_memory`).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(handle, False)
    _end_with(parent, handle)
    keep_freed_memory()
    if memory_limit is not None:
        limit_memory(memory_limit)
    # The parent may go away between any two bytes; then there is nobody to tell.
    with suppress(EOFError, ConnectionError):
        _serve(Connection(handle))


def _serve(connection: Connection) -> Never:
    def send(tally: Tally) -> None:
        connection.send_bytes(pickle.dumps(tally))

    connection.send_bytes(READY)
    while True:
        connection.send_bytes(answer(connection.recv_bytes(), send))


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
