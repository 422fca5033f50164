"""JPEG files to resized pictures in Parquet, whole processes, beside what people use for it.

Every leg is a process of its own that reads a folder of JPEGs and leaves Parquet files with
pictures of `--size` pixels (short side, JPEG quality 90); legs take turns, and medians are shown.
artcurate probes and makes each picture in one decoding (size, sha256, pHash, faults; reduced,
encoded and kept), and writes what was kept (its sha256 checked, sha256 of the shard). In two passes
it keeps nothing: it probes at a reduced scale, and reads and decodes again to write. With a warm
cache another build has kept the pictures, and this one has another split. The others do neither
pHash nor EXIF; img2dataset and Pillow in threads take the sha256 of each file. The floor is decode,
reduction and encoding alone, in one process; the pool is the same in a plain process pool, the
ceiling of what workers can gain. Pillow in threads is a script without any care: no faults, no
EXIF, no pHash, no second pass.
`benchmarks/writing.py` has pictures that keep their bytes beside a bare write of pyarrow.

SSIM is that of the pictures written, against Pillow's full decode and Lanczos reduction: median
and worst of the first ones. `--img2dataset` names the Python of an environment that has
img2dataset, whose pins do not fit artcurate's.

    python benchmarks/images.py [--kind wikiart] [--images 1000] [--runs 3] [--img2dataset PYTHON]
        [--only LEG ...]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from measure import Cost, measure
from photographs import CID, WIKIART, make_photographs
from PIL import Image

from artcurate.corpus import Corpus
from artcurate.engines.local import LocalEngine
from artcurate.images.decoders import choose
from artcurate.images.transform import ImageForm, Transformed, scaled_size, transform
from artcurate.progress import ProgressMode
from artcurate.steps.probe import ProbeParameters, probe
from artcurate.steps.registry import Run
from artcurate.steps.write import WriteParameters, write

KINDS = {kind.name: kind for kind in (WIKIART, CID)}
QUALITY = 90
#: Pictures whose SSIM is looked at.
SEEN = 12
SCHEMA = """
name: pictures
title: Pictures
description: Pictures and nothing else.
configs:
  - name: pictures
    default: true
    description: One row per picture.
    rows: images
    key: id
    columns:
      image: {type: image, description: The picture.}
      id: {type: string, description: Its id.}
"""
IMG2DATASET = """
import sys
from img2dataset import download

if __name__ == "__main__":
    listed, out, size, workers, per_shard = sys.argv[1:]
    download(
        url_list=listed, output_folder=out, output_format="parquet", image_size=int(size),
        resize_mode="keep_ratio", resize_only_if_bigger=True, encode_quality=90,
        processes_count=int(workers), thread_count=8, number_sample_per_shard=int(per_shard),
        compute_hash="sha256",
    )
