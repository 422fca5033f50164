"""Which tasks wait, which run, and how often their workers died: one book for every engine."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from artcurate.engines import MAX_DEATHS, Lost
from artcurate.engines.happenings import (
    Observe,
    TaskDied,
    TaskDone,
    TaskFailed,
    TaskLost,
    TaskStarted,
    Worker,
)
from artcurate.engines.reports import Tally, Watch


@dataclass(frozen=True, slots=True)
class _Attempt:
    start: float
    worker: Worker | None


class Attempts:
    """The attempts at `count` tasks of `function`; `observe` and `watch` hear of each.

    A task whose worker died waits again behind all others, so that it meets another worker, and
    is given up at its `MAX_DEATHS`th death.
    """

    def __init__(
        self, function: Callable[[Any], Any], count: int, observe: Observe, watch: Watch | None
    ) -> None:
        self._function = getattr(function, "__name__", type(function).__name__)
        self._observe = observe
        self._watch = watch
        self._waiting = deque(range(count))
        self._running: dict[int, _Attempt] = {}
        self._deaths: Counter[int] = Counter()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def unfinished(self) -> bool:
        return bool(self._waiting or self._running)

    def take(self) -> int:
        """The task that is next; `started` is to follow."""
        return self._waiting.popleft()

    def started(self, task: int, worker: Worker | None = None) -> None:
        self._running[task] = _Attempt(time.monotonic(), worker)
        self._observe(TaskStarted(self._function, task, self._deaths[task] + 1, worker))

    def reported(self, task: int, tally: Tally) -> None:
        if self._watch is not None:
            self._watch(task, tally)

    def done(
        self,
        task: int,
        tally: Tally,
        *,
        seconds: float | None = None,
        worker: Worker | None = None,
    ) -> None:
        """`seconds` and `worker` where the worker told them; otherwise as seen from here."""
        attempt, elapsed = self._end(task)
        self._observe(
            TaskDone(
                self._function,
                task,
                self._deaths[task] + 1,
                elapsed if seconds is None else seconds,
                tally.units,
                tally.bytes,
                worker or attempt.worker,
            )
        )

    def failed(self, task: int, error: BaseException, worker: Worker | None = None) -> None:
        attempt, elapsed = self._end(task)
        name = type(error).__name__
        number = self._deaths[task] + 1
        self._observe(
            TaskFailed(self._function, task, number, elapsed, name, worker or attempt.worker)
        )

    def died(self, task: int, detail: str, worker: Worker | None = None) -> Lost | None:
        """Put the task back, or give it up: what is left of it then."""
        attempt, elapsed = self._end(task)
        self._deaths[task] += 1
        deaths = self._deaths[task]
        again = deaths < MAX_DEATHS
        who = worker or attempt.worker
        self._observe(TaskDied(self._function, task, deaths, elapsed, detail, again, who))
        if again:
            self._waiting.append(task)
            return None
        self._observe(TaskLost(self._function, task, deaths, detail))
        return Lost(task, deaths, detail)

    def _end(self, task: int) -> tuple[_Attempt, float]:
        """The attempt that ended, and the seconds that it took."""
        attempt = self._running.pop(task)
        self.reported(task, Tally())
        return attempt, round(time.monotonic() - attempt.start, 6)
