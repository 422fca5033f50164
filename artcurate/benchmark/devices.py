"""Where tensors live, in which precision they are multiplied, and what to do without memory."""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum

import torch
from tqdm import tqdm

from artcurate.engines.memory import give_freed_memory_back
from artcurate.errors import UsageError

#: What oneDNN says without memory for a kernel or its scratchpad. Of a product that it cannot do
#: at all it says "could not create a primitive descriptor".
_ONEDNN_FULL = ("could not create a primitive", "could not execute a primitive")


class Precision(StrEnum):
    """In what matrices are multiplied; weights and sums stay in float32.

    AUTO: bfloat16 where the hardware multiplies it natively, else float32.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def choose_device(name: str) -> torch.device:
    """The device called `name`: cpu, cuda, cuda:N, mps, or auto for the best that is there.

    Raises UsageError for a device that this machine or this torch lacks.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"no device {name!r}; choose auto, cpu, cuda, cuda:N or mps.") from None
    # An index beyond 127 comes back negative.
    if device.type == "cuda" and not 0 <= (device.index or 0) < torch.cuda.device_count():
        raise UsageError(
            f"device {name}: torch {torch.__version__} sees {torch.cuda.device_count()} CUDA "
            "devices; choose --device cpu, or install a torch built for this machine's GPU."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device mps: not available on this machine; choose --device cpu.")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"no device {name!r}; choose auto, cpu, cuda, cuda:N or mps.")
    return device


def compute_dtype(device: torch.device, precision: Precision) -> torch.dtype:
    """What `precision` means on `device`: torch.float32 or torch.bfloat16."""
    if precision is Precision.AUTO:
        return torch.bfloat16 if _multiplies_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision is Precision.BFLOAT16 else torch.float32


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """A block whose matrix products are in `dtype`; bfloat16 needs no loss scaling."""
    if dtype is torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Whether a device, the CPU's allocator or its kernels had no memory left."""
    lacking = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return lacking or "can't allocate memory" in str(error) or str(error) in _ONEDNN_FULL


def release_memory(device: torch.device) -> None:
    """Give cached blocks back, after an attempt that did not fit."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if device.type == "cpu":
        give_freed_memory_back()


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that tensors on a GPU took so far, on a CPU that the process took."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def describe(device: torch.device) -> str:
    """The device's name as a reader of scores knows it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        name = torch.cpu.get_capabilities().get("cpu_name", "CPU")
        return f"{name}, {torch.get_num_threads()} threads"
    return device.type


def seed_of(*parts: str | int) -> int:
    """A seed below 2**63 that is a function of `parts` alone."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Keep torch's global generators as they were before the block, whatever it seeds."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def tell(sentence: str) -> None:
    """One line on stderr that does not break a progress bar."""
    tqdm.write(sentence, file=sys.stderr)
