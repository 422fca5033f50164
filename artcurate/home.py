"""The data home: where raw corpora are looked for when a command names none."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def data_home() -> Path:
    """`ARTCURATE_HOME`, or `artcurate` in the user's cache folder. Not created."""
    named = os.environ.get("ARTCURATE_HOME")
    return Path(named).expanduser() if named else _user_cache() / "artcurate"


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


def find(patterns: Sequence[str]) -> tuple[Path, ...]:
    """What the first matching glob pattern finds below the data home, sorted; empty if none."""
    home = data_home()
    for pattern in patterns:
        found = tuple(sorted(home.glob(pattern)))
        if found:
            return found
    return ()
