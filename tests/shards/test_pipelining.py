from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator

import pytest

from artcurate.shards.pipelining import HashingSink, ahead


def test_results_come_in_order_and_not_too_far_ahead() -> None:
    started: list[int] = []
    taken = 0

    def arguments() -> Iterator[tuple[int]]:
        for number in range(50):
            assert number <= taken + 3
            yield (number,)

    def square(number: int) -> int:
        started.append(number)
        assert threading.current_thread() is not threading.main_thread()
        return number**2

    for taken, result in enumerate(ahead(square, arguments(), depth=2)):
        assert result == taken**2
    assert started == list(range(50))


def test_an_exception_stands_where_its_result_would() -> None:
    def fail_at_three(number: int) -> int:
        if number == 3:
            raise LookupError("three")
        return number

    results = ahead(fail_at_three, ((number,) for number in range(9)), depth=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="three"):
        next(results)


def test_whoever_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    results = ahead(str, ((number,) for number in range(100)), depth=8)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_the_hash_is_that_of_what_was_written() -> None:
    file = io.BytesIO()
    with HashingSink(file) as sink:
        buffer = bytearray(1 << 20)
        for number in range(64):
            buffer[:] = bytes([number]) * len(buffer)
            assert sink.write(buffer) == len(buffer)
            assert sink.tell() == (number + 1) << 20
    assert sink.hexdigest() == hashlib.sha256(file.getvalue()).hexdigest()


def test_nothing_is_written_or_told_out_of_time() -> None:
    sink = HashingSink(io.BytesIO())
    with sink, pytest.raises(ValueError, match="still being hashed"):
        sink.hexdigest()
    with pytest.raises(ValueError, match="closed"):
        sink.write(b"too late")
    assert sink.hexdigest() == hashlib.sha256().hexdigest()


def test_a_file_that_fails_ends_the_thread() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    before = threading.active_count()
    with pytest.raises(OSError, match="No space"), HashingSink(Full()) as sink:
        sink.write(b"x")
    assert threading.active_count() == before
