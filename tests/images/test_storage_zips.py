from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.storage import ImageReader


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_reads_members_of_several_archives_and_parts(tmp_path: Path) -> None:
    (tmp_path / "[원천]").mkdir()
    (tmp_path / "[원천]" / "a.zip").write_bytes(_zip({"기쁨/x.jpg": b"x", "y.jpg": b"y"}))
    data = _zip({"z.jpg": b"z" * 99})
    (tmp_path / "b.zip.part0").write_bytes(data[:70])
    (tmp_path / "b.zip.part1").write_bytes(data[70:])
    with ImageReader(tmp_path) as reader:
        assert reader.read("[원천]/a.zip", "기쁨/x.jpg") == b"x"
        assert reader.read("b.zip.part0", "z.jpg") == b"z" * 99
        assert reader.read("[원천]/a.zip", "y.jpg") == b"y"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("absent.jpg", FaultReason.UNREADABLE),
        ("large.jpg", FaultReason.TOO_MANY_BYTES),
        ("damaged.jpg", FaultReason.CORRUPT),
        ("empty.jpg", FaultReason.EMPTY_FILE),
    ],
)
def test_members_that_cannot_be_used(tmp_path: Path, member: str, reason: FaultReason) -> None:
    data = _zip({"damaged.jpg": b"abc", "large.jpg": bytes(101), "empty.jpg": b""})
    data = data.replace(b"damaged.jpg" + data[41:44], b"damaged.jpg" + b"\xff\xff\xff", 1)
    (tmp_path / "a.zip").write_bytes(data)
    with ImageReader(tmp_path, max_bytes=100) as reader:
        result = reader.read("a.zip", member)
    assert isinstance(result, Fault)
    assert result.reason is reason


def test_an_archive_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(_zip({"x.jpg": b"x" * 50})[:-20])
    with ImageReader(tmp_path) as reader:
        result = reader.read("a.zip", "x.jpg")
    assert isinstance(result, Fault)
    assert result.reason is FaultReason.TRUNCATED
