"""Finding a member of an archive by its name, in a few bytes per member."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from artcurate.archives.directory import read_index
from artcurate.archives.parts import open_bytes

_NUMBERS = ("offset", "compressed", "size", "method", "crc", "flags")
#: Archives whose lookups a process keeps: all 49 of CID, some 25 MB.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Member:
    """What is needed to read a member from its archive: one row of the archive's index."""

    name: str
    offset: int
    compressed: int
    size: int
    method: int
    crc: int
    flags: int


class Lookup:
    """The members of an archive by their decoded names.

    Keeps a 64-bit digest instead of each name, so that many archives can stay known to many
    processes.
    """

    def __init__(self, index: pl.DataFrame) -> None:
        digests = np.frombuffer(b"".join(map(_digest, index["name"])), np.uint64)
        # Stable: of members with one name the last one comes last.
        order = np.argsort(digests, kind="stable")
        self._digests = digests[order]
        self._numbers = {name: index[name].to_numpy()[order] for name in _NUMBERS}

    def find(self, name: str) -> Member | None:
        """The member called exactly `name`; the last of several, as in `unzip`."""
        (digest,) = np.frombuffer(_digest(name), np.uint64)
        row = int(np.searchsorted(self._digests, digest, side="right")) - 1
        if row < 0 or self._digests[row] != digest:
            return None
        return Member(name, **{key: int(values[row]) for key, values in self._numbers.items()})


@lru_cache(maxsize=_KEPT)
def lookup_of(path: Path, _size: int, _modified: int) -> Lookup:
    """The lookup of the archive at `path`, built once per process.

    Its size and when it was modified tell it from one that has taken its place. Raises
    ArchiveError.
    """
    source = open_bytes(path)
    try:
        return Lookup(read_index(source))
    finally:
        source.close()


def _digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=8).digest()
