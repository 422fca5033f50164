from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from artcurate.images.packs import Packed, PackWriter, read_picture, read_records

SOURCES = [hashlib.sha256(bytes([number])).hexdigest() for number in range(5)]
RANDOM = np.random.default_rng(0)
PICTURES = [RANDOM.bytes(size) for size in (1, 1000, 0, 70_000, 3)]


def packed(folder: Path) -> Path:
    with PackWriter(folder) as pack:
        for source, picture in zip(SOURCES, PICTURES, strict=True):
            pack.add(source, picture)
    (path,) = folder.iterdir()
    return path


def places(pack: Path) -> dict[str, Packed]:
    records = read_records(pack)
    assert records is not None
    return {
        source.hex(): Packed(pack, offset, size, sha256.hex())
        for source, offset, size, sha256 in records.tolist()
    }


def test_every_picture_comes_back(tmp_path: Path) -> None:
    found = places(packed(tmp_path))
    assert list(found) == SOURCES
    assert [read_picture(found[source]) for source in SOURCES] == PICTURES


def test_of_two_pictures_of_one_file_the_first_stays(tmp_path: Path) -> None:
    with PackWriter(tmp_path) as pack:
        pack.add(SOURCES[0], b"first")
        pack.add(SOURCES[0], b"second")
    ((_, place),) = places(next(tmp_path.iterdir())).items()
    assert read_picture(place) == b"first"


def test_there_is_no_pack_before_the_end_and_none_of_nothing(tmp_path: Path) -> None:
    with PackWriter(tmp_path) as pack:
        pass
    assert list(tmp_path.iterdir()) == []
    with PackWriter(tmp_path) as pack:
        pack.add(SOURCES[0], b"picture")
        assert list(tmp_path.glob("*.pack")) == []
    assert len(list(tmp_path.glob("*.pack"))) == len(list(tmp_path.iterdir())) == 1


def test_what_ends_the_block_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted() -> None:
        with PackWriter(tmp_path) as pack:
            pack.add(SOURCES[0], b"picture")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_keeps_nothing(tmp_path: Path) -> None:
    with PackWriter(tmp_path / "gone") as pack:
        for source, picture in zip(SOURCES, PICTURES, strict=True):
            pack.add(source, picture)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [10_000, 3 << 20], ids=["at the end", "on the way"])
@pytest.mark.skipif(os.geteuid() != 0, reason="a small tmpfs can only be mounted by root")
def test_a_full_disk_keeps_nothing(tmp_path: Path, size: int) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        with PackWriter(tmp_path) as pack:
            for source in SOURCES:
                pack.add(source, RANDOM.bytes(size))
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_pack_that_is_cut_short_anywhere_holds_nothing(tmp_path: Path) -> None:
    path = packed(tmp_path)
    data = path.read_bytes()
    for length in {0, 1, len(data) // 2, *range(len(data) - 500, len(data))}:
        path.write_bytes(data[:length])
        assert read_records(path) is None


def test_altered_records_are_found_out(tmp_path: Path) -> None:
    path = packed(tmp_path)
    data = path.read_bytes()
    for place in range(sum(map(len, PICTURES)), len(data)):
        altered = bytearray(data)
        altered[place] ^= 0x40
        path.write_bytes(altered)
        assert read_records(path) is None


def test_an_altered_picture_is_found_out_and_its_pack_removed(tmp_path: Path) -> None:
    path = packed(tmp_path)
    found = places(path)
    altered = bytearray(path.read_bytes())
    altered[500] ^= 1
    path.write_bytes(altered)
    assert read_picture(found[SOURCES[3]]) == PICTURES[3]
    assert read_picture(found[SOURCES[1]]) is None
    assert not path.exists()
    assert read_picture(found[SOURCES[3]]) is None


def test_strangers_are_no_packs(tmp_path: Path) -> None:
    for name, data in {"empty": b"", "text": b"a text" * 50}.items():
        (tmp_path / name).write_bytes(data)
        assert read_records(tmp_path / name) is None
    assert read_records(tmp_path) is None
    assert read_records(tmp_path / "gone") is None
