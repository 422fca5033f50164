from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.engines.happenings import TaskDone, TaskEvent
from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError
from artcurate.files import sha256_of
from artcurate.images.decoders import choose
from artcurate.progress import ProgressMode
from artcurate.steps.registry import Run
from artcurate.steps.write import WriteParameters, write

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from writing_gallery import (  # noqa: E402
    NAMES,
    column,
    files_in,
    hashes,
    make_corpus,
    make_parameters,
    make_run,
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


def test_both_configs_are_written_and_told(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    run = run_of()
    written = write(corpus, parameters=parameters, run=run)
    findings = written.findings["write"]
    assert findings["rows"] == {
        "paintings": {"test": 6, "train": 24},
        "annotations": {"test": 12, "train": 48},
    }
    assert (findings["faults"], findings["annotations_left_out"]) == ({}, 0)
    on_disk = {path.relative_to(run.output).as_posix() for path in files_in(run.output)}
    assert on_disk == {shard["name"] for shard in findings["shards"]}
    for shard in findings["shards"]:
        path = run.output / shard["name"]
        assert shard["sha256"] == sha256_of(path)
        assert shard["bytes"] == path.stat().st_size
        assert shard["rows"] == pq.read_metadata(path).num_rows
    assert column(run, "data", "painting_id") == sorted(NAMES)
    assert column(run, "annotations", "id") == corpus.annotations["id"].to_list()
    assert "image" not in pq.read_schema(run.output / findings["shards"][-1]["name"]).names


def test_progress_is_told_within_shards_and_finished_ones_are_found(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[TaskEvent] = []
    with LocalEngine(workers=0, observe=events.append) as engine:
        run = replace(run_of(engine=engine), progress=ProgressMode.JSON)
        first, again = (
            write(corpus, parameters=parameters, run=run).findings["write"] for _ in range(2)
        )
    done = [one for one in events if isinstance(one, TaskDone) and one.function == "write_shard"]
    written = sorted((shard["rows"], shard["bytes"]) for shard in first["shards"])
    assert sorted(one.units for one in done) == [rows for rows, _ in written]
    assert 0.5 < sum(one.bytes for one in done) / sum(size for _, size in written) < 1
    assert again["shards"] == first["shards"]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    ends = [line for line in lines if line["done"] == line["total"]]
    assert [line["total"] for line in ends] == [30, 60, 30, 60]
    assert [line["bytes"] > 0 for line in ends] == [True, True, False, False]


def test_without_a_split_all_rows_are_for_training(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    whole = replace(
        corpus,
        annotations=corpus.annotations.drop("split"),
        images=corpus.images.drop("split"),
    )
    rows = write(whole, parameters=parameters, run=run_of()).findings["write"]["rows"]
    assert rows == {"paintings": {"train": 30}, "annotations": {"train": 60}}


def test_splits_keep_their_rows(corpus: Corpus, parameters: WriteParameters, run_of: RunOf) -> None:
    run = run_of()
    write(corpus, parameters=parameters, run=run)
    test = pq.read_table(sorted((run.output / "annotations").glob("test-*")))
    assert sorted(test["id"].to_pylist()) == (
        corpus.annotations.filter(split="test")["id"].sort().to_list()
    )


@pytest.mark.parametrize("size", [None, 32])
def test_bytes_do_not_depend_on_workers_or_row_order(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf, size: int | None
) -> None:
    parameters = parameters.model_copy(update={"image_size": size, "max_shard_bytes": 4_000})
    alone = write(corpus, parameters=parameters, run=run_of("alone"))
    shuffled = replace(
        corpus,
        annotations=corpus.annotations.sample(fraction=1, shuffle=True, seed=1),
        images=corpus.images.sample(fraction=1, shuffle=True, seed=2),
    )
    with LocalEngine(workers=2) as engine:
        together = write(shuffled, parameters=parameters, run=run_of("together", engine))
    assert hashes(together) == hashes(alone)
    assert len(hashes(alone)) > 6


def test_a_build_without_pixels_has_no_image_column(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    run = run_of()
    bare = replace(corpus, images=corpus.images.select("id", "split"))
    written = write(bare, parameters=parameters, run=run)
    assert pq.read_table(run.output / "data").column_names == ["painting_id", "captions"]
    located = corpus.images.with_columns(location=pl.lit(None, pl.String))
    again = write(replace(corpus, images=located), parameters=parameters, run=run_of("again"))
    assert hashes(again) == hashes(written)


def test_images_of_some_rows_only_are_refused(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    images = corpus.images.with_columns(
        location=pl.when(pl.col("id") == NAMES[0]).then(None).otherwise("location")
    )
    with pytest.raises(DataError, match="1 of 30 images have no file"):
        write(replace(corpus, images=images), parameters=parameters, run=run_of())


def test_shards_of_an_earlier_plan_are_removed(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    run = run_of()
    write(corpus, parameters=parameters, run=run)
    fewer = parameters.model_copy(update={"max_shard_bytes": 10**8})
    written = write(corpus, parameters=fewer, run=run)
    assert {path.relative_to(run.output).as_posix() for path in files_in(run.output)} == set(
        hashes(written)
    )
    assert len(hashes(written)) == 4


def test_images_are_cut_where_the_table_says_so(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf
) -> None:
    first, second = pl.col("id") == NAMES[1], pl.col("id") == NAMES[2]
    edges = {"crop_left": 5, "crop_top": 6, "crop_right": 25, "crop_bottom": 16}
    images = corpus.images.with_columns(
        **{name: pl.when(first).then(edge) for name, edge in edges.items()}
    ).with_columns(crop_right=pl.when(second).then(9).otherwise("crop_right"))
    run = run_of()
    written = write(replace(corpus, images=images), parameters=parameters, run=run)
    assert written.findings["write"]["faults"] == {"bad_crop": 1}
    assert written.quarantine.filter(table="images")["id"].to_list() == [NAMES[2]]
    table = pq.read_table(run.output / "data", columns=["painting_id", "image"])
    sizes = {
        row["painting_id"]: Image.open(io.BytesIO(row["image"]["bytes"])).size
        for row in table.to_pylist()
    }
    assert (sizes[NAMES[1]], sizes[NAMES[3]]) == ((20, 10), (43, 48))


@pytest.mark.parametrize(
    ("given", "size"), [("original", None), (None, None), ("512", 512), (224, 224)]
)
def test_image_size_is_a_number_or_original(given: object, size: int | None) -> None:
    parameters = WriteParameters.model_validate({"schema_name": "any", "image_size": given})
    assert parameters.image_size == size


@pytest.mark.parametrize(("size", "decides"), [(32, True), (None, False)])
def test_the_decoder_decides_where_pictures_are_reduced(
    corpus: Corpus, parameters: WriteParameters, run_of: RunOf, size: int | None, decides: bool
) -> None:
    pytest.importorskip("pyvips")
    preferred = choose("auto")
    written = {
        decoder: write(
            corpus,
            parameters=parameters.model_copy(update={"image_size": size, "decoder": decoder}),
            run=run_of(decoder),
        )
        for decoder in sorted({"pillow", "libvips", preferred, "auto"})
    }
    named = {name: one.findings["write"]["decoder"] for name, one in written.items()}
    assert named["auto"] == named[preferred]
    assert hashes(written["auto"]) == hashes(written[preferred])
    assert (hashes(written["pillow"]) != hashes(written["libvips"])) is decides
    assert str(named["libvips"]).startswith("libvips 8.") is decides
    assert (named["pillow"] is None) is not decides


@pytest.mark.parametrize("given", ["small", 0, "-3", "", 1.5])
def test_other_image_sizes_are_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        WriteParameters.model_validate({"schema_name": "any", "image_size": given})
