"""What a Hub keeps: repositories with commits, trees, refs and pull requests, and large files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LARGE_ENDINGS = (".parquet", ".png", ".zip")
LARGE_BYTES = 10_000_000


class Refused(Exception):  # noqa: N818
    """A request that the Hub answers with an error."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Blob:
    """A file of a tree; a large one holds the sha256 of its bytes instead of them."""

    size: int
    content: bytes | None = None
    sha256: str | None = None

    @property
    def git_oid(self) -> str:
        content = self.content if self.content is not None else self.pointer
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324

    @property
    def pointer(self) -> bytes:
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
        return f"{text}size {self.size}\n".encode()

    @property
    def etag(self) -> str:
        return self.sha256 or self.git_oid


Tree = Mapping[str, Blob]


@dataclass
class PullRequest:
    num: int
    title: str
    base: str
    status: str = "draft"


@dataclass
class Repository:
    name: str
    private: bool
    gated: bool | str = False
    trees: dict[str, Tree] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)

    def add_commit(self, ref: str, tree: Tree, title: str) -> str:
        parent = self.refs.get(ref)
        names = "\n".join(f"{path} {blob.etag}" for path, blob in sorted(tree.items()))
        text = f"{parent} {title} {len(self.trees)}\n{names}"
        oid = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324
        self.trees[oid], self.parents[oid], self.titles[oid] = dict(tree), parent, title
        self.refs[ref] = oid
        return oid

    def resolve(self, revision: str) -> str:
        """The commit that a branch, a tag, a pull request's ref or an oid names."""
        for ref in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if ref in self.refs:
                return self.refs[ref]
        if revision in self.trees:
            return revision
        raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def ref_to_write(self, revision: str) -> str:
        ref = revision if revision.startswith("refs/") else f"refs/heads/{revision}"
        if ref not in self.refs:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return ref

    def history(self, revision: str) -> list[str]:
        """Titles of the commits that lead to `revision`, the newest first."""
        found, oid = [], self.resolve(revision)
        while oid is not None:
            found.append(self.titles[oid])
            oid = self.parents[oid]
        return found


class Hub:
    """Every repository and large file of one server; safe to use from several threads."""

    def __init__(self) -> None:
        self.guard = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}

    def create(self, name: str, *, private: bool) -> Repository:
        if name in self.repositories:
            raise Refused(409, "You already created this dataset repo")
        repository = self.repositories[name] = Repository(name, private)
        attributes = Blob(39, content=b"*.parquet filter=lfs diff=lfs merge=lfs")
        repository.add_commit("refs/heads/main", {".gitattributes": attributes}, "initial commit")
        return repository

    def find(self, name: str) -> Repository:
        if name not in self.repositories:
            raise Refused(401, "Repository not found", "RepoNotFound")
        return self.repositories[name]

    def bytes_of(self, blob: Blob) -> bytes:
        return blob.content if blob.content is not None else self.large[str(blob.sha256)]

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Path and bytes of every file of a repository, for the tests to look at."""
        repository = self.find(name)
        tree = repository.trees[repository.resolve(revision)]
        return {path: self.bytes_of(blob) for path, blob in tree.items()}

    def write(self, name: str, files: Mapping[str, bytes], title: str = "by hand") -> str:
        """A commit that somebody else makes."""
        repository = self.find(name)
        tree = dict(repository.trees[repository.refs["refs/heads/main"]])
        for path, content in files.items():
            if path.endswith(LARGE_ENDINGS):
                sha256 = hashlib.sha256(content).hexdigest()
                self.large[sha256] = content
                tree[path] = Blob(len(content), sha256=sha256)
            else:
                tree[path] = Blob(len(content), content=content)
        return repository.add_commit("refs/heads/main", tree, title)

    def commit(
        self, name: str, revision: str, header: Mapping[str, Any], operations: Iterable[Any]
    ) -> str:
        """Apply the lines of a commit. Refuses one whose parent is no longer the head."""
        repository = self.find(name)
        ref = repository.ref_to_write(revision)
        head = repository.refs[ref]
        parent = header.get("parentCommit")
        if parent and parent != head:
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(repository.trees[head])
        for key, value in operations:
            self._apply(tree, key, value)
        return repository.add_commit(ref, tree, header["summary"])

    def _apply(self, tree: dict[str, Blob], key: str, value: Mapping[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            tree[path] = Blob(len(value["content"]), content=value["content"])
        elif key == "lfsFile":
            if value["oid"] not in self.large:
                raise Refused(400, f"LFS pointer pointed to a file that does not exist: {path}")
            tree[path] = Blob(len(self.large[value["oid"]]), sha256=value["oid"])
        elif key == "deletedFile" and path in tree:
            del tree[path]
        elif key == "deletedFolder":
            for other in [one for one in tree if one.startswith(f"{path.rstrip('/')}/")]:
                del tree[other]
        else:
            raise Refused(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")

    def merge(self, name: str, num: int) -> None:
        """Merge as git does: what one side has changed stands, what both have is a conflict."""
        repository = self.find(name)
        pull = repository.pulls[num]
        if pull.status != "open":
            raise Refused(400, f"This pull request is {pull.status} and cannot be merged")
        base = repository.trees[pull.base]
        here = repository.trees[repository.refs["refs/heads/main"]]
        theirs = repository.trees[repository.refs[f"refs/pr/{num}"]]
        merged: dict[str, Blob] = {}
        for path in {*base, *here, *theirs}:
            sides = here.get(path), theirs.get(path)
            if base.get(path) not in sides and sides[0] != sides[1]:
                raise Refused(409, f"This pull request has conflicts in {path}")
            blob = sides[1] if sides[0] == base.get(path) else sides[0]
            if blob is not None:
                merged[path] = blob
        pull.status = "merged"
        repository.add_commit("refs/heads/main", merged, f"{pull.title} (#{num})")
