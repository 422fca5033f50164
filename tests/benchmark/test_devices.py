from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from artcurate.benchmark.devices import (  # noqa: E402
    Precision,
    choose_device,
    compute_dtype,
    is_out_of_memory,
    own_randomness,
    seed_of,
)
from artcurate.errors import UsageError  # noqa: E402


@pytest.mark.parametrize("name", ["gpu", "cuda:999", "meta"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="device"):
        choose_device(name)


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda")


def test_a_named_precision_is_kept() -> None:
    cpu = torch.device("cpu")
    assert compute_dtype(cpu, Precision.FLOAT32) is torch.float32
    assert compute_dtype(cpu, Precision.BFLOAT16) is torch.bfloat16


def test_lack_of_memory_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as allocation:
        torch.empty(1 << 60)
    assert is_out_of_memory(allocation.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert not is_out_of_memory(RuntimeError("could not create a primitive descriptor for matmul"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_seeds_depend_on_every_part() -> None:
    seeds = {seed_of("a", 1), seed_of("a", 2), seed_of("b", 1), seed_of("a1"), seed_of("a", 1, 0)}
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of("a", 1) == seed_of("a", 1)


def test_own_randomness_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    with own_randomness(torch.device("cpu")):
        torch.manual_seed(99)
        torch.rand(5)
    assert torch.equal(torch.rand(2), expected)
