"""Paintings inside tar and zip archives and Parquet files."""

from __future__ import annotations

import io
import json
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.images.storage import ImageReader
from artcurate.sources.wikiart import locate_wikiart

Pack = Callable[[Path, Iterable[tuple[str, bytes]]], None]


def pack_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def pack_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)


def content(name: str) -> bytes:
    return f"picture {name}".encode() * 9


def named(*names: str) -> list[tuple[str, bytes]]:
    return [(name, content(name)) for name in names]


def read_all(corpus: Corpus) -> dict[str, bytes]:
    """By id what `ImageReader` reads where the table says that the picture lies."""
    found = {}
    for row in corpus.images.iter_rows(named=True):
        with ImageReader(corpus.roots[row["root"]]) as reader:
            data = reader.read(row["location"], row["member"])
        assert isinstance(data, bytes)
        assert row["bytes"] in (None, len(data))
        found[row["id"]] = data
    return found


both = pytest.mark.parametrize(("pack", "suffix"), [(pack_tar, "tar"), (pack_zip, "zip")])


@both
@pytest.mark.parametrize("prefix", ["", "./", "wikiart/", "raw/all of it/"])
def test_an_archive_is_given_instead_of_a_folder(
    tmp_path: Path, pack: Pack, suffix: str, prefix: str
) -> None:
    names = [f"{prefix}{name}" for name in ("Realism/b_two.JPG", "Baroque/a_one-1890(2).jpg")]
    path = tmp_path / f"pictures.{suffix}"
    pack(path, named(*names))
    for given in (path, tmp_path):
        corpus = locate_wikiart(given, name="pictures")
        assert read_all(corpus) == {
            "Realism/b_two": content(names[0]),
            "Baroque/a_one-1890(2)": content(names[1]),
        }
        assert corpus.images["source"].to_list() == ["a_one-1890(2).jpg", "b_two.JPG"]
        assert corpus.findings["pictures"]["containers"] == {path.name: 2}
        assert corpus.quarantine.is_empty()


@both
def test_hard_names_keep_their_spelling(tmp_path: Path, pack: Pack, suffix: str) -> None:
    stems = ("joaquã\xadn-sorolla_a-b_c", "georges-lacombeâ\xa0_x", "é_y.5")
    names = [f"Realism/{unicodedata.normalize('NFD', stem)}.jpg" for stem in stems]
    pack(tmp_path / f"a.{suffix}", named(*names))
    corpus = locate_wikiart(tmp_path)
    assert read_all(corpus) == {
        f"Realism/{stem}": content(name) for stem, name in zip(stems, names, strict=True)
    }
    assert set(corpus.images["artist"]) == {"joaquín-sorolla", "georges-lacombe\xa0", "é"}


@both
def test_other_members_are_counted(tmp_path: Path, pack: Pack, suffix: str) -> None:
    names = (
        "w/Realism/a_b.jpg",
        "w/Realism/a_c.jpg",
        "w/Realism/notes.txt",
        "w/Realism/._a_b.jpg",
        "w/Realism/deep/a_c.jpg",
        "w/cover.jpg",
        "__MACOSX/w/Realism/a_b.jpg",
        "../x/y.jpg",
    )
    pack(tmp_path / f"a.{suffix}", named(*names))
    corpus = locate_wikiart(tmp_path)
    assert corpus.images["id"].to_list() == ["Realism/a_b", "Realism/a_c"]
    assert corpus.findings["images"]["other_files"] == {
        ".jpg": 1,
        ".txt": 1,
        "folders": 1,
        "hidden": 3,
    }


@both
def test_an_archive_without_folders_is_a_style(tmp_path: Path, pack: Pack, suffix: str) -> None:
    pack(tmp_path / f"Pop_Art.{suffix}", named("a_b.jpg", "a_c.png", "readme.txt"))
    pack(tmp_path / f"more.{suffix}", named("Realism/a_b.jpg"))
    corpus = locate_wikiart(tmp_path)
    assert corpus.images["id"].to_list() == ["Pop_Art/a_b", "Pop_Art/a_c", "Realism/a_b"]
    assert corpus.findings["images"]["containers"] == {
        f"Pop_Art.{suffix}": 2,
        f"more.{suffix}": 1,
    }


