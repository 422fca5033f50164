"""Stand-ins for `write_shard` whose process dies over a picture. Workers import this module."""

from __future__ import annotations

import os
import signal

from artcurate.shards import writer
from artcurate.shards.pictures import Picture, Pictures, Place, Unusable
from artcurate.shards.task import ShardRecord, ShardTask

_fetch = Pictures.fetch


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