"""


def build(folder: Path, out: Path, size: int, workers: int) -> None:
    """artcurate: probe and write. The cache lies beside `out`, so that a second build finds it."""
    probe_and_write(folder, out, size, workers, keep=True)


def build_in_two_passes(folder: Path, out: Path, size: int, workers: int) -> None:
    """The same without keeping a picture."""
    probe_and_write(folder, out, size, workers, keep=False)


def rebuild(folder: Path, out: Path, size: int, workers: int) -> None:
    """The same with another split after another build has filled the cache."""
    # Builds before this one are counted by the folders that they have left.
    probe_and_write(folder, out, size, workers, keep=True, seed=len(list(out.parent.iterdir())))


def probe_and_write(
    folder: Path, out: Path, size: int, workers: int, *, keep: bool, seed: int = 0
) -> None:
    paths = sorted(folder.glob("*.jpg"))
    ids = [path.stem for path in paths]
    names = [path.name for path in paths]
    images = pl.DataFrame({"id": ids, "root": "images", "location": names, "source": names})
    corpus = Corpus(
        annotations=pl.DataFrame(schema={"id": pl.String}),
        images=images.with_columns(
            member=pl.lit(None, pl.String),
            bytes=pl.Series([path.stat().st_size for path in paths]),
            split=pl.Series(np.random.default_rng(seed).random(len(paths)) < 0.1)
            .cast(pl.String)
            .replace({"true": "test", "false": "train"}),
        ),
        roots={"images": folder},
    )
    schema = out / "schema.yaml"
    schema.write_text(SCHEMA)
    with LocalEngine(workers=workers) as engine:
        run = Run(
            engine,
            out / "dataset",
            out / "scratch",
            ProgressMode.QUIET,
            cache=out.parent / "cache",
            workers_see_cache=True,
            form=ImageForm(size, QUALITY, choose("auto")),
        )
        probed = probe(corpus, parameters=ProbeParameters(keep_pictures=keep), run=run)
        per_shard = min(max(1_000, 140_000 * len(paths) // 6), 480_000_000)
        parameters = WriteParameters(
            schema_name=str(schema), image_size=size, quality=QUALITY, max_shard_bytes=per_shard
        )
        write(probed, parameters=parameters, run=run)


def small(path: Path, size: int) -> bytes:
    result = transform(path.read_bytes(), ImageForm(size, QUALITY, choose("auto")))
    assert isinstance(result, Transformed)
    return result.data


def run_floor(folder: Path, _out: Path, size: int, _workers: int) -> None:
    """Decode, reduce and encode, and throw away."""
    for path in sorted(folder.glob("*.jpg")):
        small(path, size)


def run_pool(folder: Path, _out: Path, size: int, workers: int) -> None:
    """The same in a process pool."""
    paths = sorted(folder.glob("*.jpg"))
    with ProcessPoolExecutor(workers) as pool:
        for _data in pool.map(small, paths, [size] * len(paths), chunksize=8):
            pass


def run_threads(folder: Path, out: Path, size: int, workers: int) -> None:
    """What a script would do: Pillow in threads, decoded from the target's size on, and sha256."""

    def shrink(path: Path) -> dict[str, object]:
        data = path.read_bytes()
        picture = Image.open(io.BytesIO(data))
        target = scaled_size(*picture.size, size)
        picture.draft("RGB", target)
        output = io.BytesIO()
        small = picture.resize(target, Image.Resampling.LANCZOS)
        small.save(output, "JPEG", quality=QUALITY)
        return {"image": output.getvalue(), "sha256": hashlib.sha256(data).hexdigest()}

    schema = pa.schema({"image": pa.binary(), "sha256": pa.string()})
    paths = sorted(folder.glob("*.jpg"))
    with (
        ThreadPoolExecutor(workers) as pool,
        pq.ParquetWriter(out / "out.parquet", schema, compression="NONE") as writer,
    ):
        for first in range(0, len(paths), 256):
            rows = list(pool.map(shrink, paths[first : first + 256]))
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def map_pictures(folder: Path, out: Path, size: int, workers: int) -> None:
    """`datasets.map` as its documentation has it: pictures in, pictures out."""
    from datasets import Dataset
    from datasets import Image as ImageFeature

    def shrink(row: dict[str, Image.Image]) -> dict[str, Image.Image]:
        picture = row["image"].convert("RGB")
        target = scaled_size(*picture.size, size)
        return {"image": picture.resize(target, Image.Resampling.LANCZOS)}

    data = Dataset.from_dict({"image": [str(path) for path in sorted(folder.glob("*.jpg"))]})
    data = data.cast_column("image", ImageFeature())
    data.map(shrink, num_proc=workers).to_parquet(out / "out.parquet")


def map_bytes(folder: Path, out: Path, size: int, workers: int) -> None:
    """`datasets.map` tuned by hand: bytes in, JPEG bytes out, decoded at a reduced scale."""
    from datasets import Dataset, Features
    from datasets import Image as ImageFeature

    def shrink(row: dict[str, str]) -> dict[str, dict[str, object]]:
        picture = Image.open(row["file"])
        target = scaled_size(*picture.size, size)
        picture.draft("RGB", (2 * target[0], 2 * target[1]))
        output = io.BytesIO()
        picture.convert("RGB").resize(target, Image.Resampling.LANCZOS).save(
            output, "JPEG", quality=QUALITY
        )
        return {"image": {"bytes": output.getvalue(), "path": None}}

    data = Dataset.from_dict({"file": [str(path) for path in sorted(folder.glob("*.jpg"))]})
    mapped = data.map(
        shrink,
        num_proc=workers,
        remove_columns=["file"],
        features=Features({"image": ImageFeature()}),
    )
    mapped.to_parquet(out / "out.parquet")


