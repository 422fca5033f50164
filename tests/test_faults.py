"""Whole builds that meet real faults: killed workers and parents, poison, missing memory or inputs.

Each ends with the bytes of a build that met none, or says in a sentence why it cannot.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from artcurate.pipeline import load_bundled, resolve
from artcurate.runner import build

sys.path.insert(0, str(Path(__file__).parent))
from hindrance import hindered

#: Several shards per split, so that a build is somewhere between two of them.
SETTINGS = (
    "split.effort=0",
    "agreement.draws=0",
    "write.image_size=64",
    "write.max_shard_bytes=60000",
)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_build(raw: Path, out: Path, *overrides: str) -> None:
    pipeline = resolve(load_bundled("artelingo"), [*SETTINGS, *overrides])
    inputs = {"annotations": [raw / "artelingo_release.csv"], "images": [raw / "wikiart"]}
    build(pipeline, inputs, out, workers=2)


def start(
    raw: Path, out: Path, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "artcurate", "build", "artelingo", "--workers", "2"]
    arguments += ["-a", str(raw / "artelingo_release.csv"), "-i", str(raw / "wikiart")]
    arguments += ["--out", str(out), *options]
    arguments += [part for one in SETTINGS for part in ("--set", one)]
    return subprocess.Popen(
        arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen[str], condition: Callable[[], object]) -> None:
    """Wait until `condition` holds while `process` runs."""
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and what it said on stderr; nothing it says is a traceback."""
    _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    return process.returncode, errors


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def told(log: Path, words: str) -> bool:
    """Whether the event log has `words` by now."""
    return log.is_file() and words in log.read_text(encoding="utf-8")


def quarantine(out: Path, image: str) -> list[tuple[str, str]]:
    """Step and reason with which `image` was left out."""
    rows = pl.read_parquet(out / "quarantine.parquet").filter(table="images", id=image)
    return rows.select("step", "reason").rows()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build that meets no fault makes of the sample."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTCURATE_HOME", str(folder / "home"))
        run_build(sample, folder / "artelingo")
    return folder / "artelingo"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that another test has probed is known."""
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))


@pytest.fixture
def raw(sample: Path, tmp_path: Path) -> Path:
    """A copy of the sample that a test may spoil."""
    return shutil.copytree(sample, tmp_path / "raw")


def a_picture(raw: Path) -> tuple[str, Path]:
    """The id and file of a picture with captions and an ASCII name."""
    captions = pl.read_csv(raw / "artelingo_release.csv", columns=["art_style", "painting"])
    for style, painting in captions.unique(maintain_order=True).iter_rows():
        path = raw / "wikiart" / style / f"{painting}.jpg"
        if painting.isascii() and path.is_file():
            return f"{style}/{painting}", path
    raise AssertionError("the sample has no such picture")


@LINUX
def test_killed_workers_cost_no_byte(built: Path, sample: Path, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    environment = hindered(tmp_path / "hook", pause=0.03)
    process = start(sample, tmp_path / "out", "--events", str(log), environment=environment)

    for stage in ("probe", "write"):
        at_work = f'"task_started", "stage": "{stage}"'
        wait_for(process, partial(told, log, at_work))
        time.sleep(0.2)
        for worker in children(process.pid):
            os.kill(worker, signal.SIGKILL)
    assert ended(process)[0] == 0
    assert digests(tmp_path / "out") == digests(built)
    died = [event for event in events(log) if event["event"] == "task_died"]
    assert {event["stage"] for event in died} == {"probe", "write"}
    assert all(event["retried"] and event["detail"] == "Killed" for event in died)


def test_a_picture_that_kills_every_worker_is_left_out(
    raw: Path, sample: Path, tmp_path: Path
) -> None:
    image, path = a_picture(raw)
    poisoned = path.with_name("poison.jpg")
    environment = hindered(tmp_path / "hook", poison=path.name)
    log = tmp_path / "events.jsonl"
    options = ("--max-quarantined", "0.2", "--events", str(log))
    process = start(raw, tmp_path / "out", *options, environment=environment)
    assert ended(process)[0] == 0
    assert quarantine(tmp_path / "out", image) == [("probe", "worker_died")]
    lost = [event for event in events(log) if event["event"] == "task_lost"]
    assert len(lost) == 2, "its chunk, and then itself alone"
    assert {event["deaths"] for event in lost} == {3}
    path.unlink()
    assert not poisoned.exists()
    run_build(raw, tmp_path / "without", "max_quarantined=0.2")
    shards = {
        folder: {name: digest for name, digest in digests(folder).items() if "-of-" in name}
        for folder in (tmp_path / "out", tmp_path / "without")
    }
    assert shards[tmp_path / "out"] == shards[tmp_path / "without"]


def test_workers_that_die_over_every_picture_end_the_build_after_a_few(
    sample: Path, tmp_path: Path
) -> None:
    log = tmp_path / "events.jsonl"
    environment = hindered(tmp_path / "hook", poison=".jpg")
    options = ("--max-quarantined", "1", "--events", str(log))
    status, errors = ended(start(sample, tmp_path / "out", *options, environment=environment))
    assert status == 1
    assert "8 of 8 pictures ended all 3 workers" in errors
    assert "--worker-memory" in errors
    assert errors.count("\n") == 1
    died = [event for event in events(log) if event["event"] == "task_died"]
    assert len(died) == 30, "three times each of its two chunks, and of eight pictures"


def white_png(width: int, height: int) -> bytes:
    """A white RGB picture whose file is small and whose pixels are many."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    packer = zlib.compressobj(1)
    row = b"\0" + b"\xff" * (3 * width)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start_of_file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start_of_file + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limit is Linux's")
