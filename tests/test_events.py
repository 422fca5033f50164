from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from artcurate.engines.happenings import TaskDied, TaskDone, Worker
from artcurate.errors import DataError
from artcurate.events import BuildStarted, EventLog, build_log

STARTED = BuildStarted("0.1.0", "artelingo", "ab" * 32, "local", 2, None)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_event_is_a_line_with_time_name_stage_and_fields(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "events.jsonl"
    worker = Worker("node-1", 77)
    with build_log(path, STARTED) as log:
        log.enter("write")
        log.write(TaskDied("write_shard", 3, 1, 0.5, "Killed", True, worker))
        assert len(lines(path)) == 3, "a log of a build that is killed has all that happened"
        log.write(TaskDone("write_shard", 3, 2, 1.5, 40, 9_000, None))
        log.leave({"annotations": 5}, {"annotations": 1})
    written = lines(path)
    assert [line["event"] for line in written] == [
        "build_started",
        "stage_started",
        "task_died",
        "task_done",
        "stage_ended",
        "build_ended",
    ]
    assert [line["stage"] for line in written] == [None, *["write"] * 4, None]
    died = written[2]
    assert died["worker"] == {"node": "node-1", "pid": 77}
    assert (died["task"], died["attempt"], died["retried"]) == (3, 1, True)
    assert written[3]["units"] == 40
    assert written[4]["rows"] == {"annotations": 5}
    assert written[5]["outcome"] == "built"
    times = [datetime.fromisoformat(line["time"]) for line in written]
    assert times == sorted(times)
    assert times[0].tzinfo == UTC


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyboardInterrupt(), "interrupted"), (DataError("secret"), "failed")]
)
def test_how_a_build_ended_is_told_without_its_words(
    error: BaseException, outcome: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    with pytest.raises(type(error)), build_log(path, STARTED):
        raise error
    assert lines(path)[-1]["outcome"] == outcome
    assert lines(path)[-1]["error"] == type(error).__name__
    assert "secret" not in path.read_text()


def test_a_build_that_goes_on_appends_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "build_started"}\n{"eve')
    with build_log(path, STARTED):
        pass
    first, torn, *rest = path.read_text().splitlines()
    assert (json.loads(first)["event"], torn) == ("build_started", '{"eve')
    assert [json.loads(line)["event"] for line in rest] == ["build_started", "build_ended"]


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"), build_log(tmp_path, STARTED):
        pass
    if Path("/dev/full").exists():
        with (
            pytest.raises(DataError, match="no space is left"),
            build_log(Path("/dev/full"), STARTED),
        ):
            pass


def test_without_a_file_nothing_is_written() -> None:
    log = EventLog()
    log.enter("probe")
    log.leave({}, {})
