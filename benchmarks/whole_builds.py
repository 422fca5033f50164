"""Whole builds of ArtELingo folders: time by stage and memory by process, cold and warm.

    python benchmarks/whole_builds.py FOLDER [FOLDER ...] [--workers 2]

Each FOLDER is what `artcurate sample artelingo FOLDER --image-size 1100` writes; several of
different sizes show how time and memory grow. A cold build has an empty data home; the warm one
after it has another split. Peaks are the kernel's (VmHWM), of the command itself and of the largest
of its workers, looked at twice a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BUILDS = {"cold": (), "warm, other split": ("--set", "split.mode=ratio")}
STAGES = ("read", "probe", "near_duplicates", "agreement", "split", "write", "finish")


@dataclass(frozen=True, slots=True)
class Build:
    """wall and stages: seconds. peak, worker: MiB."""

    wall: float
    stages: dict[str, float]
    peak: float
    worker: float
    pictures: int


def build(raw: Path, out: Path, home: Path, workers: int, *options: str) -> Build:
    events = out.with_suffix(".jsonl")
    command = [
        *(sys.executable, "-m", "artcurate", "build", "artelingo", "--quiet"),
        *("--annotations", str(raw / "artelingo_release.csv"), "--images", str(raw / "wikiart")),
        *("--out", str(out), "--events", str(events), "--workers", str(workers), *options),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "ARTCURATE_HOME": str(home)})
    peak = worker = 0.0
    while process.poll() is None:
        peak = max(peak, _peak(process.pid))
        worker = max([worker, *map(_peak, _children(process.pid))])
        time.sleep(0.5)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"the build of {raw} failed")
    told = [json.loads(line) for line in events.read_text().splitlines()]
    ended = [one for one in told if one["event"] == "stage_ended"]
    stages = {one["stage"]: float(one["seconds"]) for one in ended}
    probed = json.loads((out / "findings.json").read_text())["probe"]
    return Build(wall, stages, peak, worker, probed["images"])


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scratch", type=Path, help="where builds and caches lie meanwhile")
    given = parser.parse_args()
    print(f"| pictures | build | s | pictures/s | {' | '.join(STAGES)} | command | worker |")
    print("|---" * (6 + len(STAGES)) + "|")
    for raw in given.folders:
        with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
            place = Path(scratch)
            for name, options in BUILDS.items():
                out = place / name.partition(",")[0]
                seen = build(raw, out, place / "home", given.workers, *options)
                stages = " | ".join(f"{seen.stages.get(stage, 0):.1f}" for stage in STAGES)
                print(
                    f"| {seen.pictures:,} | {name} | {seen.wall:.0f} | "
                    f"{seen.pictures / seen.wall:.0f} | {stages} | {seen.peak:.0f} MiB | "
                    f"{seen.worker:.0f} MiB |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
