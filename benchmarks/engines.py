"""What an engine costs: the same pictures made smaller with and without it, and on two workers.

Tasks are chunks of JPEG files of about 1400 x 1100, each decoded with Pillow at a reduced scale,
resized to 512 px and encoded. The floor is a plain loop in this process; beside the engines runs a
`concurrent.futures.ProcessPoolExecutor`, which knows no lost tasks, no memory limit and no events.
Workers are started, and have done one task each, before the clock starts. Legs take turns; medians
are shown. Ray is left out where it is not installed.

    python benchmarks/engines.py [--images 320] [--runs 3] [--workers 2]
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

# Workers cannot import the main script, so its function comes from the module of the same file.
sys.path.insert(0, str(Path(__file__).parent))

from artcurate.engines import Done, Engine
from artcurate.engines.local import LocalEngine
from artcurate.engines.reports import report

CHUNK = 8
Chunk = tuple[str, ...]
Leg = Callable[[list[Chunk]], int]


def shrink(chunk: Chunk) -> int:
    """Bytes of the pictures of `chunk` at 512 px."""
    total = 0
    for path in chunk:
        with Image.open(path) as image:
            image.draft("RGB", (512, 512))
            image.thumbnail((512, 512), Image.Resampling.LANCZOS, reducing_gap=1.0)
            encoded = io.BytesIO()
            image.save(encoded, "JPEG", quality=90)
        total += encoded.tell()
        report(size=encoded.tell())
    return total


def make_pictures(folder: Path, count: int) -> list[Chunk]:
    random = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = random.integers(0, 256, (110, 140, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((1400, 1100), Image.Resampling.BICUBIC)
        paths.append(str(folder / f"{number}.jpg"))
        picture.save(paths[-1], quality=92)
    return [tuple(paths[start : start + CHUNK]) for start in range(0, count, CHUNK)]


def loop(chunks: list[Chunk]) -> int:
    return sum(map(shrink, chunks))


def on_engine(engine: Engine, function: Callable[[Chunk], int]) -> Leg:
    def leg(chunks: list[Chunk]) -> int:
        outcomes = engine.map(function, chunks, watch=lambda *_: None)
        return sum(outcome.result for outcome in outcomes if isinstance(outcome, Done))

    return leg


@contextmanager
def legs(workers: int) -> Iterator[dict[str, Leg]]:
    """What is measured, by name; all workers are there."""
    import engines as this

    found: dict[str, Leg] = {"plain loop": loop}
    with ExitStack() as stack:
        for count in (1, workers):
            pool = stack.enter_context(ProcessPoolExecutor(count))
            found[f"ProcessPoolExecutor, {count}"] = lambda chunks, pool=pool: sum(  # type: ignore[misc]
                pool.map(this.shrink, chunks)
            )
            local = stack.enter_context(LocalEngine(count, memory_limit=2 << 30))
            found[f"local, {count}"] = on_engine(local, this.shrink)
        try:
            os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
            from artcurate.engines.ray import RayEngine
        except ModuleNotFoundError:
            print("Ray is not installed, so it is left out.", file=sys.stderr)
        else:
            ray = stack.enter_context(RayEngine(workers=workers))
            found[f"ray, {workers}"] = on_engine(ray, this.shrink)
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=320)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, legs(options.workers) as measured:
        chunks = make_pictures(Path(folder), options.images)
        expected = loop(chunks)
        for leg in measured.values():
            leg(chunks[: 2 * options.workers])
        for _ in range(options.runs):
            for name, leg in measured.items():
                start = time.perf_counter()
                assert leg(chunks) == expected
                seconds = time.perf_counter() - start
                rates.setdefault(name, []).append(options.images / seconds)
    floor = statistics.median(rates["plain loop"])
    print("| where | images/s | of the plain loop |")
    print("|---|---|---|")
    for name, seen in rates.items():
        rate = statistics.median(seen)
        print(f"| {name} | {rate:.0f} | {rate / floor:.2f} |")


if __name__ == "__main__":
    main()
