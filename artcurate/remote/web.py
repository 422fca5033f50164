"""Files of http(s) servers: whole, in parts (RFC 9110, 14), and folders by their index pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from html.parser import HTMLParser
from typing import BinaryIO
from urllib.parse import unquote, urljoin, urlsplit

import httpx2

from artcurate.net.http import Http, RefusedError, require_success
from artcurate.net.paths import RemotePath, is_below
from artcurate.net.retry import Retry, TransientError
from artcurate.remote.files import (
    Entry,
    MissingError,
    RemoteError,
    TooManyBytesError,
    try_again,
)

#: Longest index page read, in bytes: some half a million names.
_MAX_PAGE = 64 << 20
_WHOLE, _PART, _BEYOND = 200, 206, 416
_MISSING = (404, 410)
_DENIED = (401, 403)
_CHANGED = 412
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18})")


class WebFiles:
    """Files of one http(s) server (`RemoteFiles`). Index pages tell no sizes and no stamps."""

    def __init__(self, retry: Retry) -> None:
        self._opened = ExitStack()
        self._http = self._opened.enter_context(Http())
        self._retry = retry

    def close(self) -> None:
        self._opened.close()

    def entries(self, folder: RemotePath) -> Sequence[Entry]:
        def attempt() -> list[Entry]:
            with self._http.get(folder.folder_url()) as response:
                _require(response, folder)
                kind = response.headers.get("Content-Type", "")
                if not kind.lower().startswith("text/html"):
                    raise MissingError(str(folder), "is no folder that the server lists")
                page = _body(response, folder, _MAX_PAGE)
                return _listed(page.decode("utf-8", "replace"), str(response.url))

        return try_again(self._retry, folder, attempt)

    def open(self, path: RemotePath) -> WebBytes:
        def attempt() -> WebBytes:
            with self._http.get(path.request_url(), {"Range": "bytes=0-0"}) as response:
                if response.status_code != _BEYOND:
                    _require(response, path)
                _, size = _span(response, path)
                return WebBytes(self._part, path, size, _tag(response), _stamp(response))

        return try_again(self._retry, path, attempt)

    def read(self, path: RemotePath, limit: int) -> bytes:
        def attempt() -> bytes:
            with self._http.get(path.request_url()) as response:
                _require(response, path)
                return _body(response, path, limit)

        return try_again(self._retry, path, attempt)

    def copy(self, path: RemotePath, target: BinaryIO) -> None:
        tag = ""

        def attempt() -> None:
            nonlocal tag
            there = target.seek(0, 2) if tag else 0
            headers = {"Range": f"bytes={there}-", "If-Range": tag} if there else {}
            with self._http.get(path.request_url(), headers) as response:
                if there and response.status_code == _BEYOND and _span(response, path)[1] == there:
                    return
                _require(response, path)
                if response.status_code != _PART or _span(response, path)[0] != there:
                    there = 0
                target.seek(there)
                target.truncate()
                tag = _tag(response)
                _append(response, target, lasting=bool(tag))

        try_again(self._retry, path, attempt)

    def _part(self, source: WebBytes, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop` of `source`, which is at least so long."""
        path = source.path
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if source.tag:
            headers["If-Match"] = source.tag

        def attempt() -> bytes:
            with self._http.get(path.request_url(), headers) as response:
                if response.status_code in (_CHANGED, _BEYOND):
                    raise _changed(path)
                _require(response, path)
                if _span(response, path) != (start, source.size):
                    raise _changed(path)
                body = _body(response, path, stop - start)
            if len(body) != stop - start:
                raise TransientError("the connection broke")
            return body

        return try_again(self._retry, path, attempt)


class WebBytes:
    """A file of an http(s) server (`RemoteBytes`); what it holds when opened has to stay.

    tag: its strong entity tag, empty where it has none.
    """

    def __init__(
        self,
        part: Callable[[WebBytes, int, int], bytes],
        path: RemotePath,
        size: int,
        tag: str,
        stamp: str | None,
    ) -> None:
        self._part = part
        self.path = path
        self.name = str(path)
        self.size = size
        self.tag = tag
        self.stamp = stamp

    def read_at(self, offset: int, length: int) -> bytes:
        stop = min(offset + length, self.size)
        return self._part(self, offset, stop) if offset < stop else b""

    def close(self) -> None:
        """Nothing is held open."""


def _require(response: httpx2.Response, path: RemotePath) -> None:
    """Pass an answer that brings what was asked for. Raises RemoteError and TransientError."""
    status = response.status_code
    if status in _MISSING:
        raise MissingError(str(path))
    if status in _DENIED:
        raise RemoteError(
            str(path),
            f"the server refuses it ({status}); give a URL that is signed and still valid",
        )
    try:
        require_success(response)
    except RefusedError:
        what = f"the server answered {status} {response.reason_phrase}".rstrip()
        raise RemoteError(str(path), what) from None


def _span(response: httpx2.Response, path: RemotePath) -> tuple[int, int]:
    """Where the part in the answer begins, and the size of the whole file."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code == _WHOLE or found is None:
        raise RemoteError(
            str(path),
            "the server does not hand out parts of files; download the file and give its path",
        )
    return int(found[1] or 0), int(found[2])


def _changed(path: RemotePath) -> RemoteError:
    return RemoteError(str(path), "the file changed while it was read; run the same command again")


def _body(response: httpx2.Response, path: RemotePath, limit: int) -> bytes:
    """The body of `response`, at most `limit` bytes."""
    stated = response.headers.get("Content-Length", "")
    if stated.isdecimal() and int(stated[:18]) > limit:
        raise TooManyBytesError(str(path), int(stated[:18]))
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            raise TooManyBytesError(str(path), len(body))
    return bytes(body)


def _append(response: httpx2.Response, target: BinaryIO, *, lasting: bool) -> None:
    """Write the body into `target`. lasting: whether what has come need not come again."""
    progressed = False
    try:
        for chunk in response.iter_raw():
            target.write(chunk)
            progressed = lasting
    except httpx2.TransportError as error:
        raise TransientError("the connection broke", progressed=progressed) from error


def _tag(response: httpx2.Response) -> str:
    tag: str = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else ""


def _stamp(response: httpx2.Response) -> str | None:
    """Text that changes with the file: its entity tag, or when it was modified."""
    modified: str | None = response.headers.get("Last-Modified")
    return _tag(response) or modified


def _listed(page: str, url: str) -> list[Entry]:
    """The files and folders just below `url` that an index page links to."""
    finder = _Links()
    finder.feed(page)
    found: dict[str, Entry] = {}
    for link in finder.links:
        try:
            name = _name_below(url, urljoin(url, link))
        except ValueError:
            continue
        if name is not None:
            found[name.rstrip("/")] = Entry(name.rstrip("/"), is_folder=name.endswith("/"))
    return [found[name] for name in sorted(found)]


def _name_below(url: str, link: str) -> str | None:
    """The name, with a slash behind it for a folder, where `link` leads just below `url`.

    Raises ValueError where `link` is none.
    """
    folder, target = urlsplit(url), urlsplit(link)
    below = target.path.removeprefix(folder.path)
    if target.netloc != folder.netloc or below == target.path or "%2f" in below.lower():
        return None
    name = unquote(below, errors="strict")
    return name if is_below(name.removesuffix("/")) and "/" not in name[:-1] else None


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
