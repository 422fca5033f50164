from __future__ import annotations

import csv
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus
from artcurate.errors import DataError
from artcurate.sources.wikiart import locate_wikiart

MakeTree = Callable[..., Path]

IMAGE_SCHEMA = {
    "id": pl.String,
    "style": pl.String,
    "painting": pl.String,
    "artist": pl.String,
    "title": pl.String,
    "root": pl.String,
    "location": pl.String,
    "member": pl.String,
    "source": pl.String,
    "bytes": pl.Int64,
}


@pytest.fixture
def tree(tmp_path: Path) -> MakeTree:
    def make(*names: str, below: str = "raw") -> Path:
        for name in names:
            path = tmp_path / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"12345")
        return tmp_path / below

    return make


def _row(corpus: Corpus, image: str) -> dict[str, object]:
    (row,) = corpus.images.filter(pl.col("id") == image).to_dicts()
    return row


def _quarantined(corpus: Corpus) -> dict[str, str]:
    return dict(corpus.quarantine.select("id", "reason").iter_rows())


def test_a_plain_tree(tree: MakeTree) -> None:
    root = tree("Realism/b_two.jpg", "Realism/a_one-1890(2).jpg", "Baroque/a_one.jpg")
    corpus = locate_wikiart(root, name="pictures")
    assert corpus.images.schema == pl.Schema(IMAGE_SCHEMA)
    assert corpus.images["id"].to_list() == [
        "Baroque/a_one",
        "Realism/a_one-1890(2)",
        "Realism/b_two",
    ]
    assert _row(corpus, "Realism/a_one-1890(2)") == {
        "id": "Realism/a_one-1890(2)",
        "style": "Realism",
        "painting": "a_one-1890(2)",
        "artist": "a",
        "title": "one-1890(2)",
        "root": "pictures",
        "location": "Realism/a_one-1890(2).jpg",
        "member": None,
        "source": "a_one-1890(2).jpg",
        "bytes": 5,
    }
    assert corpus.annotations.is_empty()
    assert corpus.quarantine.schema == pl.Schema(dict(QUARANTINE_SCHEMA))
    assert corpus.findings["pictures"]["styles"] == {"Baroque": 1, "Realism": 2}
    assert (corpus.roots["pictures"] / "Realism/b_two.jpg").is_file()


def test_the_folder_may_hold_the_unpacked_archive(tree: MakeTree) -> None:
    root = tree("wikiart/Realism/a_one.jpg", "wikiart.zip", "style_train.csv")
    corpus = locate_wikiart(root)
    assert corpus.images["location"].to_list() == ["Realism/a_one.jpg"]
    assert corpus.roots["images"] == root / "wikiart"


