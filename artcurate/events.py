"""The log of a build for machines: one JSON line per event, in the order of events.

Each line has `time` (UTC, ISO 8601 with microseconds), `event` (the name of the class below or in
`artcurate.engines.happenings`, in snake_case), `stage` (null outside stages) and the fields of
that class. Lines hold counts, durations, file-system-free names and how processes ended; never a
caption, an id of a row, picture or person, a path, or an error's text.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal

from artcurate import interruption
from artcurate.engines.happenings import TaskEvent
from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder


@dataclass(frozen=True, slots=True)
class BuildStarted:
    """A build began, or goes on from what an earlier one had finished.

    version: of artcurate. workers and worker_memory (bytes): null where the engine chooses.
    """

    version: str
    pipeline: str
    fingerprint: str
    engine: str
    workers: int | None
    worker_memory: int | None


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A reader, a step, or the writing of what stands beside the shards began."""


@dataclass(frozen=True, slots=True)
class StageEnded:
    """It ended after `seconds`; by table, the rows that there are and those left out so far."""

    seconds: float
    rows: Mapping[str, int]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BuildEnded:
    """The build ended after `seconds`. error: the class of what ended it, null where it is done."""

    outcome: Literal["built", "failed", "interrupted"]
    seconds: float
    error: str | None


Event = BuildStarted | StageStarted | StageEnded | BuildEnded | TaskEvent


class EventLog:
    """Writes events to `file` (not buffered) as they come; nowhere without a file."""

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file
        self._stage: str | None = None
        self._start = 0.0

    def write(self, event: Event) -> None:
        """Raises DataError when the log cannot be written."""
        if self._file is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "event": _name(event),
            "stage": self._stage,
            **asdict(event),
        }
        with file_system_errors(Path(self._file.name)):
            self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def enter(self, stage: str) -> None:
        """Events from here on belong to `stage`."""
        self._stage = stage
        self._start = time.monotonic()
        self.write(StageStarted())

    def leave(self, rows: Mapping[str, int], left_out: Mapping[str, int]) -> None:
        """The stage has ended with these counts."""
        seconds = round(time.monotonic() - self._start, 6)
        self.write(StageEnded(seconds, rows, left_out))
        self._stage = None


@contextmanager
def build_log(path: Path, started: BuildStarted) -> Iterator[EventLog]:
    """The log at `path`, which goes on where there is one; it tells how the block ended.

    Raises DataError when it cannot be written.
    """
    begin = time.monotonic()

    def ended(outcome: Literal["built", "failed", "interrupted"], error: str | None) -> None:
        log.write(BuildEnded(outcome, round(time.monotonic() - begin, 6), error))

    make_folder(path.parent)
    with file_system_errors(path):
        file = path.open("ab+", buffering=0)
    with file:
        _end_last_line(file)
        log = EventLog(file)
        log.write(started)
        try:
            yield log
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt) or interruption.requested()
            # A disk without room for this line has been told of already.
            with suppress(DataError):
                ended("interrupted" if stopped else "failed", type(error).__name__)
            raise
        ended("built", None)


def _end_last_line(file: BinaryIO) -> None:
    """A killed build may have left half a line."""
    if file.tell():
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _name(event: Event) -> str:
    """`TaskDone` as `task_done`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
