"""Ctrl-C, remembered: some libraries swallow KeyboardInterrupt or turn it into another error."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import PurePath
from types import FrameType
from typing import Final

_requested = threading.Event()
#: polars' engine calls some of its Python code; an exception there becomes a panic with a
#: backtrace. So a signal that comes inside polars is sent again a little later.
_FRAGILE: Final = "polars"
#: Seconds until then, and how often; after that it is raised wherever it comes.
_PAUSE: Final = 0.02
_PATIENCE: Final = 50

_postponed = 0
_way_on = "the same command goes on from what is finished."


def listen() -> None:
    """Remember SIGINT from now on, and raise KeyboardInterrupt as soon as that does no harm."""
    signal.signal(signal.SIGINT, _remember)


def hear_at_once() -> None:
    """Let a wait for another thread end when the signal comes, not when the thread is done.

    polars, wherever it is imported first, puts a handler before ours that lets waits go on
    (SA_RESTART). So this is called where work begins, after the imports.
    """
    if hasattr(signal, "siginterrupt"):
        signal.siginterrupt(signal.SIGINT, True)


def tell_way_on(sentence: str) -> None:
    """From now on `sentence` says how to go on after an interruption."""
    global _way_on
    _way_on = sentence


def way_on() -> str:
    """How to go on after an interruption."""
    return _way_on


def requested() -> bool:
    """Whether the user has asked to stop since `listen`."""
    return _requested.is_set()


def check() -> None:
    """Raise KeyboardInterrupt where somebody swallowed the one the user sent."""
    if _requested.is_set():
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    global _postponed
    _requested.set()
    inside = frame is not None and _FRAGILE in PurePath(frame.f_code.co_filename).parts
    if not inside or _postponed >= _PATIENCE:
        raise KeyboardInterrupt
    _postponed += 1
    again = threading.Timer(_PAUSE, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()