@both
def test_the_last_of_two_members_with_one_name_counts(
    tmp_path: Path, pack: Pack, suffix: str
) -> None:
    members = [("Realism/a_b.jpg", b"first"), ("Realism/a_b.jpg", b"the second")]
    if suffix == "zip":
        with pytest.warns(UserWarning, match="Duplicate name"):
            pack(tmp_path / "a.zip", members)
    else:
        pack(tmp_path / "a.tar", members)
    corpus = locate_wikiart(tmp_path)
    assert read_all(corpus) == {"Realism/a_b": b"the second"}
    assert corpus.quarantine.is_empty()


def test_the_same_name_in_two_archives_is_kept_once(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é_a")
    pack_tar(tmp_path / "a.tar", named(f"Realism/{decomposed}.jpg", "Realism/x_y.jpg"))
    pack_zip(tmp_path / "b.zip", named("Realism/é_a.jpg", "Realism/x_y.jpg"))
    corpus = locate_wikiart(tmp_path)
    places = corpus.images.select("id", "location").rows()
    assert places == [("Realism/x_y", "a.tar"), ("Realism/é_a", "b.zip")]
    assert corpus.quarantine["reason"].to_list() == ["same_name", "same_name"]
    assert "b.zip/Realism/é_a.jpg, which is kept" in " ".join(corpus.quarantine["detail"])


def test_archives_beside_style_folders_are_what_was_unpacked(tmp_path: Path) -> None:
    (tmp_path / "wikiart" / "Realism").mkdir(parents=True)
    (tmp_path / "wikiart" / "Realism" / "a_b.jpg").write_bytes(b"1")
    pack_zip(tmp_path / "wikiart.zip", named("wikiart/Realism/a_b.jpg", "wikiart/Realism/c_d.jpg"))
    corpus = locate_wikiart(tmp_path)
    assert corpus.images["id"].to_list() == ["Realism/a_b"]
    assert corpus.findings["images"]["containers"] == {}


def test_encrypted_members_and_links_out_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    pack_zip(tmp_path / "in" / "a.zip", named("Realism/a_b.jpg", "Realism/c_d.jpg"))
    data = bytearray((tmp_path / "in" / "a.zip").read_bytes())
    # General purpose bit 0 of the first entry of the directory.
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "in" / "a.zip").write_bytes(data)
    pack_tar(tmp_path / "out" / "b.tar", named("Realism/e_f.jpg"))
    (tmp_path / "in" / "b.tar").symlink_to(tmp_path / "out" / "b.tar")
    corpus = locate_wikiart(tmp_path / "in")
    assert corpus.images["id"].to_list() == ["Realism/c_d"]
    assert dict(corpus.quarantine.select("source", "reason").iter_rows()) == {
        "a_b.jpg": "encrypted",
        "b.tar": "outside_root",
    }


def test_what_cannot_be_read_beside_the_archives_is_set_aside(tmp_path: Path) -> None:
    pack_tar(tmp_path / "a.tar", named("Realism/a_b.jpg"))
    (tmp_path / "Baroque").symlink_to(tmp_path / "nowhere")
    corpus = locate_wikiart(tmp_path)
    assert corpus.images["id"].to_list() == ["Realism/a_b"]
    assert corpus.quarantine.select("id", "reason").rows() == [("Baroque", "unreadable")]


