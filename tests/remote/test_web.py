from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest
from web_server import WebServer, serving

from artcurate.net.paths import RemotePath, parse_path
from artcurate.remote.files import (
    Entry,
    MissingError,
    RemoteError,
    RemoteFiles,
    TooManyBytesError,
    open_files,
    require_there,
)

DATA = bytes(range(256)) * 400


def at(web: WebServer, path: str = "", query: str = "") -> RemotePath:
    parsed = parse_path(f"{web.url}/{path}{query}")
    assert isinstance(parsed, RemotePath)
    return parsed


@pytest.fixture
def files(web: WebServer) -> RemoteFiles:
    (web.folder / "a.bin").write_bytes(DATA)
    return open_files(at(web))


def test_an_index_page_gives_what_lies_just_below(web: WebServer, files: RemoteFiles) -> None:
    for name in ("é x.jpg", "a?b#c%20.jpg", "joaquã\xadn.jpg", "'&\".jpg"):
        (web.folder / name).touch()
    (web.folder / "Baroque").mkdir()
    names = ["é x.jpg", "a?b#c%20.jpg", "joaquã\xadn.jpg", "'&\".jpg", "a.bin"]
    assert files.entries(at(web)) == [
        Entry(name, is_folder=name == "Baroque") for name in sorted([*names, "Baroque"])
    ]
    assert files.read(at(web) / "a?b#c%20.jpg", 10) == b""


LINKS = """<a href="../up.jpg"><a href="/top.jpg"><a href="http://other/f/x.jpg"><a name="x">
<a href="http://[broken"><a href="%2e%2e/x.jpg"><a href="..%2fx.jpg"><a href="a/b.jpg"><a href="">
<a href="?C=M"><a href="./"><a href="."><a href="%ff.jpg"><a href="javascript:x"><a href="%00">
<a href="ok.jpg?download=1"><A HREF=sub/><a href='/f/two.jpg'><a href="{url}/f/three.jpg">"""


def test_links_that_lead_elsewhere_are_no_entries(web: WebServer, files: RemoteFiles) -> None:
    web.pages["/f/"] = LINKS.replace("{url}", web.url)
    assert files.entries(at(web, "f")) == [
        Entry(name, is_folder=name == "sub") for name in ("ok.jpg", "sub", "three.jpg", "two.jpg")
    ]


def test_files_are_read_whole_and_in_parts(web: WebServer, files: RemoteFiles) -> None:
    assert files.read(at(web, "a.bin"), len(DATA)) == DATA
    with closing(files.open(at(web, "a.bin"))) as source:
        assert source.size == len(DATA)
        assert source.stamp
        assert source.read_at(1000, 10) == DATA[1000:1010]
        assert source.read_at(len(DATA) - 3, 10) == DATA[-3:]
        assert source.read_at(len(DATA), 10) == b""
    assert web.sent()["/a.bin"] == len(DATA) + 1 + 10 + 3


def test_an_empty_file_has_no_parts(web: WebServer, files: RemoteFiles) -> None:
    (web.folder / "empty").touch()
    with closing(files.open(at(web, "empty"))) as source:
        assert (source.size, source.read_at(0, 9)) == (0, b"")


def test_a_file_that_is_too_large_is_refused_before_it_comes(
    web: WebServer, files: RemoteFiles
) -> None:
    with pytest.raises(TooManyBytesError):
        files.read(at(web, "a.bin"), len(DATA) - 1)
    assert len(web.asked) == 1


def test_a_broken_connection_is_tried_again(web: WebServer, files: RemoteFiles) -> None:
    web.fail("/a.bin", "break", 503, "break")
    assert files.read(at(web, "a.bin"), len(DATA)) == DATA
    source = files.open(at(web, "a.bin"))
    web.fail("/a.bin", "break", 429, "break")
    assert source.read_at(5, 5000) == DATA[5:5005]


def test_after_a_few_attempts_it_is_given_up(web: WebServer, files: RemoteFiles) -> None:
    web.fail("/a.bin", *["break"] * 20)
    with pytest.raises(RemoteError, match="broke, 5 times in a row; check the network"):
        files.read(at(web, "a.bin"), len(DATA))
    assert len(web.asked) == 5


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_told_at_once(web: WebServer, files: RemoteFiles, status: int) -> None:
    web.fail("/a.bin", status, status)
    with pytest.raises(MissingError, match="no such file or folder"):
        files.read(at(web, "a.bin"), 10)
    with pytest.raises(MissingError):
        files.open(at(web, "a.bin"))
    with pytest.raises(MissingError):
        files.entries(at(web, "nowhere"))
    assert len(web.asked) == 3


def test_a_refusal_is_told_without_the_query(web: WebServer, files: RemoteFiles) -> None:
    web.fail("/a.bin", 403, 401)
    for _ in range(2):
        with pytest.raises(RemoteError, match="signed and still valid") as refused:
            files.read(at(web, "a.bin", "?sig=s3cr3t"), 10)
        assert "s3cr3t" not in str(refused.value)


def test_a_signed_query_goes_with_every_request(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(DATA)
    with serving(tmp_path, signature="s3cr3t") as web:
        root = at(web, "", "?sig=s3cr3t")
        files = open_files(root)
        assert [entry.name for entry in files.entries(root)] == ["a.bin"]
        assert files.read(root / "a.bin", len(DATA)) == DATA
        assert files.open(root / "a.bin").read_at(0, 4) == DATA[:4]
        with pytest.raises(RemoteError, match="refuses"):
            files.entries(at(web))


def test_a_server_without_ranges_gives_whole_files_only(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(DATA)
    with serving(tmp_path, ranges=False) as web:
        files = open_files(at(web))
        assert files.read(at(web, "a.bin"), len(DATA)) == DATA
        with pytest.raises(RemoteError, match="does not hand out parts of files; download"):
            files.open(at(web, "a.bin"))


@pytest.mark.parametrize("tags", [True, False])
def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path, tags: bool) -> None:
    (tmp_path / "a.bin").write_bytes(DATA)
    with serving(tmp_path, tags=tags) as web:
        source = open_files(at(web)).open(at(web, "a.bin"))
        assert (source.stamp is not None) is tags
        (tmp_path / "a.bin").write_bytes(DATA + b"more")
        with pytest.raises(RemoteError, match="changed while it was read"):
            source.read_at(0, 10)


@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_copy_is_whole_whatever_breaks(tmp_path: Path, tags: bool, ranges: bool) -> None:
    (tmp_path / "a.bin").write_bytes(DATA)
    with serving(tmp_path, tags=tags, ranges=ranges) as web:
        web.fail("/a.bin", "break", 503, "break")
        target = io.BytesIO()
        open_files(at(web)).copy(at(web, "a.bin"), target)
        assert target.getvalue() == DATA
        goes_on = tags and ranges
        assert (web.sent()["/a.bin"] < 1.1 * len(DATA)) is goes_on


def test_a_root_that_is_gone_is_told_from_one_that_is_there(
    web: WebServer, files: RemoteFiles
) -> None:
    require_there(files, at(web))
    require_there(files, at(web, "a.bin").as_file())
    for gone in (at(web, "gone"), at(web, "gone.zip").as_file()):
        with pytest.raises(MissingError):
            require_there(files, gone)


def test_a_host_that_does_not_answer_is_named() -> None:
    path = parse_path("http://127.0.0.1:9/x?sig=1")
    assert isinstance(path, RemotePath)
    with pytest.raises(RemoteError, match=r"^http://127.0.0.1:9/x: .*cannot be reached"):
        open_files(path).read(path, 10)
