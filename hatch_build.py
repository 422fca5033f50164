"""Compiles the one file of C where there is a compiler for it; the package does without it too."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("artcurate/images/lanczos.c")
LIBRARY = Path("artcurate/images/_lanczos.so")
FLAGS = ("-O3", "-fPIC", "-shared")


class CompileReduction(BuildHookInterface[Any]):
    """Puts the library into the package, and names the platform in the wheel's tag."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        reason = compile_library(root / SOURCE, root / LIBRARY)
        if reason:
            self.app.display_warning(f"Pictures are reduced by numpy, three times slower: {reason}")
            return
        build_data["artifacts"].append(LIBRARY.as_posix())
        build_data["pure_python"] = False
        name = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{name}"


def compile_library(source: Path, library: Path) -> str | None:
    """Compile `source` into `library`, or say why not; then none of an earlier time is left."""
    library.unlink(missing_ok=True)
    if os.name != "posix" or platform.machine() != "x86_64":
        return f"{source.name} is written for x86-64 under Linux and macOS"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    try:
        done = subprocess.run(
            [*compiler, *FLAGS, f'-DLANCZOS_SOURCE="{digest}"', "-o", str(library), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return f"no C compiler ({error})"
    return f"{shlex.join(compiler)} failed: {done.stderr.strip()}" if done.returncode else None
