from __future__ import annotations

import io
import tarfile
import unicodedata
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.parts import MemoryBytes
from artcurate.archives.tars import TarReader, read_tar_index

LONG = "기쁨/" + "긴이름" * 60 + ".jpg"
MEMBERS = {
    "a.jpg": b"a" * 700,
    "Style/émile.jpg": b"b",
    "empty.jpg": b"",
    "d" * 90 + "/" + "e" * 90 + ".jpg": b"prefix",
    LONG: b"long" * 200,
}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def make_tar(members: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(data: bytes, name: str, **limits: int) -> bytes:
    with TarReader(MemoryBytes("x.tar", data)) as reader:
        return reader.read(name, **limits)


def fault_of(data: bytes, name: str = "a.jpg", **limits: int) -> ArchiveFault:
    with pytest.raises(ArchiveError) as caught:
        read(data, name, **limits)
    assert str(caught.value).startswith("x.tar: ")
    return caught.value.fault


@pytest.mark.parametrize("form", FORMATS)
def test_members_of_every_form_of_tar(form: str) -> None:
    members = {name: data for name, data in MEMBERS.items() if form != "ustar" or name != LONG}
    data = make_tar(members, FORMATS[form])
    index = read_tar_index(MemoryBytes("x.tar", data))
    assert index["name"].to_list() == list(members)
    assert index["size"].to_list() == [len(content) for content in members.values()]
    with TarReader(MemoryBytes("x.tar", data)) as reader:
        for name in reversed(members):
            assert reader.read(name) == members[name]


def test_names_are_given_as_they_are_spelled_and_in_nfc() -> None:
    spelled = unicodedata.normalize("NFD", "é_x.jpg")
    data = make_tar({spelled: b"1", "é_x.jpg": b"22"})
    index = read_tar_index(MemoryBytes("x.tar", data))
    assert index["name"].to_list() == [spelled, "é_x.jpg"]
    assert index["key"].to_list() == ["é_x.jpg", "é_x.jpg"]
    assert (read(data, spelled), read(data, "é_x.jpg")) == (b"1", b"22")


def test_a_file_on_disk_is_read_by_offset(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(make_tar(MEMBERS))
    with TarReader(path) as reader:
        assert {name: reader.read(name) for name in MEMBERS} == MEMBERS
    path.write_bytes(make_tar({"a.jpg": b"another"}))
    with TarReader(path) as reader:
        assert reader.read("a.jpg") == b"another"


def test_links_devices_and_folders_are_no_members() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("a.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    data = buffer.getvalue()
    assert read_tar_index(MemoryBytes("x.tar", data)).is_empty()
    assert fault_of(data) is ArchiveFault.NO_MEMBER


def test_of_members_with_one_name_the_last_counts() -> None:
    first, second = (make_tar({"a.jpg": content})[:1024] for content in (b"first", b"second"))
    assert read(first + second + bytes(1024), "a.jpg") == b"second"


def test_limits_are_kept() -> None:
    data = make_tar({"a.jpg": bytes(100)})
    assert read(data, "a.jpg", max_bytes=100) == bytes(100)
    assert fault_of(data, max_bytes=99) is ArchiveFault.TOO_LARGE


def test_what_is_cut_off_is_truncated_and_the_rest_is_there() -> None:
    data = make_tar({"a.jpg": b"a" * 600, "b.jpg": b"b" * 600}, tarfile.USTAR_FORMAT)
    cut = data[: 512 + 1024 + 512 + 100]
    assert read(cut, "a.jpg") == b"a" * 600
    assert fault_of(cut, "b.jpg") is ArchiveFault.TRUNCATED


def test_what_is_no_tar_and_what_is_damaged() -> None:
    assert fault_of(b"\x1f\x8b" + bytes(range(256)) * 4) is ArchiveFault.NOT_A_TAR
    data = bytearray(make_tar({"a.jpg": b"a", "b.jpg": b"b"}, tarfile.USTAR_FORMAT))
    data[1024 + 3] ^= 1
    assert fault_of(bytes(data)) is ArchiveFault.CORRUPT


def test_a_header_that_claims_a_huge_name_is_refused() -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**34
    data = info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    assert fault_of(data) is ArchiveFault.TOO_LARGE


def test_no_damage_raises_anything_else() -> None:
    random = np.random.default_rng(5)
    for form in FORMATS.values():
        original = make_tar({"a.jpg": b"a" * 100, "긴" * 30 + "b.jpg": b"b"}, form)[:4096]
        for _ in range(300):
            data = bytearray(original)
            place = int(random.integers(0, len(data)))
            data[place] = random.integers(0, 256)
            block = place // 512 * 512
            # A right checksum lets the damage through to what comes after it.
            head = (
                bytes(data[block : block + 148]) + b" " * 8 + bytes(data[block + 156 : block + 512])
            )
            data[block + 148 : block + 156] = b"%06o\0 " % sum(head)
            with suppress(ArchiveError):
                assert len(read(bytes(data), "a.jpg")) <= len(data)


def test_a_size_beyond_every_file_is_only_that_members_fault() -> None:
    info = tarfile.TarInfo("a.jpg")
    info.size = 2**80
    data = info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    assert fault_of(data) is ArchiveFault.TOO_LARGE
