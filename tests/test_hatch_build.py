from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from artcurate.images.native import library

pytest.importorskip("hatchling", reason="hatchling is not installed")

ROOT = Path(__file__).parents[1]

with_compiler = pytest.mark.skipif(
    not library.is_compiled(), reason="there was no compiler for it when it was installed"
)


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def native(tmp_path: Path) -> Path:
    """The folder of C, a copy, with a library of another time."""
    folder = tmp_path / "native"
    folder.mkdir()
    for path in [*library.sources(), Path(library.__file__)]:
        shutil.copy(path, folder)
    (folder / library.LIBRARY.name).write_bytes(b"old")
    return folder


@with_compiler
def test_the_library_is_compiled_and_says_of_what(hatch_build: ModuleType, native: Path) -> None:
    (native / "lanczos.c").write_text((native / "lanczos.c").read_text() + "\n")
    assert hatch_build.compile_library(native) is None
    built = ctypes.CDLL(str(native / library.LIBRARY.name))
    built.native_sources.restype = ctypes.c_char_p
    sources = [native / path.name for path in library.sources()]
    assert built.native_sources().decode() == library.digest_of(sources)


@pytest.mark.skipif(not library.LIBRARY.exists(), reason="the C is not compiled here")
def test_the_installation_fits_its_sources() -> None:
    """Otherwise: install anew, `pip install -e .`."""
    assert library.is_compiled()


@pytest.mark.parametrize(
    ("compiler", "reason"), [("/nowhere/cc", "no C compiler"), ("false", "false failed")]
)
def test_without_a_compiler_it_says_so_and_leaves_no_library_of_another_time(
    hatch_build: ModuleType,
    native: Path,
    monkeypatch: pytest.MonkeyPatch,
    compiler: str,
    reason: str,
) -> None:
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert reason in hatch_build.compile_library(native)
    assert not (native / library.LIBRARY.name).exists()


def test_other_processors_are_left_to_numpy(
    hatch_build: ModuleType, native: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert "x86-64" in hatch_build.compile_library(native)


@pytest.mark.parametrize("compiler", [pytest.param(None, marks=with_compiler), "false"])
def test_a_wheel_has_the_library_where_it_could_be_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str | None
) -> None:
    """Without it the wheel is one for every machine, and whole all the same."""
    if compiler is not None:
        monkeypatch.setenv("CC", compiler)
    copied = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE")
    for name in copied:
        shutil.copy(ROOT / name, tmp_path)
    for name in ("artcurate", "pipelines", "schemas"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so")
        )
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "artcurate/images/native/library.py" in names
    built = f"artcurate/images/native/{library.LIBRARY.name}"
    if compiler is None:
        assert built in names
        assert not wheel.name.endswith("-any.whl")
    else:
        assert built not in names
        assert wheel.name.endswith("py3-none-any.whl")
        assert "Pictures take up to twice the time" in done.stderr + done.stdout
