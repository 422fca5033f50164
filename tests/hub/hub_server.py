"""A loopback server that speaks the Hub's protocol, remembers every request and makes faults."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml
from hub_store import LARGE_BYTES, LARGE_ENDINGS, Blob, Hub, PullRequest, Refused, Repository

TOKEN = "hf_TheSecretOfTheTests"  # noqa: S105
USER = "somebody"


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match.

    status: the answer, with `headers`, instead of the right one.
    drop: the connection is cut in the middle of the request's or the answer's body.
    lose: the request is carried out and the connection cut before the answer.
    before: called first, in place of somebody who does something at that very moment.
    """

    method: str
    path: str
    status: int = 0
    message: str = "injected"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    lose: bool = False
    before: Callable[[], object] | None = None
    times: int = 1


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class HubServer:
    """The server of one test; `url` is what HF_ENDPOINT wants."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.chunk_size: int | None = None
        """Bytes of a part, where large files go in several."""
        self.parts: dict[str, dict[int, bytes]] = {}
        self.token_valid = True
        self.pauses: list[float] = []
        """Seconds that the Hub's client would have waited."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.store = f"http://localhost:{self._http.server_port}"
        """Large files lie under another name, where no token belongs."""

    @contextmanager
    def running(self) -> Iterator[HubServer]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def environment(self) -> dict[str, str]:
        """What a command needs to talk to this server."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests so far whose path holds the pattern."""
        return [one for one in self.requests if one.method == method and re.search(path, one.path)]

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self.hub.guard:
            for fault in self.faults:
                if fault.times and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None


