from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.parts import JoinedFile, open_bytes, split_name


def _write_parts(folder: Path, parts: dict[str, bytes]) -> None:
    for number, data in parts.items():
        (folder / f"big.zip.part{number}").write_bytes(data)


def _all(path: Path) -> bytes:
    source = open_bytes(path)
    try:
        return source.read_at(0, source.size)
    finally:
        source.close()


@given(
    chunks=st.lists(st.binary(max_size=9), min_size=1, max_size=5),
    offset=st.integers(0, 40),
    length=st.integers(0, 40),
)
def test_joined_files_read_like_their_concatenation(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], offset: int, length: int
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    paths = [folder / str(number) for number in range(len(chunks))]
    for path, chunk in zip(paths, chunks, strict=True):
        path.write_bytes(chunk)
    whole = b"".join(chunks)
    joined = JoinedFile("joined", paths)
    assert joined.size == len(whole)
    assert joined.read_at(offset, length) == whole[offset : offset + length]
    joined.close()


def test_counted_parts_are_ordered_by_their_integers(tmp_path: Path) -> None:
    _write_parts(tmp_path, {str(number): b"%02d" % number for number in range(12)})
    assert _all(tmp_path / "big.zip.part3") == b"000102030405060708091011"


def test_parts_may_be_counted_from_one(tmp_path: Path) -> None:
    _write_parts(tmp_path, {"1": b"a", "2": b"b"})
    assert _all(tmp_path / "big.zip.part1") == b"ab"


def test_parts_numbered_by_where_they_begin(tmp_path: Path) -> None:
    _write_parts(tmp_path, {"0": b"abcd", "4": b"efgh", "8": b"i"})
    assert _all(tmp_path / "big.zip.part0") == b"abcdefghi"


@pytest.mark.parametrize(
    ("parts", "after"),
    [
        ({"0": b"ab", "1": b"c", "3": b"d", "4": b"e"}, 3),
        ({"0": b"abcd", "8": b"i"}, 8),
        ({"4": b"efgh"}, 4),
        ({"2": b"b", "3": b"c"}, 2),
    ],
)
def test_a_missing_part_is_named(tmp_path: Path, parts: dict[str, bytes], after: int) -> None:
    _write_parts(tmp_path, parts)
    with pytest.raises(ArchiveError, match=rf"before part {after} is missing") as caught:
        open_bytes(tmp_path / f"big.zip.part{min(parts, key=int)}")
    assert caught.value.fault is ArchiveFault.MISSING_PART


def test_a_part_that_stands_twice_is_refused(tmp_path: Path) -> None:
    _write_parts(tmp_path, {"0": b"a", "1": b"b", "01": b"c"})
    with pytest.raises(ArchiveError, match="Part 1 of it is there twice"):
        open_bytes(tmp_path / "big.zip.part0")


def test_a_part_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s")
    folder = tmp_path / "data"
    folder.mkdir()
    _write_parts(folder, {"0": b"a"})
    (folder / "big.zip.part1").symlink_to(secret)
    with pytest.raises(ArchiveError) as caught:
        open_bytes(folder / "big.zip.part0")
    assert caught.value.fault is ArchiveFault.UNREADABLE


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(ArchiveError, match="not a regular file"):
        open_bytes(tmp_path / "pipe.zip")


def test_only_zip_archives_have_parts() -> None:
    assert split_name("EMOIMG_상처_TRAIN_04.zip.part1073741824") == (
        "EMOIMG_상처_TRAIN_04.zip",
        1073741824,
    )
    assert split_name("notes.part1") is None
    assert split_name("a.zip.partial") is None
