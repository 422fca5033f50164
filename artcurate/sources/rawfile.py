"""What every reader of tables shares: a look at the first bytes, the hash, and the result."""

from __future__ import annotations

import builtins
import hashlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import polars as pl

from artcurate.errors import DataError

_CHUNK = 1 << 20


class Container(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"


#: First bytes of files that users mistake for a CSV, and what to do about each.
_MISTAKEN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "this is a zip archive or a spreadsheet; unpack it, or save it as CSV"),
    (b"\x1f\x8b", "this is a gzip archive; unpack it first"),
    (b"BZh", "this is a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ\x00", "this is an xz archive; unpack it first"),
    (b"\xff\xfe", "this is UTF-16, not UTF-8; convert it with: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "this is UTF-16, not UTF-8; convert it with: iconv -f UTF-16 -t UTF-8"),
    (b"<!DOCTYPE", "this is a web page, so the download went wrong; download the file again"),
    (b"<!doctype", "this is a web page, so the download went wrong; download the file again"),
    (b"<html", "this is a web page, so the download went wrong; download the file again"),
    (b"version https://git-lfs", "this is a Git LFS pointer; fetch the file with: git lfs pull"),
)


@dataclass(frozen=True, slots=True)
class ByteCounts:
    """What one pass over a file's bytes tells.

    newlines, quotes: how often `\\n` and `"` stand in it.
    nul: whether a NUL byte stands in it.
    last: its last byte.
    """

    bytes: int
    sha256: str
    newlines: int
    quotes: int
    nul: bool
    last: builtins.bytes


@dataclass(frozen=True, slots=True)
class RawTable:
    """The rows of one raw file, before anything is known of what they mean.

    rows: `row` (i64, 1-based data row) and the columns asked for, as strings.
    faults: the rows that could not be read: row (i64), reason, detail.
    sha256, bytes: of the whole file.
    blank_lines: how many blank lines were passed over.
    recovered: whether the file was irregular and read by the recovering reader.
    """

    rows: pl.DataFrame
    faults: pl.DataFrame
    sha256: str
    bytes: int
    blank_lines: int = 0
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that cannot be used, with the reason's code and a sentence for the user."""

    row: int
    reason: str
    detail: str


def fault_frame(faults: list[Fault]) -> pl.DataFrame:
    return pl.DataFrame(
        [(fault.row, fault.reason, fault.detail) for fault in faults],
        schema={"row": pl.Int64, "reason": pl.String, "detail": pl.String},
        orient="row",
    )


def sniff(path: Path) -> Container:
    """Whether `path` holds CSV or Parquet, by its first bytes.

    Raises:
        DataError: the file is missing, unreadable, empty or evidently something else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise DataError(unreadable(path, error)) from error
    if not head:
        raise DataError(f"{path}: the file is empty.")
    for magic, advice in _MISTAKEN:
        if head.startswith(magic):
            raise DataError(f"{path}: {advice}.")
    if head.startswith(b"PAR1"):
        return Container.PARQUET
    if head[1:2] == b"\x00" or head[:1] == b"\x00":
        raise DataError(
            f"{path}: this is neither CSV nor Parquet; if it is UTF-16, "
            "convert it with: iconv -f UTF-16 -t UTF-8."
        )
    return Container.CSV


def scan_bytes(path: Path) -> ByteCounts:
    """One pass over the bytes of `path`; safe to run in a thread beside a parser."""
    digest = hashlib.sha256()
    size = newlines = quotes = 0
    nul = False
    last = b""
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                newlines += chunk.count(b"\n")
                quotes += chunk.count(b'"')
                nul = nul or b"\0" in chunk
                last = chunk[-1:]
    except OSError as error:
        raise DataError(unreadable(path, error)) from error
    return ByteCounts(size, digest.hexdigest(), newlines, quotes, nul, last)


def unreadable(path: Path, error: OSError) -> str:
    """The sentence for an operating system's refusal."""
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file or folder."
    if isinstance(error, PermissionError):
        return f"{path}: you may not read this file; change its permissions."
    return f"{path}: cannot be read ({os.strerror(error.errno) if error.errno else error})."
