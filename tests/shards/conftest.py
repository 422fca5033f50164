from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from artcurate.images.transform import ImageForm
from artcurate.shards.plan import Layout
from artcurate.shards.task import Pixels, WriterOptions

CAPTIONS = pa.list_(pa.struct([("text", pa.string()), ("emotion", pa.int64())]))
FEATURES = {
    "image": {"_type": "Image"},
    "painting_id": {"dtype": "string", "_type": "Value"},
    "captions": {
        "feature": {
            "text": {"dtype": "string", "_type": "Value"},
            "emotion": {"dtype": "int64", "_type": "Value"},
        },
        "_type": "List",
    },
}
SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("painting_id", pa.string()),
        ("captions", CAPTIONS),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
)


class Gallery:
    """A folder of small noisy JPEGs, and the tables that a plan wants of them."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        random = np.random.default_rng(7)
        for number in range(count):
            style = folder / f"Style_{number % 3}"
            style.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 256, (40 + number % 9, 60, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(style / f"artist_work-{number}.jpg", quality=90)

    @property
    def images(self) -> pl.DataFrame:
        rows = []
        for path in sorted(self.folder.rglob("*.jpg")):
            data = path.read_bytes()
            width, height = Image.open(io.BytesIO(data)).size
            location = path.relative_to(self.folder).as_posix()
            rows.append(
                {
                    "row_id": location.removesuffix(".jpg"),
                    "root": "wikiart",
                    "location": location,
                    "member": None,
                    "bytes": len(data),
                    "width": width,
                    "height": height,
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "stem": path.stem,
                }
            )
        return pl.DataFrame(rows, schema_overrides={"member": pl.String, "width": pl.Int32})


def rows_of(images: pl.DataFrame) -> pl.DataFrame:
    """One row per image with two captions; works whose number is a multiple of 5 are in test."""
    ids = images["row_id"]
    return pl.DataFrame(
        {
            "painting_id": ids,
            "captions": [
                [{"text": f"a caption of {key} 漢", "emotion": 3}, {"text": "قصير", "emotion": 5}]
                for key in ids
            ],
            "split": ["train" if int(key.rpartition("-")[2]) % 5 else "test" for key in ids],
            "row_id": ids,
        }
    )


LayoutOf = Callable[..., Layout]


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "wikiart", 60)


@pytest.fixture
def layout_of(tmp_path: Path) -> LayoutOf:
    """A layout into `tmp_path / name`, of images below `tmp_path / "wikiart"`."""

    def make(
        name: str = "one",
        *,
        size: int | None = None,
        max_shard_bytes: int = 60_000,
        row_group_bytes: int = 20_000,
        seed: int = 0,
    ) -> Layout:
        return Layout(
            config="paintings",
            folder="data",
            schema=SCHEMA,
            pixels=Pixels("image", ImageForm(size), (("wikiart", tmp_path / "wikiart"),)),
            options=WriterOptions(row_group_bytes=row_group_bytes),
            seed=seed,
            max_shard_bytes=max_shard_bytes,
            output=tmp_path / name / "dataset",
            scratch=tmp_path / name / "scratch",
        )

    return make