def test_damaged_archives_are_all_named_at_once(tmp_path: Path) -> None:
    pack_tar(tmp_path / "good.tar", named("Realism/a_b.jpg"))
    pack_zip(tmp_path / "cut.zip", named("Realism/a_b.jpg"))
    (tmp_path / "cut.zip").write_bytes((tmp_path / "cut.zip").read_bytes()[:-30])
    (tmp_path / "zipped.tar").write_bytes(b"\x1f\x8b\x08" + bytes(range(1, 251)) * 5)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "text.parquet")
    with pytest.raises(DataError) as caught:
        locate_wikiart(tmp_path)
    told = [problem.partition(f"{tmp_path}/")[2] for problem in caught.value.problems]
    assert [line.partition(":")[0] for line in told] == [
        "broken.parquet",
        "cut.zip",
        "text.parquet",
        "zipped.tar",
    ]
    assert "decompress it" in told[3]


def hub_like(path: Path, names: Iterable[str], **columns: pa.Array) -> None:
    """Pictures in the column image, each with its path."""
    pictures = [{"bytes": content(name), "path": name} for name in names]
    pq.write_table(pa.table({"image": pa.array(pictures), **columns}), path)


def test_rows_of_parquet_files_are_named_by_their_columns(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    labels = {"art_style": {"names": ["Realism", "Baroque"], "_type": "ClassLabel"}}
    hub_like(
        tmp_path / "data" / "a.parquet",
        ["0", "1", "2", "3"],
        art_style=pa.array([0, 1, 0, None]),
        painting=pa.array(["a_b", "é_x", "a_b", "nameless"]),
    )
    path = tmp_path / "data" / "a.parquet"
    table = pq.read_table(path).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": labels}})}
    )
    pq.write_table(table, path)
    decomposed = unicodedata.normalize("NFD", "é_x")
    hub_like(
        tmp_path / "data" / "b.parquet",
        ["4", "5", "6"],
        art_style=pa.array(["Baroque", "Realism", "../up"]),
        painting=pa.array([decomposed, "c_d", "e_f"]),
    )
    corpus = locate_wikiart(tmp_path)
    assert read_all(corpus) == {
        "Baroque/é_x": content("1"),
        "Realism/a_b": content("0"),
        "Realism/c_d": content("5"),
    }
    assert corpus.images["bytes"].null_count() == 3
    found = corpus.findings["images"]
    assert found["containers"] == {"data/a.parquet": 2, "data/b.parquet": 1}
    assert found["other_files"] == {"rows without a painting": 2}
    assert corpus.quarantine.is_empty()


def test_rows_of_parquet_files_are_named_by_their_paths(tmp_path: Path) -> None:
    names = ["wikiart/Realism/a_b.jpg", "Realism/c_d.png", "e_f.jpg", "Realism/notes.txt"]
    hub_like(tmp_path / "a.parquet", names)
    corpus = locate_wikiart(tmp_path / "a.parquet")
    assert read_all(corpus) == {
        "Realism/a_b": content(names[0]),
        "Realism/c_d": content(names[1]),
    }
    assert corpus.findings["images"]["other_files"] == {"rows without a painting": 2}


def test_parquet_files_that_name_no_painting_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": pa.array([b"1"], pa.binary())}), path)
    with pytest.raises(DataError, match=r"art_style and painting, or a path such as"):
        locate_wikiart(path)
    hub_like(path, ["x"], art_style=pa.array([1]), painting=pa.array(["a_b"]))
    with pytest.raises(DataError, match="art_style holds int64, not text"):
        locate_wikiart(path)


def test_copies_that_name_no_file_are_explained(tmp_path: Path) -> None:
    pictures = [{"bytes": content(name), "path": None} for name in "abc"]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    (tmp_path / "copy").mkdir()
    pq.write_table(
        pa.table({"image": pa.array(pictures, kind), "style": [1, 2, 3]}),
        tmp_path / "copy" / "a.parquet",
    )
    with pytest.raises(DataError, match=r"copy: its Parquet files hold 3 pictures without the"):
        locate_wikiart(tmp_path / "copy")


def test_an_archive_without_pictures_is_explained(tmp_path: Path) -> None:
    pack_tar(tmp_path / "a.tar", named("Realism/readme.txt"))
    with pytest.raises(DataError, match=r"a\.tar: holds no images in style folders"):
        locate_wikiart(tmp_path / "a.tar")
