"""The readers a pipeline file can name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from artcurate.corpus import Corpus
from artcurate.errors import UsageError
from artcurate.net.paths import AnyPath, RemotePath
from artcurate.sources import artelingo, wikiart
from artcurate.sources.cid import read_cid
from artcurate.sources.ecc import read_ecc


class Urls(StrEnum):
    """How a reader takes files elsewhere: fetched before, or as they lie."""

    FETCHED = "fetched"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns raw files into a part of a corpus.

    read: `(paths, input_name) -> Corpus` with the tables the files hold.
    expects: what a user has to give, in words.
    urls: what becomes of URLs.
    """

    read: Callable[[Sequence[AnyPath], str], Corpus]
    expects: str
    urls: Urls


def _read_artelingo(paths: Sequence[AnyPath], name: str) -> Corpus:
    return artelingo.read_annotations(_local(paths, name), input_name=name)


def _locate_wikiart(paths: Sequence[AnyPath], name: str) -> Corpus:
    if len(paths) > 1:
        raise UsageError(f"input {name}: give one folder, not {len(paths)}.")
    return wikiart.locate_wikiart(paths[0], name=name)


def _read_ecc(paths: Sequence[AnyPath], name: str) -> Corpus:
    return read_ecc(paths, input_name=name)


def _read_cid(paths: Sequence[AnyPath], name: str) -> Corpus:
    return read_cid(paths, input_name=name)


def _local(paths: Sequence[AnyPath], name: str) -> list[Path]:
    elsewhere = [path for path in paths if isinstance(path, RemotePath)]
    if elsewhere:
        raise UsageError(
            f"input {name}: {elsewhere[0]} cannot be read where it lies; copy it to this machine "
            "and give its path."
        )
    return [path for path in paths if isinstance(path, Path)]


READERS: dict[str, Reader] = {
    "artelingo": Reader(
        _read_artelingo,
        "one or more CSV or Parquet files of ArtELingo or ArtEmis",
        Urls.FETCHED,
    ),
    "cid": Reader(_read_cid, "the folder that holds CID's label files and image zips", Urls.READ),
    "ecc": Reader(
        _read_ecc, "the folder that holds ECC's zips, JSON, xlsx or CSV files", Urls.READ
    ),
    "wikiart": Reader(
        _locate_wikiart,
        "the folder that holds WikiArt's 27 style folders, or a tar, zip or Parquet file of them",
        Urls.READ,
    ),
}
