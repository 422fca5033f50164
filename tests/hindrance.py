"""Puts real faults into the processes that a build starts: each runs `sitecustomize` at its start.

The hook sees every file that a process opens, whatever library opens it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_HOOK = """
import os, signal, sys, time

def see(event, arguments):
    if event != "open" or not isinstance(arguments[0], str):
        return
    if {poison!r} and {poison!r} in os.path.basename(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)
    if {pause!r} and arguments[0].endswith(".jpg"):
        time.sleep({pause!r})

sys.addaudithook(see)
"""


def hindered(folder: Path, *, poison: str = "", pause: float = 0.0) -> Mapping[str, str]:
    """An environment whose Python processes are hindered; the hook is put into `folder`.

    poison: a process that opens a file with this in its name is killed.
    pause: seconds that opening a picture takes longer.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HOOK.format(poison=poison, pause=pause))
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}
