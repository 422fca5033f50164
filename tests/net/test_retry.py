from __future__ import annotations

from datetime import UTC, datetime

import pytest

from artcurate.errors import DataError
from artcurate.net.retry import Retry, TransientError, retry_after

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_what_a_server_asks_for(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_pauses_double_up_to_the_longest_with_jitter_in_their_upper_half() -> None:
    least = Retry(first=1, longest=8, draw=lambda: 0.0)
    most = Retry(first=1, longest=8, draw=lambda: 1.0)
    assert [least.pause_after(failure, None) for failure in range(1, 6)] == [0.5, 1, 2, 4, 4]
    assert [most.pause_after(failure, None) for failure in range(1, 6)] == [1, 2, 4, 8, 8]


def test_a_server_is_never_asked_earlier_than_it_wants() -> None:
    assert Retry(first=1, draw=lambda: 0.0).pause_after(1, 30) == 30
    assert Retry(first=100, draw=lambda: 0.0).pause_after(1, 30) == 30
    assert Retry(first=100, longest=100, draw=lambda: 0.0).pause_after(1, 30) == 50


def test_progress_starts_the_count_anew() -> None:
    calls: list[int] = []

    def attempt() -> str:
        calls.append(1)
        if len(calls) < 20:
            raise TransientError("it broke", progressed=len(calls) % 2 == 0)
        return "done"

    assert Retry(attempts=3, first=0, longest=0).run("file", attempt) == "done"


def test_failures_in_a_row_end_it_with_the_reason() -> None:
    def attempt() -> None:
        raise TransientError("it broke")

    with pytest.raises(DataError, match="file: it broke, 3 times in a row"):
        Retry(attempts=3, first=0, longest=0).run("file", attempt)
