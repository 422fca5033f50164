"""Fine-tuning from the command line to the scores: interrupted, without memory, without a loss."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from artcurate.benchmark.finetune_model import FusionModel  # noqa: E402
from artcurate.cli import app  # noqa: E402
from artcurate.errors import DataError  # noqa: E402
from artcurate.package.validate import validate  # noqa: E402


@pytest.fixture
def write_preset(encoders: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: Any) -> Path:
        content = {
            "title": "Tiny",
            "source": "the tests",
            "tier": "finetune",
            "seeds": 1,
            "resamples": 100,
            "text": {"id": str(encoders("bert")), "pooling": "cls"},
            "image": {"id": str(encoders("vit")), "pooling": "pooler"},
            "heads": ["concatenation"],
            "hidden": [8],
            "batch_size": 64,
            "micro_batch": 32,
            "epochs": 2,
        }
        file = tmp_path / "tiny.yaml"
        file.write_text(yaml.safe_dump(content | changes))
        return file

    return write


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def arguments(folder: Path, preset: Path) -> list[str]:
    return ["benchmark", str(folder), "--preset", str(preset), "--controls", "none"]


def predictions(folder: Path) -> dict[str, pl.DataFrame]:
    paths = sorted((folder / "predictions").glob("*.parquet"))
    return {path.stem: pl.read_parquet(path) for path in paths}


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.long
def test_an_interrupted_command_goes_on_to_the_scores_of_an_undisturbed_one(
    artelingo: Path,
    write_preset: Callable[..., Path],
    own_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preset = write_preset(epochs=4, patience=4)
    before = names_below(artelingo)
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "artcurate", *arguments(artelingo, preset)], stderr=log
        )
        deadline = time.monotonic() + 120
        while not any(own_home.rglob("checkpoint.safetensors")) and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        assert running.wait(120) == 130
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert names_below(artelingo) == before

    resumed = CliRunner().invoke(app, arguments(artelingo, preset))
    assert resumed.exit_code == 0, resumed.output
    found = predictions(artelingo)
    assert list(validate(artelingo)) == []
    scores = json.loads((artelingo / "scores.json").read_text())
    assert scores["conditions"]["tier"] == "finetune"
    assert {one["name"] for one in scores["systems"]} >= {"text", "image", "concatenation"}

    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "other home"))
    whole = CliRunner().invoke(app, arguments(artelingo, preset))
    assert whole.exit_code == 0, whole.output
    undisturbed = predictions(artelingo)
    assert found.keys() == undisturbed.keys()
    for name, table in undisturbed.items():
        assert table.equals(found[name]), name
    facts = json.loads((artelingo / "scores.json").read_text())["systems"][0]["facts"]
    assert facts["examples_per_second"] > 0
    assert "mfu" not in facts
    assert {path.name for path in own_home.rglob("*.safetensors")} == {"result.safetensors"}


def test_without_memory_the_micro_batch_is_halved_and_the_scores_say_so(
    artelingo: Path, write_preset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = FusionModel.forward

    def small(self: FusionModel, batch: Any, training: bool) -> Any:
        if training and len(next(iter(batch.values()))[0]) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, batch, training)

    monkeypatch.setattr(FusionModel, "forward", small)
    done = CliRunner().invoke(app, arguments(artelingo, write_preset(epochs=1, heads=[])))

    assert done.exit_code == 0, done.output
    assert "out of memory with 32 examples at once; going on with 16" in done.stderr
    scores = json.loads((artelingo / "scores.json").read_text())
    learned = [one for one in scores["systems"] if one["role"] == "unimodal"]
    assert {one["facts"]["micro_batch"] for one in learned} == {8}


def test_a_loss_that_is_not_finite_leaves_the_dataset_as_it_was(
    artelingo: Path, write_preset: Callable[..., Path]
) -> None:
    before = names_below(artelingo)
    preset = write_preset(learning_rate=1e30, head_learning_rate=1e30, warmup=0)

    done = CliRunner().invoke(app, arguments(artelingo, preset))

    assert isinstance(done.exception, DataError)
    assert "text, seed 0: the loss is not finite" in str(done.exception)
    assert names_below(artelingo) == before


def test_the_authors_zip_is_used_from_the_command_line(
    artelingo: Path, write_preset: Callable[..., Path], tmp_path: Path
) -> None:
    missing = [*arguments(artelingo, write_preset()), "--aligned", str(tmp_path / "none.zip")]

    done = CliRunner().invoke(app, missing)

    assert isinstance(done.exception, DataError)
    assert "none.zip: cannot be read" in str(done.exception)


def test_checkpoints_lie_in_the_data_home_wherever_the_preset_lies(
    artelingo: Path, write_preset: Callable[..., Path], own_home: Path
) -> None:
    preset = write_preset(epochs=1, heads=[])
    beside = set(preset.parent.iterdir())

    done = CliRunner().invoke(app, arguments(artelingo, preset))

    assert done.exit_code == 0, done.output
    assert set(preset.parent.iterdir()) - beside <= {own_home}
    assert [path.name[:5] for path in (own_home / "benchmark").iterdir()] == ["tiny-"]
