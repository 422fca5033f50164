"""Stand-ins for tasks whose process dies over a picture. Workers import this module."""

from __future__ import annotations

import os
import signal

from artcurate.images.faults import Fault
from artcurate.images.storage import ImageReader
from artcurate.shards import writer
from artcurate.shards.pictures import Picture, Pictures, Place, Unusable
from artcurate.shards.task import ShardRecord, ShardTask
from artcurate.steps.probe_store import Found
from artcurate.steps.probe_task import Chunk, probe_chunk

_fetch = Pictures.fetch
_read = ImageReader.read
#: The file over which `probe_or_die` does.
DEADLY = "09"


def _die_over_killer(pictures: Pictures, place: Place) -> Picture | Unusable:
    if "killer" in place.location:
        os.kill(os.getpid(), signal.SIGKILL)
    return _fetch(pictures, place)


def write_or_die(task: ShardTask) -> ShardRecord:
    Pictures.fetch = _die_over_killer  # type: ignore[method-assign]
    return writer.write_shard(task)


def die(task: ShardTask) -> ShardRecord:
    os.kill(os.getpid(), signal.SIGKILL)
    return writer.write_shard(task)


def _die_over_deadly(
    reader: ImageReader, location: str, member: str | None = None
) -> bytes | Fault:
    if location == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return _read(reader, location, member)


def probe_or_die(chunk: Chunk) -> tuple[Found, ...]:
    ImageReader.read = _die_over_deadly  # type: ignore[method-assign]
    return probe_chunk(chunk)
