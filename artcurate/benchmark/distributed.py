"""One or several processes that train together, started by torchrun or `accelerate launch`."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class World:
    """This process among `size`, counted from 0. Only `rank` 0 writes files."""

    rank: int = 0
    size: int = 1

    def add_up(self, tensor: Tensor) -> Tensor:
        """The sum of every process's `tensor`, in place and alike in all of them."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its sum over the processes; a missing one counts as zero."""
        if self.size == 1:
            return
        flat = torch.cat(
            [
                (torch.zeros_like(one) if one.grad is None else one.grad).flatten()
                for one in parameters
            ]
        )
        dist.all_reduce(flat)
        parts = flat.split([one.numel() for one in parameters])  # type: ignore[no-untyped-call]
        for one, part in zip(parameters, parts, strict=True):
            one.grad = part.view_as(one)

    def share(self, module: nn.Module) -> None:
        """Give every process the weights and buffers of process 0."""
        if self.size > 1:
            for tensor in (*module.parameters(), *module.buffers()):
                dist.broadcast(tensor.data, src=0)

    def average_buffers(self, module: nn.Module) -> None:
        """Replace floating-point buffers (running means) by their mean over the processes."""
        if self.size > 1:
            for buffer in module.buffers():
                if buffer.is_floating_point():
                    dist.all_reduce(buffer)
                    buffer /= self.size

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.size > 1:
            dist.barrier()


def join(device: torch.device) -> World:
    """This process in the world that a launcher started, else alone; joined once until it exits.

    The launchers set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.
    """
    if not dist.is_initialized():
        launched = all(name in os.environ for name in _VARIABLES)
        if not launched or int(os.environ["WORLD_SIZE"]) == 1:
            return World()
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    return World(dist.get_rank(), dist.get_world_size())


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process's own where a launcher started several on one machine."""
    local = os.environ.get("LOCAL_RANK")
    if device.type == "cuda" and device.index is None and local is not None:
        return torch.device("cuda", int(local))
    return device
