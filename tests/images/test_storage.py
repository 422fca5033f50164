from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.storage import ImageReader


def _reason(result: bytes | Fault) -> FaultReason:
    assert isinstance(result, Fault)
    assert result.detail
    return result.reason


def test_reads_a_file_whose_name_is_hard(tmp_path: Path) -> None:
    name = "georges-lacombeâ\xa0_a.b'c(2).jpg"
    (tmp_path / "Style").mkdir()
    (tmp_path / "Style" / name).write_bytes(b"bytes")
    with ImageReader(tmp_path) as reader:
        assert reader.read(f"Style/{name}") == b"bytes"


@pytest.mark.parametrize(
    "location", ["../secret.jpg", "a/../../secret.jpg", "link.jpg", "up/x.jpg"]
)
def test_nothing_is_read_outside_the_root(tmp_path: Path, location: str) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "x.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "up").symlink_to(tmp_path)
    with ImageReader(root) as reader:
        assert _reason(reader.read(location)) is FaultReason.OUTSIDE_ROOT


def test_an_absolute_location_stays_below_the_root(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"secret")
    root = tmp_path / "root"
    root.mkdir()
    with ImageReader(root) as reader:
        assert _reason(reader.read(str(secret))) is FaultReason.UNREADABLE


def test_a_sibling_whose_name_begins_like_the_root_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "rootless").mkdir()
    (tmp_path / "rootless" / "a.jpg").write_bytes(b"secret")
    with ImageReader(tmp_path / "root") as reader:
        assert _reason(reader.read("../rootless/a.jpg")) is FaultReason.OUTSIDE_ROOT


def test_a_link_inside_the_root_and_a_linked_root_are_fine(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.jpg").write_bytes(b"bytes")
    (tmp_path / "root" / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "alias").symlink_to(tmp_path / "root")
    with ImageReader(tmp_path / "alias") as reader:
        assert reader.read("b.jpg") == b"bytes"


def test_faults_of_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "large.jpg").write_bytes(bytes(11))
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with ImageReader(tmp_path, max_bytes=10) as reader:
        assert _reason(reader.read("empty.jpg")) is FaultReason.EMPTY_FILE
        assert _reason(reader.read("large.jpg")) is FaultReason.TOO_MANY_BYTES
        for name in ("absent.jpg", "folder.jpg", "loop.jpg", "pipe.jpg", "nul\0.jpg"):
            assert _reason(reader.read(name)) is FaultReason.UNREADABLE


@pytest.mark.parametrize("as_struct", [True, False])
def test_reads_rows_of_a_parquet_file_in_any_order(tmp_path: Path, as_struct: bool) -> None:
    images = [f"image {row}".encode() * (row + 1) for row in range(100)]
    images[41] = None  # type: ignore[call-overload]
    column = (
        pa.array([None if i is None else {"bytes": i, "path": "p.jpg"} for i in images])
        if as_struct
        else pa.array(images, pa.binary())
    )
    table = pa.table({"label": list(range(100)), "image": column})
    pq.write_table(table, tmp_path / "part.parquet", row_group_size=30)
    with ImageReader(tmp_path) as reader:
        for row in (0, 1, 2, 99, 29, 30, 31, 0, 60, 45, 47):
            assert reader.read("part.parquet", str(row)) == images[row]
        assert _reason(reader.read("part.parquet", "41")) is FaultReason.EMPTY_FILE
        for member in ("100", "-1", "first"):
            assert _reason(reader.read("part.parquet", member)) is FaultReason.UNREADABLE


def test_moves_from_one_parquet_file_to_the_next(tmp_path: Path) -> None:
    for name in ("a", "b"):
        table = pa.table({"image": pa.array([name.encode()], pa.binary())})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    with ImageReader(tmp_path) as reader:
        assert [reader.read(f"{name}.parquet", "0") for name in "aba"] == [b"a", b"b", b"a"]


def test_faults_of_containers(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["no image"]}), tmp_path / "text.parquet")
    pq.write_table(pa.table({"image": ["a string"]}), tmp_path / "string.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "notes.txt").write_bytes(b"no container")
    large = pa.table({"image": pa.array([bytes(11)], pa.binary())})
    pq.write_table(large, tmp_path / "large.parquet")
    with ImageReader(tmp_path, max_bytes=10) as reader:
        for name in ("text.parquet", "string.parquet", "broken.parquet"):
            assert _reason(reader.read(name, "0")) is FaultReason.UNREADABLE
        assert _reason(reader.read("notes.txt", "0")) is FaultReason.UNSUPPORTED_FORMAT
        assert _reason(reader.read("large.parquet", "0")) is FaultReason.TOO_MANY_BYTES


def test_no_more_is_reserved_than_the_file_takes(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(range(100)))
    with ImageReader(tmp_path, max_bytes=1 << 30) as reader:
        tracemalloc.start()
        try:
            assert reader.read("a.jpg") == bytes(range(100))
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()
