"""Ctrl-C while polars works, and while threads do, with polars imported."""

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


WAITING = """
import os, signal, threading, time
from concurrent.futures import ThreadPoolExecutor
from artcurate import interruption
from artcurate.progress import ProgressMode, meter

interruption.listen()
import polars
with meter("work", 1, unit="piece", mode=ProgressMode.QUIET), ThreadPoolExecutor(1) as pool:
    done = threading.Event()
    waiting = pool.submit(done.wait, 20)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    try:
        waiting.result()
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() < started + 5)
    done.set()
"""


def test_ctrl_c_is_heard_while_the_main_thread_waits_for_another() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITING], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("interrupted True\n", "")
