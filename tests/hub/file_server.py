"""A loopback HTTP server that serves files and fails in every way that servers fail."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Seen:
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


@dataclass
class Fault:
    """What goes wrong with one answer.

    status: answer with this status and `body` in place of the file.
    headers: added to the answer, or changed in it.
    break_after: close the connection after so many bytes of the body.
    end_after: end the body there as if it were whole, with a matching Content-Length.
    """

    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    break_after: int | None = None
    end_after: int | None = None


@dataclass
class Served:
    """A file at a path.

    ranges: whether range requests are honoured.
    lying: honour ranges of any content, whatever `If-Range` says.
    chunked: send it in chunks, without a length.
    """

    data: bytes
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    lying: bool = False
    chunked: bool = False
    kind: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


Answerer = Callable[[Seen], "tuple[Served | None, Fault | None]"]


class FileServer:
    """Files and dynamic answers by path, faults in the order in which they were queued."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.answerers: dict[str, Answerer] = {}
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.seen: list[Seen] = []
        self.pause_per_chunk = 0.0
        self._server = _QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"files": self}))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, path: str) -> list[Seen]:
        return [request for request in self.seen if request.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Seen) -> tuple[Served | None, Fault | None]:
        self.seen.append(request)
        if request.path in self.answerers:
            return self.answerers[request.path](request)
        waiting = self.faults[request.path]
        return self.files.get(request.path), waiting.popleft() if waiting else None


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up as they like."""


@contextmanager
def running() -> Iterator[FileServer]:
    server = FileServer()
    try:
        yield server
    finally:
        server.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: FileServer

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Seen(self.command, address.path, parse_qs(address.query), headers)
        served, fault = self.files.answer(request)
        if fault and fault.status is not None:
            self._send(fault.status, fault.body, fault.headers, None, with_body=with_body)
        elif served is None:
            self._send(404, b"not here", {}, None, with_body=with_body)
        else:
            self._serve(request, served, fault, with_body=with_body)

    def _serve(
        self, request: Seen, served: Served, fault: Fault | None, *, with_body: bool
    ) -> None:
        headers = {"Content-Type": served.kind, **served.headers}
        if served.etag:
            headers["ETag"] = served.etag
        if served.modified:
            headers["Last-Modified"] = served.modified
        status, body = 200, served.data
        start = _range_start(request, served)
        if start is not None and start >= len(served.data):
            self._send(416, b"", {"Content-Range": f"bytes */{len(body)}"}, None)
            return
        if start is not None:
            status, body = 206, served.data[start:]
            last = len(served.data) - 1
            headers["Content-Range"] = f"bytes {start}-{last}/{len(served.data)}"
        if served.chunked:
            headers["Transfer-Encoding"] = "chunked"
        self._send(status, body, headers, fault, with_body=with_body)

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        fault: Fault | None,
        *,
        with_body: bool = True,
    ) -> None:
        if fault and fault.end_after is not None:
            body = body[: fault.end_after]
        self.send_response(status)
        sent = {**headers, **(fault.headers if fault else {})}
        chunked = sent.get("Transfer-Encoding") == "chunked"
        if not chunked:
            sent.setdefault("Content-Length", str(len(body)))
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if not with_body:
            return
        whole = fault is None or fault.break_after is None
        try:
            self._write(body if whole else body[: fault.break_after], chunked=chunked)
            if chunked and whole:
                self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        if not whole:
            self.close_connection = True

    def _write(self, body: bytes, *, chunked: bool) -> None:
        for place in range(0, len(body), 1 << 14):
            piece = body[place : place + (1 << 14)]
            if chunked:
                piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            self.wfile.write(piece)
            if self.files.pause_per_chunk:
                self.wfile.flush()
                time.sleep(self.files.pause_per_chunk)


def _range_start(request: Seen, served: Served) -> int | None:
    if not served.ranges or not request.range:
        return None
    condition = request.headers.get("if-range")
    if condition and not served.lying and condition not in (served.etag, served.modified):
        return None
    return int(request.range.removeprefix("bytes=").removesuffix("-"))
