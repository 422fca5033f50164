"""Writing shards of untouched images, beside a bare pyarrow write of the same bytes.

Every leg is a process of its own; legs take turns, and medians are shown. Time is counted from
the first image read to the last byte synced, without interpreter start and imports. The bare
write reads the files and writes them with `pyarrow.parquet`, uncompressed, in row groups of 100,
without statistics or dictionary; it neither hashes nor checks nor strips metadata. artcurate checks
each image against the sha256 of the plan, follows its structure, drops its metadata and takes the
sha256 of the shard on the way.

A second table shows what content-defined chunking buys: how much of a file is new to a store that
cuts files at content-defined boundaries into chunks of about 64 kB (as the Hub's does), after some
rows were removed.

    python benchmarks/writing.py [--images 2000] [--runs 5] [--folder DIR]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from artcurate.engines import Lost
from artcurate.engines.local import LocalEngine
from artcurate.files import sha256_of
from artcurate.images.transform import ImageForm
from artcurate.shards.pipelining import HashingSink
from artcurate.shards.plan import Layout, Plan, plan_shards
from artcurate.shards.task import IMAGE_OPTIONS, TEXT_OPTIONS, Pixels, WriterOptions
from artcurate.shards.writer import find_finished, open_parquet, write_shard

IMAGE_BYTES = 350_000
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema([("image", PICTURE), ("painting_id", pa.string())])
CHUNKED = replace(IMAGE_OPTIONS, content_defined_chunking=True)


def make_images(folder: Path, count: int) -> None:
    """JPEG files of about 350 kB whose structure is sound and whose scan is random bytes."""
    encoded = io.BytesIO()
    Image.new("RGB", (1400, 1100)).save(encoded, "JPEG")
    data = encoded.getvalue()
    scan = data.rindex(b"\xff\xda") + 14
    random_bytes = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        size = int(random_bytes.normal(IMAGE_BYTES, IMAGE_BYTES / 5))
        body = random_bytes.integers(0, 255, max(10_000, size), dtype=np.uint8).tobytes()
        (folder / f"{number}.jpg").write_bytes(data[:scan] + body + b"\xff\xd9")


def plan_images(folder: Path, out: Path, options: WriterOptions, shards: int) -> Plan:
    paths = sorted(folder.glob("*.jpg"))
    sizes = [path.stat().st_size for path in paths]
    ids = [path.stem for path in paths]
    rows = pl.DataFrame({"painting_id": ids, "split": "train", "row_id": ids})
    images = pl.DataFrame(
        {
            "root": "images",
            "location": [path.name for path in paths],
            "member": pl.Series([None] * len(paths), dtype=pl.String),
            "bytes": sizes,
            "width": 1400,
            "height": 1100,
            "sha256": [sha256_of(path) for path in paths],
            "stem": ids,
        }
    )
    layout = Layout(
        config="paintings",
        folder="data",
        schema=SCHEMA,
        pixels=Pixels("image", ImageForm(None), (("images", folder),)),
        options=options,
        seed=0,
        max_shard_bytes=sum(sizes) // shards + IMAGE_BYTES * 20,
        output=out,
        scratch=out / "scratch",
    )
    return plan_shards(rows, layout, images)


def write_bare(folder: Path, out: Path, *, hashing: bool, **options: Any) -> None:
    """All images into one file, as a few lines of pyarrow do it."""
    paths = sorted(folder.glob("*.jpg"))
    out.mkdir(parents=True, exist_ok=True)
    with (
        (out / "bare.parquet").open("wb") as file,
        HashingSink(file) if hashing else nullcontext(file) as sink,
        pq.ParquetWriter(
            sink,
            SCHEMA,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            **options,
        ) as writer,
    ):
        for start in range(0, len(paths), 100):
            group = paths[start : start + 100]
            data = pa.array([path.read_bytes() for path in group], pa.binary())
            names = pa.array([path.name for path in group])
            pictures = pa.StructArray.from_arrays([data, names], fields=list(PICTURE))
            ids = pa.array([path.stem for path in group])
            writer.write_table(pa.table([pictures, ids], schema=SCHEMA), row_group_size=100)
        writer.close()
        file.flush()
        os.fsync(file.fileno())


def prepare_ours(plan: Plan, workers: int) -> Callable[[], None]:
    """Writing `plan` by processes that are there and have imported what they need."""
    engine = LocalEngine(workers=workers)
    list(engine.map(find_finished, plan.tasks))

    def write() -> None:
        with engine:
            for outcome in engine.map(write_shard, plan.tasks):
                if isinstance(outcome, Lost) or outcome.result.failures:
                    raise RuntimeError(f"a shard is not whole: {outcome}")

    return write


def copy_plainly(folder: Path, out: Path) -> None:
    """All images into one file, as they are: a plain read and write."""
    with (out / "plain").open("wb") as file:
        for path in sorted(folder.glob("*.jpg")):
            file.write(path.read_bytes())
        file.flush()
        os.fsync(file.fileno())


def legs(folder: Path, out: Path) -> Mapping[str, Callable[[], Callable[[], None]]]:
    """Each leg prepares (not timed) and gives what is timed."""

    def ours(options: WriterOptions, workers: int) -> Callable[[], Callable[[], None]]:
        def prepare() -> Callable[[], None]:
            return prepare_ours(plan_images(folder, out, options, max(1, workers)), workers)

        return prepare

    def bare(**options: Any) -> Callable[[], Callable[[], None]]:
        return lambda: lambda: write_bare(folder, out, **options)

    return {
        "plain read and write": lambda: lambda: copy_plainly(folder, out),
        "bare pyarrow": bare(hashing=False),
        "bare pyarrow, sha256 of the file": bare(hashing=True),
        "bare pyarrow, content-defined chunking": bare(
            hashing=False, use_content_defined_chunking=True
        ),
        "artcurate, 1 process": ours(IMAGE_OPTIONS, 0),
        "artcurate, 1 process, content-defined chunking": ours(CHUNKED, 0),
        "artcurate, 2 workers": ours(IMAGE_OPTIONS, 2),
    }


@dataclass(frozen=True, slots=True)
class Cost:
    """wall and cpu in seconds, workers included; peak memory of the largest process in MiB."""

    wall: float
    cpu: float
    peak: float


def run_leg(name: str, folder: Path, out: Path) -> None:
    """Run one leg and print its cost as JSON."""
    import resource

    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)

    def used() -> float:
        return sum(sum(resource.getrusage(one)[:2]) for one in who)

    work = legs(folder, out)[name]()
    cpu, wall = used(), time.perf_counter()
    work()
    wall = time.perf_counter() - wall
    peak = max(resource.getrusage(one).ru_maxrss for one in who) / 1024
    print(json.dumps([wall, used() - cpu, peak]))


def measure_legs(folder: Path, scratch: Path, runs: int) -> dict[str, Cost]:
    names = list(legs(folder, scratch))
    seen: dict[str, list[Cost]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            with tempfile.TemporaryDirectory(dir=scratch) as out:
                command = [sys.executable, __file__, "--leg", name, str(folder), out]
                printed = subprocess.run(command, check=True, capture_output=True, text=True)
                seen[name].append(Cost(*json.loads(printed.stdout)))
    return {
        name: Cost(
            statistics.median(cost.wall for cost in costs),
            statistics.median(cost.cpu for cost in costs),
            statistics.median(cost.peak for cost in costs),
        )
        for name, costs in seen.items()
    }


def show_costs(costs: Mapping[str, Cost], total: int) -> None:
    base = costs["bare pyarrow"]
    print("\n| | MB/s | wall against bare | CPU against bare | peak MiB of a process |")
    print("|---|---|---|---|---|")
    for name, cost in costs.items():
        print(
            f"| {name} | {total / cost.wall / 1e6:.0f} | {cost.wall / base.wall:.2f} | "
            f"{cost.cpu / base.cpu:.2f} | {cost.peak:.0f} |"
        )


GEAR = np.random.default_rng(1).integers(0, 2**32, 256, dtype=np.uint32)
CHUNK_MIN, CHUNK_MAX, BLOCK = 8 << 10, 128 << 10, 8 << 20


def boundaries(data: np.ndarray) -> Iterator[int]:
    """Places where a 32-byte gear hash has 16 zero bits: every 64 kB on average."""
    for start in range(0, len(data), BLOCK):
        low = max(0, start - 32)
        value = GEAR[data[low : start + BLOCK]]
        for step in (1, 2, 4, 8, 16):
            longer = value.copy()
            longer[step:] += value[:-step] << np.uint32(step)
            value = longer
        places = np.flatnonzero(value >> np.uint32(16) == 0) + low
        yield from (places[places >= start] + 1).tolist()
    yield len(data)


def chunks(data: bytes) -> dict[bytes, int]:
    """sha256 and length of every content-defined chunk of `data`."""
    found: dict[bytes, int] = {}
    last = 0
    for end in boundaries(np.frombuffer(data, np.uint8)):
        stops = [*range(last + CHUNK_MAX, end, CHUNK_MAX), end]
        for stop in stops:
            if stop - last < CHUNK_MIN and end != len(data):
                break
            found[hashlib.sha256(data[last:stop]).digest()] = stop - last
            last = stop
    return found


def new_share(before: bytes, after: bytes) -> float:
    """Share of the bytes of `after` that lie in chunks which `before` lacks."""
    known = chunks(before)
    found = chunks(after)
    return sum(size for key, size in found.items() if key not in known) / sum(found.values())


def encoded(table: pa.Table, options: WriterOptions | None, pixels: Pixels | None) -> bytes:
    """`table` as one Parquet file: as artcurate writes it, or with pyarrow's pages (None)."""
    sink = io.BytesIO()
    size = max(1, table.nbytes // table.num_rows)
    step = (options or IMAGE_OPTIONS).row_group_bytes // size
    rows = max(1, min(step, (options or IMAGE_OPTIONS).row_group_rows))
    if options is None:
        writer = pq.ParquetWriter(sink, table.schema, compression="none", use_dictionary=False)
    else:
        writer = open_parquet(sink, table.schema, pixels, options)
    with writer:
        for start in range(0, table.num_rows, rows):
            writer.write_table(table.slice(start, rows), row_group_size=rows)
    return sink.getvalue()


def without(table: pa.Table, count: int) -> pa.Table:
    gone = np.random.default_rng(5).choice(table.num_rows, count, replace=False)
    return table.take(pa.array(np.setdiff1d(np.arange(table.num_rows), gone)))


def image_table(folder: Path, count: int) -> pa.Table:
    paths = sorted(folder.glob("*.jpg"))[:count]
    data = pa.array([path.read_bytes() for path in paths], pa.binary())
    names = pa.array([path.name for path in paths])
    pictures = pa.StructArray.from_arrays([data, names], fields=list(PICTURE))
    return pa.table([pictures, pa.array([path.stem for path in paths])], schema=SCHEMA)


def text_table(count: int) -> pa.Table:
    """Captions of twelve of 5,000 words, in random order."""
    draw = random.Random(0)
    words = [f"w{number}" for number in range(5000)]
    return pa.table(
        {
            "id": [f"0123abcd-{draw.randrange(10**7):07d}" for _ in range(count)],
            "text": [" ".join(draw.choices(words, k=12)) for _ in range(count)],
            "language": draw.choices(["arabic", "chinese", "english"], k=count),
            "emotion": [draw.randrange(9) for _ in range(count)],
        }
    )


def show_reuse(folder: Path) -> None:
    pixels = Pixels("image", ImageForm(None), ())
    images, text = image_table(folder, 500), text_table(200_000)
    plain_text = replace(TEXT_OPTIONS, content_defined_chunking=False)
    cases: list[tuple[str, pa.Table, WriterOptions | None, Pixels | None]] = [
        ("500 images, a page each (artcurate)", images, IMAGE_OPTIONS, pixels),
        ("500 images, a page each, chunking", images, CHUNKED, pixels),
        ("500 images, pyarrow's pages", images, None, None),
        ("200,000 captions, chunking (artcurate)", text, TEXT_OPTIONS, None),
        ("200,000 captions, no chunking", text, plain_text, None),
    ]
    print("\n| new bytes after removing | 1 row | 5 rows | 100 rows | CPU s | MB |")
    print("|---|---|---|---|---|---|")
    for name, table, options, column in cases:
        start = time.process_time()
        before = encoded(table, options, column)
        seconds = time.process_time() - start
        shares = [
            new_share(before, encoded(without(table, count), options, column))
            for count in (1, 5, 100)
        ]
        shown = " | ".join(f"{share:.1%}" for share in shares)
        print(f"| {name} | {shown} | {seconds:.2f} | {len(before) / 1e6:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="a place with 2 GB to work in")
    parser.add_argument("--leg", nargs=3, metavar=("NAME", "IMAGES", "OUT"), help="run one leg")
    given = parser.parse_args()
    if given.leg:
        name, folder, out = given.leg
        run_leg(name, Path(folder), Path(out))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        folder = Path(scratch, "images")
        make_images(folder, given.images)
        total = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{given.images:,} images, {total / 1e6:.0f} MB, medians of {given.runs} runs")
        show_costs(measure_legs(folder, Path(scratch), given.runs), total)
        show_reuse(folder)


if __name__ == "__main__":
    main()
