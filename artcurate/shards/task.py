"""What a shard is before it is written, and what is known of it afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from artcurate.files import write_text
from artcurate.images.transform import ImageForm
from artcurate.net.paths import AnyPath

#: Columns of a part file beside the dataset's own: the id of the flowing table's row and, with
#: pixels, where its image lies (`root`, `location`, `member`), the sha256, bytes and pixels it had
#: when it was probed, the stem of its name in the shard and, where images are cut, the crop, and
#: where pictures were kept, the place of the row's: a pack's name, offset, bytes and sha256.
ROW_ID = "@row_id"
ROOT, LOCATION, MEMBER = "@root", "@location", "@member"
SHA256, BYTES, PIXELS = "@sha256", "@bytes", "@pixels"
STEM = "@stem"
CROP = ("@crop_left", "@crop_top", "@crop_right", "@crop_bottom")
KEPT = ("@kept_pack", "@kept_offset", "@kept_bytes", "@kept_sha256")


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """How a shard is laid out.

    row_group_bytes: a row group is full when one more row would pass this many bytes in plain
        encoding. A random row costs reading one group.
    row_group_rows: largest number of rows in a row group.
    content_defined_chunking: end the pages where the content says so, with the options that
        `datasets` uses, so that the compressed pages around a changed row stay what they were.
    """

    row_group_bytes: int
    row_group_rows: int = 100_000
    content_defined_chunking: bool = False


#: For shards with images. A random row of 350 kB costs 3 ms from groups of 8 MiB, 8 from 16, 19
#: from 32 and 47 from 64, and small groups cost 0.02 % more bytes. No content-defined chunking:
#: image bytes that are not compressed stay what they are wherever they lie, so that 1 % of the rows
#: removed makes 0.6 to 1.6 % of the bytes new with it and without it, and it costs 45 % more time.
IMAGE_OPTIONS = WriterOptions(row_group_bytes=16 << 20)
#: For shards of text alone. Chunking costs 15 % of the writing time; 12 % instead of 39 % of the
#: bytes are new after one row of 200,000 was removed, 45 instead of 100 % after five, but only in
#: large groups (`benchmarks/writing.py`).
TEXT_OPTIONS = WriterOptions(row_group_bytes=64 << 20, content_defined_chunking=True)


@dataclass(frozen=True, slots=True)
class Pixels:
    """The image column of a shard.

    roots: where the roots that the rows name lie, on this machine or elsewhere.
    packs: the folder of packs with pictures in `form`; None where none are kept.
    """

    column: str
    form: ImageForm
    roots: tuple[tuple[str, AnyPath], ...]
    packs: Path | None = None


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard to write: small, picklable, and all that its bytes depend on.

    name: its POSIX path below the dataset's folder `output`.
    rows: how many rows it has.
    fingerprint: sha256 of everything that decides its bytes; no path, worker or time among it.
    part: the Arrow file whose record batches of the numbers `batches` hold its rows, in order.
    schema: the shard's schema with its `huggingface` metadata, the image column included.
    record: where what is known of the finished shard is kept.
    """

    name: str
    config: str
    split: str
    rows: int
    fingerprint: str
    part: Path
    batches: tuple[int, ...]
    schema: pa.Schema
    pixels: Pixels | None
    options: WriterOptions
    output: Path
    record: Path

    @property
    def path(self) -> Path:
        return self.output / self.name

    @property
    def attempts(self) -> Path:
        """Where the writer notes which row it is at, for whoever finds it dead."""
        return self.record.with_name(f"{self.fingerprint}.attempts")


@dataclass(frozen=True, slots=True)
class RowFailure:
    """A row whose image could not be written: a reason in snake_case and a sentence."""

    row_id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A finished shard. `bytes` is the file's size and `sha256` that of the whole file."""

    fingerprint: str
    name: str
    config: str
    split: str
    rows: int
    bytes: int
    sha256: str
    failures: tuple[RowFailure, ...] = ()


def save_record(path: Path, record: ShardRecord) -> None:
    write_text(path, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")


def load_record(path: Path) -> ShardRecord | None:
    """The record at `path`; None when there is none that can be understood."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        failures = tuple(RowFailure(**failure) for failure in fields.pop("failures"))
        return ShardRecord(**fields, failures=failures)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None
