from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artcurate.corpus import Corpus
from artcurate.engines import Done, Engine, Lost
from artcurate.engines.reports import Tally, Watch, reporting
from artcurate.errors import DataError
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.probe import probe_image
from artcurate.progress import ProgressMode
from artcurate.steps import probe as probe_module
from artcurate.steps import probe_task
from artcurate.steps.probe import ProbeParameters, probe
from artcurate.steps.probe_store import Found, ProbeStore
from artcurate.steps.probe_tables import place_keys
from artcurate.steps.probe_task import Chunk
from artcurate.steps.registry import Run


class SerialEngine:
    """Runs tasks one after another, last first, and counts the images it was given
    and what the tasks reported."""

    def __init__(
        self, deadly: Callable[[str], bool] = lambda _: False, stop_after: int | None = None
    ) -> None:
        self.images = 0
        self.lost = 0
        self.tally = Tally()
        self._deadly = deadly
        self._stop_after = stop_after

    def map(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], *, watch: Watch | None = None
    ) -> Iterator[Done[Any] | Lost]:
        for index in reversed(range(len(tasks))):
            chunk = tasks[index]
            assert isinstance(chunk, Chunk)
            if self._stop_after is not None and self.images >= self._stop_after:
                raise KeyboardInterrupt
            if any(self._deadly(location) for location, _ in chunk.places):
                self.lost += 1
                yield Lost(index, deaths=3, detail="killed by signal 9")
                continue
            self.images += len(chunk.places)
            with reporting(lambda _: None) as reporter:
                result = function(chunk)
            self.tally = Tally(
                self.tally.units + reporter.tally.units, self.tally.bytes + reporter.tally.bytes
            )
            if watch:
                watch(index, reporter.tally)
                watch(index, Tally())
            yield Done(index, result)


def _jpeg(seed: int, width: int = 60, height: int = 40) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    output = io.BytesIO()
    image.save(output, "JPEG")
    return output.getvalue()


def _corpus(root: Path, files: dict[str, bytes]) -> Corpus:
    for name, data in files.items():
        (root / name).write_bytes(data)
    stems = [name.rpartition(".")[0] for name in files]
    return Corpus(
        annotations=pl.DataFrame(
            {
                "id": [f"0-{n}" for n in range(2 * len(stems))],
                "source": "captions.csv",
                "row": list(range(1, 2 * len(stems) + 1)),
                "image_id": stems * 2,
            }
        ),
        images=pl.DataFrame(
            {
                "id": stems,
                "root": "images",
                "location": list(files),
                "member": pl.Series([None] * len(stems), dtype=pl.String),
                "source": list(files),
            }
        ),
        roots={"images": root},
    )


def _run(tmp_path: Path, engine: Engine) -> Run:
    return Run(engine=engine, output=tmp_path / "out", scratch=tmp_path / "scratch")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_sound_images_are_described(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {"a.jpg": _jpeg(0), "b.jpg": _jpeg(1, 90, 70)})
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    added = {
        "width": pl.Int32,
        "height": pl.Int32,
        "format": pl.String,
        "orientation": pl.Int8,
        "sha256": pl.String,
        "phash": pl.UInt64,
        "bytes": pl.Int64,
    }
    assert probed.images.columns == [*corpus.images.columns, *added]
    assert {name: probed.images.schema[name] for name in added} == added
    assert probed.images["id"].to_list() == ["a", "b"]
    assert probed.images["width"].to_list() == [60, 90]
    assert probed.images["bytes"].to_list() == [len(_jpeg(0)), len(_jpeg(1, 90, 70))]
    assert probed.images["phash"].n_unique() == 2
    assert probed.annotations.equals(corpus.annotations)
    assert probed.findings["probe"] == {
        "images": 2,
        "formats": {"JPEG": 2},
        "orientations": {"1": 2},
        "faults": {},
        "annotations_left_out": 0,
    }


