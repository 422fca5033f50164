"""Which pictures cannot be decoded: found before a training, not in its third hour."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from artcurate.benchmark.task import Pictures
from artcurate.images.faults import Fault
from artcurate.progress import Meter

#: Pictures handed to the threads at a time, so that they are not all in memory.
_CHUNK = 256
_MIN_SIDE = 64


def unreadable_pictures(pictures: Pictures, meter: Meter) -> dict[int, str]:
    """Why a picture cannot be decoded, in one sentence, by its place. Reads all data of each."""
    faults: dict[int, str] = {}

    def check(place: int) -> str | None:
        image = pictures.decode(place, min_side=_MIN_SIDE)
        return image.detail if isinstance(image, Fault) else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pictures), _CHUNK):
            places = range(start, min(start + _CHUNK, len(pictures)))
            for place, fault in zip(places, pool.map(check, places), strict=True):
                if fault is not None:
                    faults[place] = fault
                meter.advance(skipped=int(fault is not None))
    return faults
