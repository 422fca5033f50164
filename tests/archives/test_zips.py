from __future__ import annotations

import io
import pickle
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.archives.directory import INDEX_SCHEMA
from artcurate.archives.faults import ArchiveError, ArchiveFault
from artcurate.archives.names import leads_out
from artcurate.archives.parts import MemoryBytes
from artcurate.archives.zips import ZipReader


class Raw(zipfile.ZipInfo):
    """A member whose name is written as the bytes `raw`, without the UTF-8 flag."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, self.flag_bits & ~0x800


def _archive(
    members: Iterable[tuple[str | bytes, bytes]],
    *,
    method: int = zipfile.ZIP_DEFLATED,
    comment: bytes = b"",
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for name, data in members:
            info: zipfile.ZipInfo
            if isinstance(name, bytes):
                info = Raw(f"raw {len(archive.infolist())}")
                info.raw = name
            else:
                info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)
    return buffer.getvalue()


def _open(data: bytes) -> ZipReader:
    return ZipReader(MemoryBytes("a.zip", data))


def _fault(call: Callable[[], object]) -> ArchiveFault:
    with pytest.raises(ArchiveError) as caught:
        call()
    assert caught.value.detail.endswith(".")
    assert str(caught.value).startswith("a.zip: ")
    return caught.value.fault


_NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\"), min_size=1, max_size=12
)

#: Signatures outside of their places mislead the standard library.
_INNOCENT = st.binary(max_size=30).filter(lambda data: b"PK" not in data)


@given(
    members=st.dictionaries(_NAMES, st.binary(max_size=300), max_size=6),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    before=_INNOCENT,
    comment=_INNOCENT,
)
def test_agrees_with_the_standard_library(
    members: dict[str, bytes], method: int, before: bytes, comment: bytes
) -> None:
    data = before + _archive(members.items(), method=method, comment=comment)
    index = _open(data).index
    assert index.schema == INDEX_SCHEMA
    oracle = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert index.select("offset", "compressed", "size", "crc", "method").rows() == [
        (info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type)
        for info in oracle
    ]
    reader = _open(data)
    assert {name: reader.read(name) for name in index["name"]} == members
    assert index["key"].to_list() == [unicodedata.normalize("NFC", name) for name in members]


def test_zip64_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # With tiny limits the standard library writes the records of an archive beyond 4 GB.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    members = {f"{number}.jpg": bytes(50) + bytes([number]) for number in range(5)}
    data = b"before it" + _archive(members.items(), method=zipfile.ZIP_STORED)
    assert b"PK\x06\x06" in data
    reader = _open(data)
    assert {name: reader.read(name) for name in reader.index["name"]} == members


def test_sizes_that_follow_the_data(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a", b"first" * 9)
        archive.writestr("b", b"second")
    reader = _open(bytes(pipe.data))
    assert (reader.index["flags"] & 8).to_list() == [8, 8]
    assert (reader.read("a"), reader.read("b")) == (b"first" * 9, b"second")


def test_names_of_every_origin() -> None:
    korean = "67c2_여_40_기쁨_숙박 및 거주공간.jpg"
    apple = unicodedata.normalize("NFD", "나_" + korean)
    data = _archive(
        [
            (korean.encode("cp949"), b"cp949"),
            (("다_" + korean).encode(), b"utf-8 without its flag"),
            (apple, b"NFD"),
            (b"caf\x82\xff.jpg", b"cp437"),
        ]
    )
    index = _open(data).index
    assert index["name"].to_list() == [korean, "다_" + korean, apple, "café\xa0.jpg"]
    assert index["key"].to_list()[2] == "나_" + korean
    reader = _open(data)
    assert reader.read(korean) == b"cp949"
    assert reader.read(apple) == b"NFD"
    assert _fault(lambda: reader.read("나_" + korean)) is ArchiveFault.NO_MEMBER


def test_folders_are_no_members() -> None:
    data = _archive([("a/", b""), ("a/b.jpg", b"b"), ("c\\", b"")])
    assert _open(data).index["name"].to_list() == ["a/b.jpg"]


def test_of_two_members_with_one_name_the_last_is_read() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = _archive([("a", b"old"), ("b", b"b"), ("a", b"new")])
    reader = _open(data)
    assert reader.index.height == 3
    assert reader.read("a") == b"new"


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("../a.jpg", True),
        ("a/../../b.jpg", True),
        ("/etc/a.jpg", True),
        ("C:\\a.jpg", True),
        ("..\\a.jpg", True),
        ("a..b/..c.jpg", False),
        ("a/b.jpg", False),
    ],
)
def test_names_that_lead_out_are_told_and_read(name: str, out: bool) -> None:
    reader = _open(_archive([(name, b"data")]))
    assert reader.index.select(leads_out(pl.col("name"))).item() is out
    assert reader.read(name) == b"data"


def test_signatures_inside_names_and_comments_mislead_nobody() -> None:
    members = {"PK\x01\x02" + "x" * 60: b"1", "PK\x05\x06" + "y" * 30: b"2"}
    data = _archive(members.items(), comment=b"PK\x05\x06" + bytes(30))
    reader = _open(data)
    assert {name: reader.read(name) for name in reader.index["name"]} == members


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_cut_archive_says_so(kept: float) -> None:
    data = _archive([(f"{number}", bytes([number]) * 50) for number in range(20)])
    cut = data[: int(len(data) * kept)]
    assert _fault(lambda: _open(cut).index) is ArchiveFault.TRUNCATED


@pytest.mark.parametrize("data", [b"", b"PK", b"\xff\xd8\xff" * 100])
def test_what_is_no_archive_says_so(data: bytes) -> None:
    assert _fault(lambda: _open(data).index) is ArchiveFault.NOT_A_ZIP


def test_an_empty_archive_has_no_members() -> None:
    assert _open(_archive([])).index.height == 0


def test_a_directory_with_fewer_members_than_stated_is_damaged() -> None:
    data = bytearray(_archive([("a", b"a"), ("b", b"b")]))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<2H", data, end + 8, 3, 3)
    assert _fault(lambda: _open(bytes(data)).index) is ArchiveFault.CORRUPT


def test_a_directory_that_claims_gigabytes_is_refused() -> None:
    data = bytearray(_archive([("a", b"a")]))
    struct.pack_into("<L", data, data.rindex(b"PK\x05\x06") + 12, 0xFFFFFFF0)
    assert _fault(lambda: _open(bytes(data)).index) is ArchiveFault.TOO_LARGE


def _patched(data: bytes, field: int, layout: str, value: int) -> bytes:
    """`data` with one field of its only directory entry changed."""
    changed = bytearray(data)
    struct.pack_into(layout, changed, data.index(b"PK\x01\x02") + field, value)
    return bytes(changed)


def test_an_encrypted_member_is_refused() -> None:
    data = _patched(_archive([("a", b"secret")]), 8, "<H", 1)
    assert _fault(lambda: _open(data).read("a")) is ArchiveFault.ENCRYPTED


def test_another_method_is_refused() -> None:
    data = _archive([("a", b"data")], method=zipfile.ZIP_BZIP2)
    assert _fault(lambda: _open(data).read("a")) is ArchiveFault.UNSUPPORTED


def test_a_bomb_is_refused_by_what_it_claims() -> None:
    data = _archive([("a", bytes(10_000_000))])
    assert len(data) < 20_000
    assert _fault(lambda: _open(data).read("a", max_bytes=1_000_000)) is ArchiveFault.TOO_LARGE


def test_a_bomb_that_lies_is_refused_by_what_it_is() -> None:
    data = _patched(_archive([("a", bytes(10_000_000))]), 24, "<L", 1000)
    assert _fault(lambda: _open(data).read("a", max_bytes=20_000)) is ArchiveFault.CORRUPT


def test_a_wrong_checksum_is_found() -> None:
    data = _patched(_archive([("a", b"data")]), 16, "<L", zlib.crc32(b"other"))
    assert _fault(lambda: _open(data).read("a")) is ArchiveFault.CORRUPT


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_changed_byte_is_found(method: int) -> None:
    data = bytearray(_archive([("a", b"data of some length")], method=method))
    data[35] ^= 1
    assert _fault(lambda: _open(bytes(data)).read("a")) is ArchiveFault.CORRUPT


def test_a_member_beyond_the_end_is_found() -> None:
    archive = _archive([("a", b"data")])
    beyond = _patched(archive, 20, "<L", 100_000)
    assert _fault(lambda: _open(beyond).read("a")) is ArchiveFault.TRUNCATED
    elsewhere = _patched(archive, 42, "<L", 3)
    assert _fault(lambda: _open(elsewhere).read("a")) is ArchiveFault.CORRUPT
    nowhere = _patched(archive, 42, "<L", 0x7FFFFFFF)
    assert _fault(lambda: _open(nowhere).read("a")) is ArchiveFault.CORRUPT


@given(noise=st.binary(max_size=60), place=st.integers(0, 400))
def test_damage_is_a_fault_and_never_another_error(noise: bytes, place: int) -> None:
    data = bytearray(_archive([("a", b"first"), ("b", b"second" * 20)], comment=b"comment"))
    data[place : place + len(noise)] = noise
    with suppress(ArchiveError):
        reader = _open(bytes(data))
        for name in reader.index["name"]:
            reader.read(name, max_bytes=10_000)


def test_the_start_of_a_member() -> None:
    content = bytes(range(256)) * 100
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        reader = _open(_archive([("a", content)], method=method))
        assert reader.read_start(reader.member("a"), 300) == content[:300]
        assert reader.read_start(reader.member("a"), 1 << 20) == content


def test_an_index_travels_and_many_threads_read_by_it(tmp_path: Path) -> None:
    members = {f"{number}.jpg": bytes([number]) * 1000 for number in range(50)}
    (tmp_path / "a.zip").write_bytes(_archive(members.items()))
    with ZipReader(tmp_path / "a.zip") as reader:
        reader.index.write_parquet(tmp_path / "index.parquet")
    index = pickle.loads(pickle.dumps(pl.read_parquet(tmp_path / "index.parquet")))  # noqa: S301
    with ZipReader(tmp_path / "a.zip", index=index) as reader, ThreadPoolExecutor(4) as pool:
        names = list(members) * 10
        assert list(pool.map(reader.read, names)) == [members[name] for name in names]


def test_an_archive_that_took_the_place_of_another_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for content in (b"old", b"newer"):
        path.unlink(missing_ok=True)
        path.write_bytes(_archive([(f"before {content!r}", b""), ("a", content)]))
        with ZipReader(path) as reader:
            assert reader.read("a") == content


def test_an_archive_in_parts_reads_as_one(tmp_path: Path) -> None:
    data = _archive([(f"{number}", bytes([number]) * 99) for number in range(30)])
    step = len(data) // 3
    for start in range(0, len(data), step):
        (tmp_path / f"a.zip.part{start}").write_bytes(data[start : start + step])
    with ZipReader(tmp_path / "a.zip.part0") as reader:
        assert [reader.read(str(number)) for number in range(30)] == [
            bytes([number]) * 99 for number in range(30)
        ]
    last = max(tmp_path.iterdir(), key=lambda path: int(path.name.rpartition("part")[2]))
    last.unlink()
    with (
        ZipReader(tmp_path / "a.zip.part0") as reader,
        pytest.raises(ArchiveError, match="cut off") as caught,
    ):
        _ = reader.index
    assert caught.value.fault is ArchiveFault.TRUNCATED


def test_an_error_travels_between_processes() -> None:
    error = ArchiveError(ArchiveFault.CORRUPT, "a.zip", "It is damaged.")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.fault, str(again)) == (error.fault, str(error))
