"""Ctrl-C while polars works: KeyboardInterrupt, and no panic of its engine."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal, threading, time
import polars as pl
from artcurate import interruption

interruption.listen()
frame = pl.DataFrame({"text": ["some words"] * 200})
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
started = time.monotonic()
try:
    while time.monotonic() < started + 20:
        frame.with_columns(pl.col("text").cast(pl.Enum(["some words"]))).schema
        time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() < started + 10, interruption.requested())
"""


def test_ctrl_c_between_and_during_the_work_of_polars_interrupts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("interrupted True True\n", "")
