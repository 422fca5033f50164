"""Results of the probe on disk, so that an interrupted build decodes nothing twice."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import PIL
import polars as pl

from artcurate.errors import DataError
from artcurate.files import make_folder, write_bytes
from artcurate.images.faults import Fault, FaultReason
from artcurate.images.probe import Probed

#: To be raised when the same bytes no longer give the same result.
_VERSION = 1

#: One row per image: either what `Probed` holds, or reason and detail of its fault.
RESULT_SCHEMA: Mapping[str, pl.DataType] = {
    "key": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "format": pl.String(),
    "orientation": pl.Int8(),
    "sha256": pl.String(),
    "phash": pl.UInt64(),
    "reason": pl.String(),
    "detail": pl.String(),
}

#: Faults that another try may not meet.
_PASSING = (FaultReason.UNREADABLE, FaultReason.TOO_MUCH_MEMORY)


def fingerprints(
    images: pl.DataFrame, roots: Mapping[str, Path], parameters: Mapping[str, Any]
) -> pl.Series:
    """One key per image that changes with its file, the parameters and the decoder.

    Keys stay in the scratch folder: they know a file by its size and time, which is enough to go
    on after an interruption and not enough for a fingerprint of the dataset.
    """
    common = json.dumps([_VERSION, PIL.__version__, dict(parameters)], sort_keys=True)
    stamps: dict[tuple[str, str], tuple[int, int] | None] = {}
    keys = []
    for root, location, member in images.select("root", "location", "member").iter_rows():
        if (root, location) not in stamps:
            stamps[root, location] = _stamp(roots[root] / location)
        place = json.dumps([root, location, member, stamps[root, location]])
        keys.append(hashlib.sha256(f"{common}{place}".encode()).hexdigest())
    return pl.Series("key", keys, dtype=pl.String)


def result_frame(
    keys: pl.Series, results: Sequence[Probed | Fault | tuple[str, str]]
) -> pl.DataFrame:
    """`RESULT_SCHEMA` rows for results in the order of `keys`; a tuple is (reason, detail)."""
    rows = [{"key": key, **_row(result)} for key, result in zip(keys, results, strict=True)]
    return pl.DataFrame(rows, schema=dict(RESULT_SCHEMA))


class ProbeStore:
    """A folder of result files, one per finished chunk, each whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder)

    def read(self) -> pl.DataFrame:
        """Everything stored, each key once. Raises DataError naming a file that is broken."""
        frames = [pl.DataFrame(schema=dict(RESULT_SCHEMA))]
        for path in sorted(self._folder.glob("*.parquet")):
            try:
                frames.append(pl.read_parquet(path, schema=dict(RESULT_SCHEMA)))
            except (pl.exceptions.PolarsError, OSError) as error:
                raise DataError(
                    f"{path}: a stored result cannot be read ({error}); delete the file, "
                    "and its images are probed again."
                ) from None
        return pl.concat(frames).unique("key", maintain_order=True)

    def add(self, frame: pl.DataFrame) -> None:
        """Store results, save those that another try may change."""
        lasting = frame.filter(~pl.col("reason").is_in(_PASSING).fill_null(False))
        if lasting.is_empty():
            return
        content = io.BytesIO()
        lasting.write_parquet(content)
        name = hashlib.sha256("".join(lasting["key"]).encode()).hexdigest()[:32]
        write_bytes(self._folder / f"{name}.parquet", content.getvalue())


def _row(result: Probed | Fault | tuple[str, str]) -> dict[str, Any]:
    if isinstance(result, Probed):
        return {field.name: getattr(result, field.name) for field in fields(result)}
    reason, detail = (result.reason, result.detail) if isinstance(result, Fault) else result
    return {"reason": str(reason), "detail": detail}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (one of 80,000)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns
