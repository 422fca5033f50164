from __future__ import annotations

import io
import os
import unicodedata
import zipfile
from pathlib import Path

import pytest

from artcurate.archives.documents import documents, read_content
from artcurate.archives.tree import survey
from artcurate.errors import DataError


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _places(*paths: Path, unopened: tuple[str, ...] = (".jpg",)) -> list[str]:
    return [
        document.place
        for document in documents(survey(paths, unopened=unopened), unopened=unopened)
    ]


def test_files_and_members_at_any_depth(tmp_path: Path) -> None:
    _put(tmp_path / "1.Training" / "[라벨]기쁨" / "labels.json", b"[1]")
    _put(tmp_path / "1.Training" / "[원천]a.zip", _zip({"deep/b.json": b"[2]", "c.jpg": b""}))
    _put(tmp_path / "d.jpg", b"picture")
    tree = survey([tmp_path], unopened=(".jpg",))
    assert [file.location for file in tree.files] == ["1.Training/[라벨]기쁨/labels.json", "d.jpg"]
    found = {
        document.place: read_content(document).data
        for document in documents(tree, unopened=(".jpg",))
    }
    assert found == {
        "1.Training/[라벨]기쁨/labels.json": b"[1]",
        "1.Training/[원천]a.zip/deep/b.json": b"[2]",
    }


def test_archives_are_told_by_content_and_workbooks_are_none(tmp_path: Path) -> None:
    _put(tmp_path / "renamed.bin", _zip({"a.json": b"[]"}))
    _put(tmp_path / "book.xlsx", _zip({"xl/workbook.xml": b"<workbook/>"}))
    tree = survey([tmp_path])
    assert [archive.file.location for archive in tree.archives] == ["renamed.bin"]
    assert [file.location for file in tree.files] == ["book.xlsx"]


def test_parts_of_an_archive_are_one_archive(tmp_path: Path) -> None:
    data = _zip({"a.json": b"[1, 2, 3]", "b.json": b"[]"})
    for number, start in enumerate(range(0, len(data), 50)):
        _put(tmp_path / "in" / f"big.zip.part{number}", data[start : start + 50])
    _put(tmp_path / "in" / "notes.part1", b"text")
    tree = survey([tmp_path])
    (archive,) = tree.archives
    assert (archive.name, archive.file.location) == ("big.zip", "in/big.zip.part0")
    assert (archive.file.size, archive.parts) == (len(data), -(-len(data) // 50))
    assert _places(tmp_path) == [
        "in/notes.part1",
        "in/big.zip.part0/a.json",
        "in/big.zip.part0/b.json",
    ]


def test_every_broken_archive_is_named_at_once(tmp_path: Path) -> None:
    good = _zip({"a.json": b"[1]" * 30})
    _put(tmp_path / "good.zip", good)
    _put(tmp_path / "cut.zip", good[:-30])
    _put(tmp_path / "page.zip", b"<html>")
    with pytest.raises(DataError) as caught:
        survey([tmp_path, tmp_path / "absent"])
    assert len(caught.value.problems) == 3
    text = str(caught.value)
    assert "absent: cannot be read (No such file or directory)." in text
    assert "cut.zip: The zip archive is cut off" in text
    assert "page.zip: This is no zip archive" in text


def test_links_are_not_followed_and_those_that_lead_out_are_told(tmp_path: Path) -> None:
    _put(tmp_path / "outside" / "secret.json", b"[]")
    root = tmp_path / "root"
    _put(root / "a" / "own.json", b"[]")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "own too.json").symlink_to(root / "a" / "own.json")
    (root / "secret.json").symlink_to(tmp_path / "outside" / "secret.json")
    tree = survey([root])
    assert [file.location for file in tree.files] == ["a/own.json"]
    assert tree.links_outside == ("out", "secret.json")
    alias = tmp_path / "alias"
    alias.symlink_to(root)
    assert survey([alias]).files == tree.files


def test_what_systems_add_is_passed_over(tmp_path: Path) -> None:
    _put(tmp_path / ".DS_Store", b"x")
    _put(tmp_path / "__MACOSX" / "a.json", b"[]")
    _put(tmp_path / ".hidden" / "a.json", b"[]")
    _put(tmp_path / "a.zip", _zip({"__MACOSX/._a.json": b"x", "a.json": b"[]"}))
    assert _places(tmp_path) == ["a.zip/a.json"]


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    _put(tmp_path / "in" / "a.json", b"[]")
    assert _places(tmp_path, tmp_path / "in", tmp_path / "in" / "a.json") == ["in/a.json"]
    assert _places(tmp_path / "in" / "a.json") == ["a.json"]


def test_the_order_does_not_depend_on_how_a_system_spells_names(tmp_path: Path) -> None:
    names = ["가", "나", "z", "힣"]
    for form in ("NFC", "NFD"):
        for name in names:
            _put(tmp_path / form / unicodedata.normalize(form, name), b"")
    composed, decomposed = (
        [unicodedata.normalize("NFC", place) for place in _places(tmp_path / form)]
        for form in ("NFC", "NFD")
    )
    assert composed == decomposed == ["z", "가", "나", "힣"]


def test_names_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode("기쁨.json".encode("cp949"))).write_bytes(b"[]")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    tree = survey([tmp_path])
    assert tree.files == ()
    assert tree.undecodable == (ascii(os.fsdecode("기쁨.json".encode("cp949"))),)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert _places(tmp_path) == []


def test_a_document_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    _put(tmp_path / "a.json", b"[1, 2, 3]")
    _put(tmp_path / "a.zip", _zip({"b.json": b"[1, 2, 3]"}))
    for document in documents(survey([tmp_path]), unopened=()):
        with pytest.raises(DataError, match=r"[ab]\.json.* 9 bytes"):
            document.read(max_bytes=8)
        assert document.start(3) == b"[1,"
        assert document.read(max_bytes=9) == b"[1, 2, 3]"
