from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load_file  # noqa: E402

from artcurate.benchmark.checkpoint import named_state  # noqa: E402
from artcurate.benchmark.finetune_model import Rates, parameter_groups, rate_factor  # noqa: E402
from artcurate.errors import DataError  # noqa: E402
from artcurate.images.faults import Fault, FaultReason  # noqa: E402

SCRIPT = Path(__file__).with_name("tiny_training.py")


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    specification = importlib.util.spec_from_file_location("tiny_training", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def folders(encoders: Callable[[str], Path]) -> tuple[Path, Path]:
    return encoders("bert"), encoders("vit")


@pytest.fixture(scope="module")
def uninterrupted(
    tiny: ModuleType, encoders: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The weights of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    tiny.train(encoders("bert"), encoders("vit"), folder)
    return load_file(folder / "final.safetensors")


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0, msg=name)


def _close(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=2e-5, msg=name)


def _command(folders: tuple[Path, Path], folder: Path, *options: str) -> list[str]:
    return [sys.executable, str(SCRIPT), *map(str, folders), str(folder), *options]


# The 8th pass is in the middle of a step, the 20th in the second epoch, after a validation.
@pytest.mark.parametrize("passes", [8, 20])
def test_a_killed_run_goes_on_to_exactly_the_same_weights(
    tiny: ModuleType,
    folders: tuple[Path, Path],
    tmp_path: Path,
    uninterrupted: dict[str, Any],
    passes: int,
) -> None:
    killed = subprocess.run(
        _command(folders, tmp_path / "run", "--kill-at", str(passes)), capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    tiny.train(*folders, tmp_path / "run")
    _same(load_file(tmp_path / "run" / "final.safetensors"), uninterrupted)


def test_ctrl_c_ends_after_the_step_and_the_run_goes_on(
    tiny: ModuleType,
    folders: tuple[Path, Path],
    tmp_path: Path,
    uninterrupted: dict[str, Any],
) -> None:
    calls = []

    def interrupt(*_: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    def prepare(model: Any) -> None:
        model.head.register_forward_pre_hook(interrupt)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tiny.train(*folders, tmp_path / "run", prepare=prepare, interval=1000)
    assert signal.getsignal(signal.SIGINT) is before
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint.safetensors"]
    tiny.train(*folders, tmp_path / "run")
    _same(load_file(tmp_path / "run" / "final.safetensors"), uninterrupted)


def test_micro_batches_change_memory_and_not_the_result(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path, uninterrupted: dict[str, Any]
) -> None:
    # No dropout in the tiny encoders; the head's is off, so that only the cutting differs.
    def without_dropout(model: Any) -> None:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0

    whole, parts = (
        tiny.train(*folders, tmp_path / str(size), prepare=without_dropout, micro_batch=size)
        for size in (8, 3)
    )
    _close(named_state(parts[0]), named_state(whole[0]))
    np.testing.assert_allclose(parts[1].losses, whole[1].losses, rtol=1e-4)


def test_two_processes_take_the_same_steps_as_one(
    folders: tuple[Path, Path], tmp_path: Path, uninterrupted: dict[str, Any]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    running = [
        subprocess.Popen(_command(folders, tmp_path / "run"), env={**shared, "RANK": str(rank)})
        for rank in range(2)
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    _close(load_file(tmp_path / "run" / "final.safetensors"), uninterrupted)


def test_without_memory_the_micro_batch_is_halved_and_the_result_stays(
    tiny: ModuleType,
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def small(model: Any) -> None:
        forward = model.forward
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0

        def limited(batch: Any, training: bool) -> Any:
            if training and len(batch["text"][0]) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return forward(batch, training)

        model.forward = limited

    _, outcome, _ = tiny.train(*folders, tmp_path / "run", prepare=small, micro_batch=8)
    assert outcome.progress.micro_batch == 2
    assert "going on with 2 and twice the accumulation" in capsys.readouterr().err

    def never(model: Any) -> None:
        def full(batch: Any, training: bool) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory.")

        model.forward = full

    with pytest.raises(DataError, match="not even one example fits into"):
        tiny.train(*folders, tmp_path / "other", prepare=never)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limit is Linux's")
def test_a_training_goes_on_after_the_kernel_refused_memory(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    script = SCRIPT.with_name("limited_training.py")
    command = [sys.executable, str(script), str(folders[0]), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "out of memory with 4096 examples at once; going on with 2048" in done.stderr
    assert int(done.stdout) < 4096


def test_another_error_of_the_model_is_not_taken_for_a_lack_of_memory(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    def broken(model: Any) -> None:
        def fail(batch: Any, training: bool) -> Any:
            raise RuntimeError("shapes do not match")

        model.forward = fail

    with pytest.raises(RuntimeError, match="shapes do not match"):
        tiny.train(*folders, tmp_path / "run", prepare=broken)


def test_it_learns_and_keeps_the_best_epoch(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    _, outcome, _ = tiny.train(*folders, tmp_path / "run")
    assert outcome.losses[-1] < outcome.losses[0]
    assert outcome.progress.best_score == 1.0
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        f"best-{outcome.progress.best_epoch:04d}.safetensors",
        "checkpoint.safetensors",
        "final.safetensors",
    ]


def test_the_throughput_counts_training_examples_and_flops_of_both_encoders(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    _, outcome, trainer = tiny.train(*folders, tmp_path / "run", epochs=2, patience=2)
    assert outcome.examples == 2 * 30
    assert outcome.seconds > 0

    labels = tiny.labels_of(4)
    view = tiny.view_of(labels)
    encoders = {name: trainer._model.encoders[name] for name in ("text", "image")}
    tokens = {id(view["text"].values): encoders["text"].tokenize(view["text"].values)}
    counted = {
        names: trainer.flops(tiny.Examples(view, names, encoders, tokens), 4)
        for names in (("text", "image"),)
    }
    # The ViT's patches and projections alone: 2 layers of 5 tokens, 32 wide, 64 between.
    least = 2 * 5 * 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert counted["text", "image"] > least


def test_a_damaged_checkpoint_is_noticed_and_the_run_starts_anew(
    tiny: ModuleType,
    folders: tuple[Path, Path],
    tmp_path: Path,
    uninterrupted: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(b"\x80\x04 no tensors")
    tiny.train(*folders, tmp_path / "run")
    assert "the checkpoint is damaged" in capsys.readouterr().err
    _same(load_file(tmp_path / "run" / "final.safetensors"), uninterrupted)


def test_a_checkpoint_of_another_model_is_refused(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    tiny.train(*folders, tmp_path / "run", epochs=1)
    with pytest.raises(DataError, match="another model's weights"):
        tiny.train(*folders, tmp_path / "run", head="gated_unit")


def test_a_loss_that_is_not_finite_stops_the_run(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    def spoil(model: Any) -> None:
        with torch.no_grad():
            model.head.classifier[0].weight.fill_(float("nan"))

    with pytest.raises(DataError, match="loss is not finite in epoch 1, step 1"):
        tiny.train(*folders, tmp_path / "run", prepare=spoil)


def test_a_picture_that_no_longer_decodes_stops_the_run(
    tiny: ModuleType,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = Fault(FaultReason.TRUNCATED, "The image data ends early.")
    monkeypatch.setattr(tiny.Squares, "decode", lambda *_, **__: fault)
    with pytest.raises(DataError, match=r"picture \d+ .* cannot be decoded any more"):
        tiny.train(*folders, tmp_path / "run")


def test_rates_fall_layer_by_layer_and_norms_do_not_decay(
    tiny: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    model, _, _ = tiny.train(*folders, tmp_path / "run", epochs=1)
    groups = parameter_groups(model, Rates(1.0, 7.0, 0.5, 0.1))
    rates = {
        name: (group["lr"], group["weight_decay"])
        for group in groups
        for name, one in model.named_parameters()
        if any(one is other for other in group["params"])
    }
    text = "encoders.text.model."
    assert rates[text + "embeddings.word_embeddings.weight"] == (0.25, 0.1)
    assert rates[text + "encoder.layer.0.output.dense.weight"] == (0.5, 0.1)
    assert rates[text + "encoder.layer.1.output.dense.weight"] == (1.0, 0.1)
    assert rates[text + "encoder.layer.1.output.dense.bias"] == (1.0, 0.0)
    assert rates["head.classifier.0.weight"] == (7.0, 0.1)
    assert rates.keys() == {name for name, one in model.named_parameters() if one.requires_grad}


def test_the_rate_rises_and_falls_by_hand() -> None:
    factors = [rate_factor(step, 10, 0.2, cosine=True) for step in range(10)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[6] == pytest.approx(0.5)
    assert factors == sorted(factors[:2]) + sorted(factors[2:], reverse=True)
    assert [rate_factor(step, 10, 0.0, cosine=False) for step in (0, 9)] == [1.0, 1.0]
