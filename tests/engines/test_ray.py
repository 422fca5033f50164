"""The Ray engine. Starting Ray takes seconds, so the tests share what can be shared."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from artcurate.engines import Done, EngineName, Lost, Reach
from artcurate.engines.answers import WorkerTraceback
from artcurate.engines.happenings import TaskDied, TaskDone, TaskEvent
from artcurate.engines.opening import EngineOptions
from artcurate.errors import UsageError
from artcurate.pipeline import load_bundled, resolve
from artcurate.runner import build

pytest.importorskip("ray", reason="Ray is not installed (pip install 'artcurate[ray]')")
from artcurate.engines.cluster import Identity
from artcurate.engines.ray import RayEngine, check_nodes

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import faulty_tasks  # noqa: E402  (workers find it by the same name)
from hindrance import hindered  # noqa: E402

#: Enough of them for tasks to be on their way everywhere.
SMALL_SHARDS = (
    "split.effort=0",
    "agreement.draws=0",
    "write.image_size=64",
    "write.max_shard_bytes=60000",
)


def results(outcomes: Iterator[Done[int] | Lost]) -> dict[int, int]:
    return {outcome.index: outcome.result for outcome in outcomes if isinstance(outcome, Done)}


def run_build(raw: Path, out: Path, *overrides: str, **options: object) -> None:
    pipeline = resolve(load_bundled("artelingo"), [*SMALL_SHARDS, *overrides])
    inputs = {"annotations": [raw / "artelingo_release.csv"], "images": [raw / "wikiart"]}
    build(pipeline, inputs, out, **options)  # type: ignore[arg-type]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the local engine makes of the sample."""
    out = tmp_path_factory.mktemp("local") / "artelingo"
    run_build(sample, out, workers=2)
    return out


@pytest.fixture(scope="module")
def events() -> list[TaskEvent]:
    return []


@pytest.fixture(scope="module")
def engine(events: list[TaskEvent]) -> Iterator[RayEngine]:
    """A cluster of this machine, whose workers find the tasks of the tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *sys.path]))
    patch.delenv("RAY_ADDRESS", raising=False)
    with RayEngine(workers=2, memory_limit=400 << 20, observe=events.append) as engine:
        yield engine
    patch.undo()


def test_every_task_has_its_own_result(engine: RayEngine) -> None:
    assert results(engine.map(faulty_tasks.square, range(20))) == {i: i * i for i in range(20)}
    assert list(engine.map(faulty_tasks.square, [])) == []


def test_a_task_whose_worker_dies_is_tried_again(
    engine: RayEngine, events: list[TaskEvent], tmp_path: Path
) -> None:
    events.clear()
    tasks = [faulty_tasks.DieOnce(str(tmp_path / "died"), 7)]
    assert list(engine.map(faulty_tasks.die_once, tasks)) == [Done(0, 7)]
    (died,) = (event for event in events if isinstance(event, TaskDied))
    assert (died.attempt, died.retried) == (1, True)
    (done,) = (event for event in events if isinstance(event, TaskDone))
    assert done.attempt == 2
    assert done.worker
    assert done.worker.node == socket.gethostname()
    assert done.worker.pid != os.getpid()


def test_a_task_that_always_kills_its_worker_is_given_up_alone(engine: RayEngine) -> None:
    outcomes = list(engine.map(faulty_tasks.die_for_thirteen, [1, 13, 2]))
    assert results(iter(outcomes)) == {0: 1, 2: 2}
    assert [one for one in outcomes if isinstance(one, Lost)] == [Lost(1, 3, "Its process died")]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the worker is ended instead")
def test_the_memory_limit_stops_a_greedy_task(engine: RayEngine) -> None:
    outcomes = list(engine.map(faulty_tasks.take_memory, [10 << 20, 500 << 20]))
    assert results(iter(outcomes)) == {0: 10 << 20}
    assert Lost(1, 3, "Out of memory (a worker may take 0.4 GB)") in outcomes


def test_an_exception_is_raised_here_with_the_remote_traceback(engine: RayEngine) -> None:
    with pytest.raises(LookupError, match="no number three") as caught:
        list(engine.map(faulty_tasks.fail_for_three, range(5)))
    assert isinstance(caught.value.__cause__, WorkerTraceback)
    assert "fail_for_three" in str(caught.value.__cause__)


def test_what_runs_on_after_the_iterator_is_closed_is_in_nobodys_way(
    engine: RayEngine, tmp_path: Path
) -> None:
    tasks = [faulty_tasks.Pulse(str(tmp_path), 0), faulty_tasks.Pulse(str(tmp_path), 100)]
    outcomes = engine.map(faulty_tasks.pulse, tasks)
    assert next(outcomes) == Done(0, 0)
    outcomes.close()  # type: ignore[attr-defined]
    assert results(engine.map(faulty_tasks.square, range(4))) == {i: i * i for i in range(4)}
    assert len(list(tmp_path.iterdir())) < 100, "it was waited for"


def test_machines_that_differ_are_named(engine: RayEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has pillow [\d.]+ instead of 1\.0; install"):
        check_nodes(Identity((("pillow", "1.0"),)), Reach())
    gone = tmp_path / "mount" / "wikiart"
    with pytest.raises(UsageError, match=r"does not see the same .*mount.*shared storage"):
        RayEngine(reach=Reach(written=(tmp_path,), read=(gone,)))
    assert list(tmp_path.iterdir()) == []


def test_a_build_has_the_bytes_of_the_local_engine(
    engine: RayEngine, built: Path, sample: Path, tmp_path: Path
) -> None:
    run_build(sample, tmp_path / "out", engine=EngineOptions(EngineName.RAY))
    assert digests(tmp_path / "out") == digests(built)


def test_pictures_kept_in_the_probe_have_the_bytes_of_the_local_engine(
    engine: RayEngine, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    run_build(
        sample, tmp_path / "ray", "write.image_size=128", engine=EngineOptions(EngineName.RAY)
    )
    assert list((tmp_path / "home").rglob("*.pack")) == []
    run_build(sample, tmp_path / "local", "write.image_size=128", workers=2)
    assert list((tmp_path / "home").rglob("*.pack")) != []
    assert digests(tmp_path / "ray") == digests(tmp_path / "local")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:1", "nobody answers there"),
        ("ray://127.0.0.1:10001", "give HOST:PORT"),
        ("head", "give HOST:PORT"),
    ],
)
def test_an_address_without_a_cluster_is_told_at_once(address: str, says: str) -> None:
    program = (
        "import sys; from artcurate.engines.ray import RayEngine; RayEngine(address=sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, address], capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"artcurate.errors.UsageError: --ray-address {address}:")
    assert says in last


LOSING_A_NODE = """
import sys, threading, time
from pathlib import Path
from artcurate.engines.happenings import TaskDied
from artcurate.engines.opening import EngineOptions
from artcurate.engines import EngineName
from artcurate.pipeline import load_bundled, resolve
from artcurate.runner import build
from ray.cluster_utils import Cluster

