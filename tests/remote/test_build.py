"""Whole builds from URLs: the same shards as from local copies, and no secret left anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from web_server import WebServer, serving

from artcurate.engines import EngineName
from artcurate.engines.opening import EngineOptions
from artcurate.errors import DataError, UsageError
from artcurate.inputs import prepare
from artcurate.net.paths import AnyPath, RemotePath, parse_path
from artcurate.package.lock import read_lock
from artcurate.pipeline import load_bundled, resolve
from artcurate.runner import Built, build, silent
from artcurate.sources.registry import Urls

CAPTIONS = "artelingo_release.csv"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known from other builds."""
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def raw(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, unpacked and packed."""
    folder = tmp_path_factory.mktemp("raw")
    (folder / "wikiart").symlink_to(sample / "wikiart")
    (folder / CAPTIONS).symlink_to(sample / CAPTIONS)
    files = sorted(path for path in (sample / "wikiart").rglob("*") if path.is_file())
    names = [path.relative_to(sample).as_posix() for path in files]
    with (
        tarfile.open(folder / "all.tar", "w") as tar,
        zipfile.ZipFile(folder / "all.zip", "w") as archive,
    ):
        for path, name in zip(files, names, strict=True):
            tar.add(path, name)
            archive.write(path, name)
    pictures = [
        {"bytes": path.read_bytes(), "path": name}
        for path, name in zip(files, names, strict=True)
        if path.suffix == ".jpg"
    ]
    table = pa.table({"image": pa.array(pictures)})
    pq.write_table(table, folder / "all.parquet", row_group_size=20)
    return folder


@pytest.fixture(scope="module")
def local(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("local") / "artelingo"
    run(raw / CAPTIONS, raw / "wikiart", out, workers=0)
    return out


@pytest.fixture
def web(raw: Path) -> Iterator[WebServer]:
    with serving(raw) as server:
        yield server


def run(captions: AnyPath, images: AnyPath, out: Path, **options: object) -> Built:
    pipeline = resolve(load_bundled("artelingo"), ["agreement.draws=20", "max_quarantined=0.2"])
    inputs = {"annotations": [captions], "images": [images]}
    return build(pipeline, inputs, out, **options)  # type: ignore[arg-type]


def shards(out: Path) -> dict[str, str]:
    found = {
        path.relative_to(out).as_posix(): sha256(path.read_bytes()).hexdigest()
        for folder in ("data", "annotations")
        for path in (out / folder).iterdir()
    }
    assert found == {shard.name: shard.sha256 for shard in read_lock(out).shards}
    return found


@pytest.mark.parametrize(
    ("images", "workers"), [("wikiart", 2), ("all.zip", 0), ("all.tar", 0), ("all.parquet", 1)]
)
def test_the_shards_are_those_of_local_copies(
    web: WebServer, local: Path, tmp_path: Path, images: str, workers: int
) -> None:
    out = tmp_path / "out"
    captions, pictures = (parse_path(f"{web.url}/{name}") for name in (CAPTIONS, images))
    run(captions, pictures, out, workers=workers)
    assert shards(out) == shards(local)
    here = {one.input: one for one in read_lock(local).inputs}
    there = {one.input: one for one in read_lock(out).inputs}
    assert there["annotations"].sha256 == here["annotations"].sha256
    assert there["annotations"].bytes == here["annotations"].bytes
    assert there["annotations"].url == f"{web.url}/{CAPTIONS}"
    assert there["images"].sha256 == here["images"].sha256
    assert there["images"].url is not None
    assert there["images"].url.startswith(web.url)
    assert here["annotations"].url is None
    assert '"url"' not in (local / "artcurate.lock").read_text()
    assert f"{web.url}/{CAPTIONS}" in (out / "README.md").read_text().replace("\\", "")
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []


def test_a_bucket_of_this_process_serves_this_process_only(
    raw: Path, local: Path, tmp_path: Path
) -> None:
    root = RemotePath("memory", tmp_path.name, "raw")
    store = fsspec.filesystem("memory")
    for path in (raw / CAPTIONS, *(raw / "wikiart").rglob("*.*")):
        store.pipe(f"{root}/{path.relative_to(raw).as_posix()}", path.read_bytes())
    with pytest.raises(UsageError, match="only this process has it; build with workers=0"):
        run(root / CAPTIONS, root / "wikiart", tmp_path / "out", workers=2)
    run(root / CAPTIONS, root / "wikiart", tmp_path / "out", workers=0)
    assert shards(tmp_path / "out") == shards(local)


def test_a_second_build_reads_nothing_that_has_not_changed(web: WebServer, tmp_path: Path) -> None:
    captions, pictures = (parse_path(f"{web.url}/{name}") for name in (CAPTIONS, "all.zip"))
    for number in range(2):
        web.asked.clear()
        run(captions, pictures, tmp_path / f"out{number}", workers=0)
    asked = [one for one in web.asked if one.path == "/all.zip"]
    assert len(asked) < 6, "more than a look at its index"
    assert shards(tmp_path / "out0") == shards(tmp_path / "out1")


def test_no_secret_of_a_signed_url_is_printed_or_kept(raw: Path, tmp_path: Path) -> None:
    out, events = tmp_path / "out", tmp_path / "events.jsonl"
    with serving(raw, signature="s3cr3t") as web:

        def command(captions: str, images: str, name: str) -> subprocess.CompletedProcess[str]:
            given = ["-a", f"{web.url}/{captions}", "-i", f"{web.url}/{images}", "--out", name]
            fixed = ["--max-quarantined", "0.2", "--set", "agreement.draws=20", "--workers", "1"]
            build = [sys.executable, "-m", "artcurate", "build", "artelingo", *given, *fixed]
            return subprocess.run(
                [*build, "--events", str(events)],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
            )

        built = command(f"{CAPTIONS}?sig=s3cr3t", "all.zip?sig=s3cr3t", "out")
        refused = command(f"{CAPTIONS}?sig=s3cr3t0", "all.zip?sig=s3cr3t0&x=", "no")
        missing = command("none.csv?sig=s3cr3t", "none.zip?sig=s3cr3t", "no")
    assert built.returncode == 0, built.stderr
    assert (refused.returncode, missing.returncode) == (1, 1)
    said = "".join(one.stdout + one.stderr for one in (built, refused, missing))
    assert "Traceback" not in said
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes(), path
    assert "s3cr3t" not in said
    assert json.loads((out / "artcurate.lock").read_text())["inputs"][0]["url"] == (
        f"{web.url}/{CAPTIONS}"
    )


@pytest.mark.parametrize(
    ("captions", "images", "said"),
    [
        ("none.csv", "none.zip", "no such file or folder"),
        (f"{CAPTIONS}?sig=wrong", "all.zip?sig=wrong", "give a URL that is signed and still valid"),
    ],
)
def test_urls_that_lead_nowhere_are_told_all_at_once(
    raw: Path, tmp_path: Path, captions: str, images: str, said: str
) -> None:
    with serving(raw, signature="wrong?" if "sig" in captions else None) as web:
        given = [parse_path(f"{web.url}/{name}") for name in (captions, images)]
        with pytest.raises(DataError, match=said) as told:
            run(given[0], given[1], tmp_path / "out", workers=0)
    assert len(told.value.problems) == 2
    assert "?" not in str(told.value)


def test_a_source_that_vanishes_stops_the_build_and_the_same_call_goes_on(
    raw: Path, local: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "served"
    folder.symlink_to(raw)
    with serving(folder) as web:
        captions, pictures = (parse_path(f"{web.url}/{name}") for name in (CAPTIONS, "wikiart"))

        def vanish(line: str) -> None:
            if line.startswith("images"):
                folder.unlink(missing_ok=True)

        with pytest.raises(DataError, match="the images have gone away while they were read"):
            run(captions, pictures, tmp_path / "out", workers=0, say=vanish)
        assert not (tmp_path / "out").exists()
        folder.symlink_to(raw)
        web.asked.clear()
        run(captions, pictures, tmp_path / "out", workers=0, say=silent)
        assert not [one for one in web.asked if one.path == f"/{CAPTIONS}" and not one.range]
    assert shards(tmp_path / "out") == shards(local)


def pair(ecc: AnyPath, cid: AnyPath, out: Path) -> Built:
    return build(resolve(load_bundled("korean"), []), {"ecc": [ecc], "cid": [cid]}, out, workers=0)


@pytest.mark.parametrize("listed", ["by pages", "with sizes"])
def test_korean_pairs_from_urls_are_those_of_local_copies(
    korean_sample: Path, tmp_path: Path, listed: str
) -> None:
    pair(korean_sample / "ecc", korean_sample / "cid", tmp_path / "here")
    if listed == "by pages":
        with serving(korean_sample) as web:
            pair(*(parse_path(f"{web.url}/{name}") for name in ("ecc", "cid")), tmp_path / "there")
            place = f"{web.url}/ecc/"
    else:
        store = fsspec.filesystem("memory")
        store.put(str(korean_sample), "/korean", recursive=True)
        pair(
            *(parse_path(f"memory://korean/{name}") for name in ("ecc", "cid")), tmp_path / "there"
        )
        place = "memory://korean/ecc/"
        store.rm("/korean", recursive=True)
    here, there = read_lock(tmp_path / "here"), read_lock(tmp_path / "there")
    assert here.shards == there.shards
    assert [(one.name, one.sha256) for one in here.inputs] == [
        (one.name, one.sha256) for one in there.inputs
    ]
    assert all(one.url is None for one in here.inputs)
    assert all((one.url or "").startswith(place) for one in there.inputs if one.input == "ecc")


def test_workers_of_ray_read_elsewhere_too(web: WebServer, local: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    captions, pictures = (parse_path(f"{web.url}/{name}") for name in (CAPTIONS, "all.zip"))
    run(captions, pictures, tmp_path / "out", workers=1, engine=EngineOptions(EngineName.RAY))
    assert shards(tmp_path / "out") == shards(local)


def test_every_fault_of_corpora_elsewhere_is_told_at_once(
    korean_sample: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "served" / "cid" / "pictures.zip"
    cut.parent.mkdir(parents=True)
    whole = next((korean_sample / "cid").rglob("*.zip"))
    cut.write_bytes(whole.read_bytes()[:-40])
    (cut.parent / "more.zip.part0").write_bytes(b"PK")
    with serving(cut.parent.parent) as web:
        given = [parse_path(f"{web.url}/{name}") for name in ("ecc", "cid")]
        with pytest.raises(DataError) as told:
            pair(*given, tmp_path / "out")
    assert "/ecc" in told.value.problems[0]
    assert "more.zip.part0: a part of an archive" in told.value.problems[1]
    (cut.parent / "more.zip.part0").unlink()
    with serving(cut.parent.parent) as web, pytest.raises(DataError, match=r"pictures\.zip"):
        pair(korean_sample / "ecc", parse_path(f"{web.url}/cid"), tmp_path / "out")


def test_files_of_one_name_keep_their_own_urls(tmp_path: Path) -> None:
    for name in ("train/0.csv", "test/0.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    with serving(tmp_path) as web:
        given = [parse_path(f"{web.url}/{name}") for name in ("train/0.csv", "test/0.csv")]
        prepared = prepare([*given, tmp_path / "mine.csv"], Urls.FETCHED, tmp_path / "scratch")
    assert prepared.urls == {("0.csv", 11): str(given[0]), ("0.csv", 10): str(given[1])}
    texts = [path.read_text() for path in prepared.paths[:2] if isinstance(path, Path)]
    assert texts == ["train/0.csv", "test/0.csv"]
    assert prepared.paths[2] == tmp_path / "mine.csv"
