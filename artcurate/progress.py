"""Progress of long work: a bar on a terminal, silence elsewhere, JSON lines for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NoReturn, Protocol

from tqdm import tqdm


class ProgressMode(StrEnum):
    AUTO = "auto"
    QUIET = "quiet"
    JSON = "json"


class Meter(Protocol):
    """Counts finished units of one piece of work."""

    def advance(self, units: int = 1, *, skipped: int = 0) -> None: ...


class _Silent:
    def advance(self, units: int = 1, *, skipped: int = 0) -> None:
        """Count nothing."""


class _Bar:
    def __init__(self, bar: tqdm[NoReturn]) -> None:
        self._bar = bar
        self._skipped = 0

    def advance(self, units: int = 1, *, skipped: int = 0) -> None:
        self._skipped += skipped
        if self._skipped:
            self._bar.set_postfix(skipped=self._skipped, refresh=False)
        self._bar.update(units)


class _JsonLines:
    """At most one line a second, and one at the end."""

    def __init__(self, task: str, total: int) -> None:
        self._task, self._total = task, total
        self._done = self._skipped = 0
        self._start = self._last = time.monotonic()

    def advance(self, units: int = 1, *, skipped: int = 0) -> None:
        self._done += units
        self._skipped += skipped
        now = time.monotonic()
        if now - self._last >= 1.0 or self._done >= self._total:
            self._last = now
            self._print(now)

    def _print(self, now: float) -> None:
        seconds = now - self._start
        event = {
            "event": "progress",
            "task": self._task,
            "done": self._done,
            "total": self._total,
            "skipped": self._skipped,
            "rate": round(self._done / seconds, 2) if seconds else None,
        }
        print(json.dumps(event), file=sys.stderr, flush=True)


@contextmanager
def meter(
    task: str, total: int, *, unit: str, mode: ProgressMode = ProgressMode.AUTO
) -> Iterator[Meter]:
    """A meter for `total` units of `task`, shown on stderr as `mode` says."""
    if mode is ProgressMode.JSON:
        yield _JsonLines(task, total)
    elif mode is ProgressMode.QUIET or not sys.stderr.isatty():
        yield _Silent()
    else:
        with tqdm(total=total, desc=task, unit=unit, unit_scale=total >= 100_000) as bar:
            yield _Bar(bar)
