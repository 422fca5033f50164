"""Pictures made in the probe's decoding: the same shards, whatever is kept, lost or damaged."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections import Counter, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from artcurate.corpus import Corpus
from artcurate.engines import Engine
from artcurate.engines.local import LocalEngine
from artcurate.images.decoders import choose
from artcurate.images.storage import ImageReader
from artcurate.images.transform import ImageForm
from artcurate.progress import ProgressMode
from artcurate.steps import kept_pictures
from artcurate.steps.probe import ProbeParameters, probe
from artcurate.steps.registry import Run
from artcurate.steps.write import write, written_form

sys.path.insert(0, str(Path(__file__).parent))
import killing_tasks  # (workers find it by the same name)
from writing_gallery import Wrapped, hashes, make_parameters

COUNT = 14
SIZE = 128
Usage = namedtuple("Usage", "total used free")


def _file(number: int) -> bytes:
    """Sound pictures of several formats and sizes; some turned, one smaller than `SIZE`."""
    pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    sides = (90, 70) if number == 3 else (300 + 10 * number, 220)
    image = Image.fromarray(pixels).resize(sides, Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6 if number % 4 == 1 else 1
    output = io.BytesIO()
    image.save(output, "PNG" if number % 5 == 2 else "JPEG", exif=exif)
    return output.getvalue()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """`COUNT` sound pictures, one of them twice, and one that is cut off."""
    root = tmp_path / "wikiart"
    root.mkdir()
    files = {f"{number:02}": _file(number) for number in range(COUNT)}
    files |= {"again": files["05"], "cut": files["04"][:2000]}
    for name, data in files.items():
        (root / name).write_bytes(data)
    names = list(files)
    annotations = {"id": names, "source": "a.csv", "row": range(len(names)), "text": names}
    images = {"id": names, "root": "images", "location": names, "source": names}
    return Corpus(
        pl.DataFrame({**annotations, "image_id": names}),
        pl.DataFrame(images).with_columns(member=pl.lit(None, pl.String)),
        roots={"images": root},
    )


@dataclass
class Builds:
    """Builds of one corpus; each tells its shards, and what was read and decoded meanwhile."""

    folder: Path
    corpus: Corpus
    read: Counter[str] = field(default_factory=Counter)
    decoded: int = 0
    said: list[str] = field(default_factory=list)
    phashes: list[int] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        return self.folder / "home" / "cache"

    @property
    def packs(self) -> list[Path]:
        return sorted(self.cache.glob("pictures/*/*.pack"))

    def run(
        self,
        *,
        keep: bool = True,
        split: int = 0,
        engine: Engine | None = None,
        probing: Engine | None = None,
        cached: bool = True,
        seen: bool = True,
        crop: bool = False,
        **options: object,
    ) -> dict[str, str]:
        """sha256 of each shard. split: which pictures are in test. probing: an engine for that."""
        engine = engine or LocalEngine(workers=0)
        number = len(list(self.folder.glob("build*")))
        scratch = self.folder / f"build{number}" / "scratch"
        scratch.mkdir(parents=True)
        parameters = make_parameters(scratch).model_copy(
            update={"image_size": SIZE, "max_shard_bytes": 15_000, **options}
        )
        run = Run(
            engine=engine,
            output=scratch.parent / "dataset",
            scratch=scratch,
            progress=ProgressMode.QUIET,
            cache=self.cache if cached else None,
            workers_see_cache=seen,
            form=written_form(parameters),
            say=self.said.append,
        )
        self.read.clear()
        self.decoded = 0
        limits = ProbeParameters(keep_pictures=keep)
        probed = probe(self.corpus, parameters=limits, run=replace(run, engine=probing or engine))
        self.phashes = probed.images["phash"].to_list()
        return hashes(write(_split(probed, split, crop=crop), parameters=parameters, run=run))


def _split(corpus: Corpus, seed: int, *, crop: bool) -> Corpus:
    def assigned(name: str) -> pl.Expr:
        number = pl.col(name).str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(5)
        return pl.when((number + seed) % 3 == 0).then(pl.lit("test")).otherwise(pl.lit("train"))

    images = corpus.images.with_columns(split=assigned("id"))
    if crop:
        edges = {"crop_left": 5.0, "crop_top": 6.0, "crop_right": 190.5, "crop_bottom": 180.0}
        some = pl.col("id").is_in(["01", "06", "again"])
        images = images.with_columns(**{name: pl.when(some).then(e) for name, e in edges.items()})
    annotations = corpus.annotations.with_columns(split=assigned("image_id"))
    return replace(corpus, images=images, annotations=annotations)


@pytest.fixture
def builds(tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> Builds:
    from artcurate.images import decode, probe, transform

    made = Builds(tmp_path, corpus)
    read, open_image = ImageReader.read, probe.open_image

    def counted_read(reader: ImageReader, location: str, member: str | None = None) -> object:
        made.read[location] += 1
        return read(reader, location, member)

    def counted_open(data: bytes, **options: int) -> object:
        made.decoded += 1
        return open_image(data, **options)

    monkeypatch.setattr(ImageReader, "read", counted_read)
    for module in (decode, probe, transform):
        monkeypatch.setattr(module, "open_image", counted_open)
    return made


@pytest.fixture
def plain(builds: Builds) -> dict[str, str]:
    """The shards of a build that keeps nothing and knows nothing."""
    return builds.run(keep=False, cached=False)


def test_every_picture_is_read_and_decoded_once(builds: Builds, plain: dict[str, str]) -> None:
    assert builds.read["00"] == 2
    assert builds.run() == plain
    assert set(builds.read.values()) == {1}
    # What the form cannot be made of is looked at once more by the plain probe.
    assert builds.decoded == COUNT + 1 + 2
    assert len(builds.packs) == 1
    assert builds.said == []


def test_another_split_reads_and_decodes_nothing(builds: Builds, plain: dict[str, str]) -> None:
    builds.run()
    other = builds.run(split=1)
    assert (builds.read, builds.decoded) == (Counter(), 0)
    assert other == builds.run(split=1, cached=False, keep=False)
    assert other != plain
    assert builds.run() == plain
    assert (builds.read, builds.decoded) == (Counter(), 0)


def test_what_was_probed_does_not_depend_on_what_is_kept(builds: Builds) -> None:
    builds.run()
    kept = builds.phashes
    builds.run()
    assert builds.phashes == kept
    builds.run(cached=False)
    assert builds.phashes == kept
    builds.run(keep=False)
    assert builds.phashes != kept


@pytest.mark.parametrize("seen", [True, False])
def test_workers_make_the_same_shards(
    builds: Builds, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    monkeypatch.setattr("artcurate.steps.probe._CHUNK", 3)
    with LocalEngine(workers=2) as engine:
        assert builds.run(engine=engine, seen=seen) == plain
        assert (len(builds.packs) > 3) is seen
        assert builds.run(engine=engine, seen=seen) == plain


def test_workers_that_do_not_see_the_cache_find_pictures_in_scratch(
    builds: Builds, plain: dict[str, str]
) -> None:
    assert builds.run(seen=False) == plain
    assert set(builds.read.values()) == {1}
    assert builds.run(seen=False) == plain
    assert set(builds.read.values()) == {1}, "scratch is another build's"
    builds.run()
    assert builds.packs


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["picture", "records", "cut", "emptied", "folder", "gone"])
def test_damaged_packs_cost_time_and_no_byte(
    builds: Builds, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr("artcurate.steps.probe._CHUNK", 6)
    builds.run()
    path = builds.packs[0]
    if damage in ("picture", "records"):
        flip(path, 100 if damage == "picture" else path.stat().st_size - 100)
    elif damage in ("cut", "emptied"):
        os.truncate(path, path.stat().st_size // 2 if damage == "cut" else 0)
    else:
        path.unlink()
    if damage == "folder":
        path.mkdir()
    assert builds.run() == plain
    assert 1 <= sum(builds.read.values()) <= 6
    assert builds.run() == plain
    assert builds.run() == plain
    assert (builds.read, builds.decoded) == (Counter(), 0)


def test_a_lost_store_of_results_is_made_again_without_harm(
    builds: Builds, plain: dict[str, str]
) -> None:
    builds.run()
    (builds.cache / "probed.sqlite").write_bytes(b"no database")
    assert builds.run() == plain
    assert builds.run() == plain
    assert (builds.read, builds.decoded) == (Counter(), 0)


def test_files_that_moved_are_read_and_not_decoded(
    builds: Builds, plain: dict[str, str], tmp_path: Path
) -> None:
    builds.run()
    moved = shutil.copytree(builds.corpus.roots["images"], tmp_path / "moved")
    builds.corpus = replace(builds.corpus, roots={"images": moved})
    assert builds.run() == plain
    assert set(builds.read.values()) == {1}
    assert builds.decoded == 0


def test_a_file_that_changed_is_made_anew(builds: Builds) -> None:
    first = builds.run()
    (builds.corpus.roots["images"] / "07").write_bytes(_file(99))
    second = builds.run()
    assert builds.read == {"07": 1}
    assert second != first
    assert second == builds.run(keep=False, cached=False)


def test_cut_pictures_are_made_from_their_files(builds: Builds) -> None:
    builds.run()
    cut = builds.run(crop=True)
    assert builds.read == {"01": 1, "06": 1, "again": 1}
    assert cut == builds.run(crop=True, keep=False, cached=False)


@pytest.mark.parametrize("options", [{"quality": 60}, {"image_size": 160}, {"decoder": "pillow"}])
def test_each_form_has_its_own_pictures(builds: Builds, options: dict[str, object]) -> None:
    if choose("auto") == "pillow":
        pytest.skip("no other decoder is installed")
    builds.run()
    other = builds.run(**options)
    assert set(builds.read.values()) == {1}
    assert other == builds.run(keep=False, cached=False, **options)
    builds.run(**options)
    builds.run()
    assert (builds.read, builds.decoded) == (Counter(), 0)


@pytest.mark.parametrize("size", [None, SIZE - 1])
def test_originals_and_tiny_pictures_are_not_kept(builds: Builds, size: int | None) -> None:
    assert builds.run(image_size=size) == builds.run(image_size=size, keep=False, cached=False)
    assert builds.packs == []


def test_without_room_it_is_said_and_done_without(
    builds: Builds, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    builds.run()
    phashes = builds.phashes
    shutil.rmtree(builds.cache)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 200_000, 200_000))
        assert builds.run() == plain
    assert builds.packs == []
    assert builds.phashes == phashes
    (line,) = builds.said
    assert "no pictures are kept" in line
    assert "are needed and 200.0 kB are free" in line
    builds.run()
    assert len(builds.packs) == 1
    assert builds.run() == plain
    assert builds.decoded == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="a small tmpfs can only be mounted by root")
def test_a_disk_that_fills_up_meanwhile_is_done_without(
    builds: Builds, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, small_disk: Path
) -> None:
    monkeypatch.setattr("artcurate.steps.probe._CHUNK", 2)
    builds.cache.parent.symlink_to(small_disk)
    with monkeypatch.context() as patch:
        patch.setattr(kept_pictures, "require_free_space", lambda *_: None)
        assert builds.run() == plain
    assert 0 < len(builds.packs) < 7
    assert not list(small_disk.rglob("*.partial"))
    assert builds.said == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_what_an_interrupted_probe_finished_is_not_made_again(
    builds: Builds, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artcurate.steps.probe._CHUNK", 3)

    def interrupt(outcomes: int) -> None:
        if outcomes == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        builds.run(probing=Wrapped(LocalEngine(workers=0), None, interrupt))
    assert len(builds.packs) == 2
    assert builds.run() == plain
    assert len(builds.read) == COUNT + 2 - 6


def test_a_picture_that_kills_workers_is_left_out_and_the_others_are_kept(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artcurate.steps.probe._CHUNK", 4)
    with LocalEngine(workers=2) as engine:
        killed = builds.run(probing=Wrapped(engine, killing_tasks.probe_or_die))
    assert builds.read == Counter(), "all is kept"
    images = builds.corpus.images.filter(pl.col("id") != killing_tasks.DEADLY)
    annotations = builds.corpus.annotations.filter(pl.col("id") != killing_tasks.DEADLY)
    builds.corpus = replace(builds.corpus, images=images, annotations=annotations)
    assert builds.run(keep=False, cached=False) == killed


def test_packs_that_no_build_uses_go(builds: Builds) -> None:
    builds.run()
    builds.run(quality=50)
    long_ago = time.time() - 40 * 86_400
    for pack in builds.packs:
        os.utime(pack, (long_ago, long_ago))
        half = pack.with_name(f".{pack.name}.0123.partial")
        half.touch()
        os.utime(half, (long_ago, long_ago))
        fresh = pack.with_name(f".{pack.name}.4567.partial")
        fresh.touch()
    builds.run(quality=50)
    assert builds.decoded == 0
    (left,) = builds.packs
    assert time.time() - left.stat().st_mtime < 86_400
    assert len(list(builds.cache.glob("pictures/*/.*.0123.partial"))) == 0
    assert len(list(builds.cache.glob("pictures/*/.*.4567.partial"))) == 2


def test_a_home_that_cannot_be_made_is_done_without(builds: Builds, plain: dict[str, str]) -> None:
    builds.cache.parent.write_text("a file where the folder should be")
    assert builds.run() == plain
    assert set(builds.read.values()) == {1}


def test_the_form_is_known_by_all_that_decides_its_bytes(tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    run = Run(LocalEngine(workers=0), tmp_path, tmp_path)
    forms = [ImageForm(128), ImageForm(129), ImageForm(128, 80), ImageForm(128, 90, "libvips")]
    folders = {kept_pictures.kept_pictures(run, form).folder for form in forms}
    assert len(folders) == len(forms)
