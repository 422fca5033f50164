"""A small corpus with its schema, and what the tests of the write step share."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from PIL import Image

from artcurate.corpus import Corpus
from artcurate.engines import Done, Engine, Lost
from artcurate.engines.local import LocalEngine
from artcurate.engines.reports import Watch
from artcurate.progress import ProgressMode
from artcurate.steps.registry import Run
from artcurate.steps.write import WriteParameters

SCHEMA = """
name: gallery
title: Pictures and captions
description: A small schema.
configs:
  - name: paintings
    default: true
    description: One row per picture.
    rows: images
    key: painting_id
    columns:
      image: {type: image, optional: true, description: The picture.}
      painting_id: {type: string, from: id, description: Its id.}
      captions:
        type: list
        description: Its captions.
        gather: {table: annotations, by: image_id, order: [id]}
        items:
          type: struct
          fields:
            text: {type: string, description: The text.}
  - name: annotations
    description: One row per caption.
    rows: annotations
    parent: {table: images, by: image_id}
    key: id
    columns:
      id: {type: string, description: Its id.}
      painting_id: {type: string, from: image_id, description: The picture.}
      text: {type: string, description: The text.}
"""
COUNT = 30
NAMES = [f"Style_{i % 3}/artist_{'killer' if i == 7 else 'work'}-{i}" for i in range(COUNT)]


def make_corpus(folder: Path) -> Corpus:
    """30 pictures in `folder` with two captions each; every fifth is in test."""
    random = np.random.default_rng(3)
    images = []
    for number, name in enumerate(NAMES):
        pixels = random.integers(0, 256, (48, 40 + number, 3), dtype=np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG")
        data = encoded.getvalue()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jpg").write_bytes(data)
        images.append(
            {
                "id": name,
                "root": "images",
                "location": f"{name}.jpg",
                "member": None,
                "source": f"{name.rpartition('/')[2]}.jpg",
                "bytes": len(data),
                "width": 40 + number,
                "height": 48,
                "sha256": hashlib.sha256(data).hexdigest(),
                "split": "train" if number % 5 else "test",
            }
        )
    annotations = [
        {
            "id": f"0123abcd-{2 * number + half + 1:07d}",
            "source": "release.csv",
            "row": 2 * number + half + 1,
            "text": f"caption {half} of {name}",
            "image_id": name,
            "split": "train" if number % 5 else "test",
        }
        for number, name in enumerate(NAMES)
        for half in (0, 1)
    ]
    return Corpus(
        annotations=pl.DataFrame(annotations),
        images=pl.DataFrame(images, schema_overrides={"member": pl.String}),
        roots={"images": folder},
    )


def make_parameters(folder: Path) -> WriteParameters:
    """Parameters with the schema laid into `folder`, and small shards."""
    schema = folder / "gallery.yaml"
    schema.write_text(SCHEMA)
    return WriteParameters(schema_name=str(schema), max_shard_bytes=20_000)


def make_run(folder: Path, engine: Engine | None = None) -> Run:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return Run(
        engine=engine or LocalEngine(workers=0),
        output=folder / "dataset",
        scratch=scratch,
        progress=ProgressMode.QUIET,
    )


def without(corpus: Corpus, *names: str) -> Corpus:
    """The corpus as if the pictures `names` had never been in it."""
    return replace(
        corpus,
        annotations=corpus.annotations.filter(~pl.col("image_id").is_in(names)),
        images=corpus.images.filter(~pl.col("id").is_in(names)),
    )


def hashes(corpus: Corpus) -> dict[str, str]:
    return {shard["name"]: shard["sha256"] for shard in corpus.findings["write"]["shards"]}


def column(run: Run, folder: str, name: str) -> list[Any]:
    return sorted(pq.read_table(run.output / folder, columns=[name])[name].to_pylist())


def files_in(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


class Wrapped:
    """An engine that puts something in the way of a local one."""

    def __init__(
        self,
        inner: Engine,
        function: Callable[[Any], Any] | None = None,
        after: Callable[[int], None] | None = None,
    ) -> None:
        self._inner, self._function, self._after = inner, function, after

    def map(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], *, watch: Watch | None = None
    ) -> Iterator[Done[Any] | Lost]:
        outcomes = self._inner.map(self._function or function, tasks, watch=watch)
        try:
            for number, outcome in enumerate(outcomes):
                yield outcome
                if self._after:
                    self._after(number + 1)
        finally:
            # What `after` raises keeps this frame, and with it the workers, alive.
            if isinstance(outcomes, Generator):
                outcomes.close()