LEGS: Mapping[str, Callable[[Path, Path, int, int], None]] = {
    "artcurate": build,
    "artcurate, two passes": build_in_two_passes,
    "artcurate, warm cache": rebuild,
    "floor": run_floor,
    "pool": run_pool,
    "Pillow in threads": run_threads,
    "datasets.map, pictures": map_pictures,
    "datasets.map, bytes by hand": map_bytes,
}
TABLE = [
    ("artcurate", 1),
    ("artcurate", 2),
    ("artcurate, two passes", 2),
    ("artcurate, warm cache", 2),
    ("floor", 1),
    ("pool", 1),
    ("pool", 2),
    ("Pillow in threads", 2),
    ("datasets.map, pictures", 2),
    ("datasets.map, bytes by hand", 2),
]


def run_leg(name: str, folder: Path, scratch: Path, size: int, workers: int) -> None:
    """Run a leg in a folder of its own below `scratch`, and note where that is."""
    place = scratch / hashlib.sha256(f"{name}{workers}".encode()).hexdigest()[:8]
    cold = tempfile.mkdtemp(dir=_made(place))
    # A cold build has a cache of its own; warm ones share that of their leg.
    out = place / "warm" / Path(cold).name if "warm" in name else Path(cold, "cold", "build")
    LEGS[name](folder, _made(out), size, workers)
    (place / "last").write_text(str(out))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ssim_of(out: Path, folder: Path, size: int) -> tuple[float, float]:
    """Median and worst SSIM of the pictures in the Parquet files below `out`."""
    # Half a second that no leg is to pay.
    from skimage.metrics import structural_similarity

    references = [_reference(path, size) for path in sorted(folder.glob("*.jpg"))[:SEEN]]
    data = [one for path in sorted(out.rglob("*.parquet")) for one in _pictures(path)]
    # No leg keeps the order of files; the nearest small picture is the one that was made of it.
    small = np.stack([_thumbnail(Image.open(io.BytesIO(one))) for one in data])
    scores = []
    for reference in references:
        distances = np.abs(small - _thumbnail(reference)).mean(axis=(1, 2))
        nearest = Image.open(io.BytesIO(data[int(distances.argmin())])).convert("RGB")
        pair = np.asarray(reference), np.asarray(nearest)
        scores.append(structural_similarity(*pair, channel_axis=2))
    return float(np.median(scores)), min(scores)


def _thumbnail(picture: Image.Image) -> np.ndarray:
    picture.draft("L", (32, 32))
    return np.asarray(picture.convert("L").resize((16, 16), Image.Resampling.BOX), float)


def _reference(path: Path, size: int) -> Image.Image:
    picture = Image.open(path).convert("RGB")
    return picture.resize(scaled_size(*picture.size, size), Image.Resampling.LANCZOS)


def _pictures(path: Path) -> list[bytes]:
    names = pq.read_schema(path).names
    column = "image" if "image" in names else "jpg"
    if column not in names:
        return []
    values = pq.read_table(path, columns=[column])[column].to_pylist()
    return [value["bytes"] if isinstance(value, dict) else value for value in values if value]