def _handler(server: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.server_ = server
    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_: HubServer

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        fault = self.server_.next_fault(self.command, path)
        if fault and fault.before:
            fault.before()
        if fault and fault.drop and self.command == "PUT":
            self._read(int(self.headers["Content-Length"]) // 2)
            self._cut()
            return
        body = self._read(int(self.headers.get("Content-Length") or 0))
        with self.server_.hub.guard:
            self.server_.requests.append(
                Request(self.command, self.path, dict(self.headers.items()), body)
            )
        if fault and fault.status:
            self._answer(
                fault.status,
                {"error": fault.message},
                {"X-Error-Message": fault.message, **fault.headers},
            )
            return
        self._cut_half = bool(fault and fault.drop)
        self._lose = bool(fault and fault.lose)
        try:
            with self.server_.hub.guard:
                self._route(path, parse_qs(url.query), body)
        except Refused as refused:
            headers = {"X-Error-Message": refused.message}
            if refused.code:
                headers["X-Error-Code"] = refused.code
            self._answer(refused.status, {"error": refused.message}, headers)

    def _read(self, count: int) -> bytes:
        return self.rfile.read(count) if count else b""

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(
        self, status: int, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._send(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        if getattr(self, "_lose", False):
            self._cut()
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if getattr(self, "_cut_half", False):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self._cut()
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def _route(self, path: str, query: Mapping[str, list[str]], body: bytes) -> None:
        for method, pattern, action in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split():
                action(self, query=query, body=body, **found.groupdict())
                return
        raise Refused(404, f"no such address: {self.command} {path}")

    def _check_token(self) -> None:
        given = self.headers.get("Authorization", "")
        if given != f"Bearer {TOKEN}" or not self.server_.token_valid:
            raise Refused(401, "Invalid credentials in Authorization header")

    def _repository(self, repo: str, *, write: bool = False) -> Repository:
        repository = self.server_.hub.find(repo)
        if write or repository.private or self.headers.get("Authorization"):
            self._check_token()
        return repository

    def whoami(self, **_: Any) -> None:
        self._check_token()
        access = {"displayName": "tests", "role": "write"}
        self._answer(
            200,
            {"type": "user", "name": USER, "orgs": [], "auth": {"accessToken": access}},
        )

    def create(self, body: bytes, **_: Any) -> None:
        self._check_token()
        wanted = json.loads(body)
        name = f"{wanted.get('organization') or USER}/{wanted['name']}"
        url = f"{self.server_.url}/datasets/{name}"
        private = wanted.get("visibility", "public") == "private"
        if name in self.server_.hub.repositories:
            self._answer(409, {"error": "You already created this dataset repo", "url": url})
            return
        self.server_.hub.create(name, private=private)
        self._answer(200, {"url": url, "name": name, "id": "0" * 24})

    def settings(self, repo: str, body: bytes, **_: Any) -> None:
        repository = self._repository(repo, write=True)
        wanted = json.loads(body)
        if "visibility" in wanted:
            repository.private = wanted["visibility"] == "private"
        repository.gated = wanted.get("gated", repository.gated)
        self._answer(200, {"private": repository.private, "gated": repository.gated})

    def validate_yaml(self, body: bytes, **_: Any) -> None:
        content = json.loads(body)["content"]
        head = re.match(r"---\n(.*?)^---$", content, flags=re.MULTILINE | re.DOTALL)
        try:
            data = yaml.safe_load(head[1]) if head else {}
        except yaml.YAMLError as error:
            self._answer(400, {"errors": [{"message": str(error)}], "warnings": []})
            return
        problems = [
            {"message": f'"{key}" must be a list'}
            for key in ("configs", "tags", "task_categories")
            if key in data and not isinstance(data[key], list)
        ]
        self._answer(400 if problems else 200, {"errors": problems, "warnings": []})

    def information(self, repo: str, revision: str = "main", **_: Any) -> None:
        repository = self._repository(repo)
        oid = repository.resolve(revision)
        tree = repository.trees[oid]
        self._answer(
            200,
            {
                "_id": "0" * 24,
                "id": repo,
                "author": repo.split("/")[0],
                "sha": oid,
                "private": repository.private,
                "gated": repository.gated,
                "disabled": False,
                "downloads": 0,
                "likes": 0,
                "tags": [],
                "lastModified": "2026-01-01T00:00:00.000Z",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": name} for name in sorted(tree)],
            },
        )

    def tree(self, repo: str, revision: str, query: Mapping[str, list[str]], **named: Any) -> None:
        repository = self._repository(repo)
        tree = repository.trees[repository.resolve(revision)]
        folder = f"{named['folder'].strip('/')}/" if named.get("folder") else ""
        below = {path: blob for path, blob in sorted(tree.items()) if path.startswith(folder)}
        if folder and not below:
            raise Refused(404, f"{folder} does not exist", "EntryNotFound")
        recursive = query.get("recursive", ["false"])[0].lower() == "true"
        entries: dict[str, dict[str, Any]] = {}
        for path, blob in below.items():
            first, *rest = path.removeprefix(folder).split("/")
            if rest:
                entries[folder + first] = _folder_entry(folder + first)
            if recursive or not rest:
                entries[path] = _file_entry(path, blob)
        everything = list(entries.values())
        start, size = int(query.get("cursor", ["0"])[0]), 50
        headers = {}
        if start + size < len(everything):
            following = f"{self.server_.url}{urlsplit(self.path).path}"
            flags = f"recursive={str(recursive).lower()}&cursor={start + size}"
            headers["Link"] = f'<{following}?{flags}>; rel="next"'
        self._answer(200, everything[start : start + size], headers)

    def paths_info(self, repo: str, revision: str, body: bytes, **_: Any) -> None:
        repository = self._repository(repo)
        tree = repository.trees[repository.resolve(revision)]
        if self.headers["Content-Type"].startswith("application/json"):
            wanted = json.loads(body)["paths"]
        else:
            wanted = parse_qs(body.decode()).get("paths", [])
        found = []
        for path in wanted:
            if path in tree:
                found.append(_file_entry(path, tree[path]))
            elif any(name.startswith(f"{path}/") for name in tree):
                found.append(_folder_entry(path))
        self._answer(200, found)

    def refs(self, repo: str, query: Mapping[str, list[str]], **_: Any) -> None:
        repository = self._repository(repo)

        def those_in(folder: str) -> list[dict[str, str]]:
            return [
                {"name": ref.removeprefix(folder), "ref": ref, "targetCommit": oid}
                for ref, oid in repository.refs.items()
                if ref.startswith(folder)
            ]

        answer: dict[str, Any] = {
            "branches": those_in("refs/heads/"),
            "tags": those_in("refs/tags/"),
            "converts": [],
        }
        if query.get("include_prs"):
            answer["pullRequests"] = those_in("refs/pr/")
        self._answer(200, answer)

    def tag(self, repo: str, name: str, body: bytes, **_: Any) -> None:
        repository = self._repository(repo, write=True)
        if self.command == "DELETE":
            if repository.refs.pop(f"refs/tags/{name}", None) is None:
                raise Refused(404, "no such tag", "RevisionNotFound")
        else:
            tag = json.loads(body)["tag"]
            if f"refs/tags/{tag}" in repository.refs:
                raise Refused(409, f"Tag {tag} already exists")
            repository.refs[f"refs/tags/{tag}"] = repository.resolve(name)
        self._answer(200, {})

    def preupload(self, repo: str, revision: str, body: bytes, **_: Any) -> None:
        repository = self._repository(repo, write=True)
        tree = repository.trees[repository.refs[repository.ref_to_write(revision)]]
        answers = []
        for file in json.loads(body)["files"]:
            large = file["path"].endswith(LARGE_ENDINGS) or file["size"] > LARGE_BYTES
            there = tree.get(file["path"])
            answers.append(
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    **({"oid": there.etag} if there else {}),
                }
            )
        self._answer(200, {"files": answers})

    def batch(self, repo: str, body: bytes, **_: Any) -> None:
        self._repository(repo, write=True)
        answers = []
        for wanted in json.loads(body)["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            answer: dict[str, Any] = {"oid": oid, "size": size}
            if oid not in self.server_.hub.large:
                upload: dict[str, Any] = {"href": f"{self.server_.store}/large/{oid}?signature=x"}
                if self.server_.chunk_size and size > self.server_.chunk_size:
                    upload["header"] = self._parts(oid, size, self.server_.chunk_size)
                verify = {"href": f"{self.server_.url}/datasets/{repo}.git/verify"}
                answer["actions"] = {"upload": upload, "verify": verify}
            answers.append(answer)
        self._answer(200, {"transfer": "basic", "objects": answers})

    def _parts(self, oid: str, size: int, chunk: int) -> dict[str, str]:
        count = -(-size // chunk)
        urls = {
            str(number): f"{self.server_.store}/large/{oid}/{number}"
            for number in range(1, count + 1)
        }
        return {"chunk_size": str(chunk), **urls}

    def put_large(self, oid: str, body: bytes, number: str | None = None, **_: Any) -> None:
        if number:
            self.server_.parts.setdefault(oid, {})[int(number)] = body
        else:
            self.server_.hub.large[oid] = body
        self._answer(200, {}, {"ETag": f'"{number or 0}"'})

    def complete(self, oid: str, body: bytes, **_: Any) -> None:
        numbers = [part["partNumber"] for part in json.loads(body)["parts"]]
        parts = self.server_.parts.pop(oid)
        self.server_.hub.large[oid] = b"".join(parts[number] for number in numbers)
        self._answer(200, {})

    def verify(self, repo: str, body: bytes, **_: Any) -> None:
        self._repository(repo, write=True)
        wanted = json.loads(body)
        if len(self.server_.hub.large.get(wanted["oid"], b"")) != wanted["size"]:
            raise Refused(400, "the uploaded file has another size")
        self._answer(200, {})

    def commit(self, repo: str, revision: str, body: bytes, **_: Any) -> None:
        self._repository(repo, write=True)
        first, *lines = [json.loads(line) for line in body.splitlines()]
        operations = []
        for line in lines:
            value = dict(line["value"])
            if line["key"] == "file":
                value["content"] = base64.b64decode(value["content"])
            operations.append((line["key"], value))
        oid = self.server_.hub.commit(repo, revision, first["value"], operations)
        url = f"{self.server_.url}/datasets/{repo}/commit/{oid}"
        self._answer(200, {"commitUrl": url, "commitOid": oid, "success": True})

    def discussions(self, repo: str, body: bytes, query: Mapping[str, list[str]], **_: Any) -> None:
        repository = self._repository(repo, write=True)
        if self.command == "POST":
            title = json.loads(body)["title"]
            num = len(repository.pulls) + 1
            head = repository.refs[f"refs/pr/{num}"] = repository.refs["refs/heads/main"]
            repository.pulls[num] = PullRequest(num, title, head)
            self._answer(200, {"num": num, "pullRequest": True})
            return
        wanted = query.get("status", ["all"])[0]
        shown = [
            _discussion(repo, pull)
            for pull in repository.pulls.values()
            if wanted == "all" or pull.status == wanted
        ]
        self._answer(200, {"discussions": shown, "count": len(shown), "start": 0})

    def discussion(self, repo: str, num: str, **_: Any) -> None:
        repository = self._repository(repo, write=True)
        changes = {"base": "refs/heads/main"}
        details = {"events": [], "changes": changes, "filesWithConflicts": [], "diff": ""}
        self._answer(200, {**_discussion(repo, repository.pulls[int(num)]), **details})

    def change_discussion(self, repo: str, num: str, what: str, body: bytes, **_: Any) -> None:
        repository = self._repository(repo, write=True)
        if what == "merge":
            self.server_.hub.merge(repo, int(num))
            self._answer(200, {})
            return
        status = repository.pulls[int(num)].status = json.loads(body)["status"]
        event = {
            "id": "0",
            "type": "status-change",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "author": {"name": USER},
            "data": {"status": status},
        }
        self._answer(200, {"newStatus": event})

    def file(self, repo: str, revision: str, path: str, **_: Any) -> None:
        repository = self._repository(repo)
        oid = repository.resolve(revision)
        blob = repository.trees[oid].get(path)
        if blob is None:
            raise Refused(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": oid, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        if blob.sha256 is not None:
            headers["X-Linked-Size"] = str(blob.size)
            headers["X-Linked-Etag"] = f'"{blob.sha256}"'
            headers["Location"] = f"{self.server_.store}/large/{blob.sha256}"
            self._send(302, b"", headers)
            return
        self._content(blob.content or b"", headers)

    def get_large(self, oid: str, **_: Any) -> None:
        if oid not in self.server_.hub.large:
            raise Refused(404, "no such file")
        self._content(self.server_.hub.large[oid], {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})

    def _content(self, content: bytes, headers: Mapping[str, str]) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            self._send(200, content, headers)
            return
        start = int(wanted[1])
        end = min(int(wanted[2]) + 1 if wanted[2] else len(content), len(content))
        if start >= len(content):
            self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        span = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        self._send(206, content[start:end], {**headers, **span})


def _folder_entry(path: str) -> dict[str, Any]:
    return {"type": "directory", "oid": "0" * 40, "size": 0, "path": path}


def _file_entry(path: str, blob: Blob) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": blob.git_oid, "size": blob.size, "path": path}
    if blob.sha256 is not None:
        pointer = len(blob.pointer)
        entry["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": pointer}
    return entry


def _discussion(repo: str, pull: PullRequest) -> dict[str, Any]:
    return {
        "num": pull.num,
        "title": pull.title,
        "author": {"name": USER},
        "createdAt": "2026-01-01T00:00:00.000Z",
        "status": pull.status,
        "repo": {"name": repo, "type": "dataset"},
        "isPullRequest": True,
    }


_REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
_REVISION = r"(?P<revision>refs/pr/\d+|[^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("GET", r"/api/whoami-v2", _Handler.whoami),
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.validate_yaml),
    ("GET", _REPO, _Handler.information),
    ("GET", rf"{_REPO}/revision/{_REVISION}", _Handler.information),
    ("PUT", rf"{_REPO}/settings", _Handler.settings),
    ("GET", rf"{_REPO}/tree/{_REVISION}(?P<folder>/.*)?", _Handler.tree),
    ("POST", rf"{_REPO}/paths-info/{_REVISION}", _Handler.paths_info),
    ("GET", rf"{_REPO}/refs", _Handler.refs),
    ("POST DELETE", rf"{_REPO}/tag/(?P<name>[^/]+)", _Handler.tag),
    ("POST", rf"{_REPO}/preupload/{_REVISION}", _Handler.preupload),
    ("POST", rf"{_REPO}/commit/{_REVISION}", _Handler.commit),
    ("GET POST", rf"{_REPO}/discussions", _Handler.discussions),
    ("GET", rf"{_REPO}/discussions/(?P<num>\d+)", _Handler.discussion),
    (
        "POST",
        rf"{_REPO}/discussions/(?P<num>\d+)/(?P<what>merge|status)",
        _Handler.change_discussion,
    ),
    (
        "POST",
        r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch",
        _Handler.batch,
    ),
    ("POST", r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/verify", _Handler.verify),
    ("PUT", r"/large/(?P<oid>[0-9a-f]{64})(?:/(?P<number>\d+))?", _Handler.put_large),
    ("POST", r"/large/(?P<oid>[0-9a-f]{64})", _Handler.complete),
    ("GET HEAD", r"/large/(?P<oid>[0-9a-f]{64})", _Handler.get_large),
    (
        "GET HEAD",
        rf"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/{_REVISION}/(?P<path>.+)",
        _Handler.file,
    ),
)
