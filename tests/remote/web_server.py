"""A loopback HTTP server of a folder: with ranges, index pages, and the faults of real servers."""

from __future__ import annotations

import html
import re
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Asked:
    """A request that arrived: its decoded path, query, range, and the bytes that were sent."""

    path: str
    query: dict[str, list[str]]
    range: str | None
    sent: int = 0


@dataclass
class WebServer:
    """Serves `folder`.

    ranges: whether parts of files are handed out.
    tags: whether files have entity tags.
    pages: by path, what stands there in place of what the folder has.
    signature: the `sig` that every request's query has to have.
    faults: by path, what goes wrong with the next answers: a status, or "break" for a connection
        that is closed in the middle of the body.
    """

    folder: Path
    ranges: bool = True
    tags: bool = True
    signature: str | None = None
    pages: dict[str, str] = field(default_factory=dict)
    faults: dict[str, deque[int | str]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def fail(self, path: str, *faults: int | str) -> None:
        self.faults.setdefault(path, deque()).extend(faults)

    def sent(self) -> Counter[str]:
        """Bytes that were sent, by path."""
        total: Counter[str] = Counter()
        for one in self.asked:
            total[one.path] += one.sent
        return total


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[WebServer]:
    served = WebServer(folder, **options)
    server = _QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up as they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: WebServer
    # Header and body leave together: apart, the second waits for an acknowledgement.
    wbufsize = 1 << 16

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        asked = Asked(path, parse_qs(address.query), self.headers.get("Range"))
        self.served.asked.append(asked)
        waiting = self.served.faults.get(path)
        fault = waiting.popleft() if waiting else None
        target = self.served.folder / path.strip("/")
        if isinstance(fault, int):
            self._send(asked, fault, b"fault")
        elif self.served.signature and asked.query.get("sig") != [self.served.signature]:
            self._send(asked, 403, b"not signed")
        elif path in self.served.pages:
            self._send(asked, 200, self.served.pages[path].encode(), {"Content-Type": "text/html"})
        elif target.is_dir() and path.endswith("/"):
            self._send(asked, 200, _page(target), {"Content-Type": "text/html; charset=utf-8"})
        elif target.is_file() and not path.endswith("/"):
            self._send_file(asked, target.read_bytes(), broken=fault == "break")
        else:
            self._send(asked, 404, b"not here")

    def _send_file(self, asked: Asked, data: bytes, *, broken: bool) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        if self.served.tags:
            headers["ETag"] = f'"{sha256(data).hexdigest()[:16]}"'
        wanted = self.headers.get("If-Match")
        if wanted is not None and wanted != headers.get("ETag"):
            self._send(asked, 412, b"")
            return
        found = _RANGE.fullmatch(asked.range or "")
        if not self.served.ranges or found is None:
            self._send(asked, 200, data, headers, broken=broken)
            return
        start, stop = int(found[1]), int(found[2] or len(data)) + 1
        if start >= len(data):
            self._send(asked, 416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        part = data[start:stop]
        place = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
        self._send(asked, 206, part, {**headers, "Content-Range": place}, broken=broken)

    def _send(
        self,
        asked: Asked,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        broken: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        sent = body[: len(body) // 2] if broken else body
        asked.sent += len(sent)
        self.wfile.write(sent)
        self.close_connection = self.close_connection or broken


def _page(folder: Path) -> bytes:
    """What Apache and others list, with the links for sorting and the way up."""
    links = ["?C=N;O=D", "../", "/", "https://example.org/elsewhere.jpg"]
    links += [f"{quote(one.name)}{'/' if one.is_dir() else ''}" for one in folder.iterdir()]
    lines = [f'<a href="{html.escape(link)}">x</a>' for link in links]
    return f"<html><body>{''.join(lines)}</body></html>".encode()
