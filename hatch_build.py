"""Compiles the C of the package where there is a compiler for it; the package does without too."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("artcurate/images/native")


class CompileNative(BuildHookInterface[Any]):
    """Puts the library into the package, and names the platform in the wheel's tag."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        reason = compile_library(root / FOLDER)
        if reason:
            self.app.display_warning(f"Pictures take up to twice the time: {reason}")
            return
        library = FOLDER / native_of(root / FOLDER).LIBRARY.name
        build_data["artifacts"].append(library.as_posix())
        build_data["pure_python"] = False
        name = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{name}"


def native_of(folder: Path) -> ModuleType:
    """The module that knows what is compiled, without the package, which cannot be imported yet."""
    spec = importlib.util.spec_from_file_location("native_library", folder / "library.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{folder / 'library.py'} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_library(folder: Path) -> str | None:
    """Compile the C in `folder`, or say why not; then no library of an earlier time is left."""
    native = native_of(folder)
    native.LIBRARY.unlink(missing_ok=True)
    if not native.can_be_compiled():
        return "the C is written for x86-64 under Linux and macOS"
    sources = native.sources()
    stated = f'-DNATIVE_SOURCES="{native.digest_of(sources)}"'
    files = [str(path) for path in sources if path.suffix == ".c"]
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    try:
        done = subprocess.run(
            [*compiler, *native.FLAGS, stated, "-o", str(native.LIBRARY), *files],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return f"no C compiler ({error})"
    return f"{shlex.join(compiler)} failed: {done.stderr.strip()}" if done.returncode else None
