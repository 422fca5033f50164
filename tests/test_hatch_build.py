from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from artcurate.images import compiled

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "artcurate" / "images" / "lanczos.c"


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not compiled.is_usable(), reason="there is no compiler for it here")
def test_the_library_is_compiled(hatch_build: ModuleType, tmp_path: Path) -> None:
    library = tmp_path / "lanczos.so"
    assert hatch_build.compile_library(SOURCE, library) is None
    assert ctypes.CDLL(str(library)).lanczos_runs_here()


@pytest.mark.skipif(not compiled.is_usable(), reason="there is no compiler for it here")
def test_a_library_of_another_source_is_not_used(
    hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "lanczos.c"
    other.write_bytes(SOURCE.read_bytes() + b"\n")
    library = tmp_path / "other.so"
    assert hatch_build.compile_library(other, library) is None
    monkeypatch.setattr(compiled, "LIBRARY", library)
    assert compiled._library.__wrapped__() is None


@pytest.mark.skipif(not compiled.LIBRARY.exists(), reason="lanczos.c is not compiled here")
def test_the_installation_fits_its_source() -> None:
    """Otherwise: install anew, `pip install -e .`."""
    built = ctypes.CDLL(str(compiled.LIBRARY))
    assert compiled.is_usable() == bool(built.lanczos_runs_here())


@pytest.mark.parametrize(
    ("compiler", "reason"),
    [("/nowhere/cc", "no C compiler"), ("false", "false failed")],
)
def test_without_a_compiler_it_says_so_and_leaves_no_library_of_another_time(
    hatch_build: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiler: str,
    reason: str,
) -> None:
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr(hatch_build.platform, "machine", lambda: "x86_64")
    library = tmp_path / "lanczos.so"
    library.write_bytes(b"old")
    assert reason in hatch_build.compile_library(SOURCE, library)
    assert not library.exists()


def test_other_processors_are_told_apart(
    hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hatch_build.platform, "machine", lambda: "arm64")
    assert "x86-64" in hatch_build.compile_library(SOURCE, tmp_path / "lanczos.so")