@pytest.mark.parametrize(
    ("stem", "artist", "title"),
    [
        ("joaquã\xadn-sorolla_a-b_c", "joaquín-sorolla", "a-b_c"),
        ("georges-lacombeâ\xa0_in-the-forest", "georges-lacombe\xa0", "in-the-forest"),
        ("arnold-bã¶cklin_faun", "arnold-böcklin", "faun"),
        ("a.b'c_no.5-d'or(1)", "a.b'c", "no.5-d'or(1)"),
        ("joaquín-sorolla_play", "joaquín-sorolla", "play"),
        ("one-word", "one-word", ""),
        (" a _ b ", " a ", " b "),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_hard_names(tree: MakeTree, stem: str, artist: str, title: str, form: str) -> None:
    name = unicodedata.normalize(form, stem)
    corpus = locate_wikiart(tree(f"Realism/{name}.jpg"))
    row = _row(corpus, f"Realism/{stem}")
    assert row["painting"] == stem
    assert (row["artist"], row["title"]) == (artist, title)
    assert row["location"] == f"Realism/{name}.jpg"


def test_only_the_suffix_of_an_image_is_dropped(tree: MakeTree) -> None:
    root = tree("Realism/a_b.jpg.jpg", "Realism/a_c.5.JPEG", "Realism/a_d.png")
    assert locate_wikiart(root).images["painting"].to_list() == ["a_b.jpg", "a_c.5", "a_d"]


def test_other_files_are_counted(tree: MakeTree) -> None:
    root = tree(
        "Realism/a_b.jpg",
        "Realism/notes.txt",
        "Realism/noext",
        "Realism/._a_b.jpg",
        "Realism/deep/a_c.jpg",
        ".DS_Store",
        "__MACOSX/Realism/._a_b.jpg",
        "classes.CSV",
    )
    corpus = locate_wikiart(root)
    assert corpus.images["id"].to_list() == ["Realism/a_b"]
    assert corpus.findings["images"]["other_files"] == {
        ".csv": 1,
        ".txt": 1,
        "folders": 1,
        "hidden": 3,
        "no suffix": 1,
    }
    assert corpus.quarantine.is_empty()


def test_links_out_of_the_folder_are_set_aside(tree: MakeTree, tmp_path: Path) -> None:
    root = tree("Realism/a_b.jpg")
    tree("secret.jpg", "Baroque/x_y.jpg", below="elsewhere")
    (root / "Realism" / "a_out.jpg").symlink_to(tmp_path / "elsewhere" / "secret.jpg")
    (root / "Realism" / "a_gone.jpg").symlink_to("nowhere.jpg")
    (root / "Realism" / "a_in.jpg").symlink_to("a_b.jpg")
    (root / "Baroque").symlink_to(tmp_path / "elsewhere" / "Baroque")
    corpus = locate_wikiart(root)
    assert corpus.images["id"].to_list() == ["Realism/a_b", "Realism/a_in"]
    assert _quarantined(corpus) == {
        "Baroque": "outside_root",
        "Realism/a_gone": "unreadable",
        "Realism/a_out": "outside_root",
    }
    assert corpus.findings["images"]["set_aside"] == {"outside_root": 2, "unreadable": 1}


def test_of_two_spellings_of_one_name_the_nfc_one_is_kept(tree: MakeTree) -> None:
    composed, decomposed = "é_a", unicodedata.normalize("NFD", "é_a")
    root = tree(f"Realism/{decomposed}.jpg", f"Realism/{composed}.png", "Realism/b_b.png")
    tree("Realism/b_b.jpg")
    corpus = locate_wikiart(root)
    assert corpus.images["location"].to_list() == ["Realism/b_b.jpg", f"Realism/{composed}.png"]
    assert corpus.quarantine["reason"].to_list() == ["same_name", "same_name"]
    assert sorted(corpus.quarantine["source"]) == ["b_b.png", f"{decomposed}.jpg"]
    assert "b_b.jpg, which is kept" in corpus.quarantine["detail"][0]


@pytest.mark.skipif(os.name != "posix", reason="needs a file system that takes any bytes")
def test_names_that_are_not_utf8_are_set_aside(tree: MakeTree) -> None:
    root = tree("Realism/a_b.jpg")
    Path(os.fsdecode(os.fsencode(root / "Realism") + b"/caf\xe9_x.jpg")).write_bytes(b"1")
    Path(os.fsdecode(os.fsencode(root) + b"/Caf\xe9")).mkdir()
    corpus = locate_wikiart(root)
    assert corpus.images["id"].to_list() == ["Realism/a_b"]
    assert _quarantined(corpus) == {
        "Caf\ufffd": "name_not_utf8",
        "Realism/caf\ufffd_x": "name_not_utf8",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_folders_that_cannot_be_read_are_set_aside(tree: MakeTree) -> None:
    root = tree("Realism/a_b.jpg", "Baroque/a_c.jpg")
    (root / "Baroque").chmod(0)
    try:
        corpus = locate_wikiart(root)
    finally:
        (root / "Baroque").chmod(0o700)
    assert _quarantined(corpus) == {"Baroque": "unreadable_folder"}


def test_folders_without_paintings_are_explained(tree: MakeTree, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder; give the folder that holds"):
        locate_wikiart(tmp_path / "absent")
    with pytest.raises(DataError, match="no folder and no tar, zip or Parquet file"):
        locate_wikiart(tree("wikiart.rar") / "wikiart.rar")
    with pytest.raises(DataError, match="holds no images in style folders"):
        locate_wikiart(tree("lonely.jpg", below="flat"))


def test_real_names_are_located_whole(tmp_path: Path) -> None:
    data = os.environ.get("ARTCURATE_REAL_DATA")
    if not data:
        pytest.skip("set ARTCURATE_REAL_DATA to the folder of real excerpts")
    with (Path(data) / "wikiart" / "keys.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["art_style"], row["painting"]) for row in csv.DictReader(file)]
    # All hard names, and every twentieth of the others.
    chosen = [(s, p) for i, (s, p) in enumerate(rows) if not p.isascii() or "'" in p or i % 20 == 0]
    for style, painting in chosen:
        (tmp_path / style).mkdir(exist_ok=True)
        (tmp_path / style / f"{painting}.jpg").touch()
    corpus = locate_wikiart(tmp_path)
    assert corpus.images["id"].to_list() == sorted(
        unicodedata.normalize("NFC", f"{s}/{p}") for s, p in chosen
    )
    assert corpus.quarantine.is_empty()
    mojibake = corpus.images.filter(pl.col("id").str.contains("[^ -~]"))
    assert mojibake.height == 709
    assert mojibake["artist"].n_unique() == 11
    assert not mojibake["artist"].str.contains("[ãâ]").any()
