from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from artcurate.errors import UsageError
from artcurate.net.paths import RemotePath, parse_path

HIDDEN = "s3cr3t"


@pytest.mark.parametrize(
    "text", ["raw/wikiart", "/data/a.csv", "./s3://odd", "name with :: in it", "C:/x", "a:b"]
)
def test_what_is_no_url_is_a_path(text: str) -> None:
    assert parse_path(text) == Path(text)


@pytest.mark.parametrize("text", ["file:///data/a%20b.csv", "file://localhost/data/a%20b.csv"])
def test_a_file_url_is_a_path_of_this_machine(text: str) -> None:
    assert parse_path(text) == Path("/data/a b.csv")


@pytest.mark.parametrize(
    ("text", "shown", "name"),
    [
        ("s3://bucket/raw/wikiart/", "s3://bucket/raw/wikiart", "wikiart"),
        ("gs://bucket", "gs://bucket", "bucket"),
        ("HF://datasets/user/repo@main/data", "hf://datasets/user/repo@main/data", "data"),
        ("abfs://raw@account.dfs.core.windows.net/x", None, "x"),
        ("memory://x/y", "memory://x/y", "y"),
        ("http://Host:8000/a%20b/c.zip", "http://host:8000/a%20b/c.zip", "c.zip"),
        ("https://host/%C3%A9.csv?sig=1", "https://host/%C3%A9.csv", "é.csv"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a", "a"),
    ],
)
def test_urls_show_themselves_without_their_query(text: str, shown: str | None, name: str) -> None:
    path = parse_path(text)
    assert isinstance(path, RemotePath)
    assert str(path) == (shown or text)
    assert path.name == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"s3://user:{HIDDEN}@bucket/x", "user or a key"),
        (f"s3://AKIA:{HIDDEN}/y@bucket/x", "user or a key"),
        (f"gs://{HIDDEN}@bucket/x", "user or a key"),
        (f"abfs://raw:{HIDDEN}@account/x", "user or a key"),
        (f"https://user:{HIDDEN}@host/x", "user or a key"),
        (f"https://{HIDDEN}@host/x", "user or a key"),
        (f"https://user:{HIDDEN}/y@host/x", "no host|cannot be read"),
        (f"s3://bucket/x?X-Amz-Signature={HIDDEN}", "query"),
        (f"ftp://user:{HIDDEN}@host/x", "not read"),
        (f"ssh://host/{HIDDEN}", "not read"),
        (f"sftp://host/{HIDDEN}", "not read"),
        (f"github://user:{HIDDEN}@repo/x", "not read"),
        (f"reference://{HIDDEN}", "not read"),
        (f"zip://a.csv::s3://bucket/{HIDDEN}.zip", "not read"),
        (f"simplecache::s3://bucket/{HIDDEN}", "chained"),
        (f"s3://bucket/x::{HIDDEN}", "chained"),
        (f"https://host/x?a={HIDDEN}é", "its query holds"),
        (f"https://ho st/{HIDDEN}", "no host"),
        (f"https:///{HIDDEN}", "no host"),
        (f"https://host:99999999/{HIDDEN}", "no host|cannot be read"),
        (f"https://host:99999/{HIDDEN}", "cannot be read"),
        (f"https://host/{HIDDEN}/%ff", "cannot be read"),
        (f"https://host/a%2f..%2f{HIDDEN}", "slash"),
        (f"https://host/a/%2e%2e/{HIDDEN}", "`..`"),
        (f"s3://bucket/a/../{HIDDEN}", "`..`"),
        (f"s3://bucket/a//{HIDDEN}", "empty part"),
        (f"s3:///{HIDDEN}", "no bucket"),
        (f"file://host/{HIDDEN}", "no file of this machine"),
        (f"file://{HIDDEN}", "no file of this machine"),
    ],
)
def test_other_urls_are_refused_without_repeating_them(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        parse_path(text)
    assert HIDDEN not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_query_of_a_signed_url_is_sent_and_never_shown() -> None:
    path = parse_path(f"https://host/a b/c.zip?sig={HIDDEN}")
    assert isinstance(path, RemotePath)
    assert path.request_url() == f"https://host/a%20b/c.zip?sig={HIDDEN}"
    for one in (path, path.parent, path.as_file(), path / "x"):
        assert HIDDEN not in f"{one} {one!r}"
    again = pickle.loads(pickle.dumps(path))  # noqa: S301 (our own bytes)
    assert again == path
    assert again.request_url() == path.request_url()


@pytest.mark.parametrize("below", ["../x", "a/../../x", "/x", "a//x", ".", "", "a/./x", "a\0"])
def test_nothing_lies_above_a_path(below: str) -> None:
    path = RemotePath("s3", "bucket", "raw")
    with pytest.raises(ValueError, match="out of its folder"):
        _ = path / below


def test_names_of_any_kind_lie_below_a_path() -> None:
    path = parse_path("https://host/raw")
    assert isinstance(path, RemotePath)
    assert (path / "a?b#c%.jpg").request_url() == "https://host/raw/a%3Fb%23c%25.jpg"
    assert (RemotePath("s3", "bucket", "") / "a?b").path == "a?b"