def test_bad_images_are_set_aside_with_their_annotations(tmp_path: Path, root: Path) -> None:
    sound = _jpeg(0)
    corpus = _corpus(
        root,
        {
            "sound.jpg": sound,
            "cut.jpg": sound[: len(sound) // 2],
            "text.jpg": b"a text file that poses as a picture",
            "empty.jpg": b"",
            "wide.jpg": _jpeg(1, 400, 300),
            "heavy.jpg": sound + bytes(9000),
            "gone.jpg": sound,
        },
    )
    (root / "gone.jpg").unlink()
    parameters = ProbeParameters(max_pixels=100_000, max_bytes=9000)
    probed = probe(corpus, parameters=parameters, run=_run(tmp_path, SerialEngine()))
    assert probed.images["id"].to_list() == ["sound"]
    assert probed.annotations["image_id"].to_list() == ["sound", "sound"]
    images = probed.quarantine.filter(pl.col("table") == "images")
    reasons = {
        "cut": "truncated",
        "text": "not_an_image",
        "empty": "empty_file",
        "wide": "too_many_pixels",
        "heavy": "too_many_bytes",
        "gone": "unreadable",
    }
    assert dict(images.select("id", "reason").iter_rows()) == reasons
    captions = probed.quarantine.filter(pl.col("table") == "annotations")
    assert sorted(captions["reason"]) == sorted(2 * [f"image_{r}" for r in reasons.values()])
    assert captions["source"].unique().to_list() == ["captions.csv"]
    assert captions.height + probed.annotations.height == corpus.annotations.height
    assert images.height + probed.images.height == corpus.images.height
    assert probed.findings["probe"]["faults"] == dict.fromkeys(sorted(reasons.values()), 1)
    assert probed.findings["probe"]["annotations_left_out"] == 12


def test_an_interrupted_probe_goes_on_where_it_was(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_module, "_CHUNK", 3)
    corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(10)})
    whole = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path / "w", SerialEngine()))
    interrupted = SerialEngine(stop_after=4)
    with pytest.raises(KeyboardInterrupt):
        probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, interrupted))
    resumed = SerialEngine()
    result = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, resumed))
    assert interrupted.images + resumed.images == 10
    assert result.images.equals(whole.images)
    again = SerialEngine()
    probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, again))
    assert again.images == 0


def test_what_changed_is_probed_again(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(4)})
    probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    (root / "2.jpg").write_bytes(_jpeg(77, 90, 70))
    engine = SerialEngine()
    result = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert engine.images == 1
    assert result.images["width"].to_list() == [60, 60, 90, 60]
    engine = SerialEngine()
    strict = ProbeParameters(max_pixels=2400)
    result = probe(corpus, parameters=strict, run=_run(tmp_path, engine))
    assert engine.images == 4
    assert result.findings["probe"]["faults"] == {"too_many_pixels": 1}


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {"a.jpg": _jpeg(0), "b.jpg": _jpeg(1)})
    stamp = (root / "b.jpg").stat()
    data = (root / "b.jpg").read_bytes()
    (root / "b.jpg").unlink()
    first = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    assert first.findings["probe"]["faults"] == {"unreadable": 1}
    (root / "b.jpg").write_bytes(data)
    os.utime(root / "b.jpg", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    assert second.findings["probe"]["faults"] == {}


def test_only_the_image_that_kills_workers_is_left_out(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(5)})
    engine = SerialEngine(deadly="3.jpg".__eq__)
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert probed.images["id"].to_list() == ["0", "1", "2", "4"]
    assert probed.findings["probe"]["faults"] == {"worker_died": 1}
    detail = probed.quarantine.filter(pl.col("id") == "3")["detail"][0]
    assert "3 workers died" in detail
    assert "signal 9" in detail


