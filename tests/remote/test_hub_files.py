"""hf:// against a Hub on the loopback interface; its client reads the address when imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))
from hub_server import HubServer

READS = """
from artcurate.remote.files import MissingError, open_files
from artcurate.net.paths import parse_path

root = parse_path("hf://datasets/somebody/raw/data")
files = open_files(root)
for one in files.entries(root):
    print(one.name, one.is_folder, one.bytes, bool(one.stamp))
print(files.read(root / "a.csv", 100))
print(files.open(root / "b.zip").read_at(3, 4))
for missing in (root / "none.csv", parse_path("hf://datasets/somebody/other/a.csv")):
    try:
        open_files(missing).read(missing, 10)
    except MissingError as error:
        print(error)
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_dataset_on_the_hub_is_read_in_parts() -> None:
    server = HubServer()
    with server.running():
        server.hub.create("somebody/raw", private=False)
        files = {"data/a.csv": b"a,b\n", "data/b.zip": bytes(range(99)), "data/in/c.csv": b"c"}
        server.hub.write("somebody/raw", files)
        done = subprocess.run(
            [sys.executable, "-c", READS],
            env={**os.environ, **server.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.splitlines() == [
        "a.csv False 4 True",
        "b.zip False 99 True",
        "in True None False",
        "b'a,b\\n'",
        "b'\\x03\\x04\\x05\\x06'",
        "hf://datasets/somebody/raw/data/none.csv: no such file or folder.",
        "hf://datasets/somebody/other/a.csv: no such file or folder.",
    ], done.stderr
