"""What one task of the probe does: images read, hashed, decoded, and made small on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from artcurate.engines.reports import report
from artcurate.images.faults import Fault
from artcurate.images.packs import PackWriter
from artcurate.images.probe import Probed, probe_and_render, probe_image
from artcurate.images.storage import ImageReader
from artcurate.images.transform import ImageForm, Transformed, encode
from artcurate.net.paths import AnyPath
from artcurate.steps.probe_store import Found, KnownContents


@dataclass(frozen=True, slots=True)
class Chunk:
    """Images of one root, as (location, member), to be probed by one task.

    known: what other builds found, None where nothing is known or all is to be decoded anyway.
    form: that of the pictures which are made at the same time; None for none.
    packs: the folder where they are kept; None for nowhere.
    """

    root: AnyPath
    places: tuple[tuple[str, str | None], ...]
    max_pixels: int
    max_bytes: int
    known: KnownContents | None
    form: ImageForm | None = None
    packs: Path | None = None


def probe_chunk(chunk: Chunk) -> tuple[Found, ...]:
    """One result per image of `chunk`, in its order."""
    contents = chunk.known.opened() if chunk.known else nullcontext(_nothing_known)
    pack = PackWriter(chunk.packs) if chunk.packs else nullcontext()
    with (
        ImageReader(chunk.root, max_bytes=chunk.max_bytes) as reader,
        contents as known,
        pack as packing,
    ):
        return tuple(
            _probe_one(reader.read(location, member), known, chunk, packing)
            for location, member in chunk.places
        )


def _nothing_known(_: str) -> None:
    return None


def _probe_one(
    data: bytes | Fault,
    known: Callable[[str], Probed | Fault | None],
    chunk: Chunk,
    pack: PackWriter | None,
) -> Found:
    if isinstance(data, Fault):
        report()
        return Found(None, data)
    sha256 = hashlib.sha256(data).hexdigest()
    result = known(sha256) or _decoded(data, sha256, chunk, pack)
    report(size=len(data))
    return Found(sha256, result)


def _decoded(data: bytes, sha256: str, chunk: Chunk, pack: PackWriter | None) -> Probed | Fault:
    """What the probe finds in `data`; the picture made of it goes into `pack`."""
    if chunk.form is None:
        return probe_image(data, max_pixels=chunk.max_pixels, sha256=sha256)
    result, picture = probe_and_render(data, chunk.form, max_pixels=chunk.max_pixels, sha256=sha256)
    if pack is not None and picture is not None:
        encoded = encode(picture, chunk.form.quality)
        # One that cannot be encoded is met again, and told, by whoever writes it.
        if isinstance(encoded, Transformed):
            pack.add(sha256, encoded.data)
    return result
