from __future__ import annotations

import io
import json
import time
from contextlib import redirect_stderr

import pytest

from artcurate.engines.reports import Tally
from artcurate.progress import Position, ProgressMode, meter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def last_line(terminal: Terminal) -> str:
    return terminal.getvalue().replace("\n", "\r").rstrip("\r").rpartition("\r")[2]


def test_the_bar_shows_rate_megabytes_and_what_was_skipped() -> None:
    terminal = Terminal()
    with redirect_stderr(terminal), meter("write", 200, unit="img") as progress:
        progress.advance(120, size=36_000_000)
        progress.advance(80, skipped=3, size=24_000_000)
    line = last_line(terminal)
    assert "write: 100%" in line
    assert "200/200" in line
    assert "img/s" in line
    assert "MB/s" in line
    assert "3 skipped" in line


def test_a_note_is_drawn_while_the_count_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    with redirect_stderr(terminal), meter("train", 2, unit="system") as progress:
        monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
        progress.note("loss 0.500, validation macro-F1 0.250")
    assert "0/2" in last_line(terminal)
    assert "loss 0.500, validation macro-F1 0.250" in last_line(terminal)


def test_machines_get_the_last_note(capsys: pytest.CaptureFixture[str]) -> None:
    with meter("train", 1, unit="system", mode=ProgressMode.JSON) as progress:
        progress.note("loss 0.5")
        progress.note("loss 0.4")
        progress.advance()
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["note"] == "loss 0.4"


def test_silence_where_nobody_looks() -> None:
    for stream, mode in ((Terminal(), ProgressMode.QUIET), (io.StringIO(), ProgressMode.AUTO)):
        with redirect_stderr(stream), meter("write", 4, unit="img", mode=mode) as progress:
            progress.found(1)
            progress.watch(0, Tally(1, 1))
            progress.note("loss 0.5")
            progress.advance(3)
        assert stream.getvalue() == ""


def test_machines_get_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with meter("probe", 10, unit="img", mode=ProgressMode.JSON) as progress:
        progress.found(4, skipped=1)
        progress.advance(6, skipped=1, size=600)
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["event"] == "progress"
    assert (event["task"], event["done"], event["total"]) == ("probe", 10, 10)
    assert (event["skipped"], event["bytes"], event["seconds_left"]) == (2, 600, 0.0)
    assert event["bytes_per_second"] == pytest.approx(100 * event["rate"], rel=0.01)


def test_progress_moves_within_tasks_and_never_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    with meter("write", 100, unit="img", mode=ProgressMode.JSON) as progress:
        progress.watch(0, Tally(10, 1))
        progress.watch(1, Tally(5, 1))
        progress.watch(0, Tally())  # its worker died
        progress.watch(0, Tally(4, 1))
        progress.watch(0, Tally())
        progress.advance(50)
        progress.watch(1, Tally(50, 1))
        progress.watch(1, Tally())
        progress.advance(50)
    done = [json.loads(line)["done"] for line in capsys.readouterr().err.splitlines()]
    assert done == [10, 15, 15, 55, 100, 100]


def test_what_was_found_counts_for_no_rate() -> None:
    position = Position(total=100, done=60, found=50, bytes=5_000_000)
    assert position.rate(5.0) == 2.0
    assert position.bytes_rate(5.0) == 1_000_000
    assert position.remaining(5.0) == 20.0
    assert Position(total=100).remaining(5.0) is None
    assert Position(total=100).rate(0.0) is None