def test_poison_in_every_chunk_is_harmless(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_module, "_CHUNK", 4)
    corpus = _corpus(root, {f"{n:03}.jpg": _jpeg(n) for n in range(80)})
    engine = SerialEngine(deadly=lambda location: int(location[:3]) % 4 == 1)
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert probed.findings["probe"]["faults"] == {"worker_died": 20}
    assert probed.images["id"].to_list() == [f"{n:03}" for n in range(80) if n % 4 != 1]


@pytest.mark.parametrize("chunk", [1, 4, 128])
def test_workers_that_die_over_everything_stop_the_probe_soon(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(probe_module, "_CHUNK", chunk)
    corpus = _corpus(root, {f"{n:03}.jpg": _jpeg(0) for n in range(300)})
    # A few pictures are small enough for any worker.
    engine = SerialEngine(deadly=lambda location: location not in ("000.jpg", "100.jpg"))
    with pytest.raises(DataError, match=r"\d+ of \d+ pictures .*signal 9.*--worker-memory"):
        probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert engine.lost <= 60


def test_workers_that_die_late_stop_the_probe_too(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_module, "_CHUNK", 2)
    corpus = _corpus(root, {f"{n:03}.jpg": _jpeg(0) for n in range(300)})
    engine = SerialEngine(deadly=lambda location: location > "016.jpg")
    with pytest.raises(DataError, match=r"8 of 8 pictures"):
        probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert engine.lost <= 40


def test_a_few_pictures_that_all_kill_are_left_out(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(3)})
    engine = SerialEngine(deadly=lambda _: True)
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert probed.findings["probe"]["faults"] == {"worker_died": 3}


def test_progress_is_told_picture_by_picture(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {f"{n}.jpg": _jpeg(n) for n in range(6)} | {"text.jpg": b"no picture, but text"}
    corpus = _corpus(root, files)
    total = sum(map(len, files.values()))
    engines = [SerialEngine(), SerialEngine()]
    for engine, rate in zip(engines, (True, False), strict=True):
        run = replace(_run(tmp_path, engine), progress=ProgressMode.JSON)
        probe(corpus, parameters=ProbeParameters(), run=run)
        told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert (told[-1]["done"], told[-1]["total"], told[-1]["skipped"]) == (7, 7, 1)
        assert (told[-1]["rate"] > 0) is rate, "what was found counts for no rate"
        assert (told[-1]["bytes"] == total) is rate
    assert engines[0].tally == Tally(7, total)


def test_results_do_not_depend_on_chunks(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n}.jpg": _jpeg(n) for n in range(7)} | {"x.jpg": b"no picture"}
    corpus = _corpus(root, files)
    results = []
    for chunk in (1, 3, 100):
        monkeypatch.setattr(probe_module, "_CHUNK", chunk)
        run = _run(tmp_path / str(chunk), SerialEngine())
        results.append(probe(corpus, parameters=ProbeParameters(), run=run))
    for result in results[1:]:
        assert result.images.equals(results[0].images)
        assert result.quarantine.equals(results[0].quarantine)
        assert result.findings == results[0].findings


def test_images_in_a_parquet_file(tmp_path: Path, root: Path) -> None:
    column = pa.array([{"bytes": _jpeg(n), "path": None} for n in range(3)])
    pq.write_table(pa.table({"image": column}), root / "part.parquet")
    images = pl.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "root": "images",
            "location": "part.parquet",
            "member": ["0", "1", "2", "3"],
            "bytes": pl.Series([None] * 4, dtype=pl.Int64),
        }
    )
    corpus = Corpus(pl.DataFrame(schema={"id": pl.String}), images, roots={"images": root})
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    assert probed.images["id"].to_list() == ["a", "b", "c"]
    assert probed.images["phash"].n_unique() == 3
    assert probed.images["bytes"].to_list() == [len(_jpeg(n)) for n in range(3)]


