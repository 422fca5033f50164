"""Every image is opened, decoded and hashed once, and those that cannot be used are set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.engines import Done, Lost
from artcurate.errors import DataError
from artcurate.images.header import MAX_PIXELS
from artcurate.images.storage import MAX_BYTES
from artcurate.images.transform import ImageForm
from artcurate.progress import Meter, meter
from artcurate.steps.kept_pictures import kept_pictures, lasting_folder
from artcurate.steps.probe_store import (
    KnownContents,
    ProbeStore,
    probe_identity,
)
from artcurate.steps.probe_tables import place_keys, result_frame
from artcurate.steps.probe_task import Chunk, probe_chunk
from artcurate.steps.registry import Parameters, Run, step

#: Images per task: enough to make a task's overhead small, few enough to lose little with one.
_CHUNK = 32
#: So many tasks are given away at first, and then four times as many each time: a build whose
#: workers die over everything learns it from a few tasks.
_FIRST_WAVE = 8
_GROWTH = 4

#: Pictures of a shorter short side are too small to be hashed as well as by a probe of its own.
_SMALLEST = 128

_ADDED = ("width", "height", "format", "orientation", "sha256", "phash")


class ProbeParameters(Parameters):
    """What an image may take."""

    max_pixels: int = Field(MAX_PIXELS, ge=1)
    """Images with more pixels are left out without being decoded."""
    max_bytes: int = Field(MAX_BYTES, ge=1)
    """Images with larger files are left out without being read."""
    keep_pictures: bool = False
    """Make the small pictures that `write` wants in the same decoding, and keep them in the data
    home (below `cache/pictures`; on a cluster beside the output, until the build ends), so that
    neither `write` nor a later build decodes anything: for pipelines that write nearly all
    pictures they probe, and whole. They take as much disk as the dataset's pictures and are not
    kept where there is no room; what no build has used for 30 days goes. pHash is then taken from
    the small picture. No effect where pictures keep their size or get fewer than 128 pixels."""


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


@step(ProbeParameters, heavy=True)
def probe(corpus: Corpus, *, parameters: ProbeParameters, run: Run) -> Corpus:
    """Add width, height, format, orientation, sha256 and phash to the images, and their bytes.

    Images that cannot be used go to the quarantine with the reason, annotations that belong to
    them too (image_<reason>). An image over which workers die is left out as worker_died. What any
    build has probed with the same parameters is known by its content and not decoded again; where
    neither the file nor its place changed, it is not even read. Images without a location (a build
    without pixels) get nulls.

    Raises DataError when workers die over most images, which is no fault of the images.
    """
    form = _form_made(parameters, run)
    identity = probe_identity(parameters.model_dump(exclude={"keep_pictures"}), form)
    located = corpus.images.filter(pl.col("location").is_not_null())
    keyed = located.with_columns(key=place_keys(located, corpus.roots, identity))
    store = ProbeStore(_store_folder(run), identity)
    kept = store.at(keyed["key"].unique().to_list())
    found = result_frame(kept.keys(), kept.values())
    todo = _todo(keyed, found, form, run)
    done = found.join(todo.images, on="key", how="anti", maintain_order="left")
    with meter("probe", keyed.height, unit="img", mode=run.progress) as progress:
        progress.found(keyed.height - todo.images.height, skipped=done["reason"].count())
        known = store.copy_into(run.scratch / "probe", todo.images.height)
        fresh = _Work(corpus, parameters, run, store, known, todo, progress).probe()
    results = keyed.select("id", "key").join(
        pl.concat([done, *fresh]).unique("key"), on="key", maintain_order="left", validate="m:1"
    )
    return _apply(corpus, results)


def _form_made(parameters: ProbeParameters, run: Run) -> ImageForm | None:
    """The form of the pictures that are made in the same decoding; None for none."""
    if not parameters.keep_pictures or run.form is None or run.form.size is None:
        return None
    return run.form if run.form.size >= _SMALLEST else None


def _store_folder(run: Run) -> Path:
    folder = lasting_folder(run)
    return run.scratch / "probe" if folder == run.scratch else folder


@dataclass(frozen=True, slots=True)
class _Todo:
    """What is to be decoded.

    images: with `key`, and `known`, whether the result is known and only the picture is lacking.
    form, packs: those of the chunks.
    """

    images: pl.DataFrame
    form: ImageForm | None
    packs: Path | None


def _todo(keyed: pl.DataFrame, found: pl.DataFrame, form: ImageForm | None, run: Run) -> _Todo:
    """The images of `keyed` without a result in `found`, or without a picture where one is kept."""
    missing = keyed.join(found, on="key", how="anti", maintain_order="left")
    missing = missing.with_columns(known=pl.lit(value=False))
    if form is None:
        return _Todo(missing, None, None)
    pictures = kept_pictures(run, form)
    sound = found.filter(pl.col("reason").is_null())
    unkept = sound.join(pictures.find(sound["sha256"]), on="sha256", how="anti")
    lacking = keyed.join(unkept, on="key", how="semi", maintain_order="left")
    every = pl.concat([missing, lacking.with_columns(known=pl.lit(value=True))])
    try:
        pictures.make_room(every.height, run.output)
    except DataError as error:
        run.say(f"probe: no pictures are kept, so `write` decodes them again. {error}")
        return _Todo(missing, form, None)
    return _Todo(every, form, pictures.folder)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of some tasks: images with a result, and parts over which workers died."""

    probed: int
    lost: list[tuple[pl.DataFrame, Lost]]