raw, out, events = map(Path, sys.argv[1:4])
small = {"num_cpus": 1, "object_store_memory": 100 << 20}
cluster = Cluster(initialize_head=True, head_node_args=small)
doomed = cluster.add_node(**small)

def strike():
    while events.read_text().count('"function": "write_shard"') < 4:
        time.sleep(0.05)
    time.sleep(0.3)
    cluster.remove_node(doomed, allow_graceful=False)

events.touch()
threading.Thread(target=strike, daemon=True).start()
build(
    resolve(load_bundled("artelingo"), sys.argv[4:]),
    {"annotations": [raw / "artelingo_release.csv"], "images": [raw / "wikiart"]},
    out,
    engine=EngineOptions(EngineName.RAY, ray_address=cluster.address),
    events=events,
)
assert len(cluster.worker_nodes) == 0, "the machine went away after the build"
"""


@pytest.mark.long
def test_a_machine_that_goes_away_takes_no_byte_along(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    environment = hindered(tmp_path / "hook", pause=0.1)
    events = tmp_path / "events.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", LOSING_A_NODE, sample, tmp_path / "out", events, *SMALL_SHARDS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "out") == digests(built)


def processes_with(marker: str) -> list[int]:
    """The processes in whose environment `marker` is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_build_takes_its_cluster_along_and_goes_on(
    blow: signal.Signals, built: Path, sample: Path, tmp_path: Path
) -> None:
    marker = f"ARTCURATE_TEST_{os.getpid()}_{blow}={tmp_path}"
    name, _, value = marker.partition("=")
    environment = {**hindered(tmp_path / "hook", pause=0.1), name: value}
    arguments = [sys.executable, "-m", "artcurate", "build", "artelingo"]
    arguments += ["-a", str(sample / "artelingo_release.csv"), "-i", str(sample / "wikiart")]
    arguments += ["--engine", "ray", "--workers", "2", "--out", str(tmp_path / "out")]
    arguments += [part for one in SMALL_SHARDS for part in ("--set", one)]
    process = subprocess.Popen(
        arguments, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    shards = tmp_path / ".out.building" / "dataset" / "data"
    while not list(shards.glob("*.parquet")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    (os.killpg if blow is signal.SIGINT else os.kill)(process.pid, blow)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if blow is signal.SIGINT else -blow), errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
    deadline = time.monotonic() + 180
    while processes_with(marker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_with(marker) == []
    run_build(sample, tmp_path / "out", workers=2)
    assert digests(tmp_path / "out") == digests(built)


def test_without_ray_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    program = "import sys; sys.modules['ray'] = None; from artcurate.cli import main; main()"
    (tmp_path / "a.csv").touch()
    arguments = ["build", "artelingo", "--annotations", "a.csv", "--annotations-only"]
    arguments += ["--engine", "ray", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'artcurate[ray]'" in done.stderr
    assert done.stderr.count("\n") == 1
