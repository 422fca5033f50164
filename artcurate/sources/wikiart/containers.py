"""Style folders inside tar and zip archives, and pictures inside Parquet files; none is unpacked.

Tar archives have to be uncompressed: only then can a picture be read without all before it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath
from unicodedata import normalize

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artcurate.archives.parts import open_bytes
from artcurate.archives.tars import read_tar_index
from artcurate.archives.zips import ENCRYPTED_FLAGS, ZipReader
from artcurate.errors import DataError
from artcurate.images.faults import Fault
from artcurate.images.parquet import COLUMN
from artcurate.images.storage import resolve_inside
from artcurate.sources.columnar import read_footer
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

_TAR, _PARQUET = ".tar", ".parquet"
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


def scan_containers(root: str, locations: Sequence[str]) -> Scan:
    """The pictures in the containers at `locations` below `root`, a real path.

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
    for location in locations:
        if not is_utf8(location):
            scan.refuse("", readable(location), NOT_UTF8)
            continue
        path = resolve_inside(root, location)
        if isinstance(path, Fault):
            scan.refuse("", location, path)
            continue
        try:
            if suffix_of(location) == _PARQUET:
                _scan_rows(scan, Path(path), location, in_rows)
            else:
                _scan_members(scan, Path(path), location)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return scan


def _scan_members(scan: Scan, path: Path, location: str) -> None:
    members = [
        (name, _parts(name), size, flags)
        for name, size, flags in _index(path).select("name", "size", "flags").iter_rows()
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


def _index(path: Path) -> pl.DataFrame:
    """The members of an archive; of several with one name the last, as tools unpack them."""
    if suffix_of(path.name) == _TAR:
        with closing(open_bytes(path)) as source:
            index = read_tar_index(source)
    else:
        with ZipReader(path) as reader:
            index = reader.index
    return index.unique("name", keep="last", maintain_order=True)


def _parts(name: str) -> list[str]:
    """Folders and file of a member's name; some tools write backslashes, or `./` first."""
    return [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]


def _is_picture(parts: Sequence[str]) -> bool:
    return bool(parts) and is_image(parts[-1]) and not any(map(is_hidden, parts))


def _usual_depth(depths: Counter[int]) -> int:
    """How deep most pictures lie that lie in folders; 1 where none does."""
    in_folders = [(-count, depth) for depth, count in depths.items() if depth > 1]
    return min(in_folders)[1] if in_folders else 1


def _scan_rows(scan: Scan, path: Path, location: str, known: set[str]) -> None:
    """known: the paintings of the files before this one, in NFC; those of this one are added."""
    source = PurePosixPath(location).name
    for row, (style, painting) in enumerate(_row_names(path)):
        if not style or not painting or "/" in style or "/" in painting:
            scan.others["rows without a painting"] += 1
            continue
        key = normalize("NFC", f"{style}/{painting}")
        if key not in known:
            known.add(key)
            scan.files.append(FoundFile(style, painting, location, str(row), source, None))


def _row_names(path: Path) -> Iterator[tuple[str | None, str | None]]:
    """Style and painting of every row of the Parquet file at `path`."""
    footer = read_footer(path)
    if COLUMN not in footer.pictures:
        raise DataError(f"{path}: it has no column {COLUMN!r} with pictures inside.")
    if set(_NAMED_BY) <= set(footer.columns):
        table = _read(path, list(_NAMED_BY))
        styles, paintings = (
            _texts(path, name, table.column(name), footer.class_names.get(name))
            for name in _NAMED_BY
        )
        yield from zip(styles, paintings, strict=True)
        return
    table = _read(path, [f"{COLUMN}.path"])
    if not table.num_columns:
        raise DataError(
            f"{path}: its rows name no painting; they need the columns art_style and painting, or "
            f"a path such as Style/name.jpg in {COLUMN}."
        )
    for place in pc.struct_field(table.column(COLUMN), "path").to_pylist():
        parts = _parts(place or "")
        usable = len(parts) > 1 and _is_picture(parts)
        yield (parts[-2], stem_of(parts[-1])) if usable else (None, None)


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            return file.read(columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error}); copy or download it again.") from error


def _texts(
    path: Path, name: str, values: pa.ChunkedArray, class_names: Sequence[str] | None
) -> list[str | None]:
    """The values as text; numbers stand for `class_names`."""
    if class_names is not None and pa.types.is_integer(values.type):
        return [
            class_names[number] if number is not None and 0 <= number < len(class_names) else None
            for number in values.to_pylist()
        ]
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise DataError(f"{path}: the column {name} holds {values.type}, not text.")
    texts: list[str | None] = values.to_pylist()
    return texts