class _Work:
    """Probes images of `corpus`; what is found is kept in `store` as soon as a task is done."""

    def __init__(
        self,
        corpus: Corpus,
        parameters: ProbeParameters,
        run: Run,
        store: ProbeStore,
        known: KnownContents | None,
        todo: _Todo,
        progress: Meter,
    ) -> None:
        self._corpus = corpus
        self._parameters = parameters
        self._run = run
        self._store = store
        self._known = known
        self._todo = todo
        self._progress = progress
        self._frames: list[pl.DataFrame] = []

    def probe(self) -> list[pl.DataFrame]:
        """`RESULT_SCHEMA` rows for the images that are to be probed.

        Raises DataError when workers die over most of them.
        """
        chunks = [
            part
            for group in self._todo.images.partition_by("root", "known", maintain_order=True)
            for part in group.iter_slices(_CHUNK)
        ]
        for wave in _waves(chunks):
            tried = self._try(wave)
            self._probe_alone([part for part, _ in tried.lost], tried.probed)
        return self._frames

    def _probe_alone(self, lost: list[pl.DataFrame], probed: int) -> None:
        """Each image of `lost` by itself: only those that kill their workers are to be left out.

        probed: images that ended well beside them.
        """
        killers = 0
        for wave in _waves(_spread([one for part in lost for one in part.iter_slices(1)])):
            tried = self._try(wave)
            probed += tried.probed
            killers += len(tried.lost)
            for part, outcome in tried.lost:
                self._take(result_frame(part["key"], [_killer(outcome)]))
            if killers >= _FIRST_WAVE and killers > probed:
                raise DataError(_hopeless(killers, probed, tried.lost[-1][1]))

    def _try(self, parts: list[pl.DataFrame]) -> _Tried:
        """Probe `parts`, each in a task of its own."""
        probed = 0
        lost = []
        tasks = [self._chunk(part) for part in parts]
        for outcome in self._run.engine.map(probe_chunk, tasks, watch=self._progress.watch):
            part = parts[outcome.index]
            if isinstance(outcome, Done):
                self._store.add(part["key"], outcome.result)
                self._take(result_frame(part["key"], (one.result for one in outcome.result)))
                probed += part.height
            else:
                lost.append((part, outcome))
        return _Tried(probed, lost)

    def _take(self, frame: pl.DataFrame) -> None:
        self._frames.append(frame)
        self._progress.advance(
            frame.height, skipped=frame["reason"].count(), size=int(frame["bytes"].sum())
        )

    def _chunk(self, part: pl.DataFrame) -> Chunk:
        return Chunk(
            root=self._corpus.roots[part["root"][0]],
            places=tuple(part.select("location", "member").iter_rows()),
            max_pixels=self._parameters.max_pixels,
            max_bytes=self._parameters.max_bytes,
            known=None if part["known"][0] else self._known,
            form=self._todo.form,
            packs=self._todo.packs,
        )


def _waves(parts: list[pl.DataFrame]) -> Iterator[list[pl.DataFrame]]:
    start, size = 0, _FIRST_WAVE
    while start < len(parts):
        yield parts[start : start + size]
        start, size = start + size, size * _GROWTH


def _spread(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """`parts` in an order whose first `_FIRST_WAVE` come from everywhere among them."""
    stride = max(1, len(parts) // _FIRST_WAVE)
    return [part for start in range(stride) for part in parts[start::stride]]


def _killer(lost: Lost) -> tuple[str, str]:
    return "worker_died", f"{lost.deaths} workers died while they decoded it: {lost.detail}"


def _hopeless(killers: int, probed: int, lost: Lost) -> str:
    return (
        f"probe: {killers} of {killers + probed} pictures ended all {lost.deaths} workers that got "
        f"them ({lost.detail}); give workers more memory (--worker-memory) or take fewer of them "
        "(--workers), and run the same command again."
    )


def _apply(corpus: Corpus, results: pl.DataFrame) -> Corpus:
    sound = results.filter(pl.col("reason").is_null())
    faulty = results.filter(pl.col("reason").is_not_null()).select("id", "reason", "detail")
    stated = ("bytes",) if "bytes" in corpus.images.columns else ()
    images = (
        corpus.images.join(
            results.select("id", *_ADDED, read="bytes"), on="id", how="left", maintain_order="left"
        )
        .with_columns(bytes=pl.coalesce("read", *stated))
        .drop("read")
    )
    probed = replace(corpus, images=images)
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
