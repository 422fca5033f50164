"""Run commands as whole processes, in turn, and give the medians of what they cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the runs of one command. wall: seconds; peak: MiB, children included."""

    wall: float
    cpu: float
    peak: float


def measure(commands: Mapping[str, Sequence[str]], *, runs: int = 3) -> dict[str, Cost]:
    """Cost of each command over `runs` rounds; every round runs all of them, one after another."""
    seen: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seen[name].append(run_once(command))
    return {
        name: Cost(*(statistics.median(column) for column in zip(*map(_tuple, costs), strict=True)))
        for name, costs in seen.items()
    }


def run_once(command: Sequence[str]) -> Cost:
    """What one run of `command` costs. Raises CalledProcessError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kib_per_unit = 1 / 1024 if sys.platform == "darwin" else 1
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kib_per_unit / 1024)


def _tuple(cost: Cost) -> tuple[float, float, float]:
    return (cost.wall, cost.cpu, cost.peak)
