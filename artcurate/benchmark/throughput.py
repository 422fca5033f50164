"""How much of a GPU's arithmetic a training uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch.utils.flop_counter import FlopCounterMode

#: Forward and backward together cost three forward passes: the backward pass multiplies with both
#: the weights and the activations (Kaplan et al., arXiv:2001.08361, section 2.1).
_TRAINING: Final = 3
#: Dense bfloat16 FLOP/s of the tensor cores, from NVIDIA's data sheets, by a part of the name that
#: torch gives the device. The first that fits counts, so longer names stand first.
_PEAKS: Final = (
    ("B200", 2.25e15),
    ("H100 PCIe", 7.56e14),
    ("H100 NVL", 8.35e14),
    ("H100", 9.89e14),
    ("H200", 9.89e14),
    ("A100", 3.12e14),
    ("A40", 1.497e14),
    ("A10G", 7.0e13),
    ("A10", 1.25e14),
    ("L40S", 3.62e14),
    ("L40", 1.81e14),
    ("L4", 1.21e14),
    ("RTX 4090", 1.652e14),
    ("RTX 3090", 7.1e13),
)


def peak_flops(device: torch.device, dtype: torch.dtype) -> float | None:
    """The most FLOP/s that `device` can do in `dtype`; None where that is not on file.

    Only bfloat16 on a known GPU is on file: what float32 reaches depends on TF32's settings.
    """
    if device.type != "cuda" or dtype is not torch.bfloat16:
        return None
    return peak_of(torch.cuda.get_device_name(device))


def peak_of(name: str) -> float | None:
    """Dense bfloat16 FLOP/s of the GPU that torch calls `name`; None for one that is unknown."""
    return next((peak for part, peak in _PEAKS if part in name), None)


def forward_flops(forward: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products and convolutions in `forward()`.

    A multiplication and an addition are two.
    """
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        forward()
    return int(counter.get_total_flops())


def model_flops_utilisation(
    *, forward_flops_per_example: float, examples_per_second: float, peak: float
) -> float:
    """MFU: the FLOP/s that the model needs at the measured rate, over what the devices can do.

    MFU = 3 F r / P with F the forward FLOPs of an example, r examples per second and P the peak of
    all devices together. Chowdhery et al., "PaLM" (arXiv:2204.02311), appendix B, count F by a
    formula for decoders; here it is counted on a batch, so that it fits any encoder, and padding
    counts as work. Recomputed activations do not count.
    """
    return _TRAINING * forward_flops_per_example * examples_per_second / peak
