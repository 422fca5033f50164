from __future__ import annotations

import threading
import time

import pytest

from artcurate.benchmark.side_by_side import SharedMeter, in_threads
from artcurate.progress import ProgressMode, meter


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_tasks(threads: int) -> None:
    def slow_at_first(task: int) -> int:
        time.sleep(0.05 if task == 0 else 0)
        return task * task

    with meter("work", 6, unit="task", mode=ProgressMode.QUIET) as counter:
        shared = SharedMeter(counter)
        assert list(in_threads(slow_at_first, range(6), threads, shared)) == [0, 1, 4, 9, 16, 25]


def test_an_error_ends_what_runs_beside_it_and_drops_what_waits() -> None:
    """The second task would run for ever if its meter did not stop it."""
    begun: list[int] = []
    both_run = threading.Barrier(2)

    with meter("work", 9, unit="task", mode=ProgressMode.QUIET) as counter:
        shared = SharedMeter(counter)

        def work(task: int) -> int:
            begun.append(task)
            both_run.wait(timeout=30)
            if task == 0:
                raise ValueError("no loss")
            while True:
                shared.note("still here")
                time.sleep(0.01)

        with pytest.raises(ValueError, match="no loss"):
            list(in_threads(work, range(9), 2, shared))
    assert len(begun) <= 3


def test_units_of_all_threads_are_counted(capfd: pytest.CaptureFixture[str]) -> None:
    with meter("work", 400, unit="task", mode=ProgressMode.JSON) as counter:
        shared = SharedMeter(counter)
        list(in_threads(lambda _: shared.advance(), range(400), 8, shared))
    assert '"done": 400, "total": 400' in capfd.readouterr().err
