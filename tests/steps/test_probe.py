from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artcurate.corpus import Corpus
from artcurate.engines import Done, Lost
from artcurate.errors import DataError
from artcurate.steps import probe as probe_module
from artcurate.steps.probe import Chunk, ProbeParameters, probe
from artcurate.steps.registry import Run


class SerialEngine:
    """Runs tasks one after another, last first, and counts the images it was given."""

    def __init__(self, deadly: str | None = None, stop_after: int | None = None) -> None:
        self.images = 0
        self._deadly = deadly
        self._stop_after = stop_after

    def map(
        self, function: Callable[[Any], Any], tasks: Sequence[Any]
    ) -> Iterator[Done[Any] | Lost]:
        for index in reversed(range(len(tasks))):
            chunk = tasks[index]
            assert isinstance(chunk, Chunk)
            if self._stop_after is not None and self.images >= self._stop_after:
                raise KeyboardInterrupt
            if any(self._deadly == location for location, _ in chunk.places):
                yield Lost(index, deaths=3, detail="killed by signal 9")
                continue
            self.images += len(chunk.places)
            yield Done(index, function(chunk))


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


def _run(tmp_path: Path, engine: SerialEngine) -> Run:
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
    }
    assert probed.images.columns == [*corpus.images.columns, *added]
    assert {name: probed.images.schema[name] for name in added} == added
    assert probed.images["id"].to_list() == ["a", "b"]
    assert probed.images["width"].to_list() == [60, 90]
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
    engine = SerialEngine(deadly="3.jpg")
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, engine))
    assert probed.images["id"].to_list() == ["0", "1", "2", "4"]
    assert probed.findings["probe"]["faults"] == {"worker_died": 1}
    detail = probed.quarantine.filter(pl.col("id") == "3")["detail"][0]
    assert "3 workers died" in detail
    assert "signal 9" in detail


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
        }
    )
    corpus = Corpus(pl.DataFrame(schema={"id": pl.String}), images, roots={"images": root})
    probed = probe(corpus, parameters=ProbeParameters(), run=_run(tmp_path, SerialEngine()))
    assert probed.images["id"].to_list() == ["a", "b", "c"]
    assert probed.images["phash"].n_unique() == 3


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


def test_a_broken_result_file_is_named(tmp_path: Path, root: Path) -> None:
    corpus = _corpus(root, {"a.jpg": _jpeg(0)})
    run = _run(tmp_path, SerialEngine())
    probe(corpus, parameters=ProbeParameters(), run=run)
    (stored,) = (run.scratch / "probe").glob("*.parquet")
    stored.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=f"{stored.name}.*delete the file"):
        probe(corpus, parameters=ProbeParameters(), run=run)
