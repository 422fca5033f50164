"""Trainings in threads of one process: they share features, and tensors do not hold the lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from artcurate.engines.reports import Tally
from artcurate.progress import Meter

T = TypeVar("T")
R = TypeVar("R")

#: Seconds between two moments in which Ctrl-C is heard: polars' handler of the signal lets a thread
#: that waits for another one go on waiting.
_HEARING = 0.2


class Abandoned(Exception):  # noqa: N818 (nobody meets it: its thread's result is not wanted)
    """Raised in a training that another one's error, or Ctrl-C, has made useless."""


class SharedMeter:
    """One meter for several threads; once `stop` was called, it raises `Abandoned` in them."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """Let every thread end as soon as it tells of its progress."""
        self._stopped = True

    def advance(self, units: int = 1, *, skipped: int = 0, size: int = 0) -> None:
        with self._telling():
            self._meter.advance(units, skipped=skipped, size=size)

    def found(self, units: int, *, skipped: int = 0) -> None:
        with self._telling():
            self._meter.found(units, skipped=skipped)

    def watch(self, task: int, tally: Tally) -> None:
        with self._telling():
            self._meter.watch(task, tally)

    def note(self, text: str) -> None:
        with self._telling():
            self._meter.note(text)

    def _telling(self) -> threading.Lock:
        if self._stopped:
            raise Abandoned
        return self._lock


def in_threads(
    function: Callable[[T], R], tasks: Sequence[T], threads: int, meter: SharedMeter
) -> Generator[R, None, None]:
    """What `function` gives for each task, in the order of the tasks, `threads` of them at once.

    With one thread everything runs in the caller's. As soon as a task fails, or the caller stops,
    tasks that run are abandoned when they next tell `meter`, and those that wait are dropped.
    """
    if threads == 1:
        yield from map(function, tasks)
        return
    pool = ThreadPoolExecutor(threads)
    futures = [pool.submit(function, task) for task in tasks]
    try:
        for place, future in enumerate(futures):
            while not future.done():
                _raise_from(wait(futures[place:], _HEARING, FIRST_EXCEPTION).done)
            yield future.result()
    except BaseException:
        meter.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _raise_from(done: Iterable[Future[R]]) -> None:
    for future in done:
        future.result()
