from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from artcurate.benchmark.side_by_side import SharedMeter, in_threads
from artcurate.engines.reports import Tally
from artcurate.progress import ProgressMode, meter


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_tasks(threads: int) -> None:
    def slow_at_first(task: int) -> int:
        time.sleep(0.05 if task == 0 else 0)
        return task * task

    with meter("work", 6, unit="task", mode=ProgressMode.QUIET) as counter:
        shared = SharedMeter(counter)
        assert list(in_threads(slow_at_first, range(6), threads, shared)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_ends_what_runs_beside_it_and_drops_what_waits(failing: int) -> None:
    """The other one of the first two tasks would run for ever if its meter did not stop it."""
    begun: list[int] = []
    both_run = threading.Barrier(2)

    with meter("work", 9, unit="task", mode=ProgressMode.QUIET) as counter:
        shared = SharedMeter(counter)

        def work(task: int) -> None:
            begun.append(task)
            if task < 2:
                both_run.wait(timeout=30)
            if task == failing:
                raise ValueError("no loss")
            while True:
                shared.note("still here")
                time.sleep(0.01)

        with pytest.raises(ValueError, match="no loss"):
            list(in_threads(work, range(9), 2, shared))
    # The thread of the failing task may have taken one more before it was heard of.
    assert len(begun) <= 3


def test_a_caller_that_stops_ends_what_runs() -> None:
    with meter("work", 9, unit="task", mode=ProgressMode.QUIET) as counter:
        shared = SharedMeter(counter)

        def work(task: int) -> int:
            while task:
                shared.note("still here")
                time.sleep(0.01)
            return task

        results = in_threads(work, range(9), 2, shared)
        assert next(results) == 0
        results.close()  # type: ignore[attr-defined]


class SlowMeter:
    """Loses a unit whenever two threads tell it at once."""

    def __init__(self) -> None:
        self.units = 0

    def advance(self, units: int = 1, *, skipped: int = 0, size: int = 0) -> None:  # noqa: ARG002
        before = self.units
        time.sleep(0.001)
        self.units = before + units

    def found(self, units: int, *, skipped: int = 0) -> None: ...

    def watch(self, task: int, tally: Tally) -> None: ...

    def note(self, text: str) -> None: ...


def test_units_of_all_threads_are_counted() -> None:
    slow = SlowMeter()
    shared = SharedMeter(slow)
    list(in_threads(lambda _: shared.advance(), range(40), 8, shared))
    assert slow.units == 40


def test_ctrl_c_is_heard_where_polars_was_imported(tmp_path: Path) -> None:
    """polars handles the signal too, and lets threads that wait go on waiting."""
    program = tmp_path / "program.py"
    program.write_text(
        "import time\n"
        "from artcurate import interruption\n"
        "from artcurate.benchmark.side_by_side import SharedMeter, in_threads\n"
        "from artcurate.progress import ProgressMode, meter\n"
        "interruption.listen()\n"
        "import polars\n"
        "def work(task):\n"
        "    for _ in range(600):\n"
        "        time.sleep(0.1)\n"
        "        shared.note('still here')\n"
        "with meter('work', 2, unit='task', mode=ProgressMode.QUIET) as counter:\n"
        "    shared = SharedMeter(counter)\n"
        "    print('ready', flush=True)\n"
        "    list(in_threads(work, range(2), 2, shared))\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=20)[1]
    finally:
        process.kill()
    assert b"KeyboardInterrupt" in errors
