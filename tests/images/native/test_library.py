from __future__ import annotations

import platform
import shlex
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from artcurate.images.native import library

#: What the processor does not change: a library of nothing but what it says of itself.
STATED = """
const char *native_sources(void) {{ return "{sources}"; }}
int native_runs_here(void) {{ return {runs}; }}
"""


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    for kept in (library.load, library._current):
        kept.cache_clear()
    yield
    for kept in (library.load, library._current):
        kept.cache_clear()


def stated(folder: Path, sources: str, *, runs: bool, template: str = STATED) -> Path:
    source, target = folder / "stated.c", folder / "stated.so"
    source.write_text(template.format(sources=sources, runs=int(runs)))
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    try:
        subprocess.run([*compiler, "-fPIC", "-shared", "-o", target, source], check=True)
    except OSError:
        pytest.skip("there is no C compiler here")
    return target


def test_a_library_of_these_sources_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = stated(tmp_path, library.digest_of(library.sources()), runs=True)
    monkeypatch.setattr(library, "LIBRARY", fitting)
    assert library.is_compiled()
    assert library.load() is not None


def test_a_library_of_other_sources_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "LIBRARY", stated(tmp_path, "of another time", runs=True))
    assert not library.is_compiled()
    assert library.load() is None


def test_a_processor_that_cannot_run_it_is_no_reason_to_compile_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = stated(tmp_path, library.digest_of(library.sources()), runs=False)
    monkeypatch.setattr(library, "LIBRARY", fitting)
    assert library.is_compiled()
    assert library.load() is None


@pytest.mark.parametrize("content", [None, b"", b"no library"])
def test_what_is_no_library_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "native.so").write_bytes(content)
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "native.so")
    assert not library.is_compiled()
    assert library.load() is None


def test_a_library_that_does_not_say_of_what_it_is_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = stated(tmp_path, "", runs=True, template="int nothing;")
    monkeypatch.setattr(library, "LIBRARY", silent)
    assert not library.is_compiled()


def test_how_it_is_compiled_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = library.digest_of(library.sources())
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, "-g"))
    assert library.digest_of(library.sources()) != before


def test_every_file_of_c_counts(tmp_path: Path) -> None:
    names = {path.name for path in library.sources()}
    assert {"baseline.c", "huffman.h", "lanczos.c"} <= names
    copies = []
    for path in library.sources():
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes())
    same = library.digest_of(copies)
    assert same == library.digest_of(library.sources())
    (tmp_path / "huffman.h").write_text("changed")
    assert library.digest_of(copies) != same


def test_other_processors_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert not library.can_be_compiled()