def test_images_without_a_place_and_no_images_at_all(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {"a.jpg": _jpeg(0)})
    placeless = Corpus(
        corpus.annotations,
        corpus.images.with_columns(root=pl.lit(None, pl.String), location=pl.lit(None, pl.String)),
    )
    probed = probe(placeless, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    assert probed.images["id"].to_list() == ["a"]
    assert probed.images["phash"].to_list() == [None]
    empty = Corpus(corpus.annotations.clear(), corpus.images.clear())
    probed = probe(empty, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    assert probed.images.is_empty()
    assert probed.images.schema["phash"] == pl.UInt64


class CountingEngine(SerialEngine):
    """Counts the images that were decoded, too."""

    decoded = 0

    def map(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], *, watch: Watch | None = None
    ) -> Iterator[Done[Any] | Lost]:
        with pytest.MonkeyPatch.context() as patch:

            def counted(data: bytes, **options: Any) -> Any:
                self.decoded += 1
                return probe_image(data, **options)

            patch.setattr(probe_task, "probe_image", counted)
            yield from super().map(function, tasks, watch=watch)


class TestCache:
    """What one build has probed, others know."""

    @pytest.fixture
    def files(self) -> dict[str, bytes]:
        sound = {f"{n}.jpg": _jpeg(n) for n in range(4)}
        return sound | {"cut.jpg": _jpeg(9)[:300], "text.jpg": b"no picture at all, but text"}

    def build(
        self, tmp_path: Path, name: str, corpus: Corpus, **parameters: int
    ) -> tuple[Corpus, CountingEngine]:
        engine = CountingEngine()
        run = replace(_run(tmp_path / name, engine), cache=tmp_path / "home" / "cache")
        return probe(corpus, parameters=ProbeParameters(**parameters), run=run), engine

    def test_another_build_of_the_same_files_reads_nothing(
        self, tmp_path: Path, root: Path, files: dict[str, bytes]
    ) -> None:
        corpus = _corpus(root, files)
        first, engine = self.build(tmp_path, "one", corpus)
        assert (engine.images, engine.decoded) == (6, 6)
        second, engine = self.build(tmp_path, "two", corpus)
        assert (engine.images, engine.decoded) == (0, 0)
        alone = probe(
            corpus, parameters=ProbeParameters(), run=_run(tmp_path / "three", SerialEngine())
        )
        for other in (second, alone):
            assert other.images.equals(first.images)
            assert other.quarantine.equals(first.quarantine)
            assert other.findings == first.findings

    def test_files_that_moved_are_read_and_not_decoded(
        self, tmp_path: Path, root: Path, files: dict[str, bytes]
    ) -> None:
        first, _ = self.build(tmp_path, "one", _corpus(root, files))
        moved = tmp_path / "elsewhere"
        moved.mkdir()
        second, engine = self.build(tmp_path, "two", _corpus(moved, files))
        assert (engine.images, engine.decoded) == (6, 0)
        assert second.images.equals(first.images)
        assert second.quarantine.equals(first.quarantine)

    def test_workers_need_not_see_the_cache(
        self, tmp_path: Path, root: Path, files: dict[str, bytes]
    ) -> None:
        """On a cluster the data home is the folder of one machine; scratch is shared."""
        self.build(tmp_path, "one", _corpus(root, files))
        moved = tmp_path / "elsewhere"
        moved.mkdir()
        corpus = _corpus(moved, files)
        home = tmp_path / "home"

        class Elsewhere(CountingEngine):
            def map(
                self,
                function: Callable[[Any], Any],
                tasks: Sequence[Any],
                *,
                watch: Watch | None = None,
            ) -> Iterator[Done[Any] | Lost]:
                home.rename(tmp_path / "hidden")
                outcomes = list(super().map(function, tasks, watch=watch))
                (tmp_path / "hidden").rename(home)
                yield from outcomes

        engine = Elsewhere()
        run = replace(_run(tmp_path / "two", engine), cache=home / "cache")
        probe(corpus, parameters=ProbeParameters(), run=run)
        assert (engine.images, engine.decoded) == (6, 0)
        third, engine = self.build(tmp_path, "three", corpus)
        assert (engine.images, third.images.height) == (0, 4)

    def test_a_file_replaced_behind_its_times_is_noticed(self, tmp_path: Path, root: Path) -> None:
        one, other = _jpeg(0), _jpeg(1)
        size = max(len(one), len(other))
        corpus = _corpus(root, {"a.jpg": one.ljust(size, b"\0")})
        first, _ = self.build(tmp_path, "one", corpus)
        status = (root / "a.jpg").stat()
        (root / "a.jpg").write_bytes(other.ljust(size, b"\0"))
        os.utime(root / "a.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
        second, _ = self.build(tmp_path, "two", corpus)
        assert first.images["phash"].to_list() != second.images["phash"].to_list()

    def test_other_parameters_are_other_results(
        self, tmp_path: Path, root: Path, files: dict[str, bytes]
    ) -> None:
        corpus = _corpus(root, files)
        self.build(tmp_path, "one", corpus)
        strict, engine = self.build(tmp_path, "two", corpus, max_pixels=100)
        assert engine.decoded == 6
        assert strict.findings["probe"]["faults"]["too_many_pixels"] >= 4

    def test_a_damaged_entry_is_found_out_and_replaced(self, tmp_path: Path, root: Path) -> None:
        corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(3)})
        first, _ = self.build(tmp_path, "one", corpus)
        path = tmp_path / "home" / "cache" / "probed.sqlite"
        with closing(sqlite3.connect(path)) as connection, connection:
            changed = connection.execute(
                "UPDATE contents SET result = replace(result, '60', '61') "
                "WHERE key = (SELECT min(key) FROM contents)"
            )
            assert changed.rowcount == 1
        for decoded in (1, 0):
            again, engine = self.build(tmp_path, f"after{decoded}", corpus)
            assert engine.decoded == decoded
            assert again.images.equals(first.images)

    @pytest.mark.parametrize("damage", ["overwritten", "cut", "emptied", "folder"])
    def test_a_damaged_file_counts_as_empty(self, tmp_path: Path, root: Path, damage: str) -> None:
        corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(3)})
        first, _ = self.build(tmp_path, "one", corpus)
        path = tmp_path / "home" / "cache" / "probed.sqlite"
        data = path.read_bytes()
        if damage == "folder":
            path.unlink()
            path.mkdir()
        else:
            path.write_bytes(
                {"overwritten": b"x" * len(data), "cut": data[: len(data) // 2], "emptied": b""}[
                    damage
                ]
            )
        again, engine = self.build(tmp_path, "two", corpus)
        assert engine.decoded == 3
        assert again.images.equals(first.images)
        if damage != "folder":
            assert self.build(tmp_path, "three", corpus)[1].decoded == 0

    def test_a_home_that_cannot_be_made_is_done_without(self, tmp_path: Path, root: Path) -> None:
        (tmp_path / "home").write_text("a file where the folder should be")
        corpus = _corpus(root, {"a.jpg": _jpeg(0)})
        assert self.build(tmp_path, "one", corpus)[1].decoded == 1
        assert self.build(tmp_path, "one", corpus)[1].decoded == 0

    def test_builds_at_the_same_time_share_it(self, tmp_path: Path, root: Path) -> None:
        corpus = _corpus(root, {f"{n}.jpg": _jpeg(n) for n in range(40)})
        found = [Found(f"{n:064x}", Fault(FaultReason.CORRUPT, str(n))) for n in range(40)]
        keys = place_keys(corpus.images, corpus.roots, "same")

        def write(part: int) -> None:
            store = ProbeStore(tmp_path / "cache", "same")
            for start in range(part, 40, 4):
                store.add(keys[start : start + 1], found[start : start + 1])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        known = ProbeStore(tmp_path / "cache", "same").at(keys)
        assert known == {key: one.result for key, one in zip(keys, found, strict=True)}
