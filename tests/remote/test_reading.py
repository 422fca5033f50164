"""`ImageReader` on roots elsewhere, and WikiArt below URLs: what a local copy gives, they give."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from web_server import WebServer, serving

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.storage import ImageReader
from artcurate.net.paths import RemotePath, parse_path
from artcurate.sources.wikiart import locate_wikiart

NAMES = ("Realism/b_two.JPG", "Baroque/a_one-1890(2).jpg", "Baroque/joaquã\xadn_x?#%.png")
FORMS = ("folder", "inner", "tar", "zip", "parquet")


def content(name: str) -> bytes:
    return f"picture {name}".encode() * 9


def write(folder: Path, form: str) -> None:
    """`NAMES` in `folder`, in one of `FORMS`."""
    folder.mkdir(parents=True, exist_ok=True)
    if form in ("folder", "inner"):
        for name in (*NAMES, "Realism/notes.txt", ".hidden/x_y.jpg", "readme.md"):
            path = folder / ("wikiart" if form == "inner" else "") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(name))
    elif form == "tar":
        with tarfile.open(folder / "all.tar", "w") as archive:
            for name in NAMES:
                info = tarfile.TarInfo(name)
                info.size = len(content(name))
                archive.addfile(info, io.BytesIO(content(name)))
    elif form == "zip":
        with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name in NAMES:
                archive.writestr(name, content(name))
    else:
        rows = [{"bytes": content(name), "path": name} for name in NAMES]
        table = pa.table({"image": pa.array(rows)})
        pq.write_table(table, folder / "all.parquet", row_group_size=2)


def root_of(web: WebServer, path: str = "") -> RemotePath:
    parsed = parse_path(f"{web.url}/{path}")
    assert isinstance(parsed, RemotePath)
    return parsed


def pictures(corpus: Corpus) -> dict[str, bytes | Fault]:
    found = {}
    for row in corpus.images.iter_rows(named=True):
        with ImageReader(corpus.roots[row["root"]]) as reader:
            found[row["id"]] = reader.read(row["location"], row["member"])
    return found


def same_save_sizes(one: Corpus, other: Corpus) -> None:
    """Index pages tell no sizes; everything else is the same."""
    for corpus in (one, other):
        assert corpus.images["root"].unique().to_list() == ["images"]
    assert one.images.drop("bytes").equals(other.images.drop("bytes"))
    assert one.quarantine.equals(other.quarantine)
    assert one.findings == other.findings


@pytest.mark.parametrize("form", FORMS)
def test_a_web_server_gives_what_a_local_folder_gives(web: WebServer, form: str) -> None:
    write(web.folder, form)
    here, there = locate_wikiart(web.folder), locate_wikiart(root_of(web))
    same_save_sizes(there, here)
    assert pictures(there) == pictures(here)
    assert set(pictures(there).values()) == {content(name) for name in NAMES}


@pytest.mark.parametrize("form", FORMS)
def test_a_bucket_gives_what_a_local_folder_gives(tmp_path: Path, form: str) -> None:
    write(tmp_path / "raw", form)
    root = RemotePath("memory", tmp_path.name, "raw")
    fsspec.filesystem("memory").put(f"{tmp_path}/raw/", f"{root}/", recursive=True)
    here, there = locate_wikiart(tmp_path / "raw"), locate_wikiart(root)
    assert there.images.equals(here.images)
    same_save_sizes(there, here)
    assert pictures(there) == pictures(here)


@pytest.mark.parametrize("form", ["tar", "zip", "parquet"])
def test_a_signed_url_of_one_file_is_enough(tmp_path: Path, form: str) -> None:
    write(tmp_path, form)
    with serving(tmp_path, signature="s3cr3t") as web:
        corpus = locate_wikiart(root_of(web, f"all.{form}?sig=s3cr3t"))
        same_save_sizes(corpus, locate_wikiart(tmp_path / f"all.{form}"))
        assert set(pictures(corpus).values()) == {content(name) for name in NAMES}
        with ImageReader(corpus.roots["images"]) as reader:
            other = reader.read("other.zip", "x")
            assert isinstance(other, Fault)
            assert other.reason is FaultReason.OUTSIDE_ROOT
        assert "s3cr3t" not in repr(corpus)


def test_a_large_archive_is_not_read_whole(web: WebServer, tmp_path: Path) -> None:
    filler = bytes(range(256)) * 4_000
    with zipfile.ZipFile(web.folder / "all.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"Realism/a_{number:02}.jpg", filler + bytes([number]))
    with tarfile.open(web.folder / "all.tar", "w") as archive:
        for number in range(20):
            info = tarfile.TarInfo(f"Realism/a_{number:02}.jpg")
            info.size = len(filler) + 1
            archive.addfile(info, io.BytesIO(filler + bytes([number])))
    for name in ("all.zip", "all.tar"):
        web.asked.clear()
        corpus = locate_wikiart(root_of(web, name))
        with ImageReader(corpus.roots["images"]) as reader:
            assert reader.read(name, "Realism/a_13.jpg") == filler + bytes([13])
            assert reader.read(name, "Realism/a_07.jpg") == filler + bytes([7])
        assert web.sent()[f"/{name}"] < (web.folder / name).stat().st_size / 4


def test_the_index_of_an_archive_is_read_once_for_all_workers(
    web: WebServer, tmp_path: Path
) -> None:
    from dataclasses import replace

    from artcurate.remote import indexes

    write(web.folder, "tar")
    root = replace(root_of(web, "all.tar"), kept=tmp_path / "kept")
    corpus = locate_wikiart(root)
    for _ in range(2):
        indexes._lookup.cache_clear()  # As in a new worker.
        web.asked.clear()
        with ImageReader(corpus.roots["images"]) as reader:
            assert reader.read("all.tar", NAMES[0]) == content(NAMES[0])
        assert [one.range for one in web.asked].count("bytes=0-0") == 2
        assert len(web.asked) == 3
    for kept in (tmp_path / "kept").iterdir():
        kept.write_bytes(b"damaged")
    indexes._lookup.cache_clear()
    with ImageReader(corpus.roots["images"]) as reader:
        assert reader.read("all.tar", NAMES[1]) == content(NAMES[1])


@pytest.mark.parametrize("location", ["../secret.jpg", "a/../../secret.jpg", "/etc/passwd", "a\0"])
def test_nothing_is_read_outside_the_root(web: WebServer, location: str) -> None:
    (web.folder / "root").mkdir()
    (web.folder / "secret.jpg").write_bytes(b"secret")
    for root in (root_of(web, "root"), RemotePath("memory", "root", "x")):
        with ImageReader(root) as reader:
            found = reader.read(location)
            assert isinstance(found, Fault)
            assert found.reason is FaultReason.OUTSIDE_ROOT
    assert not web.asked


def test_faults_of_files_are_told_apart(web: WebServer) -> None:
    (web.folder / "empty.jpg").touch()
    (web.folder / "large.jpg").write_bytes(bytes(11))
    (web.folder / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    (web.folder / "broken.zip").write_bytes(b"no archive")
    reasons: dict[tuple[str, str | None], FaultReason] = {
        ("empty.jpg", None): FaultReason.EMPTY_FILE,
        ("large.jpg", None): FaultReason.TOO_MANY_BYTES,
        ("absent.jpg", None): FaultReason.UNREADABLE,
        ("broken.parquet", "0"): FaultReason.UNREADABLE,
        ("broken.zip", "x"): FaultReason.UNSUPPORTED_FORMAT,
        ("absent.zip", "x"): FaultReason.UNREADABLE,
        ("absent.parquet", "0"): FaultReason.UNREADABLE,
    }
    with ImageReader(root_of(web), max_bytes=10) as reader:
        for (location, member), reason in reasons.items():
            found = reader.read(location, member)
            assert isinstance(found, Fault)
            assert (location, found.reason) == (location, reason)
            assert found.detail.endswith(".")
            assert not found.detail.endswith("..")
        large = reader.read("large.jpg")
        assert large == Fault(
            FaultReason.TOO_MANY_BYTES, "The image has 11 bytes, more than the limit of 10."
        )


def test_an_unreadable_picture_is_passed_over_and_a_lost_root_is_not(web: WebServer) -> None:
    write(web.folder, "folder")
    with ImageReader(root_of(web)) as reader:
        web.fail(f"/{NAMES[0]}", *[503] * 9)
        found = reader.read(NAMES[0])
        assert isinstance(found, Fault)
        assert found.reason is FaultReason.UNREADABLE
        assert "5 times in a row" in found.detail
        assert reader.read(NAMES[1]) == content(NAMES[1])
        web.folder.rename(web.folder.with_name("away"))
        with pytest.raises(DataError, match="the images have gone away while they were read"):
            reader.read(NAMES[1])


@pytest.mark.parametrize("form", ["tar", "zip", "parquet"])
def test_after_a_break_in_an_archive_the_next_picture_is_right(web: WebServer, form: str) -> None:
    write(web.folder, form)
    corpus = locate_wikiart(root_of(web))
    rows = corpus.images.sort("id").rows(named=True)
    with ImageReader(corpus.roots["images"]) as reader:
        web.fail(f"/all.{form}", *[503] * 5)
        assert isinstance(reader.read(rows[0]["location"], rows[0]["member"]), Fault)
        found = [reader.read(row["location"], row["member"]) for row in rows]
    assert set(found) == {content(name) for name in NAMES}


def test_what_is_not_there_is_told_with_what_is_expected(web: WebServer) -> None:
    with pytest.raises(DataError, match="nowhere: no such file or folder; give the folder that"):
        locate_wikiart(root_of(web, "nowhere?sig=s3cr3t"))
    (web.folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty: holds no images in style folders"):
        locate_wikiart(root_of(web, "empty"))
    (web.folder / "bad.zip").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match="cut off"):
        locate_wikiart(root_of(web, "bad.zip"))
    (web.folder / "bad.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(DataError, match="truncated or corrupt"):
        locate_wikiart(root_of(web, "bad.parquet"))


def test_a_server_without_ranges_serves_folders_and_no_archives(tmp_path: Path) -> None:
    write(tmp_path / "folder", "folder")
    write(tmp_path, "zip")
    with serving(tmp_path, ranges=False) as web:
        assert len(pictures(locate_wikiart(root_of(web, "folder")))) == len(NAMES)
        with pytest.raises(DataError, match="does not hand out parts of files; download"):
            locate_wikiart(root_of(web, "all.zip"))


def test_rows_of_a_parquet_file_are_read_in_bounded_memory(web: WebServer) -> None:
    picture = bytes(range(256)) * 4_000
    table = pa.table({"image": pa.array([picture] * 60, pa.binary())})
    pq.write_table(table, web.folder / "all.parquet", row_group_size=60, compression="none")
    del table
    with ImageReader(root_of(web)) as reader:
        tracemalloc.start()
        try:
            for row in range(60):
                assert reader.read("all.parquet", str(row)) == picture
            assert tracemalloc.get_traced_memory()[1] < 48 << 20
        finally:
            tracemalloc.stop()


def test_sizes_are_known_where_the_storage_tells_them(tmp_path: Path) -> None:
    write(tmp_path / "raw", "folder")
    root = RemotePath("memory", tmp_path.name, "raw")
    fsspec.filesystem("memory").put(f"{tmp_path}/raw/", f"{root}/", recursive=True)
    sizes: list[Any] = locate_wikiart(root).images.select(pl.col("bytes"))["bytes"].to_list()
    assert sorted(sizes) == sorted(len(content(name)) for name in NAMES)
