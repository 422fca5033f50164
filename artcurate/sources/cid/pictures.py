"""CID's pictures, in zip archives and in folders: where each lies, and which copies disagree."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import polars as pl

from artcurate.archives.names import leads_out
from artcurate.archives.tree import Archive, File, Tree
from artcurate.archives.zips import ENCRYPTED_FLAGS
from artcurate.net.paths import AnyPath
from artcurate.remote.tree import open_source
from artcurate.sources.cid.names import parse_names

_SUFFIXES = (".jpg", ".jpeg")
#: What the pictures that lie in folders are called among the archives.
FOLDERS = "(files in folders)"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where the pictures lie.

    places: one row per picture with a good name: id (`parse_names`), root, location, member,
        archive (its location, or `FOLDERS`), bytes, encrypted, picture_conflict (a sentence
        where copies of it differ, else null).
    unnamed: the same columns but id and picture_conflict, and name, of files that are not named
        as CID's are.
    copies: how many further files are byte for byte a picture of `places`.
    unsafe: archive -> names in it that lead out of a folder; nothing is unpacked, so they are
        used like any other.
    """

    places: pl.DataFrame
    unnamed: pl.DataFrame
    copies: int
    unsafe: dict[str, tuple[str, ...]]


def name_roots(tree: Tree[File], input_name: str) -> dict[AnyPath, str]:
    """A name for every root of `tree`: `input_name`, then with `-2`, `-3`, …"""
    holders = (*tree.files, *(archive.file for archive in tree.archives))
    roots = dict.fromkeys(file.root for file in holders)
    return {
        root: f"{input_name}-{number}" if number > 1 else input_name
        for number, root in enumerate(roots, 1)
    }


def find_pictures(tree: Tree[File], roots: dict[AnyPath, str]) -> Pictures:
    """Every picture in the files and archives of `tree`, each once.

    Raises:
        DataError: a file cannot be read that has to be compared with a copy.
    """
    frames = [_in_folders(tree, roots)]
    frames += [_in_archive(archive, roots[archive.file.root]) for archive in tree.archives]
    found = pl.concat([_identified(frame) for frame in frames])
    good = found.filter(pl.col("id").is_not_null())
    copies = good.filter(pl.col("id").is_duplicated())
    conflicts = _conflicts(copies, {name: root for root, name in roots.items()})
    agreeing = copies.join(conflicts, on="id", how="anti")
    places = good.unique("id", keep="first", maintain_order=True) if copies.height else good
    return Pictures(
        places=places.drop("name", "crc").join(
            conflicts, on="id", how="left", maintain_order="left"
        ),
        unnamed=found.filter(pl.col("id").is_null()).drop("id", "crc"),
        copies=agreeing.height - agreeing["id"].n_unique(),
        unsafe=dict(_unsafe(tree)),
    )


def _identified(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the ids that its names say; the names stay where they say none."""
    ids = parse_names(frame["name"]).get_column("id")
    return frame.with_columns(ids, name=pl.when(ids.is_null()).then("name"))


def _in_folders(tree: Tree[File], roots: dict[AnyPath, str]) -> pl.DataFrame:
    files = [file for file in tree.files if file.name.lower().endswith(_SUFFIXES)]
    return pl.DataFrame(
        {
            "root": [roots[file.root] for file in files],
            "location": [file.location for file in files],
            "bytes": [file.size for file in files],
        },
        schema={"root": pl.String, "location": pl.String, "bytes": pl.Int64},
    ).select(
        "root",
        "location",
        member=pl.lit(None, pl.String),
        name="location",
        archive=pl.lit(FOLDERS),
        bytes="bytes",
        crc=pl.lit(None, pl.UInt32),
        encrypted=pl.lit(False),
    )


def _in_archive(archive: Archive[File], root: str) -> pl.DataFrame:
    name = pl.col("name")
    return archive.index.filter(
        name.str.contains(r"(?i:\.jpe?g)$") & ~name.str.contains(r"(?:^|[/\\])\.[^/\\]*$")
    ).select(
        root=pl.lit(root),
        location=pl.lit(archive.file.location),
        member="name",
        name="name",
        archive=pl.lit(archive.file.location),
        bytes="size",
        crc="crc",
        encrypted=(pl.col("flags") & ENCRYPTED_FLAGS) != 0,
    )


def _conflicts(copies: pl.DataFrame, paths: dict[str, AnyPath]) -> pl.DataFrame:
    """id and picture_conflict (a sentence) of the pictures whose copies are not the same bytes.

    Sizes come first, then the CRC-32 that archives state; only where sizes agree are files in
    folders read, for their CRC-32 and their sha256.
    """
    same_size = pl.col("bytes").n_unique().over("id") == 1
    unread = copies.filter(same_size & pl.col("member").is_null())
    digests = [
        _digests(paths[root] / location)
        for root, location in unread.select("root", "location").iter_rows()
    ]
    known = unread.select("root", "location").with_columns(
        file_crc=pl.Series([crc for crc, _ in digests], dtype=pl.UInt32),
        sha256=pl.Series([sha256 for _, sha256 in digests], dtype=pl.String),
    )
    where = pl.when(pl.col("member").is_null()).then("location").otherwise("archive")
    return (
        copies.join(known, on=["root", "location"], how="left", maintain_order="left")
        .with_columns(crc=pl.coalesce("crc", "file_crc"), where=where)
        .group_by("id", maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().n_unique() for name in ("bytes", "crc", "sha256")),
            conflict=pl.col("where").unique(maintain_order=True).head(3).str.join(", "),
        )
        .filter(pl.any_horizontal(pl.col("bytes", "crc", "sha256") > 1))
        .select(
            "id",
            picture_conflict=pl.format("Its copies have different bytes; see {}.", "conflict"),
        )
    )


def _digests(path: AnyPath) -> tuple[int, str]:
    """(CRC-32, sha256 in hexadecimal digits) of the file at `path`."""
    crc = 0
    digest = hashlib.sha256()
    with closing(open_source(path)) as source:
        for offset in range(0, source.size, _CHUNK):
            chunk = source.read_at(offset, _CHUNK)
            crc = zlib.crc32(chunk, crc)
            digest.update(chunk)
    return crc, digest.hexdigest()


def _unsafe(tree: Tree[File]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for archive in tree.archives:
        names = archive.index.filter(leads_out(pl.col("name")))["name"]
        if names.len():
            yield archive.file.location, tuple(names)
