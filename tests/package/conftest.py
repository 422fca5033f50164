"""A small built dataset: six paintings, eighteen captions, three splits, a lock."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artcurate.corpus import empty_quarantine
from artcurate.files import sha256_of
from artcurate.package.lock import Lock, LockedShard, write_lock
from artcurate.schema.arrow import IMAGE_TYPE, arrow_schema
from artcurate.schema.assemble import Tables, assemble
from artcurate.schema.load import load_schema, render_schema
from artcurate.schema.model import Config, Schema

SPLITS = ["train", "train", "train", "train", "val", "test"]
EMOTIONS = ["awe", "fear", "awe", "something else", "sadness", "awe"]
LANGUAGES = ["english", "arabic", "chinese"]


def paintings() -> pl.DataFrame:
    labels = load_schema("artelingo").config("annotations").columns["emotion"]
    count = len(labels.labels.labels)  # type: ignore[union-attr]
    return pl.DataFrame(
        {
            "id": [f"Rococo/ann_work-{n}" for n in range(6)],
            "style": ["Rococo"] * 6,
            "artist": ["ann"] * 6,
            "title": [f"work-{n}" for n in range(6)],
            "width": pl.Series(range(100, 106), dtype=pl.Int32),
            "height": pl.Series([80] * 6, dtype=pl.Int32),
            "votes": [
                [
                    {"language": name, "counts": [1] + [0] * (count - 1)}
                    for name in sorted(LANGUAGES)
                ]
            ]
            * 6,
            "vote_count": pl.Series([3] * 6, dtype=pl.Int32),
            "emotion": EMOTIONS,
            "emotion_share": pl.Series([0.5] * 6, dtype=pl.Float32),
            "tie": [False, True, False, False, False, False],
            "soft_label": [[1.0] + [0.0] * (count - 1)] * 6,
            "disagreement": pl.Series([0.25, None, 0.75, 0.5, 0.5, 0.5], dtype=pl.Float32),
            "duplicate_group": ["Baroque/a_b", "Baroque/a_b", None, None, None, None],
            "split": SPLITS,
        }
    )


def captions() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": f"0123abcd-{3 * n + k + 1:07d}",
            "image_id": f"Rococo/ann_work-{n}",
            "text": f"words {n} {k}",
            "language": language,
            "emotion": EMOTIONS[n],
            "polarity": "other" if EMOTIONS[n] == "something else" else "positive",
            "split": SPLITS[n],
        }
        for n in range(6)
        for k, language in enumerate(LANGUAGES)
    )


def write_config(folder: Path, config: Config, rows: pl.DataFrame) -> list[LockedShard]:
    """One shard per split, two of train."""
    (folder / config.folder).mkdir(parents=True)
    shards = []
    for split in ("train", "val", "test"):
        mine = rows.filter(pl.col("split") == split)
        parts = [mine[:2], mine[2:]] if split == "train" else [mine]
        for number, part in enumerate(parts):
            name = f"{config.folder}/{split}-{number:05d}-of-{len(parts):05d}.parquet"
            pq.write_table(_table(config, part), folder / name)
            size = (folder / name).stat().st_size
            digest = sha256_of(folder / name)
            shards.append(LockedShard(config.name, split, name, part.height, size, digest))
    return shards


def _table(config: Config, rows: pl.DataFrame) -> pa.Table:
    layout = arrow_schema(config, [*rows.columns, *config.image_columns])
    pictures = [{"bytes": _jpeg(n), "path": f"{n}.jpg"} for n in range(rows.height)]
    columns = [
        pa.array(pictures, IMAGE_TYPE)
        if field.name == "image"
        else rows[field.name].to_arrow().cast(field.type)
        for field in layout
    ]
    return pa.table(columns, schema=layout)


def _jpeg(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (20 * number, 0, 0)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def schema() -> Schema:
    return load_schema("artelingo")


@pytest.fixture(scope="session")
def _built_once(tmp_path_factory: pytest.TempPathFactory, schema: Schema) -> Path:
    folder = tmp_path_factory.mktemp("built") / "set"
    tables: Tables = {"annotations": captions(), "images": paintings()}
    shards = [
        shard
        for config in schema.configs
        for shard in write_config(folder, config, assemble(config, tables))
    ]
    (folder / "pipeline.yaml").write_text("name: artelingo\nschema: artelingo\n")
    (folder / "schema.yaml").write_text(render_schema(schema), encoding="utf-8")
    for name in ("README.md", "croissant.json", "findings.json", "split.json"):
        (folder / name).write_text("{}")
    empty_quarantine().write_parquet(folder / "quarantine.parquet")
    lock = Lock(
        pipeline="artelingo",
        fingerprint="0" * 64,
        schema="artelingo",
        schema_sha256="1" * 64,
        inputs=(),
        seeds={"split.seed": 0},
        versions={"artcurate": "0"},
        shards=tuple(shards),
    )
    write_lock(lock, folder)
    return folder


@pytest.fixture
def built(_built_once: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(_built_once, tmp_path / "set"))