def show(costs: Mapping[str, Cost], count: int, seen: Mapping[str, tuple[float, float]]) -> None:
    base = costs.get("img2dataset, 2 processes", next(iter(costs.values())))
    print("\n| | images/s | times the first's rate | CPU ms per image | peak MiB | SSIM | worst |")
    print("|---|---|---|---|---|---|---|")
    ordered = sorted(costs.items(), key=lambda item: item[1] is not base)
    for name, cost in ordered:
        shown = " | ".join(f"{value:.4f}" for value in seen[name]) if name in seen else "| "
        print(
            f"| {name} | {count / cost.wall:.1f} | {base.wall / cost.wall:.2f} | "
            f"{1000 * cost.cpu / count:.1f} | {cost.peak:.0f} | {shown} |"
        )
    wall = {name: cost.wall for name, cost in costs.items()}
    shares = {
        "artcurate's rate, in the floor's": ("floor, 1 worker", "artcurate, 1 worker"),
        "two workers, in one": ("artcurate, 1 worker", "artcurate, 2 workers"),
        "the pool's two workers, in one": ("pool, 1 worker", "pool, 2 workers"),
    }
    print()
    for title, (one, other) in shares.items():
        if one in wall and other in wall:
            print(f"- {title}: {wall[one] / wall[other]:.2f}")


def commands_for(
    folder: Path, scratch: Path, given: argparse.Namespace, paths: Sequence[Path]
) -> dict[str, list[str]]:
    commands = {}
    if given.img2dataset:
        listed, script = scratch / "list.txt", scratch / "run_img2dataset.py"
        listed.write_text("\n".join(path.resolve().as_uri() for path in paths))
        script.write_text(IMG2DATASET)
        per_shard = str(max(1, len(paths) // 8))
        out = str(scratch / "img2dataset")
        commands["img2dataset, 2 processes"] = [
            *("sh", "-c", 'rm -rf "$3"; exec "$0" "$1" "$2" "$3" "$4" 2 "$5" 2>/dev/null'),
            *(str(given.img2dataset), str(script), str(listed), out, str(given.size), per_shard),
        ]
    for name, workers in TABLE:
        title = f"{name}, {workers} worker{'s' if workers > 1 else ''}"
        parts = (name, folder, scratch, given.size, workers)
        commands[title] = [sys.executable, __file__, "--leg", *map(str, parts)]
    wanted = tuple(given.only or [""])
    chosen = {title: command for title, command in commands.items() if title.startswith(wanted)}
    if not chosen:
        raise SystemExit(f"--only: no leg begins so; there are {', '.join(commands)}.")
    return chosen


def main() -> None:
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=sorted(KINDS), default="wikiart")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--distinct", type=int, default=60, help="pictures made; others are copies")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--img2dataset", type=Path, metavar="PYTHON")
    parser.add_argument("--only", nargs="+", metavar="LEG", help="legs whose names begin so")
    parser.add_argument("--leg", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.leg:
        name, folder, scratch, size, workers = given.leg
        run_leg(name, Path(folder), Path(scratch), int(size), int(workers))
        return
    with tempfile.TemporaryDirectory() as temporary:
        scratch, folder = Path(temporary), Path(temporary, "photographs")
        paths = make_photographs(folder, KINDS[given.kind], min(given.distinct, given.images))
        for number in range(len(paths), given.images):
            # One more byte after the end: another content to the cache, the same work to a decoder.
            copy = folder / f"{number:06d}.jpg"
            copy.write_bytes(paths[number % given.distinct].read_bytes() + f"{number}".encode())
            paths.append(copy)
        print(f"{given.images} {given.kind} pictures to {given.size} px, {given.runs} runs")
        commands = commands_for(folder, scratch, given, paths)
        for title, command in commands.items():
            if "warm" in title:
                measure({title: command}, runs=1)
        costs = measure(commands, runs=given.runs)
        show(costs, given.images, _fidelity(commands, scratch, folder, given.size))


def _fidelity(
    commands: Mapping[str, Sequence[str]], scratch: Path, folder: Path, size: int
) -> dict[str, tuple[float, float]]:
    seen = {}
    for title in commands:
        name, _, workers = title.rpartition(", ")
        digest = hashlib.sha256(f"{name}{workers.split()[0]}".encode()).hexdigest()[:8]
        last = scratch / digest / "last"
        out = Path(last.read_text()) if last.exists() else scratch / name
        if name not in ("floor", "pool"):
            seen[title] = ssim_of(out, folder, size)
    return seen


if __name__ == "__main__":
    main()
