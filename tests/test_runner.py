"""Whole builds, as a user runs them."""

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
from collections.abc import Callable
from pathlib import Path

import datasets
import polars as pl
import pytest
from PIL import Image

from artcurate.errors import DataError, UsageError
from artcurate.images.faults import Fault
from artcurate.images.storage import ImageReader
from artcurate.pipeline import load, load_bundled, resolve
from artcurate.resources import pipeline_path, schema_path
from artcurate.runner import Built, build, find_inputs

SPLITS = ("train", "validation", "test")


def run_build(raw: Path, out: Path, *overrides: str, **options: object) -> Built:
    pipeline = resolve(load_bundled("artelingo"), ["agreement.draws=20", *overrides])
    inputs = {"annotations": [raw / "artelingo_release.csv"], "images": [raw / "wikiart"]}
    return build(pipeline, inputs, out, workers=1, **options)  # type: ignore[arg-type]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "artcurate", *map(str, arguments)]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "artelingo"
    run_build(sample, out)
    return out


def test_the_folder_holds_what_the_readme_says(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == [
        "README.md",
        "annotations",
        "artcurate.lock",
        "croissant.json",
        "data",
        "findings.json",
        "pictures.parquet",
        "pipeline.yaml",
        "quarantine.parquet",
        "schema.yaml",
        "split.json",
    ]
    assert [path.name for path in built.parent.iterdir()] == ["artelingo"]


def test_load_dataset_gives_both_configs_with_their_features(built: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    paintings = datasets.load_dataset(str(built), cache_dir=cache)
    captions = datasets.load_dataset(str(built), "annotations", cache_dir=cache)

    assert tuple(paintings) == SPLITS
    assert tuple(captions) == SPLITS
    first = paintings["train"][0]
    assert min(first["image"].size) <= 512
    assert first["image"].mode == "RGB"
    assert first["captions"][0]["text"]
    features = captions["train"].features
    assert isinstance(features["emotion"], datasets.ClassLabel)
    assert features["emotion"].names[0] == "amusement"
    assert isinstance(paintings["train"].features["image"], datasets.Image)
    streamed = datasets.load_dataset(str(built), split="test", streaming=True)
    assert len(list(streamed)) == paintings["test"].num_rows


def test_every_row_is_in_the_dataset_or_in_quarantine(built: Path, sample: Path) -> None:
    raw = pl.read_csv(sample / "artelingo_release.csv", columns=["utterance"])
    captions = pl.read_parquet(built / "annotations" / "*.parquet")
    quarantine = pl.read_parquet(built / "quarantine.parquet")
    left_out = quarantine.filter(pl.col("table") == "annotations")
    pictures = len(list((sample / "wikiart").rglob("*.jpg")))
    paintings = pl.scan_parquet(built / "data" / "*.parquet").select("painting_id").collect()

    assert captions.height + left_out.height == raw.height
    assert not set(captions["id"]) & set(left_out["id"])
    assert {*captions["id"], *left_out["id"]} == {
        f"{captions['id'][0][:8]}-{row:07d}" for row in range(1, raw.height + 1)
    }
    assert paintings.height + quarantine.filter(table="images").height == pictures
    assert {"empty_text", "wrong_language", "no_image", "image_truncated"} <= set(
        left_out["reason"]
    )
    assert left_out["detail"].str.len_chars().min() > 10


def test_no_painting_and_no_near_duplicate_straddles_the_splits(built: Path) -> None:
    side: dict[str, set[str]] = {}
    for split in SPLITS:
        rows = (
            pl.scan_parquet(built / "data" / f"{split}-*.parquet")
            .select("painting_id", "duplicate_group")
            .collect()
        )
        for painting, group in rows.iter_rows():
            side.setdefault(painting, set()).add(split)
            if group:
                side.setdefault(f"group {group}", set()).add(split)
        captions = pl.read_parquet(built / "annotations" / f"{split}-*.parquet")
        for painting in captions["painting_id"]:
            side[painting].add(split)

    assert all(len(splits) == 1 for splits in side.values())
    assert any(name.startswith("group ") for name in side)


def test_a_build_whose_shards_break_the_schemas_promise_is_not_published(
    sample: Path, tmp_path: Path
) -> None:
    schema = schema_path("artelingo").read_text(encoding="utf-8")
    schema = schema.replace("groups: [painting_id, duplicate_group]", "groups: [style]")
    (tmp_path / "schema.yaml").write_text(schema, encoding="utf-8")
    pipeline = pipeline_path("artelingo").read_text(encoding="utf-8")
    pipeline = pipeline.replace("schema: artelingo", "schema: schema.yaml")
    (tmp_path / "pipeline.yaml").write_text(pipeline, encoding="utf-8")
    inputs = {"annotations": [sample / "artelingo_release.csv"], "images": [sample / "wikiart"]}
    checked = resolve(load(tmp_path / "pipeline.yaml"), ["agreement.draws=20"])

    with pytest.raises(DataError, match=r"column style: .* is in \w+ and also in \w+"):
        build(checked, inputs, tmp_path / "out", workers=1)

    assert not (tmp_path / "out").exists()


def test_mojibake_names_join_and_are_repaired_for_reading(built: Path) -> None:
    paintings = (
        pl.scan_parquet(built / "data" / "*.parquet").select("painting_id", "artist").collect()
    )
    mojibake = paintings.filter(~pl.col("painting_id").str.contains(r"^[\x00-\x7f]*$"))

    assert mojibake.height > 0
    assert not mojibake["artist"].str.contains("ã|â").any()


def test_the_certificate_is_in_split_json(built: Path) -> None:
    certificate = json.loads((built / "split.json").read_text())

    assert certificate["splits"] == list(SPLITS)
    assert certificate["worst_deviation"] >= certificate["lower_bound"] >= 0


def test_a_build_does_not_depend_on_workers_paths_or_time(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(sample, moved)
    out = tmp_path / "again"
    pipeline = resolve(load_bundled("artelingo"), ["agreement.draws=20"])
    inputs = {"annotations": [moved / "artelingo_release.csv"], "images": [moved / "wikiart"]}
    build(pipeline, inputs, out, workers=2)

    assert digests(out) == digests(built)


def test_another_split_reads_no_picture(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of a second build find what the first one kept in the data home."""
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    inputs = {"annotations": [sample / "artelingo_release.csv"], "images": [sample / "wikiart"]}
    # With workers=0 the tasks run here, where what they open can be seen.
    opened: list[str] = []
    read = ImageReader.read

    def seen(reader: ImageReader, location: str, member: str | None = None) -> bytes | Fault:
        opened.append(location)
        return read(reader, location, member)

    monkeypatch.setattr(ImageReader, "read", seen)
    for name, seed, reading in (("one", 0, True), ("two", 1, False)):
        overrides = ["agreement.draws=20", f"split.seed={seed}"]
        pipeline = resolve(load_bundled("artelingo"), overrides)
        build(pipeline, inputs, tmp_path / name, workers=0)
        assert len(opened) == len(set(opened))
        assert bool(opened) is reading
        opened.clear()
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "empty"))
    run_build(sample, tmp_path / "fresh", "split.seed=1")

    assert digests(tmp_path / "two") == digests(tmp_path / "fresh")
    assert digests(tmp_path / "two") != digests(tmp_path / "one")


def test_pictures_are_the_same_whether_kept_or_made_in_the_end(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    run_build(sample, tmp_path / "out", "probe.keep_pictures=false")

    shards = [path for path in digests(built) if path.startswith("data/")]
    assert [digests(tmp_path / "out")[name] for name in shards] == [
        digests(built)[name] for name in shards
    ]


def test_the_resolved_pipeline_builds_the_same_again(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again"
    done = subprocess.run(
        command(
            "run",
            built / "pipeline.yaml",
            "--input",
            f"annotations={sample / 'artelingo_release.csv'}",
            "--input",
            f"images={sample / 'wikiart'}",
            "--out",
            out,
        ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert digests(out) == digests(built)


def test_a_dataset_with_a_schema_of_ones_own_needs_no_other_file(
    sample: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    schema = schema_path("artelingo").read_text(encoding="utf-8").replace("paintings", "works")
    (mine / "schema.yml").write_text(schema, encoding="utf-8")
    pipeline = pipeline_path("artelingo").read_text(encoding="utf-8")
    pipeline = pipeline.replace("schema: artelingo", "schema: schema.yml")
    (mine / "pipeline.yaml").write_text(pipeline, encoding="utf-8")
    inputs = {"annotations": [sample / "artelingo_release.csv"], "images": [sample / "wikiart"]}
    few = ["agreement.draws=20"]
    build(resolve(load(mine / "pipeline.yaml"), few), inputs, tmp_path / "out", workers=1)
    moved = shutil.copytree(mine, tmp_path / "moved")
    build(resolve(load(moved / "pipeline.yaml"), few), inputs, tmp_path / "again", workers=1)
    shutil.rmtree(mine)

    assert digests(tmp_path / "again") == digests(tmp_path / "out")
    assert str(tmp_path) not in (tmp_path / "out" / "pipeline.yaml").read_text(encoding="utf-8")
    valid = subprocess.run(
        command("validate", tmp_path / "out"), capture_output=True, text=True, check=False
    )
    assert valid.returncode == 0, valid.stdout
    told = subprocess.run(
        command("inspect", tmp_path / "out"), capture_output=True, text=True, check=True
    )
    assert "works" in told.stdout
    gone = next((tmp_path / "out" / "annotations").glob("test-*.parquet"))
    gone.unlink()
    told = subprocess.run(
        command("inspect", tmp_path / "out"), capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "works" in told.stdout
    assert f"missing: 1, the first is annotations/{gone.name};" in told.stderr


def test_the_real_excerpt_keeps_all_its_rows(real_data: Path, tmp_path: Path) -> None:
    pipeline = resolve(load_bundled("artelingo"), ["write.image_size=original"])
    inputs = {
        "annotations": [real_data / "artelingo" / "artelingo_release.csv"],
        "images": [real_data / "wikiart" / "full"],
    }
    result = build(pipeline, inputs, tmp_path / "real", workers=2)

    assert (result.annotations, result.images) == (48, 3)
    captions = pl.read_parquet(tmp_path / "real" / "annotations" / "*.parquet")
    assert captions["language_agrees"].all()
    paintings = pl.read_parquet(tmp_path / "real" / "data" / "*.parquet")
    assert sorted(paintings["captions"].list.len()) == [15, 16, 17]


def test_without_pixels_the_same_captions_come_out(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        command(
            "build",
            "artelingo",
            "-a",
            sample / "artelingo_release.csv",
            "--annotations-only",
            "--out",
            tmp_path / "captions",
            "--json",
        ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    raw = pl.read_csv(sample / "artelingo_release.csv", columns=["utterance"])
    assert summary["annotations"] + summary["quarantined"] == raw.height
    columns = pl.scan_parquet(tmp_path / "captions" / "data" / "*.parquet").collect_schema()
    assert "image" not in columns
    loaded = datasets.load_dataset(str(tmp_path / "captions"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows > 0


def one_bit_png(side: int) -> bytes:
    """A black picture of side x side pixels whose file is tiny."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    rows = (b"\0" * (1 + (side + 7) // 8)) * side
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def bomb(path: Path) -> None:
    path.write_bytes(one_bit_png(13_000))


def words(path: Path) -> None:
    path.write_text("this is no picture")


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def link_outside(path: Path) -> None:
    outside = path.parent.parent.parent / "secret.jpg"
    Image.new("RGB", (64, 64)).save(outside)
    path.unlink()
    path.symlink_to(outside)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (bomb, "too_many_pixels"),
        (words, "not_an_image"),
        (nothing, "empty_file"),
        (cut_off, "truncated"),
        (link_outside, "outside_root"),
    ],
)
def test_a_bad_picture_is_left_out_with_its_captions_and_the_build_goes_on(
    sample: Path, tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(sample, raw)
    captions = pl.read_csv(raw / "artelingo_release.csv", columns=["art_style", "painting"])
    style, painting = next(
        row
        for row in captions.unique(maintain_order=True).iter_rows()
        if row[1].isascii() and (raw / "wikiart" / row[0] / f"{row[1]}.jpg").is_file()
    )
    spoil(raw / "wikiart" / style / f"{painting}.jpg")

    run_build(raw, tmp_path / "out", "max_quarantined=0.2")

    quarantine = pl.read_parquet(tmp_path / "out" / "quarantine.parquet")
    mine = quarantine.filter(pl.col("id") == f"{style}/{painting}")
    assert mine["reason"].to_list() == [reason]
    theirs = captions.filter(art_style=style, painting=painting).height
    expected = "no_image" if reason == "outside_root" else f"image_{reason}"
    assert quarantine.filter(reason=expected, table="annotations").height >= theirs - 1


def test_too_many_rows_left_out_stop_the_build_before_the_pictures(
    sample: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(sample, raw)
    shutil.rmtree(raw / "wikiart" / "Impressionism")

    with pytest.raises(DataError, match="no_image") as caught:
        run_build(raw, tmp_path / "out")

    assert "--max-quarantined" in str(caught.value)
    assert not (tmp_path / "out").exists()
    run_build(raw, tmp_path / "out", "max_quarantined=0.9")
    assert (tmp_path / "out" / "README.md").is_file()


def test_every_input_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    pipeline = resolve(load_bundled("artelingo"))
    absent = {"annotations": [tmp_path / "a.csv"], "images": [tmp_path / "wikiart"]}

    with pytest.raises(UsageError) as caught:
        find_inputs(pipeline, {**absent, "imagse": [tmp_path]})

    assert "a.csv" in str(caught.value)
    assert "wikiart" in str(caught.value)
    assert "imagse" in str(caught.value)


def test_with_an_empty_data_home_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    done = subprocess.run(
        command("build", "artelingo"), cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--annotations" in done.stderr
    assert str(tmp_path / "home") in done.stderr


def test_the_data_home_is_used_when_nothing_is_named(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "artelingo").mkdir(parents=True)
    shutil.copy(sample / "artelingo_release.csv", home / "artelingo")
    (home / "wikiart").symlink_to(sample / "wikiart")
    monkeypatch.setenv("ARTCURATE_HOME", str(home))

    done = subprocess.run(
        command("build", "artelingo", "--set", "agreement.draws=0", "-q"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "artelingo" / "artcurate.lock").is_file()


def start_build(raw: Path, out: Path) -> subprocess.Popen[str]:
    arguments = command(
        "build",
        "artelingo",
        "-a",
        raw / "artelingo_release.csv",
        "-i",
        raw / "wikiart",
        "--out",
        out,
        "--workers",
        "2",
        "--set",
        "agreement.draws=20",
    )
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("moment", ["scratch/*", "dataset/data/*.parquet"])
def test_a_stopped_build_leaves_nothing_that_looks_whole_and_goes_on(
    built: Path, sample: Path, tmp_path: Path, stop: signal.Signals, moment: str
) -> None:
    out = tmp_path / "artelingo"
    process = start_build(sample, out)
    workspace = tmp_path / ".artelingo.building"
    deadline = time.monotonic() + 60
    while not list(workspace.glob(moment)) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    os.kill(process.pid, stop)
    _, errors = process.communicate(timeout=60)

    assert process.returncode != 0
    assert not out.exists()
    assert "Traceback" not in errors
    if stop is signal.SIGINT:
        assert process.returncode == 130
        assert "goes on" in errors
    again = start_build(sample, out)
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert digests(out) == digests(built)
    assert [path.name for path in tmp_path.iterdir()] == ["artelingo"]


def test_a_full_disk_is_told_in_a_sentence_and_room_lets_the_build_go_on(
    built: Path, sample: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        process = start_build(sample, disk / "artelingo")
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "Traceback" not in errors
        assert "space" in errors or "free" in errors
        assert not (disk / "artelingo").exists()
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        again = start_build(sample, disk / "artelingo")
        _, errors = again.communicate(timeout=120)
        assert again.returncode == 0, errors
        assert digests(disk / "artelingo") == digests(built)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
