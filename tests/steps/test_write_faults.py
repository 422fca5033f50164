"""Images that vanish, workers that die, disks that fill and builds that are killed."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from artcurate.corpus import Corpus
from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError
from artcurate.steps.registry import Run
from artcurate.steps.write import WriteParameters, write

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import killing_tasks  # noqa: E402  (workers find it by the same name)
from writing_gallery import (  # noqa: E402
    NAMES,
    Wrapped,
    files_in,
    hashes,
    make_corpus,
    make_parameters,
    make_run,
    without,
)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return make_corpus(tmp_path / "wikiart")


@pytest.fixture
def parameters(tmp_path: Path) -> WriteParameters:
    return make_parameters(tmp_path)


RunOf = Callable[..., Run]


@pytest.fixture
def run_of(tmp_path: Path) -> RunOf:
    """A run in a folder of its own, by name."""
    return lambda name="one", engine=None: make_run(tmp_path / name, engine)


def test_images_that_fail_leave_with_their_captions_as_if_they_had_never_been(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    folder = corpus.roots["images"]
    (folder / f"{NAMES[1]}.jpg").unlink()
    (folder / f"{NAMES[5]}.jpg").write_bytes((folder / f"{NAMES[6]}.jpg").read_bytes())
    run = run_of("faulty")
    with LocalEngine(workers=2) as engine:
        written = write(corpus, parameters=parameters, run=replace(run, engine=engine))
    expected = write(
        without(corpus, NAMES[1], NAMES[5]), parameters=parameters, run=run_of("clean")
    )
    assert hashes(written) == hashes(expected)
    assert {path.name for path in files_in(run.output)} == {
        Path(name).name for name in hashes(expected)
    }
    reasons = written.quarantine.select("table", "id", "reason", "step").sort("table", "id")
    assert reasons.rows() == [
        ("annotations", "0123abcd-0000003", "image_unreadable", "write"),
        ("annotations", "0123abcd-0000004", "image_unreadable", "write"),
        ("annotations", "0123abcd-0000011", "image_changed", "write"),
        ("annotations", "0123abcd-0000012", "image_changed", "write"),
        ("images", NAMES[1], "unreadable", "write"),
        ("images", NAMES[5], "changed", "write"),
    ]
    assert NAMES[1] in written.quarantine.filter(table="annotations")["detail"][0]
    assert written.findings["write"]["faults"] == {"changed": 1, "unreadable": 1}
    assert written.findings["write"]["annotations_left_out"] == 4
    for table, total in (("annotations", 60), ("images", 30)):
        assert sum(written.count(table)) == total  # type: ignore[arg-type]


def test_an_image_that_kills_its_workers_is_left_out(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    with LocalEngine(workers=2) as engine:
        killing = Wrapped(engine, killing_tasks.write_or_die)
        written = write(corpus, parameters=parameters, run=run_of("killed", killing))
    expected = write(without(corpus, NAMES[7]), parameters=parameters, run=run_of("clean"))
    assert hashes(written) == hashes(expected)
    (fault,) = written.quarantine.filter(table="images").to_dicts()
    assert (fault["id"], fault["reason"]) == (NAMES[7], "worker_died")
    assert fault["detail"] == "3 workers died while they read it: Killed."


def test_workers_that_die_without_a_culprit_stop_the_build(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    with LocalEngine(workers=2) as engine:
        dying = Wrapped(engine, killing_tasks.die)
        parameters = parameters.model_copy(update={"max_shard_bytes": 10**8})
        with pytest.raises(DataError, match=r"data/.*: 3 workers died .*Killed.*fewer workers"):
            write(corpus, parameters=parameters, run=run_of("dying", dying))


def test_an_interrupted_write_leaves_whole_shards_and_goes_on(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    def interrupt(outcomes: int) -> None:
        if outcomes == 2:
            raise KeyboardInterrupt

    run = run_of("interrupted")
    with LocalEngine(workers=2) as engine, pytest.raises(KeyboardInterrupt):
        write(
            corpus, parameters=parameters, run=replace(run, engine=Wrapped(engine, None, interrupt))
        )
    finished = files_in(run.output)
    assert 2 <= len(finished) < 8
    assert all(path.suffix == ".parquet" and path.name[0] != "." for path in finished)
    written = write(corpus, parameters=parameters, run=run)
    assert hashes(written) == hashes(write(corpus, parameters=parameters, run=run_of("clean")))
    recorded = {
        run.output / "data" / path.with_suffix(".parquet").name
        for path in (run.scratch / "shards" / "paintings").glob("*.json")
    }
    kept = finished.items() & files_in(run.output).items()
    assert len(kept) >= 2
    assert {path for path, _ in kept} <= recorded


KILLED = """
import os, pickle, signal, sys
from artcurate.engines.local import LocalEngine
from artcurate.steps.registry import Run
from artcurate.steps.write import write
corpus, parameters, output, scratch = pickle.load(open(sys.argv[1], "rb"))

class Killed:
    def map(self, function, tasks, *, watch=None):
        for number, outcome in enumerate(LocalEngine(workers=2).map(function, tasks, watch=watch)):
            yield outcome
            if number == 2:
                (output / "data" / ".left.parquet.00.partial").touch()
                os.kill(os.getpid(), signal.SIGKILL)

write(corpus, parameters=parameters, run=Run(Killed(), output, scratch))
"""


def test_a_killed_write_goes_on_where_it_was(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf, tmp_path: Path
) -> None:
    run = run_of("killed")
    plan = tmp_path / "plan.pickle"
    plan.write_bytes(pickle.dumps((corpus, parameters, run.output, run.scratch)))
    program = [sys.executable, "-c", KILLED, str(plan)]
    assert subprocess.run(program, check=False).returncode == -9
    before = {path: inode for path, inode in files_in(run.output).items() if path.name[0] != "."}
    assert len(before) >= 3
    written = write(corpus, parameters=parameters, run=run)
    assert hashes(written) == hashes(write(corpus, parameters=parameters, run=run_of("clean")))
    after = files_in(run.output)
    assert all(path.suffix == ".parquet" for path in after)
    assert len(before.items() & after.items()) >= 3


def test_shards_that_somebody_removes_meanwhile_are_missed(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    run = run_of()

    def remove_paintings(_: int) -> None:
        if (run.output / "annotations").exists():
            shutil.rmtree(run.output / "data", ignore_errors=True)

    meddled = replace(run, engine=Wrapped(run.engine, None, remove_paintings))
    with pytest.raises(DataError, match=r"\d+ finished shards have gone away.*again"):
        write(corpus, parameters=parameters, run=meddled)
    written = write(corpus, parameters=parameters, run=run)
    assert written.findings["write"]["rows"]["paintings"] == {"test": 6, "train": 24}


@pytest.mark.skipif(os.geteuid() != 0, reason="a small tmpfs can only be mounted by root")
def test_a_disk_without_room_is_said_before_anything_is_written(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        run = replace(run_of(), output=disk / "dataset")
        with pytest.raises(DataError, match=r"about \d\d\.\d kB are needed and .* are free"):
            write(corpus, parameters=parameters, run=run)
        assert files_in(disk) == {}
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
