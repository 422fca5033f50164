"""Whole builds from pictures that lie in Parquet files and in archives."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import datasets
import polars as pl
import pyarrow.parquet as pq
import pytest

from artcurate.engines.opening import EngineOptions
from artcurate.package.validate import validate
from artcurate.pipeline import load_bundled, resolve
from artcurate.runner import Built, build
from artcurate.sources.synthetic.forms import write_hub_parquet

SETTINGS = ("split.effort=0", "agreement.draws=0", "max_quarantined=0.2")


def run_build(out: Path, captions: Path, images: Path | None, *overrides: str) -> Built:
    pipeline = resolve(load_bundled("artelingo"), [*SETTINGS, *overrides])
    inputs = {"annotations": [captions]} | ({"images": [images]} if images else {})
    return build(pipeline, inputs, out, workers=2, engine=EngineOptions())


def shards(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*-of-*.parquet")
    }


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Hub's form: every caption's row holds the picture."""
    path = tmp_path_factory.mktemp("hub") / "data" / "train-00000-of-00001.parquet"
    write_hub_parquet(path, paintings=40)
    return path


@pytest.mark.parametrize("size", ["original", "32"])
def test_a_dataset_from_the_hubs_parquet_holds_its_pictures(
    hub: Path, tmp_path: Path, size: str
) -> None:
    built = run_build(tmp_path / "out", hub, None, f"write.image_size={size}")
    assert list(validate(built.out)) == []
    raw = pq.read_table(hub, columns=["art_style", "painting", "image"]).to_pylist()
    lengths: dict[str, int] = {}
    for row in raw:
        name = normalize("NFC", f"{row['art_style']}/{row['painting']}")
        lengths.setdefault(name, len(row["image"]["bytes"]) if row["image"] else 0)
    listed = pl.read_parquet(built.out / "pictures.parquet")
    assert listed.height == built.images > 30
    assert all(lengths[name] == size for name, size in listed.select("id", "bytes").iter_rows())
    loaded = datasets.load_dataset(str(built.out), cache_dir=str(tmp_path / "cache"))
    assert sum(part.num_rows for part in loaded.values()) == built.images
    assert loaded["train"][0]["image"].size[0] >= 32


@pytest.fixture(scope="module")
def from_folders(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("folders") / "out"
    run_build(out, sample / "artelingo_release.csv", sample / "wikiart", "write.image_size=64")
    return out


def as_tar(wikiart: Path, folder: Path) -> Path:
    with tarfile.open(folder / "wikiart.tar", "w") as archive:
        archive.add(wikiart, "./wikiart")
    return folder / "wikiart.tar"


def as_zip(wikiart: Path, folder: Path) -> Path:
    made = shutil.make_archive(str(folder / "wikiart"), "zip", wikiart.parent, "wikiart")
    return Path(made)


def as_one_archive_per_style(wikiart: Path, folder: Path) -> Path:
    for number, style in enumerate(sorted(path for path in wikiart.iterdir() if path.is_dir())):
        if number % 2:
            with tarfile.open(folder / f"{style.name}.tar", "w") as archive:
                archive.add(style, style.name)
        else:
            with zipfile.ZipFile(folder / f"{style.name}.zip", "w") as packed:
                for path in sorted(style.iterdir()):
                    packed.write(path, path.name)
    return folder


@pytest.mark.parametrize("pack", [as_tar, as_zip, as_one_archive_per_style])
def test_archives_give_the_bytes_that_the_unpacked_folders_give(
    pack: Callable[[Path, Path], Path], sample: Path, from_folders: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    images = pack(sample / "wikiart", raw)
    captions = sample / "artelingo_release.csv"
    built = run_build(tmp_path / "out", captions, images, "write.image_size=64")
    assert shards(built.out) == shards(from_folders)
    found = built.findings["images"]["containers"]
    assert set(found) == {path.name for path in raw.iterdir()}
    for name in ("pictures.parquet", "quarantine.parquet", "split.json"):
        assert (built.out / name).read_bytes() == (from_folders / name).read_bytes()


def test_captions_and_pictures_may_come_in_different_forms(
    hub: Path, sample: Path, tmp_path: Path
) -> None:
    """The release's captions with the pictures of the Hub's Parquet files."""
    rows = pl.read_parquet(hub).drop("image").unique(maintain_order=True)
    rows.write_parquet(tmp_path / "captions.parquet")
    options = ("write.image_size=32",)
    apart = run_build(tmp_path / "apart", tmp_path / "captions.parquet", hub.parent, *options)
    assert apart.findings["images"]["containers"] == {hub.name: apart.findings["images"]["images"]}
    together = run_build(tmp_path / "together", hub, None, *options)
    pictures = [
        pl.read_parquet(out / "pictures.parquet").drop("root") for out in (apart.out, together.out)
    ]
    assert pictures[0].equals(pictures[1])
