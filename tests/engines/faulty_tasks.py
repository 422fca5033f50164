"""Tasks that misbehave. A module of its own, so that workers can import it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from artcurate.engines.reports import report


def square(number: int) -> int:
    return number * number


def process_id(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


@dataclass(frozen=True, slots=True)
class DieOnce:
    marker: str
    value: int


def die_once(task: DieOnce) -> int:
    marker = Path(task.marker)
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task.value


def die_for_thirteen(number: int) -> int:
    if number == 13:
        os.kill(os.getpid(), signal.SIGSEGV)
    return number


def exit_for_thirteen(number: int) -> int:
    if number == 13:
        os._exit(7)
    return number


def fail_for_three(number: int) -> int:
    if number == 3:
        raise LookupError("no number three")
    return number


class StubbornError(Exception):
    """Cannot be pickled back: its arguments are not what it is called with."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def fail_stubbornly(_: int) -> int:
    raise StubbornError("cannot", "travel")


def take_memory(size: int) -> int:
    return len(bytearray(size))


def note_pid_and_sleep(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


@dataclass(frozen=True, slots=True)
class Pulse:
    folder: str
    beats: int


def pulse(task: Pulse) -> int:
    """Leaves a file in the folder every tenth of a second."""
    for beat in range(task.beats):
        Path(task.folder, f"{os.getpid()}-{beat}").touch()
        time.sleep(0.1)
    return task.beats


def report_and_sleep(units: int) -> int:
    for _ in range(units):
        time.sleep(0.05)
        report(size=1000)
    return units
