"""Ctrl-C, remembered: some libraries swallow KeyboardInterrupt or turn it into another error."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_requested = threading.Event()


def listen() -> None:
    """Remember SIGINT from now on, and raise KeyboardInterrupt as ever."""
    signal.signal(signal.SIGINT, _remember)


def requested() -> bool:
    """Whether the user has asked to stop since `listen`."""
    return _requested.is_set()


def check() -> None:
    """Raise KeyboardInterrupt where somebody swallowed the one the user sent."""
    if _requested.is_set():
        raise KeyboardInterrupt


def _remember(_signal: int, _frame: FrameType | None) -> None:
    _requested.set()
    raise KeyboardInterrupt