def test_a_picture_beyond_the_memory_limit_is_left_out_and_fits_without_it(
    raw: Path, tmp_path: Path
) -> None:
    image, path = a_picture(raw)
    path.write_bytes(white_png(11_000, 11_000))
    options = ("--worker-memory", "600MB", "--max-quarantined", "0.2")
    assert ended(start(raw, tmp_path / "small", *options))[0] == 0
    assert quarantine(tmp_path / "small", image) in (
        [("probe", "too_much_memory")],
        [("probe", "worker_died")],
    )
    assert ended(start(raw, tmp_path / "large", "--max-quarantined", "0.2"))[0] == 0
    assert quarantine(tmp_path / "large", image) == []


@pytest.mark.parametrize("moment", ['ended", "stage": "probe"', '"task_done", "stage": "write"'])
def test_inputs_that_vanish_are_told_and_the_build_goes_on_when_they_are_back(
    moment: str, built: Path, raw: Path, tmp_path: Path
) -> None:
    out, away = tmp_path / "out", tmp_path / "away"
    workspace = tmp_path / ".out.building"
    environment = hindered(tmp_path / "hook", pause=0.03)
    process = start(raw, out, environment=environment)
    wait_for(process, lambda: told(workspace / "events.jsonl", moment))
    (raw / "wikiart").rename(away)
    status, errors = ended(process)
    assert status == 1
    assert "wikiart: the images have gone away" in errors
    assert errors.count("\n") == 1
    assert not out.exists()
    assert events(workspace / "events.jsonl")[-1]["outcome"] == "failed"
    away.rename(raw / "wikiart")
    assert ended(start(raw, out))[0] == 0
    assert digests(out) == digests(built)
    assert not workspace.exists()


def test_pictures_that_vanish_before_they_are_probed_are_no_whole_dataset(
    raw: Path, tmp_path: Path
) -> None:
    log = tmp_path / "events.jsonl"
    environment = hindered(tmp_path / "hook", pause=0.05)
    process = start(raw, tmp_path / "out", "--events", str(log), environment=environment)
    wait_for(process, lambda: told(log, "task_started"))
    (raw / "wikiart").rename(tmp_path / "away")
    status, errors = ended(process)
    assert status == 1
    assert "image_unreadable" in errors or "have gone away" in errors
    assert not (tmp_path / "out").exists()


def test_two_builds_of_one_output_do_not_meet(built: Path, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = start(sample, out, environment=hindered(tmp_path / "hook", pause=0.03))
    wait_for(first, lambda: told(tmp_path / ".out.building" / "events.jsonl", "probe_chunk"))
    status, errors = ended(start(sample, out))
    assert status == 2
    assert "another build of" in errors
    assert errors.count("\n") == 1
    assert ended(first)[0] == 0
    assert digests(out) == digests(built)


@pytest.mark.parametrize(
    "moment",
    [
        "lock",
        "scratch/shards/*/*.json",
        "dataset/data/.*.partial",
        "dataset/annotations/*.parquet",
        "dataset/artcurate.lock",
    ],
)
def test_a_power_cut_at_any_moment_leaves_nothing_that_looks_whole(
    moment: str, built: Path, sample: Path, tmp_path: Path
) -> None:
    out, workspace = tmp_path / "out", tmp_path / ".out.building"
    process = start(sample, out)
    wait_for(process, lambda: list(workspace.glob(moment)))
    os.kill(process.pid, signal.SIGKILL)
    assert ended(process)[0] == -signal.SIGKILL
    if out.exists():
        # It was published between the look and the blow: then it is whole.
        assert digests(out) == digests(built)
        return
    assert ended(start(sample, out))[0] == 0
    assert digests(out) == digests(built)
    assert not workspace.exists()


def test_ctrl_c_at_the_terminal_ends_all_and_the_same_command_goes_on(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    out, workspace = tmp_path / "out", tmp_path / ".out.building"
    environment = hindered(tmp_path / "hook", pause=0.03)
    process = start(sample, out, environment=environment)
    wait_for(process, lambda: list(workspace.glob("dataset/data/*.parquet")))
    os.killpg(process.pid, signal.SIGINT)
    status, errors = ended(process)
    assert (status, errors.count("\n")) == (130, 1)
    assert "goes on" in errors
    log = events(workspace / "events.jsonl")
    assert log[-1]["outcome"] == "interrupted"
    assert ended(start(sample, out))[0] == 0
    assert digests(out) == digests(built)


def test_the_event_log_names_no_caption_and_no_picture(sample: Path, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    assert ended(start(sample, tmp_path / "out", "--events", str(log), "-q"))[0] == 0
    text = log.read_text(encoding="utf-8")
    release = pl.read_csv(sample / "artelingo_release.csv", columns=["painting", "utterance"])
    private = {value for column in release for value in column.drop_nulls() if len(value) > 3}
    assert not [value for value in private if value in text]
    assert str(tmp_path) not in text
    stages = [event["stage"] for event in events(log) if event["event"] == "stage_ended"]
    assert stages[:2] == ["read", "labels"]
    assert stages[-2:] == ["audit", "finish"] or stages[-2:] == ["write", "finish"]
