"""Progress of long work: a bar on a terminal, silence elsewhere, JSON lines for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NoReturn, Protocol

from tqdm import tqdm

from artcurate import interruption
from artcurate.engines.reports import Tally


class ProgressMode(StrEnum):
    AUTO = "auto"
    QUIET = "quiet"
    JSON = "json"


class Meter(Protocol):
    """Counts finished units of one piece of work."""

    def advance(self, units: int = 1, *, skipped: int = 0, size: int = 0) -> None:
        """`units` more are finished, of `size` bytes, `skipped` of them because of a fault."""

    def found(self, units: int, *, skipped: int = 0) -> None:
        """`units` were finished before the work began; they count for no rate."""

    def watch(self, task: int, tally: Tally) -> None:
        """So far has `task`, which still runs, come: an engine's `Watch`.

        What it says is shown and forgotten when the task ends; `advance` then counts.
        """

    def note(self, text: str) -> None:
        """Show `text`, such as a loss, beside the count until there is another."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a piece of work has come.

    done: units, of `total`. found: those of them that were finished before it began. skipped:
    those left out because of a fault. bytes: of the units done since it began. note: what the work
    last said of itself.
    """

    total: int
    done: int = 0
    found: int = 0
    skipped: int = 0
    bytes: int = 0
    note: str = ""

    def rate(self, seconds: float) -> float | None:
        """Units per second."""
        return (self.done - self.found) / seconds if seconds > 0 else None

    def bytes_rate(self, seconds: float) -> float | None:
        """Bytes per second."""
        return self.bytes / seconds if seconds > 0 else None

    def remaining(self, seconds: float) -> float | None:
        """Seconds until the end at the rate of the `seconds` so far; None when nothing is done."""
        rate = self.rate(seconds)
        return (self.total - self.done) / rate if rate else None


class _Silent:
    def advance(self, units: int = 1, *, skipped: int = 0, size: int = 0) -> None:
        """Count nothing."""

    def found(self, units: int, *, skipped: int = 0) -> None:
        """Count nothing."""

    def watch(self, task: int, tally: Tally) -> None:
        """Count nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""


class _Counting:
    """Adds up, and hands the position to `show` at each change.

    The position never goes back: when a worker dies, it waits until the task has come as far as
    it had been.
    """

    def __init__(self, total: int, show: Callable[[Position], None]) -> None:
        self._settled = Position(total)
        self._shown = self._settled
        self._running: dict[int, Tally] = {}
        self._show = show

    def advance(self, units: int = 1, *, skipped: int = 0, size: int = 0) -> None:
        before = self._settled
        self._settled = replace(
            before,
            done=before.done + units,
            skipped=before.skipped + skipped,
            bytes=before.bytes + size,
        )
        self._tell()

    def found(self, units: int, *, skipped: int = 0) -> None:
        before = self._settled
        self._settled = replace(
            before,
            done=before.done + units,
            found=before.found + units,
            skipped=before.skipped + skipped,
        )
        self._tell()

    def watch(self, task: int, tally: Tally) -> None:
        if tally == Tally():
            self._running.pop(task, None)
            return
        self._running[task] = tally
        self._tell()

    def note(self, text: str) -> None:
        self._settled = replace(self._settled, note=text)
        self._tell()

    def _tell(self) -> None:
        running = self._running.values()
        done = self._settled.done + sum(tally.units for tally in running)
        size = self._settled.bytes + sum(tally.bytes for tally in running)
        self._shown = replace(
            self._settled,
            done=min(self._settled.total, max(done, self._shown.done)),
            bytes=max(size, self._shown.bytes),
        )
        self._show(self._shown)


class _Bar:
    """A bar with units/s, MB/s, the time that is left, and what was skipped."""

    def __init__(self, bar: tqdm[NoReturn]) -> None:
        self._bar = bar
        self._start = self._drawn = time.monotonic()
        self._note = ""

    def show(self, position: Position) -> None:
        fresh = position.found - self._bar.initial
        if fresh:
            self._bar.initial += fresh
            self._bar.n += fresh
            self._bar.last_print_n += fresh
        notes = []
        speed = position.bytes_rate(time.monotonic() - self._start)
        if speed:
            notes.append(f"{speed / 1e6:.1f} MB/s")
        if position.skipped:
            notes.append(f"{position.skipped:,} skipped")
        if position.note:
            notes.append(position.note)
        self._bar.set_postfix_str(", ".join(notes), refresh=False)
        drawn = self._bar.update(position.done - self._bar.n)
        now = time.monotonic()
        # tqdm draws when the count changes; a note changes while the count stands.
        if position.note != self._note and not drawn and now - self._drawn >= self._bar.mininterval:
            self._bar.refresh()
            drawn = True
        if drawn:
            self._drawn, self._note = now, position.note


class _JsonLines:
    """At most one line a second, and one at the end."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._start = self._last = time.monotonic()

    def show(self, position: Position) -> None:
        now = time.monotonic()
        if now - self._last < 1.0 and position.done < position.total:
            return
        self._last = now
        seconds = now - self._start
        event = {
            "event": "progress",
            "task": self._task,
            "done": position.done,
            "total": position.total,
            "skipped": position.skipped,
            "bytes": position.bytes,
            "rate": _rounded(position.rate(seconds)),
            "bytes_per_second": _rounded(position.bytes_rate(seconds)),
            "seconds_left": _rounded(position.remaining(seconds)),
            **({"note": position.note} if position.note else {}),
        }
        print(json.dumps(event), file=sys.stderr, flush=True)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


@contextmanager
def meter(
    task: str, total: int, *, unit: str, mode: ProgressMode = ProgressMode.AUTO
) -> Iterator[Meter]:
    """A meter for `total` units of `task`, shown on stderr as `mode` says.

    Work begins here, so that from here on Ctrl-C is heard at once.
    """
    interruption.hear_at_once()
    if mode is ProgressMode.JSON:
        yield _Counting(total, _JsonLines(task).show)
    elif mode is ProgressMode.QUIET or not sys.stderr.isatty():
        yield _Silent()
    else:
        with tqdm(total=total, desc=task, unit=unit, unit_scale=total >= 100_000) as bar:
            yield _Counting(total, _Bar(bar).show)
