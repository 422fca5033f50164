from __future__ import annotations

import pytest

from artcurate.cli.options import size
from artcurate.engines import EngineName
from artcurate.engines.opening import EngineOptions
from artcurate.errors import UsageError


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("800000000", 800_000_000),
        ("3GB", 3_000_000_000),
        ("1500 MB", 1_500_000_000),
        ("2GiB", 2 << 30),
        ("1.5G", 1_500_000_000),
        ("0.5TiB", 1 << 39),
    ],
)
def test_a_size_is_a_number_with_a_unit(text: str, count: int) -> None:
    assert size(text, "--worker-memory") == count


@pytest.mark.parametrize("text", ["", "much", "-1GB", "3 gigabytes", "1,5GB", "GB"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="write a size like 3GB"):
        size(text, "--worker-memory")


def test_options_of_the_engine_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UsageError, match="--ray-address goes with --engine ray"):
        EngineOptions(EngineName.LOCAL, ray_address="head:6379")
    with pytest.raises(UsageError, match="537 MB"):
        EngineOptions(worker_memory=10_000_000)
