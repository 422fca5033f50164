from __future__ import annotations

import uuid
from pathlib import Path

import fsspec
from web_server import serving

from artcurate.net.paths import RemotePath, parse_path
from artcurate.remote.stamps import stamps_of


def test_a_bucket_tells_of_every_file_and_of_its_changes() -> None:
    root = RemotePath("memory", uuid.uuid4().hex, "raw")
    store = fsspec.filesystem("memory")
    names = [f"Style/{number}.jpg" for number in range(9)] + ["one.zip"]
    for name in names:
        store.pipe(f"{root}/{name}", b"x")
    before = stamps_of(root, [*names, "gone.zip", "Style/gone.jpg", "Gone/a.jpg"])
    assert sorted(before) == sorted(names)
    assert stamps_of(root, names) == before
    store.pipe(f"{root}/Style/3.jpg", b"other")
    store.pipe(f"{root}/one.zip", b"other")
    after = stamps_of(root, names)
    assert {name for name in names if after[name] != before[name]} == {"Style/3.jpg", "one.zip"}


def test_a_web_server_tells_of_single_files_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "Style").mkdir()
    names = [f"Style/{number}.jpg" for number in range(9)] + ["one.zip"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with serving(tmp_path) as web:
        root = parse_path(web.url)
        assert isinstance(root, RemotePath)
        assert list(stamps_of(root, names)) == ["one.zip"]
    with serving(tmp_path, tags=False) as web:
        root = parse_path(web.url)
        assert isinstance(root, RemotePath)
        assert stamps_of(root, names) == {}
