"""What a task tells of itself while it runs: how many units and bytes it has done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Seconds between two reports of one task, so that they cost nothing beside the work.
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Tally:
    """Units and bytes that one task has done so far."""

    units: int = 0
    bytes: int = 0


#: Is told the tally of the task with this index, and an empty one when the task ended or died:
#: from then on what the caller makes of its outcome counts.
Watch = Callable[[int, Tally], None]


class Reporter:
    """Adds up what one task reports; `send` gets the sum now and then, from any thread."""

    def __init__(self, send: Callable[[Tally], None]) -> None:
        self._send = send
        self._tally = Tally()
        self._sent = time.monotonic()
        self._lock = threading.Lock()

    @property
    def tally(self) -> Tally:
        return self._tally

    def add(self, units: int, size: int) -> None:
        with self._lock:
            self._tally = Tally(self._tally.units + units, self._tally.bytes + size)
            now = time.monotonic()
            if now - self._sent >= _PAUSE:
                self._sent = now
                self._send(self._tally)


_reporter: Reporter | None = None


def report(units: int = 1, *, size: int = 0) -> None:
    """Say that the running task has done `units` more, of `size` bytes; nothing outside a task."""
    if _reporter is not None:
        _reporter.add(units, size)


@contextmanager
def reporting(send: Callable[[Tally], None]) -> Iterator[Reporter]:
    """Within the block `report` adds to the reporter that it gives. One task at a time."""
    global _reporter
    _reporter = Reporter(send)
    try:
        yield _reporter
    finally:
        _reporter = None
