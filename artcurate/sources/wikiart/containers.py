"""Style folders inside tar and zip archives, and pictures inside Parquet files; none is unpacked.

Tar archives have to be uncompressed: only then can a picture be read without all before it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from unicodedata import normalize

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artcurate.archives.zips import ENCRYPTED_FLAGS
from artcurate.errors import DataError
from artcurate.images.faults import Fault
from artcurate.images.parquet import COLUMN
from artcurate.images.roots import open_root
from artcurate.net.paths import AnyPath
from artcurate.sources.columnar import broken, footer_of
from artcurate.sources.wikiart.folders import NOT_UTF8
from artcurate.sources.wikiart.names import (
    CONTAINER_SUFFIXES,
    is_hidden,
    is_image,
    is_utf8,
    readable,
    stem_of,
    suffix_of,
)
from artcurate.sources.wikiart.scan import FoundFile, Scan

_PARQUET = ".parquet"
#: What rows are counted as that do not say which painting they show.
NAMELESS_ROWS = "rows without a painting"
_ENCRYPTED = ("encrypted", "The member is encrypted.")
_NAMED_BY = ("art_style", "painting")


def find_containers(root: str) -> list[str]:
    """POSIX paths of the containers below the folder `root`, sorted; hidden ones and links to
    folders are passed over."""
    found = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not is_hidden(name)]
        below = os.path.relpath(place, root)
        found += [
            PurePosixPath(below, name).as_posix()
            for name in names
            if suffix_of(name) in CONTAINER_SUFFIXES and not is_hidden(name)
        ]
    return sorted(found, key=lambda location: (normalize("NFC", location), location))


def scan_containers(root: AnyPath, locations: Sequence[str]) -> Scan:
    """The pictures in the containers at `locations` below `root`.

    In an archive a picture's style is the folder that it lies in. Pictures that lie deeper than
    most, or less deep, are counted as others; where no picture lies in a folder the archive itself
    counts as one, and its name is the style. In a Parquet file a row's picture is named by the
    columns art_style and painting, else by the path that stands with it; of rows that name the
    same painting the first counts.

    Raises DataError naming every container that cannot be read.
    """
    scan = Scan()
    problems: list[str] = []
    in_rows: set[str] = set()
    with closing(open_root(root)) as opened:
        for location in locations:
            if not is_utf8(location):
                scan.refuse("", readable(location), NOT_UTF8)
                continue
            path = opened.resolve(location)
            if isinstance(path, Fault):
                scan.refuse("", location, path)
                continue
            try:
                if suffix_of(location) == _PARQUET:
                    file = _Rows(opened.parquet(path), f"{root}/{location}")
                    _scan_rows(scan, file, location, in_rows)
                else:
                    _scan_members(scan, opened.index(path), location)
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    return scan


def _scan_members(scan: Scan, index: pl.DataFrame, location: str) -> None:
    # Of several members with one name the last counts, as tools unpack them.
    unique = index.unique("name", keep="last", maintain_order=True)
    members = [
        (name, _parts(name), size, flags)
        for name, size, flags in unique.select("name", "size", "flags").iter_rows()
    ]
    depths = Counter(len(parts) for _, parts, _, _ in members if _is_picture(parts))
    usual = _usual_depth(depths)
    for name, parts, size, flags in members:
        if any(map(is_hidden, parts)):
            scan.others["hidden"] += 1
        elif not _is_picture(parts) or len(parts) < usual:
            scan.count_other(name)
        elif len(parts) > usual:
            scan.others["folders"] += 1
        else:
            file = parts[-1]
            style = parts[-2] if usual > 1 else PurePosixPath(location).stem
            if flags & ENCRYPTED_FLAGS:
                scan.refuse(style, file, _ENCRYPTED)
            else:
                scan.files.append(FoundFile(style, stem_of(file), location, name, file, size))


def _parts(name: str) -> list[str]:
    """Folders and file of a member's name; some tools write backslashes, or `./` first."""
    return [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]


def _is_picture(parts: Sequence[str]) -> bool:
    return bool(parts) and is_image(parts[-1]) and not any(map(is_hidden, parts))


def _usual_depth(depths: Counter[int]) -> int:
    """How deep most pictures lie that lie in folders; 1 where none does."""
    in_folders = [(-count, depth) for depth, count in depths.items() if depth > 1]
    return min(in_folders)[1] if in_folders else 1


@dataclass(frozen=True, slots=True)
class _Rows:
    """A Parquet file: what pyarrow reads it from, and how messages call it."""

    source: Any
    place: str

    def read(self) -> Iterator[tuple[str | None, str | None]]:
        """Style and painting of every row. Raises DataError where they cannot be read."""
        try:
            with pq.ParquetFile(self.source) as file:
                yield from self._names(file)
        except (pa.ArrowException, OSError) as error:
            raise DataError(broken(self.place)) from error

    def _names(self, file: pq.ParquetFile) -> Iterator[tuple[str | None, str | None]]:
        footer = footer_of(file.metadata, self.place)
        if COLUMN not in footer.pictures:
            raise DataError(f"{self.place}: it has no column {COLUMN!r} with pictures inside.")
        if set(_NAMED_BY) <= set(footer.columns):
            table = file.read(columns=list(_NAMED_BY))
            styles, paintings = (
                self._texts(name, table.column(name), footer.class_names.get(name))
                for name in _NAMED_BY
            )
            yield from zip(styles, paintings, strict=True)
            return
        table = file.read(columns=[f"{COLUMN}.path"])
        if not table.num_columns:
            raise DataError(
                f"{self.place}: its rows name no painting; they need the columns art_style and "
                f"painting, or a path such as Style/name.jpg in {COLUMN}."
            )
        for path in pc.struct_field(table.column(COLUMN), "path").to_pylist():
            parts = _parts(path or "")
            usable = len(parts) > 1 and _is_picture(parts)
            yield (parts[-2], stem_of(parts[-1])) if usable else (None, None)

    def _texts(
        self, name: str, values: pa.ChunkedArray, class_names: Sequence[str] | None
    ) -> list[str | None]:
        """The values as text; numbers stand for `class_names`."""
        if class_names is not None and pa.types.is_integer(values.type):
            return [
                class_names[number]
                if number is not None and 0 <= number < len(class_names)
                else None
                for number in values.to_pylist()
            ]
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            raise DataError(f"{self.place}: the column {name} holds {values.type}, not text.")
        texts: list[str | None] = values.to_pylist()
        return texts


def _scan_rows(scan: Scan, file: _Rows, location: str, known: set[str]) -> None:
    """known: the paintings of the files before this one, in NFC; those of this one are added."""
    source = PurePosixPath(location).name
    for row, (style, painting) in enumerate(file.read()):
        if not style or not painting or "/" in style or "/" in painting:
            scan.others[NAMELESS_ROWS] += 1
            continue
        key = normalize("NFC", f"{style}/{painting}")
        if key not in known:
            known.add(key)
            scan.files.append(FoundFile(style, painting, location, str(row), source, None))
