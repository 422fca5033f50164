from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from artcurate.benchmark.throughput import (  # noqa: E402
    forward_flops,
    model_flops_utilisation,
    peak_flops,
    peak_of,
)


def test_a_product_of_matrices_is_two_operations_per_term() -> None:
    layer = torch.nn.Linear(30, 7, bias=False)

    assert forward_flops(lambda: layer(torch.ones(5, 30))) == 2 * 5 * 30 * 7


def test_a_convolution_counts_each_place_of_its_output() -> None:
    layer = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)

    assert forward_flops(lambda: layer(torch.ones(2, 3, 8, 8))) == 2 * (2 * 4 * 64) * (3 * 9)


def test_half_the_devices_rate_is_a_utilisation_of_one_half() -> None:
    # 3 x 1e9 FLOP per example and 100 examples per second are 3e11 FLOP/s.
    found = model_flops_utilisation(
        forward_flops_per_example=1e9, examples_per_second=100, peak=6e11
    )

    assert found == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 9.89e14),
        ("NVIDIA H100 80GB HBM3", 9.89e14),
        ("NVIDIA H100 PCIe", 7.56e14),
        ("NVIDIA A100-SXM4-80GB", 3.12e14),
        ("NVIDIA L40S", 3.62e14),
        ("NVIDIA L4", 1.21e14),
        ("Some Other Card", None),
    ],
)
def test_the_peak_of_a_gpu_is_found_by_its_name(name: str, peak: float | None) -> None:
    assert peak_of(name) == peak


def test_a_cpu_has_no_peak_on_file() -> None:
    assert peak_flops(torch.device("cpu"), torch.bfloat16) is None
