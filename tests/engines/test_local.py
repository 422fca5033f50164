from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artcurate.engines import Done, Lost
from artcurate.engines.answers import WorkerTraceback
from artcurate.engines.happenings import (
    TaskDied,
    TaskDone,
    TaskEvent,
    TaskFailed,
    TaskLost,
    TaskStarted,
)
from artcurate.engines.local import LocalEngine
from artcurate.engines.reports import Tally
from artcurate.errors import UsageError

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import faulty_tasks  # noqa: E402  (workers find it by the same name)


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(workers=2) as engine:
        yield engine


def results(outcomes: Iterator[Done[int] | Lost]) -> dict[int, int]:
    return {outcome.index: outcome.result for outcome in outcomes if isinstance(outcome, Done)}


def alive(process: int) -> bool:
    """Whether `process` still runs; a zombie that nobody reaps does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    except OSError:
        return False
    return status != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_task_has_its_own_result(workers: int) -> None:
    with LocalEngine(workers=workers) as engine:
        outcomes = list(engine.map(faulty_tasks.square, range(50)))
    assert sorted(outcome.index for outcome in outcomes) == list(range(50))
    assert results(iter(outcomes)) == {number: number**2 for number in range(50)}


def test_no_task_starts_no_process() -> None:
    with LocalEngine(workers=2) as engine:
        assert list(engine.map(faulty_tasks.square, [])) == []
        assert engine._idle == []


def test_work_is_spread_over_processes_that_serve_the_next_map_too(engine: LocalEngine) -> None:
    first = set(results(engine.map(faulty_tasks.process_id, range(8))).values())
    second = set(results(engine.map(faulty_tasks.process_id, range(8))).values())
    assert len(first) == 2
    assert first == second
    assert os.getpid() not in first


def test_zero_workers_run_in_this_process() -> None:
    with LocalEngine(workers=0) as engine:
        assert results(engine.map(faulty_tasks.process_id, [1])) == {0: os.getpid()}


def test_a_killed_worker_loses_one_task_which_then_succeeds(
    engine: LocalEngine, tmp_path: Path
) -> None:
    tasks = [faulty_tasks.DieOnce(str(tmp_path / f"died-{i}"), i) for i in range(6)]
    (tmp_path / "died-0").touch()
    outcomes = list(engine.map(faulty_tasks.die_once, tasks))
    assert results(iter(outcomes)) == {i: i for i in range(6)}


def test_a_task_that_always_kills_its_worker_is_given_up_alone(engine: LocalEngine) -> None:
    outcomes = list(engine.map(faulty_tasks.die_for_thirteen, range(20)))
    assert results(iter(outcomes)) == {i: i for i in range(20) if i != 13}
    assert [outcome for outcome in outcomes if isinstance(outcome, Lost)] == [
        Lost(13, 3, "Segmentation fault")
    ]


def test_a_worker_that_exits_counts_as_dead(engine: LocalEngine) -> None:
    (lost,) = (
        outcome
        for outcome in engine.map(faulty_tasks.exit_for_thirteen, [13, 1])
        if isinstance(outcome, Lost)
    )
    assert lost == Lost(0, 3, "exit status 7")


def test_workers_killed_while_they_wait_are_replaced(engine: LocalEngine) -> None:
    pids = set(results(engine.map(faulty_tasks.process_id, range(8))).values())
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not any(alive(pid) for pid in pids))
    outcomes = list(engine.map(faulty_tasks.square, range(8)))
    assert len(results(iter(outcomes))) == 8


def test_an_exception_is_raised_here_with_the_remote_traceback(engine: LocalEngine) -> None:
    with pytest.raises(LookupError, match="no number three") as caught:
        list(engine.map(faulty_tasks.fail_for_three, range(10)))
    assert isinstance(caught.value.__cause__, WorkerTraceback)
    assert "fail_for_three" in str(caught.value.__cause__)
    assert results(engine.map(faulty_tasks.square, [4])) == {0: 16}


def test_an_exception_that_cannot_travel_is_told_by_name(engine: LocalEngine) -> None:
    with pytest.raises(Exception, match="StubbornError: cannot travel"):
        list(engine.map(faulty_tasks.fail_stubbornly, [1]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the limit")
def test_the_memory_limit_stops_a_greedy_task() -> None:
    with LocalEngine(workers=1, memory_limit=300 << 20) as engine:
        outcomes = list(engine.map(faulty_tasks.take_memory, [10 << 20, 400 << 20, 20 << 20]))
    assert results(iter(outcomes)) == {0: 10 << 20, 2: 20 << 20}
    assert [outcome for outcome in outcomes if isinstance(outcome, Lost)] == [
        Lost(1, 3, "Out of memory (a worker may take 0.3 GB)")
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_running_task_tells_how_far_it_is(workers: int) -> None:
    told: list[Tally] = []
    events: list[TaskEvent] = []

    def watch(task: int, tally: Tally) -> None:
        assert task == 0
        told.append(tally)

    with LocalEngine(workers=workers, observe=events.append) as engine:
        outcomes = list(engine.map(faulty_tasks.report_and_sleep, [12], watch=watch))
    assert outcomes == [Done(0, 12)]
    assert told[-1] == Tally(), "what the caller makes of the outcome counts from here on"
    units = [tally.units for tally in told[:-1]]
    assert units
    assert units == sorted(units)
    assert all(tally.bytes == 1000 * tally.units for tally in told)
    (done,) = (event for event in events if isinstance(event, TaskDone))
    assert (done.units, done.bytes) == (12, 12_000)
    assert done.seconds >= 0.6


def test_every_attempt_is_told() -> None:
    events: list[TaskEvent] = []
    with LocalEngine(workers=1, observe=events.append) as engine:
        list(engine.map(faulty_tasks.die_for_thirteen, [13]))
        with pytest.raises(LookupError):
            list(engine.map(faulty_tasks.fail_for_three, [3]))
    kinds = [type(event) for event in events]
    assert kinds == [TaskStarted, TaskDied] * 3 + [TaskLost, TaskStarted, TaskFailed]
    died = [event for event in events if isinstance(event, TaskDied)]
    assert [(event.attempt, event.retried) for event in died] == [(1, True), (2, True), (3, False)]
    assert {event.detail for event in died} == {"Segmentation fault"}
    assert len({event.worker.pid for event in died if event.worker}) == 3


def test_workers_that_cannot_start_are_said(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UsageError, match="exit status 1"):
        list(engine.map(faulty_tasks.square, [1]))


def test_a_function_of_the_main_script_is_refused(engine: LocalEngine) -> None:
    def local(number: int) -> int:
        return number

    local.__module__ = "__main__"
    with pytest.raises(UsageError, match="main script"):
        list(engine.map(local, [1]))


def test_closing_the_iterator_ends_what_still_runs(tmp_path: Path, engine: LocalEngine) -> None:
    outcomes = engine.map(faulty_tasks.die_once, [faulty_tasks.DieOnce(str(HERE), 1)])
    assert next(outcomes) == Done(0, 1)
    sleepers = engine.map(faulty_tasks.note_pid_and_sleep, [str(tmp_path)] * 2)
    with pytest.raises(AlarmError):
        interrupt_after(lambda: next(sleepers), lambda: len(list(tmp_path.iterdir())) == 2)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert wait_until(lambda: not any(alive(pid) for pid in pids))


class AlarmError(Exception):
    """Stands for whatever interrupts the caller."""


def interrupt_after(work: Callable[[], object], condition: Callable[[], bool]) -> None:
    """Run `work` and raise AlarmError in it, like a signal would, once `condition` holds."""

    def check(*_: object) -> None:
        if condition():
            raise AlarmError
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    before = signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


SLEEPING_BUILD = """
    # No `if __name__ == "__main__"`: workers must not run this script again.
    import sys
    sys.path.insert(0, {here!r})
    import faulty_tasks
    from artcurate.engines.local import LocalEngine
    try:
        for outcome in LocalEngine(workers=2).map(faulty_tasks.note_pid_and_sleep, [{pids!r}] * 4):
            pass
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_its_parent(tmp_path: Path, blow: signal.Signals) -> None:
    script, pids = tmp_path / "script.py", tmp_path / "pids"
    pids.mkdir()
    script.write_text(textwrap.dedent(SLEEPING_BUILD).format(here=str(HERE), pids=str(pids)))
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert wait_until(lambda: len(list(pids.iterdir())) == 2)
    workers = [int(path.name) for path in pids.iterdir()]
    assert all(alive(worker) for worker in workers)
    # Ctrl-C reaches the whole foreground group, kill one process.
    (os.killpg if blow is signal.SIGINT else os.kill)(parent.pid, blow)
    output, _ = parent.communicate(timeout=20)
    assert parent.returncode == (130 if blow is signal.SIGINT else -blow)
    assert output == ("interrupted\n" if blow is signal.SIGINT else "")
    assert wait_until(lambda: not any(alive(worker) for worker in workers))
    assert len(list(pids.iterdir())) == 2
