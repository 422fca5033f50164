"""Fetching one file over HTTP so that it arrives whole, whatever happens on the way.

An interrupted file goes on with a range request (RFC 9110, 14.2) under `If-Range`; the last bytes
that are there are asked for again and compared, because not every server keeps its promises. A
server without ranges, or one whose content has changed, makes the file start over.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx2

from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder, sha256_of
from artcurate.hub.partial import Content, Partial
from artcurate.net.http import Http, KeyHeader, RefusedError, require_success
from artcurate.net.retry import Retry, TransientError
from artcurate.progress import Meter

#: Bytes that are asked for again when a file goes on, to compare them.
OVERLAP = 1 << 16
#: An attempt that brought so many bytes was worth it, however it ended.
_PROGRESS = 1 << 18
_CHUNK = 1 << 18
#: How often a file is fetched whole before its wrong content is believed.
_ROUNDS = 2
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class WrongContentError(DataError):
    """A file that arrived whole by its length and is not what it should be."""


class ByteCount:
    """Tells a meter how many bytes of all files are there. Threads may share it."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}

    def at(self, file: str, place: int) -> None:
        """`file` now has `place` bytes; fewer than before where it starts over.

        Those that are told of first were there before the work began.
        """
        with self._lock:
            if file in self._places:
                self._meter.advance(place - self._places[file])
            else:
                self._meter.found(place)
            self._places[file] = place


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch.

    name: how messages and the progress call it.
    identity: what it is, whatever its address is today; bytes of another identity are thrown away.
    locate: the address to ask now. May raise TransientError and RefusedError.
    limit: more bytes than this are never taken.
    size: its bytes, where they are known.
    sha256: the hexadecimal sha256 of its bytes, where it is known.
    key: the header that opens it.
    check: raises WrongContentError where the bytes of a finished file cannot be right.
    explain: the reason in the body of a refusal, for places that give one; may raise itself.
    """

    name: str
    identity: str
    locate: Callable[[], str]
    limit: int
    size: int | None = None
    sha256: str | None = None
    key: KeyHeader | None = None
    check: Callable[[Path], None] | None = None
    explain: Callable[[httpx2.Response], None] | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that has arrived and was found right.

    size: in bytes.
    """

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Fetches files with one client and one policy of trying again. Threads may share it."""

    http: Http
    retry: Retry

    def fetch(self, wanted: Wanted, target: Path, count: ByteCount) -> Fetched:
        """Fetch `wanted` into `target`, which appears whole, checked, or not at all.

        What an earlier call left unfinished is taken up.

        Raises:
            RefusedError: the server does not give the file.
            DataError: it failed too often, its content is wrong, or it cannot be written.
            StoppedError: the work is to end.
        """
        make_folder(target.parent)
        partial = Partial(target)
        for _ in range(_ROUNDS - 1):
            try:
                return self._round(wanted, partial, count)
            except WrongContentError:
                continue
        return self._round(wanted, partial, count)

    def _round(self, wanted: Wanted, partial: Partial, count: ByteCount) -> Fetched:
        """Fetch the whole file once; wrong content is thrown away."""
        self.retry.run(wanted.name, lambda: self._attempt(wanted, partial, count))
        try:
            fetched = _verified(wanted, partial)
        except WrongContentError:
            partial.discard()
            count.at(wanted.name, 0)
            raise
        partial.publish()
        return fetched

    def _attempt(self, wanted: Wanted, partial: Partial, count: ByteCount) -> None:
        kept = _usable(wanted, partial)
        before = partial.size() if kept else 0
        count.at(wanted.name, before)
        if kept and kept.total == before:
            return
        try:
            self._get(wanted, partial, kept, count)
        except TransientError as error:
            progressed = partial.size() - before >= _PROGRESS
            raise TransientError(error.reason, wait=error.wait, progressed=progressed) from error

    def _get(
        self, wanted: Wanted, partial: Partial, kept: Content | None, count: ByteCount
    ) -> None:
        start = max(partial.size() - OVERLAP, 0) if kept else 0
        headers = _range_headers(kept, start) if kept and start else {}
        with self.http.get(wanted.locate(), headers, wanted.key) as response:
            if response.status_code == 416:
                partial.discard()
                raise TransientError("the server has no such range any more")
            if wanted.explain and not response.is_success:
                wanted.explain(response)
            require_success(response)
            offered = _offered(wanted, response)
            if response.status_code != 206:
                file, start = partial.start(offered), 0
            else:
                _require_same(partial, kept, offered, response, start)
                file = partial.resume()
            with file:
                end = self._write(wanted, file, start, response, offered.total, count)
        if offered.total is None:
            partial.note(Content(offered.identity, offered.etag, offered.modified, end))
        elif end < offered.total:
            raise TransientError(f"the server ended at {end:,} of {offered.total:,} bytes")

    def _write(
        self,
        wanted: Wanted,
        file: BinaryIO,
        start: int,
        response: httpx2.Response,
        total: int | None,
        count: ByteCount,
    ) -> int:
        """Write the body from `start` on; returns where it ends."""
        place = start
        known = _known_bytes(file, start)
        limit = min(wanted.limit, total if total is not None else wanted.limit)
        with file_system_errors(Path(file.name)):
            file.seek(start)
            for chunk in response.iter_raw(_CHUNK):
                self.retry.check_stopped()
                if place + len(chunk) > limit:
                    file.truncate(0)
                    raise RefusedError(
                        f"{wanted.name}: the server sends more than the {limit:,} bytes that may "
                        "come, so it was cut off."
                    )
                repeated, fresh = chunk[: len(known)], chunk[len(known) :]
                if repeated != known[: len(repeated)]:
                    file.truncate(0)
                    raise TransientError("the content has changed since the last attempt")
                known = known[len(repeated) :]
                file.seek(len(repeated), 1)
                file.write(fresh)
                place += len(chunk)
                count.at(wanted.name, place)
        return place


def _usable(wanted: Wanted, partial: Partial) -> Content | None:
    """What the bytes that are there belong to, where they can be gone on from."""
    content = partial.content()
    if content is None or content.identity != wanted.identity:
        return None
    # The length is the least that tells content from other content.
    too_long = content.total is not None and partial.size() > content.total
    return None if content.total is None or too_long or not partial.size() else content


def _range_headers(kept: Content, start: int) -> Mapping[str, str]:
    validator = kept.etag or kept.modified
    condition = {"If-Range": validator} if validator else {}
    return {"Range": f"bytes={start}-", **condition}


def _offered(wanted: Wanted, response: httpx2.Response) -> Content:
    """The content that the answer brings. Raises RefusedError where it is not what is wanted."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedError(f"{wanted.name}: the server packs the file in a way nobody asked for.")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        raise RefusedError(f"{wanted.name}: the server sends a web page in place of the file.")
    total = _total(response)
    if total is not None and wanted.size is not None and total != wanted.size:
        raise RefusedError(
            f"{wanted.name}: the server offers {total:,} bytes where {wanted.size:,} are expected."
        )
    if total is not None and total > wanted.limit:
        raise RefusedError(
            f"{wanted.name}: the server offers {total:,} bytes, more than the {wanted.limit:,} "
            "that it may have."
        )
    etag = response.headers.get("ETag")
    return Content(
        identity=wanted.identity,
        etag=etag if etag and not etag.startswith("W/") else None,
        modified=response.headers.get("Last-Modified"),
        total=total if total is not None else wanted.size,
    )


