from __future__ import annotations

import io
import struct
import zipfile

from artcurate.sources.synthetic.zips import ZipWriter


def written(members: list[tuple[bytes, bytes]], *, compress: bool) -> bytes:
    out = io.BytesIO()
    with ZipWriter(out) as archive:
        for name, data in members:
            archive.add(name, data, compress=compress)
    return out.getvalue()


def test_members_come_back_through_another_reader() -> None:
    members = [(b"a.txt", b"first" * 100), (b"b/empty", b"")]
    for compress in (False, True):
        with zipfile.ZipFile(io.BytesIO(written(members, compress=compress))) as archive:
            assert archive.testzip() is None
            assert [(i.filename.encode(), archive.read(i)) for i in archive.infolist()] == members


def test_names_keep_their_bytes_and_are_not_marked_as_utf8() -> None:
    name = "기쁨_여.jpg".encode("cp949")
    data = written([(name, b"x")], compress=False)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (entry,) = archive.infolist()
    assert entry.flag_bits & 0x800 == 0
    # Without the mark `zipfile` reads names as CP437, one character a byte.
    assert entry.filename.encode("cp437") == name
    assert struct.unpack_from("<H", data, 6) == (0,)


def test_more_members_than_an_ordinary_directory_can_count() -> None:
    members = [(str(number).encode(), b"") for number in range(65_536)]
    with zipfile.ZipFile(io.BytesIO(written(members, compress=False))) as archive:
        assert len(archive.infolist()) == 65_536
        assert archive.read("65535") == b""


def test_same_members_same_bytes() -> None:
    members = [(b"a", b"1" * 1000)]
    assert written(members, compress=True) == written(members, compress=True)
