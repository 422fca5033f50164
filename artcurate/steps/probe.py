"""Every image is opened, decoded and hashed once, and those that cannot be used are set aside."""

from __future__ import annotations

import hashlib
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.engines import Lost
from artcurate.errors import DataError
from artcurate.files import make_folder
from artcurate.images.faults import Fault
from artcurate.images.header import MAX_PIXELS
from artcurate.images.probe import probe_image
from artcurate.images.storage import MAX_BYTES, ImageReader
from artcurate.progress import Meter, meter
from artcurate.steps.probe_store import (
    Found,
    ProbeStore,
    place_keys,
    probe_identity,
    result_frame,
)
from artcurate.steps.registry import Parameters, Run, step

#: Images per task: enough to make a task's overhead small, few enough to lose little with one.
_CHUNK = 128

_ADDED = ("width", "height", "format", "orientation", "sha256", "phash")


class ProbeParameters(Parameters):
    """What an image may take."""

    max_pixels: int = Field(MAX_PIXELS, ge=1)
    """Images with more pixels are left out without being decoded."""
    max_bytes: int = Field(MAX_BYTES, ge=1)
    """Images with larger files are left out without being read."""


class ProbeFindings(TypedDict):
    """What the probe learned; JSON-able.

    formats, orientations: how many sound images have each (EXIF orientation 1 to 8, as text).
    faults: how many images were left out for each reason.
    annotations_left_out: rows whose image was left out.
    """

    images: int
    formats: dict[str, int]
    orientations: dict[str, int]
    faults: dict[str, int]
    annotations_left_out: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Images of one root, as (location, member), to be probed by one task.

    store, identity: of the `ProbeStore` that may know their content.
    """

    root: Path
    places: tuple[tuple[str, str | None], ...]
    max_pixels: int
    max_bytes: int
    store: Path
    identity: str


@step(ProbeParameters, heavy=True)
def probe(corpus: Corpus, *, parameters: ProbeParameters, run: Run) -> Corpus:
    """Add width, height, format, orientation, sha256 and phash to the images.

    Images that cannot be used go to the quarantine with the reason, annotations that belong to
    them too (image_<reason>). An image over which workers die is left out as worker_died. What any
    build has probed with the same parameters is known by its content and not decoded again; where
    neither the file nor its place changed, it is not even read. Images without a location (a build
    without pixels) get nulls.
    """
    located = corpus.images.filter(pl.col("location").is_not_null())
    identity = probe_identity(parameters.model_dump())
    keyed = located.with_columns(key=place_keys(located, corpus.roots, identity))
    folder = _store_folder(run)
    with closing(ProbeStore(folder, identity)) as store:
        done = store.at(keyed["key"])
    missing = keyed.join(done, on="key", how="anti", maintain_order="left")
    with meter("probe", keyed.height, unit="img", mode=run.progress) as progress:
        progress.advance(done.height, skipped=done["reason"].count())
        fresh = _probe_all(missing, corpus, parameters, run, store, progress)
    results = keyed.select("id", "key").join(
        pl.concat([done, *fresh]).unique("key"), on="key", maintain_order="left", validate="m:1"
    )
    return _apply(corpus, results)


def _store_folder(run: Run) -> Path:
    """Where results are kept: beyond this build if that can be, else until it ends."""
    if run.cache is not None:
        with suppress(DataError):
            make_folder(run.cache)
            return run.cache
    return run.scratch / "probe"


def probe_chunk(chunk: Chunk) -> tuple[Found, ...]:
    """One result per image of `chunk`, in its order."""
    with (
        ImageReader(chunk.root, max_bytes=chunk.max_bytes) as reader,
        closing(ProbeStore(chunk.store, chunk.identity)) as store,
    ):
        return tuple(
            _probe_one(reader.read(location, member), store, chunk.max_pixels)
            for location, member in chunk.places
        )


def _probe_one(data: bytes | Fault, store: ProbeStore, max_pixels: int) -> Found:
    if isinstance(data, Fault):
        return Found(None, data)
    sha256 = hashlib.sha256(data).hexdigest()
    known = store.content(sha256)
    return Found(sha256, known or probe_image(data, max_pixels=max_pixels, sha256=sha256))


def _probe_all(
    missing: pl.DataFrame,
    corpus: Corpus,
    parameters: ProbeParameters,
    run: Run,
    store: ProbeStore,
    progress: Meter,
) -> list[pl.DataFrame]:
    """Results for the images in `missing`, each chunk stored as soon as it is done."""
    frames: list[pl.DataFrame] = []
    waiting = [
        part
        for group in missing.partition_by("root", maintain_order=True)
        for part in group.iter_slices(_CHUNK)
    ]
    while waiting:
        tasks = [_chunk(part, corpus, parameters, store) for part in waiting]
        again: list[pl.DataFrame] = []
        for outcome in run.engine.map(probe_chunk, tasks):
            part = waiting[outcome.index]
            if isinstance(outcome, Lost) and part.height > 1:
                # Its images one by one: only the one that kills its worker is to be left out.
                again += part.iter_slices(1)
                continue
            if isinstance(outcome, Lost):
                frame = result_frame(part["key"], [_killer(outcome)])
            else:
                frame = result_frame(part["key"], [one.result for one in outcome.result])
                store.add(part["key"], outcome.result)
            frames.append(frame)
            progress.advance(frame.height, skipped=frame["reason"].count())
        waiting = again
    return frames


def _chunk(
    part: pl.DataFrame, corpus: Corpus, parameters: ProbeParameters, store: ProbeStore
) -> Chunk:
    return Chunk(
        root=corpus.roots[part["root"][0]],
        places=tuple(part.select("location", "member").iter_rows()),
        max_pixels=parameters.max_pixels,
        max_bytes=parameters.max_bytes,
        store=store.folder,
        identity=store.identity,
    )


def _killer(lost: Lost) -> tuple[str, str]:
    return "worker_died", f"{lost.deaths} workers died while they decoded it: {lost.detail}"


def _apply(corpus: Corpus, results: pl.DataFrame) -> Corpus:
    sound = results.filter(pl.col("reason").is_null())
    faulty = results.filter(pl.col("reason").is_not_null()).select("id", "reason", "detail")
    probed = replace(
        corpus,
        images=corpus.images.join(
            results.select("id", *_ADDED), on="id", how="left", maintain_order="left"
        ),
    )
    orphans = _orphans(corpus, faulty)
    return (
        probed.set_aside("images", faulty, step="probe")
        .set_aside("annotations", orphans, step="probe")
        .with_findings(
            "probe",
            ProbeFindings(
                images=sound.height,
                formats=_counts(sound["format"]),
                orientations=_counts(sound["orientation"].cast(pl.String)),
                faults=_counts(faulty["reason"]),
                annotations_left_out=orphans.height,
            ),
        )
    )


def _orphans(corpus: Corpus, faulty: pl.DataFrame) -> pl.DataFrame:
    """id, reason and detail of the annotations whose image is among `faulty`."""
    if "image_id" not in corpus.annotations.columns:
        return faulty.clear()
    return (
        corpus.annotations.select("id", "image_id")
        .join(faulty.rename({"id": "image_id"}), on="image_id", maintain_order="left")
        .select(
            "id",
            reason=pl.format("image_{}", "reason"),
            detail=pl.format("its image {} was left out: {}", "image_id", "detail"),
        )
    )


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(values.alias("value").value_counts().sort("value").iter_rows())
