from __future__ import annotations

from pathlib import Path

from artcurate.shards.pictures import AttemptLog, culprit


def test_a_success_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.attempts"
    with AttemptLog(path) as log:
        log.at(3)
    assert not path.exists()
    assert culprit(path, 3) is None


def attempt(path: Path, *rows: int) -> None:
    """What a killed writer leaves that had come to the last of `rows`."""
    log = AttemptLog(path)
    for row in rows:
        log.at(row)


def test_the_row_at_which_every_attempt_ended_is_the_culprit(tmp_path: Path) -> None:
    path = tmp_path / "a.attempts"
    attempt(path, 0, 1, 2)
    for _ in range(3):
        attempt(path, *range(8))
    assert culprit(path, 3) == 7
    assert culprit(path, 4) is None


def test_deaths_at_different_rows_have_no_culprit(tmp_path: Path) -> None:
    path = tmp_path / "a.attempts"
    for last in (7, 7, 8):
        attempt(path, last)
    assert culprit(path, 3) is None


def test_a_torn_entry_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.attempts"
    path.write_bytes(b"\x01\x02\x03")
    for _ in range(3):
        attempt(path, 5)
    assert culprit(path, 3) == 5
