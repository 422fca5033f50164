"""Pictures to be probed, and what the probe found, as tables; workers do without this module."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import polars as pl

from artcurate.images.faults import Fault
from artcurate.images.probe import Probed
from artcurate.net.paths import AnyPath
from artcurate.remote.stamps import stamps_of
from artcurate.steps.probe_store import key_of

#: One row per image: either what `Probed` holds, or reason and detail of its fault.
RESULT_SCHEMA: Mapping[str, pl.DataType] = {
    "key": pl.Binary(),
    "bytes": pl.Int64(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "format": pl.String(),
    "orientation": pl.Int8(),
    "sha256": pl.String(),
    "phash": pl.UInt64(),
    "reason": pl.String(),
    "detail": pl.String(),
}


def place_keys(images: pl.DataFrame, roots: Mapping[str, AnyPath], identity: str) -> pl.Series:
    """One key per image that changes with its place, its file's status and `identity`.

    A file is known by path, inode, size and the times of its last changes, one of which (ctime)
    no program can set back. Whoever moves or copies it changes the key and not the content's. A
    file elsewhere is known by what its server says of its version, and where that says nothing
    the key is a new one each time: it is read again.
    """
    stamps: dict[tuple[str, str], str] = {}
    for (root,), files in images.group_by("root"):
        stamps |= _stamps(str(root), roots[str(root)], files["location"].unique().to_list())
    keys = [
        key_of(identity, f"{roots[root]}/{location}", str(member), stamps[root, location])
        for root, location, member in images.select("root", "location", "member").iter_rows()
    ]
    return pl.Series("key", keys, dtype=pl.Binary)


def _stamps(name: str, root: AnyPath, locations: Sequence[str]) -> dict[tuple[str, str], str]:
    """What is known of the files at `locations` below `root`, whose name is `name`."""
    if isinstance(root, Path):
        return {(name, location): str(_stamp(root / location)) for location in locations}
    known = stamps_of(root, locations)
    return {
        (name, location): known.get(location) or secrets.token_hex(16) for location in locations
    }


def result_frame(
    keys: Iterable[bytes], results: Iterable[Probed | Fault | tuple[str, str]]
) -> pl.DataFrame:
    """`RESULT_SCHEMA` rows for results in the order of `keys`; a tuple is (reason, detail)."""
    rows = [{"key": key, **_row(result)} for key, result in zip(keys, results, strict=True)]
    return pl.DataFrame(rows, schema=dict(RESULT_SCHEMA))


def _row(result: Probed | Fault | tuple[str, str]) -> dict[str, Any]:
    if isinstance(result, Probed):
        return {field.name: getattr(result, field.name) for field in fields(result)}
    reason, detail = (result.reason, result.detail) if isinstance(result, Fault) else result
    return {"reason": str(reason), "detail": detail}


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (one of 80,000)
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
