from __future__ import annotations

import random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from artcurate.archives.parts import MemoryBytes
from artcurate.remote.blocks import Blocks, SourceFile


class Counting(MemoryBytes):
    """Counts what is fetched."""

    def __init__(self, data: bytes) -> None:
        super().__init__("memory", data)
        self.fetched: list[int] = []

    def read_at(self, offset: int, length: int) -> bytes:
        data = super().read_at(offset, length)
        self.fetched.append(len(data))
        return data


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


DATA = noise(300_001)


@given(st.lists(st.tuples(st.integers(0, 310_000), st.integers(0, 120_000)), max_size=8))
def test_reads_are_those_of_the_source(reads: list[tuple[int, int]]) -> None:
    blocks = Blocks(MemoryBytes("memory", DATA))
    for offset, length in reads:
        assert blocks.read_at(offset, length) == DATA[offset : offset + length]


def test_reading_on_takes_few_requests_and_no_byte_twice() -> None:
    source = Counting(noise(20_000_000))
    blocks = Blocks(source)
    for offset in range(0, source.size, 50_000):
        blocks.read_at(offset, 50_000)
    assert sum(source.fetched) == source.size
    assert len(source.fetched) < 20


def test_a_read_in_the_middle_costs_little_more_than_itself() -> None:
    source = Counting(noise(20_000_000))
    blocks = Blocks(source)
    for offset in (15_000_000, 3_000_000, 9_000_000):
        blocks.read_at(offset, 100_000)
    assert len(source.fetched) == 3
    assert sum(source.fetched) < 3 * 170_000


def test_what_is_kept_is_bounded() -> None:
    source = Counting(noise(80_000_000))
    blocks = Blocks(source)
    for offset in range(0, source.size, 1_000_000):
        blocks.read_at(offset, 1_000_000)
    assert sum(map(len, blocks._blocks.values())) <= 32 << 20
    blocks.read_at(0, source.size)
    assert sum(map(len, blocks._blocks.values())) <= 32 << 20


def test_arrow_reads_through_it_and_closes_it() -> None:
    file = SourceFile(Blocks(MemoryBytes("memory", DATA)))
    with pa.PythonFile(file, mode="r") as arrow:
        assert arrow.size() == len(DATA)
        arrow.seek(-10, 2)
        assert arrow.read() == DATA[-10:]
        arrow.seek(5)
        assert arrow.read(7) == DATA[5:12]
    assert file.closed
