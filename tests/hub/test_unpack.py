from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path

import pytest

from artcurate.errors import DataError
from artcurate.hub.unpack import check_archive, unpack_pictures
from artcurate.net.retry import Retry, StoppedError

NAMES = [
    f"wikiart/{style}/p{number}.jpg" for style in ("Cubism", "Fauvism") for number in range(90)
]


def content_of(name: str) -> bytes:
    return f"bytes of {name} ".encode() * 20


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "wikiart.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in NAMES:
            packed.writestr(name, content_of(name))
    return path


def damage(path: Path, name: str) -> None:
    with zipfile.ZipFile(path) as packed:
        place = packed.getinfo(name).header_offset + 30 + len(name) + 10
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)


def test_every_picture_comes_out_as_it_was_packed(archive: Path, tmp_path: Path) -> None:
    told: list[int] = []
    unpacked = unpack_pictures(archive, tmp_path / "out", Retry(), advance=told.append)
    assert (unpacked.pictures, unpacked.damaged) == (len(NAMES), ())
    for name in NAMES:
        assert (tmp_path / "out" / name.removeprefix("wikiart/")).read_bytes() == content_of(name)
    assert sum(told) == sum(len(content_of(name)) for name in NAMES)


def test_what_is_there_and_right_is_kept_and_what_was_cut_off_is_replaced(
    archive: Path, tmp_path: Path
) -> None:
    unpack_pictures(archive, tmp_path, Retry())
    kept, cut, other = (tmp_path / "Cubism" / f"p{number}.jpg" for number in range(3))
    before = kept.stat().st_mtime_ns
    whole = cut.read_bytes(), other.read_bytes()
    cut.write_bytes(cut.read_bytes()[:50])
    other.write_bytes(other.read_bytes()[::-1])
    unpack_pictures(archive, tmp_path, Retry())
    assert kept.stat().st_mtime_ns == before
    assert (cut.read_bytes(), other.read_bytes()) == whole


def test_all_damaged_members_are_named(archive: Path, tmp_path: Path) -> None:
    check_archive(archive, Retry())
    for number in (3, 88):
        damage(archive, f"wikiart/Fauvism/p{number}.jpg")
    with pytest.raises(
        DataError, match=r"2 in all: wikiart/Fauvism/p3\.jpg, wikiart/Fauvism/p88\.jpg"
    ):
        check_archive(archive, Retry())
    unpacked = unpack_pictures(archive, tmp_path / "out", Retry())
    assert unpacked.pictures == len(NAMES) - 2
    assert unpacked.damaged == ("wikiart/Fauvism/p3.jpg", "wikiart/Fauvism/p88.jpg")
    assert not (tmp_path / "out" / "Fauvism" / "p3.jpg").exists()


def test_two_pictures_of_one_name_are_no_archive_of_wikiart(tmp_path: Path) -> None:
    path = tmp_path / "twins.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a/Cubism/p.jpg", "one")
        packed.writestr("b/Cubism/p.jpg", "two")
    with pytest.raises(DataError, match="another of the same name"):
        unpack_pictures(path, tmp_path / "out", Retry())


def test_members_that_share_their_bytes_are_a_trap(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/Cubism/p.jpg", bytes(1000))
        twin = zipfile.ZipInfo("a/Cubism/q.jpg")
        first = archive.getinfo("a/Cubism/p.jpg")
        twin.header_offset, twin.CRC = first.header_offset, first.CRC
        twin.compress_size = twin.file_size = 1000
        archive.filelist.append(twin)
        archive.NameToInfo[twin.filename] = twin
    path = tmp_path / "overlap.zip"
    path.write_bytes(packed.getvalue())
    with pytest.raises(DataError, match="that is a trap and no data"):
        unpack_pictures(path, tmp_path / "out", Retry())


def test_work_that_is_to_end_ends(archive: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        unpack_pictures(archive, tmp_path / "out", Retry(stop=stop))
