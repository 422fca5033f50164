from __future__ import annotations

import ctypes
import errno
import hashlib
import mmap
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from artcurate.errors import DataError
from artcurate.files import (
    atomic_file,
    file_system_errors,
    make_folder,
    remove_partial_files,
    require_free_space,
    sha256_of,
    write_bytes,
    write_text,
)


def test_a_file_appears_whole_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with atomic_file(path) as file:
        file.write(b"first ")
        assert not path.exists()
        file.write(b"second")
    assert path.read_bytes() == b"first second"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_one_that_need_not_last_appears_whole_too(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.bin", lasting=False) as file:
        file.write(b"whole")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"whole"


def pages_in_memory(path: Path) -> int:
    """By mincore(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        held = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
        view = (ctypes.c_char * len(mapped)).from_buffer(mapped)
        result = libc.mincore(
            ctypes.c_void_p(ctypes.addressof(view)), ctypes.c_size_t(len(mapped)), held
        )
        del view
    assert result == 0, os.strerror(ctypes.get_errno())
    return sum(one & 1 for one in held)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the pages")
def test_a_file_that_nobody_reads_here_leaves_the_memory(tmp_path: Path) -> None:
    told = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True)
    if told.stdout.strip() in ("tmpfs", "ramfs"):
        pytest.skip("this file system lies in memory")
    size = 64 * mmap.PAGESIZE
    for cached in (True, False):
        with atomic_file(tmp_path / "shard.bin", cached=cached) as file:
            file.write(bytes(size))
        assert pages_in_memory(tmp_path / "shard.bin") == (64 if cached else 0)
        assert (tmp_path / "shard.bin").read_bytes() == bytes(size)


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def fail_half_way() -> None:
        with atomic_file(path) as file:
            file.write(b"new, but")
            raise LookupError

    with pytest.raises(LookupError):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_text_is_utf8_with_its_own_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "تَجْرِبَة\n漢字\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "تَجْرِبَة\n漢字\r\n".encode()


def test_a_killed_writer_leaves_only_a_partial_file_that_can_be_removed(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from artcurate.files import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)\n"
    )
    folder = tmp_path / "data"
    make_folder(folder)
    subprocess.run([sys.executable, "-c", program, str(folder / "a.parquet")], check=False)
    (left_over,) = folder.iterdir()
    assert left_over.name.startswith(".a.parquet.")
    write_bytes(folder / "kept.parquet", b"")
    remove_partial_files(tmp_path)
    assert [entry.name for entry in folder.iterdir()] == ["kept.parquet"]


def test_a_folder_that_went_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "a.bin"
    with pytest.raises(DataError, match=r"gone/a\.bin: its folder has gone away") as caught:
        write_bytes(path, b"data")
    assert len(caught.value.problems) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_disk_is_said_in_a_sentence() -> None:
    with (
        pytest.raises(DataError, match="no space is left"),
        file_system_errors(Path("/dev/full")),
        Path("/dev/full").open("wb", buffering=0) as file,
    ):
        file.write(b"data")


def test_a_file_size_limit_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DataError, match="size that the system allows"):
            write_bytes(tmp_path / "a.bin", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EDQUOT, errno.ENODEV])
def test_every_error_of_the_file_system_becomes_one_sentence(number: int) -> None:
    with pytest.raises(DataError) as caught, file_system_errors(Path("out/a.parquet")):
        raise OSError(number, os.strerror(number))
    (problem,) = caught.value.problems
    assert problem.startswith("out/a.parquet: ")
    assert problem.endswith(".")


def test_free_space_is_required_in_words(tmp_path: Path) -> None:
    require_free_space(tmp_path, 1)
    with pytest.raises(DataError, match=r"about 1000\.0 TB are needed and .* are free"):
        require_free_space(tmp_path, 10**15)


def test_sha256_of_a_file(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(data)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(data).hexdigest()
