"""Checking every member of a zip archive, and unpacking pictures into style folders."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from artcurate.archives.faults import ArchiveError
from artcurate.archives.lookup import Member
from artcurate.archives.zips import ZipReader
from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder, require_free_space
from artcurate.net.retry import Retry

#: Bytes a whole archive may swell to per byte, and how many are nothing to worry about. Labels in
#: JSON shrink to a fortieth; deflate's limit is a thousandth.
_MAX_RATIO = 200
_NO_BOMB = 1 << 26
#: Larger members are no pictures and no tables of these corpora, in bytes.
_MAX_MEMBER = 1 << 30
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp")
_BATCH = 64
#: Problems that are spelled out; more are counted.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of an archive.

    pictures: files that are there now.
    damaged: members left out because their bytes are not those that were packed.
    """

    pictures: int
    damaged: tuple[str, ...]


def check_archive(path: Path, retry: Retry, *, name: str | None = None, workers: int = 2) -> None:
    """Read every member of the zip archive at `path` and compare its checksum.

    name: how messages call it, where its path says nothing to the user.

    Raises:
        DataError: it is no zip archive, a bomb, or members of it are damaged; all of them.
        StoppedError: the work is to end.
    """
    with ZipReader(path) as reader:
        called = name or path.name
        members = _members(reader, called)

        def check(member: Member) -> None:
            reader.read_member(member, max_bytes=_MAX_MEMBER)

        outcomes = list(_map(check, members, retry, workers))
    damaged = [member for member, fault in outcomes if fault]
    if damaged:
        raise DataError(damaged_sentence(called, damaged))


def unpack_pictures(
    path: Path,
    folder: Path,
    retry: Retry,
    *,
    styles: Sequence[str] = (),
    advance: Callable[[int], None] = lambda _: None,
    workers: int = 2,
) -> Unpacked:
    """Unpack the pictures of a zip archive into `folder`/Style/name, each checked before.

    A picture's style is the folder it lies in. What an earlier call has unpacked is compared and
    kept. Nothing is synced to the disk.

    styles: the only styles to unpack; all where there are none.
    advance: told the bytes of every member that is done.

    Raises:
        DataError: it is no zip archive, a bomb, holds no pictures in folders, or two pictures with
            one name; the disk is too small; a file cannot be written.
        StoppedError: the work is to end.
    """
    with ZipReader(path) as reader:
        places = _placed(path, _members(reader, path.name), styles)
        make_folder(folder)
        require_free_space(folder, sum(member.size for _, member in places))
        for style in sorted({place[0] for place, _ in places}):
            make_folder(folder / style)
        targets = {member.offset: folder / style / name for (style, name), member in places}

        def unpack(member: Member) -> None:
            _unpack(reader, member, targets[member.offset])
            advance(member.size)

        outcomes = list(_map(unpack, [member for _, member in places], retry, workers))
    damaged = tuple(sorted(name for name, fault in outcomes if fault))
    return Unpacked(len(outcomes) - len(damaged), damaged)


def damaged_sentence(archive: str, damaged: Sequence[str]) -> str:
    """Which members of the archive called so are damaged, in one sentence."""
    more = f" and {len(damaged) - _SHOWN:,} more" if len(damaged) > _SHOWN else ""
    named = ", ".join(sorted(damaged)[:_SHOWN])
    return f"{archive}: members with wrong checksums, {len(damaged):,} in all: {named}{more}."


def _members(reader: ZipReader, archive: str) -> list[Member]:
    """The members of an archive that may be read. Raises DataError for a bomb."""
    index = reader.index
    packed, plain = int(index["compressed"].sum()), int(index["size"].sum())
    if packed > reader.size or plain > max(_NO_BOMB, _MAX_RATIO * reader.size):
        raise DataError(
            f"{archive}: its {reader.size:,} bytes claim to hold {plain:,}, packed into "
            f"{packed:,}: that is a trap and no data; do not use it."
        )
    if index["offset"].is_duplicated().any():
        raise DataError(f"{archive}: members share their bytes: that is a trap and no data.")
    return [Member(*values) for values in index.drop("key").iter_rows()]


def _placed(
    path: Path, members: Sequence[Member], styles: Sequence[str]
) -> list[tuple[tuple[str, str], Member]]:
    """The pictures among `members` with (style, file name), in the order of the archive."""
    names = pl.Series("name", [member.name for member in members], dtype=pl.String)
    frame = names.str.replace_all("\\", "/", literal=True).to_frame().with_row_index()
    parts = frame.with_columns(
        style=pl.col("name").str.extract(r"([^/]+)/[^/]+$"),
        file=pl.col("name").str.extract(r"([^/]+)$"),
    ).filter(
        pl.col("style").is_not_null()
        & ~pl.col("style").str.contains(r"^\.|\x00|^__MACOSX$")
        & ~pl.col("file").str.contains(r"^\.|\x00")
        & ~pl.col("name").str.contains(r"(?:^|/)__MACOSX/")
        & pl.any_horizontal(
            pl.col("file").str.to_lowercase().str.ends_with(suffix) for suffix in _PICTURES
        )
    )
    if parts.is_empty():
        raise DataError(f"{path.name}: holds no pictures in style folders, so it is not WikiArt.")
    twins = parts.filter(pl.struct("style", "file").is_duplicated())
    if twins.height:
        raise DataError(f"{path.name}: holds {twins['name'][0]!r} and another of the same name.")
    if styles:
        parts = _only(path, parts, styles)
    rows = parts.select("index", "style", "file").iter_rows()
    return [((style, file), members[row]) for row, style, file in rows]


def _only(path: Path, parts: pl.DataFrame, styles: Sequence[str]) -> pl.DataFrame:
    known = sorted(parts["style"].unique())
    unknown = [style for style in styles if style not in known]
    if unknown:
        raise DataError(
            f"{path.name}: has no style {', '.join(unknown)}; it has {', '.join(known)}."
        )
    return parts.filter(pl.col("style").is_in(list(styles)))


def _unpack(reader: ZipReader, member: Member, target: Path) -> None:
    with file_system_errors(target):
        if not _is_there(target, member):
            target.write_bytes(reader.read_member(member, max_bytes=_MAX_MEMBER))


def _is_there(target: Path, member: Member) -> bool:
    if not target.is_file() or target.stat().st_size != member.size:
        return False
    return zlib.crc32(target.read_bytes()) == member.crc


def _map(
    work: Callable[[Member], None], members: Sequence[Member], retry: Retry, workers: int
) -> Iterator[tuple[str, ArchiveError | None]]:
    """(name, its fault or None) for each of `members`, in their order."""

    def batch(part: Sequence[Member]) -> list[tuple[str, ArchiveError | None]]:
        outcomes: list[tuple[str, ArchiveError | None]] = []
        for member in part:
            retry.check_stopped()
            try:
                work(member)
                outcomes.append((member.name, None))
            except ArchiveError as error:
                outcomes.append((member.name, error))
        return outcomes

    parts = [members[place : place + _BATCH] for place in range(0, len(members), _BATCH)]
    with ThreadPoolExecutor(workers) as pool:
        try:
            for outcomes in pool.map(batch, parts):
                yield from outcomes
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
