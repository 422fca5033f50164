from __future__ import annotations

from pathlib import Path

import pytest
from web_server import WebServer, serving

from artcurate.errors import DataError
from artcurate.net.paths import RemotePath, parse_path
from artcurate.remote.fetch import fetch
from artcurate.remote.files import MissingError


def at(web: WebServer, path: str) -> RemotePath:
    parsed = parse_path(f"{web.url}/{path}")
    assert isinstance(parsed, RemotePath)
    return parsed


def is_csv(name: str) -> bool:
    return name.endswith(".csv")


def test_a_file_is_fetched_once_and_again_when_it_changes(web: WebServer, tmp_path: Path) -> None:
    (web.folder / "a.csv").write_bytes(b"one")
    for content, whole in ((b"one", 1), (b"one", 1), (b"other", 2)):
        (web.folder / "a.csv").write_bytes(content)
        fetched = fetch(at(web, "a.csv?sig=s3cr3t"), tmp_path / "in", is_csv)
        assert fetched.path == tmp_path / "in" / "a.csv"
        assert fetched.path.read_bytes() == content
        assert fetched.urls == {("a.csv", len(content)): f"{web.url}/a.csv"}
        assert len([one for one in web.asked if one.range is None]) == whole
    assert not any("s3cr3t" in path.read_text() for path in (tmp_path / "in").iterdir())


def test_a_file_without_a_version_is_fetched_each_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"one")
    with serving(tmp_path, tags=False, ranges=False) as web:
        for _ in range(2):
            fetched = fetch(at(web, "a.csv"), tmp_path / "in", is_csv)
            assert fetched.path.read_bytes() == b"one"
        assert web.sent()["/a.csv"] >= 6


def test_a_folder_gives_its_files_under_their_names(web: WebServer, tmp_path: Path) -> None:
    for name in ("b.csv", "in/a.csv", "notes.txt", ".hidden.csv"):
        (web.folder / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        (web.folder / "all" / name).write_text(name)
    fetched = fetch(at(web, "all/"), tmp_path / "in", is_csv)
    assert fetched.path == tmp_path / "in" / "all"
    files = [path for path in sorted(fetched.path.rglob("*.csv")) if path.name[0] != "."]
    assert [path.relative_to(fetched.path).as_posix() for path in files] == ["b.csv", "in/a.csv"]
    assert fetched.urls == {
        ("b.csv", 5): f"{web.url}/all/b.csv",
        ("in/a.csv", 8): f"{web.url}/all/in/a.csv",
    }


def test_a_folder_without_such_files_and_nothing_at_all_are_told(
    web: WebServer, tmp_path: Path
) -> None:
    (web.folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty: the folder holds no file of a kind"):
        fetch(at(web, "empty"), tmp_path, is_csv)
    for path in ("nowhere", "nowhere.csv"):
        with pytest.raises(MissingError, match=f"{path}: no such file or folder"):
            fetch(at(web, path), tmp_path, is_csv)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_break_in_the_middle_leaves_no_half_file(web: WebServer, tmp_path: Path) -> None:
    (web.folder / "a.csv").write_bytes(b"row\n" * 1000)
    web.fail("/a.csv", *[503] * 30)
    with pytest.raises(DataError, match="5 times in a row"):
        fetch(at(web, "a.csv"), tmp_path / "in", is_csv)
    assert not list((tmp_path / "in").iterdir())