def _total(response: httpx2.Response) -> int | None:
    """Bytes of the whole file, as the answer states them."""
    if response.status_code == 206:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return int(match[3]) if match and match[3] != "*" else None
    length = response.headers.get("Content-Length", "")
    chunked = "Transfer-Encoding" in response.headers
    return int(length) if length.isascii() and length.isdigit() and not chunked else None


def _require_same(
    partial: Partial,
    kept: Content | None,
    offered: Content,
    response: httpx2.Response,
    start: int,
) -> None:
    """Start over where the range that came is not of the content that is there."""
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    stated = match is not None and match[3] != "*" and int(match[1]) == start
    if kept and stated and kept.may_be(offered):
        return
    partial.discard()
    raise TransientError("the content has changed since the last attempt")


def _known_bytes(file: BinaryIO, start: int) -> bytes:
    """What is there from `start` on, to compare with what comes again."""
    file.seek(start)
    return file.read()


def _verified(wanted: Wanted, partial: Partial) -> Fetched:
    """The finished file, before it has its name. Raises WrongContentError."""
    size = partial.size()
    if wanted.size is not None and size != wanted.size:
        raise WrongContentError(
            f"{wanted.name}: has {size:,} bytes where {wanted.size:,} are expected."
        )
    sha256 = sha256_of(partial.data)
    if wanted.sha256 is not None and sha256 != wanted.sha256:
        raise WrongContentError(
            f"{wanted.name}: its sha256 is {sha256} where {wanted.sha256} is expected; its "
            "publisher has changed it, or somebody on the way."
        )
    if wanted.check is not None:
        wanted.check(partial.data)
    return Fetched(partial.target, size, sha256)
