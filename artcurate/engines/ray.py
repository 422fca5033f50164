"""The engine of a Ray cluster: the same tasks and the same bytes on many machines."""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

# Ray reads these when it is imported. Deaths of workers and machines are told by this engine.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault(
    "RAY_DEDUP_LOGS_SKIP_REGEX", "worker died|[Ww]orkers? .*killed|node id|[Rr]aylet"
)

import ray
from ray.exceptions import (
    GetTimeoutError,
    LocalRayletDiedError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from artcurate.engines import Done, Lost, Reach
from artcurate.engines.answers import Answer, Raised, Returned, answer, ask, reraise
from artcurate.engines.attempts import Attempts
from artcurate.engines.cluster import Identity, Sight, identity, look, problem_of, trial
from artcurate.engines.happenings import Observe, Worker, ignore
from artcurate.engines.local import ONE_THREAD, available_cores
from artcurate.engines.memory import (
    default_limit,
    exhausted,
    held_memory,
    keep_freed_memory,
    limit_memory,
)
from artcurate.engines.reports import Tally, Watch
from artcurate.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")

#: Seconds in which a cluster has to answer at its address.
_PATIENCE = 10.0
#: Seconds in which a machine has to; its first worker has to start meanwhile.
_PATIENCE_WITH_NODES = 120.0
#: Seconds between two looks at how many cores the cluster has by now.
_CENSUS = 5.0
#: Results travel inside messages; nothing large is ever stored. Ray wants 75 MiB at least.
_OBJECT_STORE = 128 << 20
#: A resource that stands for no machine of its own.
_HEAD = "node:__internal_head__"
#: What Ray gives instead of a result when a process or a machine is gone, and how that is told.
_DEATHS: dict[type[RayError], str] = {
    WorkerCrashedError: "Its process died",
    NodeDiedError: "Its machine went away",
    LocalRayletDiedError: "Its machine went away",
    OutOfMemoryError: "Its machine ran out of memory",
    ObjectLostError: "Its result went away with its machine",
}


@dataclass(frozen=True, slots=True)
class _Carried:
    """A task carried out on the cluster: the pickled answer, by whom, and in how many seconds."""

    answer: bytes
    worker: Worker
    seconds: float
    memory_limit: int | None


class RayEngine:
    """Maps functions over tasks on a Ray cluster.

    address: host:port of a running cluster, or `auto`; by default `RAY_ADDRESS`, and without it a
        cluster of this machine alone is started. Only what was started here is shut down; a Ray
        that this process is connected to already is used as it is.
    workers: how many tasks may be on their way; by default one per core of the cluster, and one
        per machine so that none waits for us. This follows the cluster as it grows and shrinks.
    memory_limit: bytes that each worker may take; by default what `memory.default_limit` says of
        the machine where it runs.
    observe: is told what happens to each task.
    reach: what every machine has to see (`check_nodes`).

    Ray itself tries nothing again: a task whose worker or machine dies goes to another worker,
    and is `Lost` when `MAX_DEATHS` died over it. Every machine must have the same versions of
    Python, of the libraries that decide bytes, and of this package; a machine that joins later is
    looked at when it gets its first task.

    Tasks that still run when the iterator of `map` is closed end with their workers when this
    process leaves the cluster; where it was connected before, they are waited for. They are not
    cancelled: Ray ends this process when the answer of a cancelled task comes in late.

    Raises UsageError when the cluster does not answer or a machine does not fit.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        memory_limit: int | None = None,
        observe: Observe = ignore,
        reach: Reach = Reach(),  # noqa: B008  (frozen)
    ) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be 1 or more on a cluster, not {workers}.")
        self._workers = workers
        self._memory_limit = memory_limit
        self._observe = observe
        self._identity = identity()
        self._connected_here = not ray.is_initialized()
        if self._connected_here:
            _connect(address or os.environ.get("RAY_ADDRESS"), workers)
        try:
            check_nodes(self._identity, reach)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster; end it when it was started here."""
        if self._connected_here and ray.is_initialized():
            ray.shutdown()

    def map(
        self, function: Callable[[T], R], tasks: Sequence[T], *, watch: Watch | None = None
    ) -> Iterator[Done[R] | Lost]:
        """What `function` gives for each task, in the order in which tasks end.

        Raises what `function` raises, with the worker's traceback as its cause, and UsageError
        when `function` belongs to the main script or a worker cannot take tasks.
        """
        attempts = Attempts(function, len(tasks), self._observe, watch)
        running: dict[Any, int] = {}
        room = _Room(self._workers)
        try:
            while attempts.unfinished:
                while attempts.waiting and len(running) < room.size():
                    index = attempts.take()
                    running[self._submit(ask(function, tasks[index]))] = index
                    attempts.started(index)
                ready, _ = ray.wait(list(running), num_returns=1, timeout=_CENSUS)
                for reference in ready:
                    yield from self._outcome(reference, running.pop(reference), attempts)
        finally:
            if running and not self._connected_here:
                ray.wait(list(running), num_returns=len(running))

    def _submit(self, message: bytes) -> Any:
        return _CARRY_OUT.remote(message, self._identity, self._memory_limit)

    def _outcome(
        self, reference: Any, index: int, attempts: Attempts
    ) -> Iterator[Done[Any] | Lost]:
        try:
            carried: _Carried = ray.get(reference)
        except RayError as error:
            told = _death(error)
            if told is not None:
                if lost := attempts.died(index, told):
                    yield lost
                return
            cause = getattr(error, "cause", None)
            if isinstance(cause, UsageError):
                raise cause from None
            raise UsageError(
                f"a machine of the cluster cannot take tasks ({_last_line(error)}); install the "
                "same artcurate there."
            ) from error
        reply: Answer = pickle.loads(carried.answer)  # noqa: S301  (our own worker's)
        if isinstance(reply, Returned):
            attempts.done(index, reply.tally, seconds=carried.seconds, worker=carried.worker)
            yield Done(index, reply.value)
        elif isinstance(reply, Raised):
            attempts.failed(index, reply.error, carried.worker)
            reraise(reply)
        elif lost := attempts.died(index, exhausted(carried.memory_limit), carried.worker):
            yield lost


def carry_out(message: bytes, expected: Identity, memory_limit: int | None) -> _Carried:
    """Carry out one task in a worker of the cluster, in whose process later tasks run too."""
    expected.require(socket.gethostname())
    limit = default_limit(available_cores()) if memory_limit is None else memory_limit
    _prepare(limit)
    start = time.perf_counter()
    told = answer(message, _keep)
    seconds = round(time.perf_counter() - start, 6)
    return _Carried(told, Worker(socket.gethostname(), os.getpid()), seconds, limit)


_CARRY_OUT: Any = ray.remote(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")(carry_out)


@cache
def _prepare(limit: int) -> None:
    """Once in this process: keep what is freed; no more than `limit` bytes beside Ray's own."""
    keep_freed_memory()
    limit_memory(held_memory() + limit)


def _keep(_: Tally) -> None:
    """Reports of tasks that still run stay on their machine; the answer has the sum."""


class _Room:
    """How many tasks may be on their way."""

    def __init__(self, workers: int | None) -> None:
        self._fixed = workers
        self._size = workers or 0
        self._looked = float("-inf")

    def size(self) -> int:
        """At least 1, so that a cluster without cores at the moment is waited for."""
        now = time.monotonic()
        if self._fixed is None and now - self._looked > _CENSUS:
            self._looked = now
            resources = ray.cluster_resources()
            machines = len({name for name in resources if name.startswith("node:")} - {_HEAD})
            self._size = max(1, int(resources.get("CPU", 0)) + machines)
        return self._size


def _connect(address: str | None, workers: int | None) -> None:
    """Connect to the cluster at `address`, or start one on this machine."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if address is None:
        ray.init(
            address="local",
            num_cpus=workers or available_cores(),
            object_store_memory=_OBJECT_STORE,
            include_dashboard=False,
            runtime_env={"env_vars": ONE_THREAD},
            **quiet,
        )
        return
    _require_answer(address)
    try:
        ray.init(address=address, runtime_env={"env_vars": ONE_THREAD}, **quiet)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise UsageError(f"--ray-address {address}: {_last_line(error)}.") from None


_LOOK: Any = ray.remote(num_cpus=0, max_retries=0)(look)


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
    with trial(reach) as put:
        asked = [
            (name, _look(node, put.needed, put.signs(node)), put.signs(node))
            for node, name in nodes
        ]
        problems = [_problem(name, reference, signs, mine) for name, reference, signs in asked]
    if any(problems):
        raise UsageError("\n".join(dict.fromkeys(filter(None, problems))))


def _look(node: str, needed: Sequence[str], signs: Sequence[Path]) -> Any:
    strategy = NodeAffinitySchedulingStrategy(node, soft=False)
    return _LOOK.options(scheduling_strategy=strategy).remote(needed, [str(sign) for sign in signs])


def _problem(name: str, reference: Any, signs: Sequence[Path], mine: Identity) -> str | None:
    """What is wrong with the machine that answers at `reference`, in a sentence."""
    try:
        sight: Sight = ray.get(reference, timeout=_PATIENCE_WITH_NODES)
    except GetTimeoutError:
        return f"{name} does not take tasks; take it out of the cluster or look at its log."
    except RayError as error:
        return f"{name} cannot take tasks ({_last_line(error)}); install the same artcurate there."
    return problem_of(name, sight, signs, mine)


def _require_answer(address: str) -> None:
    """Raise UsageError when nobody listens at `address`: Ray itself would try for minutes."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdecimal():
        raise UsageError(
            f"--ray-address {address}: give HOST:PORT of the cluster's head (its port is 6379 "
            "unless told otherwise), and run the command on a machine of the cluster."
        )
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"--ray-address {address}: nobody answers there ({error}); start the cluster with "
            "`ray start --head`, or leave the option out."
        ) from None


def _death(error: RayError) -> str | None:
    """How a task died, in words; None when `error` is no death."""
    return next((words for kind, words in _DEATHS.items() if isinstance(error, kind)), None)


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].rstrip(".") if lines else type(error).__name__
