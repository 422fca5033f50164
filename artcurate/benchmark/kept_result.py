"""What a finished fine-tuning of one system leaves: its probabilities and its facts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import safetensors.numpy
from safetensors import SafetensorError

from artcurate.benchmark.devices import tell
from artcurate.benchmark.task import Predictions, Trained
from artcurate.files import make_folder, write_bytes

_RESULT = "result.safetensors"


def write_result(folder: Path, trained: Trained) -> None:
    """Keep the probabilities in `folder`; weights and checkpoints go."""
    arrays = {"validation": trained.validation.probabilities}
    arrays |= {f"view/{name}": one.probabilities for name, one in trained.evaluations.items()}
    facts = json.dumps({"seconds": trained.seconds, "facts": dict(trained.facts)})
    make_folder(folder)
    write_bytes(folder / _RESULT, safetensors.numpy.save(arrays, {"facts": facts}))
    for path in folder.iterdir():
        if path.name != _RESULT:
            path.unlink()


def read_result(folder: Path) -> Trained | None:
    """What `write_result` kept; None where there is nothing, or nothing whole."""
    path = folder / _RESULT
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, framework="np") as file:
            about: dict[str, Any] = json.loads(file.metadata()["facts"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return Trained(
            validation=Predictions(arrays.pop("validation")),
            evaluations={
                name.removeprefix("view/"): Predictions(array) for name, array in arrays.items()
            },
            seconds=about["seconds"],
            facts=about["facts"],
        )
    except (SafetensorError, KeyError, TypeError, ValueError):
        tell(f"{path}: the kept result is damaged; the system is trained again.")
        shutil.rmtree(folder)
        return None
