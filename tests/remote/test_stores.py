"""Files through fsspec: in the memory of this process, and file systems that fail."""

from __future__ import annotations

import importlib.util
import io
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from artcurate.errors import UsageError
from artcurate.net.paths import RemotePath
from artcurate.remote.files import (
    Entry,
    MissingError,
    RemoteError,
    TooManyBytesError,
    open_files,
)

DATA = bytes(range(256)) * 100


class Failing(MemoryFileSystem):
    """Raises what stands in `faults`, one after another, before it does what it is asked."""

    cachable = False
    faults: ClassVar[list[Exception]] = []

    def cat_file(self, path: str, **options: Any) -> bytes:
        if self.faults:
            raise self.faults.pop(0)
        return super().cat_file(path, **options)


@pytest.fixture
def root() -> Iterator[RemotePath]:
    folder = RemotePath("memory", uuid.uuid4().hex, "raw")
    store = fsspec.filesystem("memory")
    store.pipe(f"{folder}/a.bin", DATA)
    store.pipe(f"{folder}/Baroque/é ?#.jpg", b"picture")
    store.pipe(f"{folder}/empty", b"")
    yield folder
    store.rm(f"memory://{folder.authority}", recursive=True)


@pytest.fixture
def failing() -> Iterator[list[Exception]]:
    fsspec.register_implementation("memory", Failing, clobber=True)
    Failing.faults.clear()
    yield Failing.faults
    fsspec.register_implementation("memory", MemoryFileSystem, clobber=True)


def test_a_folder_lists_its_files_with_sizes_and_stamps(root: RemotePath) -> None:
    listed = open_files(root).entries(root)
    assert [(one.name, one.is_folder, one.bytes) for one in listed] == [
        ("Baroque", True, None),
        ("a.bin", False, len(DATA)),
        ("empty", False, 0),
    ]
    assert all(one.stamp for one in listed if not one.is_folder)
    assert listed[0] == Entry("Baroque", is_folder=True)
    inner = open_files(root).entries(root / "Baroque")
    assert [one.name for one in inner] == ["é ?#.jpg"]


def test_files_are_read_whole_in_parts_and_copied(root: RemotePath) -> None:
    files = open_files(root)
    assert files.read(root / "Baroque/é ?#.jpg", 7) == b"picture"
    assert files.read(root / "empty", 10) == b""
    with closing(files.open(root / "a.bin")) as source:
        assert source.size == len(DATA)
        assert source.read_at(300, 20) == DATA[300:320]
        assert source.read_at(len(DATA) - 2, 20) == DATA[-2:]
        assert source.read_at(len(DATA) + 2, 20) == b""
    target = io.BytesIO()
    files.copy(root / "a.bin", target)
    assert target.getvalue() == DATA


def test_a_file_that_is_too_large_tells_its_size(root: RemotePath) -> None:
    with pytest.raises(TooManyBytesError) as refused:
        open_files(root).read(root / "a.bin", 10)
    assert refused.value.size == len(DATA)


@pytest.mark.parametrize("name", ["nowhere", "a.bin"])
def test_what_is_no_folder_is_not_listed(root: RemotePath, name: str) -> None:
    with pytest.raises(MissingError, match=f"{name}: (no such file or folder|is a file)"):
        open_files(root).entries(root / name)


def test_a_file_that_is_not_there_is_told(root: RemotePath) -> None:
    with pytest.raises(MissingError, match="no such file or folder"):
        open_files(root).read(root / "nowhere", 10)
    with pytest.raises(MissingError):
        open_files(root).open(root / "nowhere")


@pytest.mark.skipif(importlib.util.find_spec("s3fs") is not None, reason="s3fs is installed")
def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    path = RemotePath("s3", "bucket", "raw")
    with pytest.raises(UsageError, match=r"s3://bucket/raw: .*pip install s3fs"):
        open_files(path)


def test_what_passes_is_tried_again(root: RemotePath, failing: list[Exception]) -> None:
    failing += [ConnectionResetError("sig=s3cr3t"), TimeoutError(), OSError("sig=s3cr3t")]
    assert open_files(root).read(root / "a.bin", len(DATA)) == DATA
    failing += [ConnectionResetError("sig=s3cr3t")] * 9
    with pytest.raises(RemoteError, match=r"\(ConnectionResetError\), 5 times in a row") as told:
        open_files(root).read(root / "a.bin", len(DATA))
    assert "s3cr3t" not in str(told.value)


class _StatusError(OSError):
    status = 401


@pytest.mark.parametrize(
    "error", [PermissionError("s3cr3t"), _StatusError(), OSError("Forbidden: x")]
)
def test_a_refusal_is_told_at_once(
    root: RemotePath, failing: list[Exception], error: Exception
) -> None:
    failing += [error, error]
    with pytest.raises(RemoteError, match="refuses it or finds no credentials") as told:
        open_files(root).read(root / "a.bin", 10)
    assert len(failing) == 1
    assert "s3cr3t" not in str(told.value)


def test_a_url_that_the_storage_does_not_understand_is_told(
    root: RemotePath, failing: list[Exception]
) -> None:
    failing += [ValueError("s3cr3t")]
    with pytest.raises(RemoteError, match="does not understand the URL") as told:
        open_files(root).read(root / "a.bin", 10)
    assert "s3cr3t" not in str(told.value)
