"""The whole state of a training run in one file, written whole or not at all, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from artcurate.benchmark.devices import tell
from artcurate.errors import DataError
from artcurate.files import atomic_file, make_folder

_WEIGHTS = "weights/"
_OPTIMIZER = "optimizer/"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Randomness is a function of seed and place, so it needs no state here.

    epoch, step: the next step to take, both from 0. micro_batch: after halvings.
    best_score, best_loss, best_epoch: of the best epoch so far, -1 where there is none.
    loss_sum, loss_steps: of the steps of this epoch so far.
    """

    epoch: int = 0
    step: int = 0
    micro_batch: int = 1
    best_score: float = -1.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    loss_sum: float = 0.0
    loss_steps: int = 0


def save_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write weights, buffers, optimizer state and `progress` to `path`, whole or not at all."""
    tensors = {_WEIGHTS + name: tensor for name, tensor in named_state(model).items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{_OPTIMIZER}{key}/{name}"] = torch.as_tensor(value)
    _write(path, tensors, {"progress": json.dumps(asdict(progress))})


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer
) -> Progress | None:
    """Put the state in `path` into `model` and `optimizer`; None where there is no whole file.

    Raises DataError where the file belongs to another model.
    """
    if not path.is_file():
        return None
    parameters = dict(model.named_parameters())
    try:
        with safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError):
        tell(f"{path}: the checkpoint is damaged; the training starts anew.")
        return None
    _restore(path, model, _below(_WEIGHTS, tensors))
    for name, tensor in _below(_OPTIMIZER, tensors).items():
        key, _, parameter_name = name.partition("/")
        parameter = parameters[parameter_name]
        where = parameter.device if tensor.ndim else tensor.device
        optimizer.state[parameter][key] = tensor.to(where)
    return progress


def save_weights(path: Path, model: nn.Module) -> None:
    """Write weights and buffers alone."""
    _write(path, named_state(model), {})


def load_weights(path: Path, model: nn.Module) -> None:
    """Put the weights in `path` into `model`. Raises DataError where they do not fit."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path}: the best weights cannot be read ({error}); remove the folder and run again."
        ) from error
    _restore(path, model, tensors)


def named_state(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter (a shared one once) and buffer by name."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _restore(path: Path, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    own = named_state(model)
    if own.keys() != tensors.keys() or any(
        own[name].shape != tensor.shape for name, tensor in tensors.items()
    ):
        raise DataError(
            f"{path}: it holds another model's weights; remove the file to train from the start."
        )
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    make_folder(path.parent)
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_file(path) as file:
        save_file(whole, file.name, metadata)
