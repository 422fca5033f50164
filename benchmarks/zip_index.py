"""Opening many zip archives with many small members, and reading members at random.

Both sides index every archive by name, then read the same random members and check their CRC;
ours is `artcurate.archives`, the peer the standard library's `zipfile.ZipFile`. Each side runs as
a process of its own, so that the peak of memory is its own, too.

    python benchmarks/zip_index.py [--archives 49] [--members 10000] [--reads 2000] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archives", type=int, default=49)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--reads", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.folder, options.reads)))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_archives(Path(folder), options.archives, options.members)
        report(Path(folder), options)


def make_archives(folder: Path, archives: int, members: int) -> None:
    """Archives of tiny deflated members with names like CID's."""
    for number in range(archives):
        with zipfile.ZipFile(folder / f"EMOIMG_{number:02}.zip", "w", zipfile.ZIP_DEFLATED) as out:
            for member in range(members):
                person = f"{number * 7 + member % 7:064x}"
                name = (
                    f"{person}_여_20_기쁨_도심 환경_20210127{member:06}-001-{member % 1000:03}.jpg"
                )
                out.writestr(name, name * 2)


def ours(folder: Path, reads: int) -> dict[str, float]:
    from artcurate.archives.zips import ZipReader

    start = time.perf_counter()
    readers = [ZipReader(path) for path in sorted(folder.glob("*.zip"))]
    sizes = [reader.index.height for reader in readers]
    for reader in readers:
        reader.member(reader.index["name"][0])
    ready = time.perf_counter() - start
    names = choose([reader.index["name"] for reader in readers], sizes, reads)
    start = time.perf_counter()
    for archive, name in names:
        readers[archive].read(name)
    return cost(sizes, ready, time.perf_counter() - start)


def standard_library(folder: Path, reads: int) -> dict[str, float]:
    start = time.perf_counter()
    readers = [zipfile.ZipFile(path) for path in sorted(folder.glob("*.zip"))]
    sizes = [len(reader.infolist()) for reader in readers]
    ready = time.perf_counter() - start
    names = choose([reader.namelist() for reader in readers], sizes, reads)
    start = time.perf_counter()
    for archive, name in names:
        readers[archive].read(name)
    return cost(sizes, ready, time.perf_counter() - start)


def choose(names: list[Any], sizes: list[int], reads: int) -> list[tuple[int, str]]:
    generator = random.Random(0)
    archives = [generator.randrange(len(sizes)) for _ in range(reads)]
    return [(archive, names[archive][generator.randrange(sizes[archive])]) for archive in archives]


def cost(sizes: list[int], ready: float, read: float) -> dict[str, float]:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mib = peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return {"members": sum(sizes), "ready": ready, "read": read, "peak": mib}


SIDES = {"artcurate": ours, "zipfile": standard_library}


def report(folder: Path, options: argparse.Namespace) -> None:
    command = [sys.executable, __file__, "--folder", str(folder), "--reads", str(options.reads)]
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(options.runs):
        for side, seen in runs.items():
            result = subprocess.run([*command, "--side", side], check=True, capture_output=True)
            seen.append(json.loads(result.stdout))
    medians = {
        side: {name: statistics.median(run[name] for run in seen) for name in seen[0]}
        for side, seen in runs.items()
    }
    members = int(medians["artcurate"]["members"])
    print(f"{members:,} members, medians of {options.runs} interleaved runs\n")
    print("| what | ready to read s | µs per read | peak MiB | times artcurate (ready, read) |")
    print("|---|---|---|---|---|")
    for side, median in medians.items():
        ready, read = (median[name] / medians["artcurate"][name] for name in ("ready", "read"))
        per_read = median["read"] / options.reads * 1e6
        print(
            f"| {side} | {median['ready']:.2f} | {per_read:.0f} | {median['peak']:.0f} "
            f"| {ready:.1f}, {read:.1f} |"
        )


if __name__ == "__main__":
    main()
