"""The library that the installation compiles of the C beside this file, where there is a compiler.

Nothing but time hangs on it: all it does is done elsewhere as well, with the same result. Only the
standard library is imported here, since `hatch_build.py` reads this module to compile.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
#: How it is compiled.
FLAGS = ("-std=c11", "-O3", "-mavx2", "-mbmi", "-mbmi2", "-fPIC", "-fvisibility=hidden", "-shared")
#: Where the installation puts it.
LIBRARY = _FOLDER / "_native.so"


def sources() -> list[Path]:
    """The files of C, those to be compiled and those that they include."""
    return sorted([*_FOLDER.glob("*.c"), *_FOLDER.glob("*.h")])


def digest_of(files: list[Path]) -> str:
    """By which a library that was compiled of other sources, or otherwise, is told."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for path in files:
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def can_be_compiled() -> bool:
    """Whether the sources are written for this machine."""
    return os.name == "posix" and platform.machine() == "x86_64"


def is_compiled() -> bool:
    """Whether the library is there and of these sources."""
    return _current() is not None


@cache
def load() -> ctypes.CDLL | None:
    """The library, where it is compiled and the processor can run it."""
    library = _current()
    return library if library is not None and library.native_runs_here() else None


@cache
def _current() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(LIBRARY))
        library.native_sources.restype = ctypes.c_char_p
    except (OSError, AttributeError):
        return None
    stated: bytes = library.native_sources()
    return library if stated.decode() == digest_of(sources()) else None
