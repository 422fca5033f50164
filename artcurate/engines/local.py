"""The engine of one machine: worker processes that may die without taking the build along."""

from __future__ import annotations

import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Self, TypeVar

from artcurate.engines import Done, Lost
from artcurate.engines.answers import Answer, Exhausted, Raised, Returned, ask, reraise
from artcurate.engines.attempts import Attempts
from artcurate.engines.happenings import Observe, Worker, ignore
from artcurate.engines.memory import EXHAUSTED, exhausted
from artcurate.engines.reports import Tally, Watch, reporting
from artcurate.engines.worker import READY
from artcurate.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")

_MAX_FAILED_STARTS = 3
_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_BOOT = (
    "import sys; sys.path[:] = {path!r}; "
    "from artcurate.engines.worker import serve; serve({handle}, {parent}, {memory_limit})"
)
#: Workers are as many as cores, so each gets by with one thread where it is not told otherwise;
#: threads of theirs would also take room below the memory limit.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "VIPS_CONCURRENCY": "1",
}


class LocalEngine:
    """Maps functions over tasks in worker processes of this machine.

    workers: how many processes; by default one per core that this process may use. With 0 the
        tasks run one after another in this process: nothing to start, but a picture that crashes
        its decoder then ends the build, so even a small build uses processes unless told so.
        Processes start when the first task comes (about 0.1 s), no more than there are tasks, and
        serve later calls of `map` too.
    memory_limit: bytes of private memory that each worker may take (`memory.limit_memory`). A task
        that wants more meets MemoryError; when it does not catch it, its worker counts as dead.
    observe: is told what happens to each task.

    A worker that dies, whatever the reason, loses the one task it had; the task goes to another
    worker after the tasks still waiting, and is `Lost` when `MAX_DEATHS` workers died over it.
    Workers are new interpreters, neither forks (the threads of polars and pyarrow do not survive
    a fork) nor runs of the caller's main script (which then needs no `__main__` guard); so the
    function has to live in a module that can be imported. They see no Ctrl-C of the terminal:
    the parent ends them. When the parent dies, by kill -9 too, they die with it.

    Closing the iterator that `map` gave ends the tasks it still had running. Workers that wait go
    when the engine is closed, collected, or when the program ends.
    """

    def __init__(
        self,
        workers: int | None = None,
        memory_limit: int | None = None,
        observe: Observe = ignore,
    ) -> None:
        if workers is not None and workers < 0:
            raise UsageError(f"workers must be 0 or more, not {workers}.")
        self.workers = available_cores() if workers is None else workers
        self._memory_limit = memory_limit
        self._observe = observe
        self._idle: list[_Worker] = []
        self._close = weakref.finalize(self, _dismiss, self._idle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the waiting workers. The engine can be used again and then starts new ones."""
        _dismiss(self._idle)

    def map(
        self, function: Callable[[T], R], tasks: Sequence[T], *, watch: Watch | None = None
    ) -> Iterator[Done[R] | Lost]:
        """What `function` gives for each task, in the order in which tasks end.

        Raises what `function` raises, with the worker's traceback as its cause, and UsageError
        when `function` belongs to the main script or no worker can start.
        """
        attempts = Attempts(function, len(tasks), self._observe, watch)
        if self.workers:
            return self._map(function, tasks, attempts)
        return _map_here(function, tasks, attempts)

    def _map(
        self, function: Callable[[T], R], tasks: Sequence[T], attempts: Attempts
    ) -> Iterator[Done[R] | Lost]:
        running: dict[int, _Worker] = {}

        def hand_out() -> None:
            free = min(attempts.waiting, self.workers - len(running))
            self._staff(free)
            for _ in range(free):
                index = attempts.take()
                running[index] = self._send(ask(function, tasks[index]))
                attempts.started(index, running[index].who)

        try:
            while attempts.unfinished:
                hand_out()
                ended = list(self._collect(running, attempts))
                # Workers go on while the caller looks at what has ended.
                hand_out()
                yield from ended
        finally:
            for worker in running.values():
                worker.end()

    def _collect(
        self, running: dict[int, _Worker], attempts: Attempts
    ) -> Iterator[Done[Any] | Lost]:
        """Wait for the first of the workers in `running`; outcomes of those that have ended."""
        for index in _readable(running):
            answer = running[index].answer()
            if isinstance(answer, Tally):
                attempts.reported(index, answer)
                continue
            worker = running.pop(index)
            if isinstance(answer, Returned):
                self._idle.append(worker)
                attempts.done(index, answer.tally)
                yield Done(index, answer.value)
            elif isinstance(answer, Raised):
                self._idle.append(worker)
                attempts.failed(index, answer.error)
                reraise(answer)
            elif lost := attempts.died(index, worker.end(answer)):
                yield lost

    def _staff(self, count: int) -> None:
        """See to it that `count` workers wait for a task.

        All start before the first is waited for. Raises UsageError when they cannot start.
        """
        for attempt in range(1, _MAX_FAILED_STARTS + 1):
            started = [_Worker(self._memory_limit) for _ in range(count - len(self._idle))]
            failed = [worker for worker in started if not worker.is_ready()]
            self._idle += [worker for worker in started if worker not in failed]
            ends = [worker.end() for worker in failed]
            if not ends:
                return
            if attempt == _MAX_FAILED_STARTS:
                raise UsageError(
                    f"worker processes end before they can work ({ends[0]}); "
                    "allow them more memory, or use workers=0."
                )

    def _send(self, message: bytes) -> _Worker:
        """A worker that has got `message`; those that died while they waited are replaced."""
        while True:
            self._staff(1)
            worker = self._idle.pop()
            if worker.send(message):
                return worker
            worker.end()


class _Worker:
    """A worker process and the socket to it."""

    def __init__(self, memory_limit: int | None) -> None:
        self._memory_limit = memory_limit
        self.connection, theirs = Pipe()
        with theirs:
            handle = theirs.fileno()
            program = _BOOT.format(
                path=sys.path, handle=handle, parent=os.getpid(), memory_limit=memory_limit
            )
            # A process group of its own, so that Ctrl-C reaches the parent alone.
            self._process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.DEVNULL,
                env={**ONE_THREAD, **os.environ},
                pass_fds=[handle],
                process_group=0,
            )
        self.who = Worker(socket.gethostname(), self._process.pid)

    def is_ready(self) -> bool:
        """Wait until it can take tasks; False when it died first."""
        return self._receive() == READY

    def send(self, message: bytes) -> bool:
        """Give it a task; False when it is dead."""
        try:
            self.connection.send_bytes(message)
        except OSError:
            return False
        return True

    def answer(self) -> Answer | Tally | None:
        """Its answer to the task, or what it reports so far, or None when it died over it."""
        message = self._receive()
        if message is None:
            return None
        unpickled: Answer | Tally = pickle.loads(message)  # noqa: S301  (our own worker's)
        return unpickled

    def _receive(self) -> bytes | None:
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self, answer: Exhausted | None = None) -> str:
        """Kill it if it lives, and say how it ended, after it has said `answer`."""
        self.connection.close()
        self._process.kill()
        status = self._process.wait()
        if answer is not None or status == EXHAUSTED:
            return exhausted(self._memory_limit)
        return _signal_name(-status) if status < 0 else f"exit status {status}"


def _map_here(
    function: Callable[[T], R], tasks: Sequence[T], attempts: Attempts
) -> Iterator[Done[R] | Lost]:
    me = Worker(socket.gethostname(), os.getpid())
    while attempts.waiting:
        index = attempts.take()
        attempts.started(index, me)
        with reporting(partial(attempts.reported, index)) as reporter:
            result = function(tasks[index])
        attempts.done(index, reporter.tally)
        yield Done(index, result)


def _signal_name(number: int) -> str:
    return signal.strsignal(number) or f"signal {number}"


def available_cores() -> int:
    """Cores that this process may use: its affinity, and the CPU quota of its container."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, _, period = _CPU_QUOTA.read_text().partition(" ")
    except OSError:
        return cores
    return cores if quota == "max" else max(1, min(cores, math.ceil(int(quota) / int(period))))


def _readable(running: dict[int, _Worker]) -> list[int]:
    """Tasks whose worker has answered or died; waits for the first."""
    ready = wait([worker.connection for worker in running.values()])
    return [index for index, worker in running.items() if worker.connection in ready]


def _dismiss(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().end()
