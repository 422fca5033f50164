"""AI Hub's HTTP API: the files of a dataset, and fetching one with the user's own key.

`/info/{dataset}.do` draws the files as a tree, `name | size | file key` per line, and answers 502
with a good body. `/down/0.6/{dataset}.do?fileSn={file key}` gives a tar with the file in it, a
large zip in parts; without an approval it answers 502 and says so in Korean. Neither is documented
by AI Hub; this is what its own client, aihubshell 0.6, relies on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from artcurate.archives.faults import ArchiveError
from artcurate.errors import DataError
from artcurate.files import file_system_errors
from artcurate.hub.items import Work, require_as_first_seen
from artcurate.hub.staging import Arrived
from artcurate.hub.subset import choose, is_part
from artcurate.hub.tarball import assemble
from artcurate.hub.transfer import Wanted, WrongContentError
from artcurate.hub.unpack import check_archive
from artcurate.net.http import Http, KeyHeader, RefusedError, read_limited, require_success
from artcurate.net.retry import Retry
from artcurate.net.secret import Secret

#: Another server that speaks as AI Hub does, for tests and proxies. Your key goes there.
ENDPOINT_VARIABLE = "ARTCURATE_AIHUB_ENDPOINT"
_ENDPOINT = "https://api.aihub.or.kr"
_NO_PAGE = "페이지가 존재하지 않습니다"
_MAX_TREE = 1 << 24
_MAX_REASON = 1 << 14
_LONGEST_QUOTE = 200
#: A tar adds headers and padding to what it holds.
_TAR_EXTRA = 1 << 22

_BRANCH = re.compile(r"^(?P<lead>[\s│|]*)[├└]─+\s*(?P<label>\S.*?)\s*$")
_LEAF = re.compile(
    r"(?P<name>.+?)\s*\|\s*(?P<number>[0-9][0-9.,]*)\s*(?P<unit>[KMGT]?B)\s*\|\s*(?P<key>[0-9]+)",
    re.IGNORECASE,
)
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the tree shows it.

    path: POSIX, as the tree spells it.
    smallest, largest: bytes between which its size lies; the tree rounds.
    key: what the API calls it.
    """

    path: str
    smallest: int
    largest: int
    key: int


def endpoint() -> str:
    """Where AI Hub's API is asked."""
    return os.environ.get(ENDPOINT_VARIABLE, _ENDPOINT).rstrip("/")


def list_files(http: Http, retry: Retry, dataset: int) -> tuple[ListedFile, ...]:
    """The files of `dataset`, in the order of the tree.

    Raises:
        RefusedError: AI Hub knows no such dataset, or answers something else than a tree.
        DataError: it cannot be reached.
    """
    address = f"{endpoint()}/info/{dataset}.do"

    def ask() -> tuple[ListedFile, ...]:
        with http.get(address) as response:
            text = read_limited(response, _MAX_TREE).decode("utf-8", errors="replace")
            files = parse_tree(text)
            if not files and _NO_PAGE in text:
                raise RefusedError(f"AI Hub knows no dataset {dataset}.")
            if not files:
                require_success(response)
                raise RefusedError(f"AI Hub shows no files of dataset {dataset}.")
        return files

    return retry.run(f"AI Hub {dataset}", ask)


def parse_tree(text: str) -> tuple[ListedFile, ...]:
    """The files in a tree drawn with box characters; other lines are passed over.

    Raises DataError where a path would lead out of its folder, or two files share one.
    """
    folders: list[tuple[int, str]] = []
    files: list[ListedFile] = []
    for line in text.splitlines():
        branch = _BRANCH.match(line)
        if branch is None:
            continue
        column = len(branch["lead"])
        while folders and folders[-1][0] >= column:
            folders.pop()
        leaf = _LEAF.fullmatch(branch["label"])
        name = _plain(leaf["name"] if leaf else branch["label"])
        path = "/".join([*(folder for _, folder in folders), name])
        if leaf is None:
            folders.append((column, name))
            continue
        number, unit = float(leaf["number"].replace(",", "")), _UNITS[leaf["unit"].upper()]
        files.append(
            ListedFile(
                path=path,
                smallest=int(max(number - 1, 0) * unit),
                largest=int((number + 1) * unit),
                key=int(leaf["key"]),
            )
        )
    if len({file.path for file in files}) < len(files):
        raise DataError("AI Hub lists two files under one path, so neither can be told by it.")
    return tuple(files)


def _plain(name: str) -> str:
    if name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
        raise DataError(f"AI Hub lists a file called {name!r}, which may not be written.")
    return name


def select(files: Sequence[ListedFile], subset: Sequence[str]) -> tuple[ListedFile, ...]:
    """Those of `files` whose path holds one of the words of `subset`, or whose key is one.

    All of them where `subset` is empty. Raises UsageError for a word that finds nothing.
    """

    return choose(
        files,
        subset,
        fits=lambda file, word: word == str(file.key) or is_part(word, file.path),
        show=lambda file: f"{file.key} {file.path}",
    )


@dataclass(frozen=True, slots=True)
class AIHubFile:
    """One file of a dataset of AI Hub."""

    dataset: int
    listed: ListedFile
    secret: Secret

    @property
    def path(self) -> str:
        return self.listed.path

    @property
    def size(self) -> int:
        return self.listed.largest

    @property
    def scratch(self) -> int:
        """The tar lies beside the file that is made of it."""
        return self.listed.largest + _TAR_EXTRA

    @property
    def identity(self) -> str:
        return f"aihub:{self.dataset}/{self.listed.key}"

    @property
    def sha256(self) -> None:
        """AI Hub publishes none."""
        return None

    def fetch(self, folder: Path, work: Work) -> Arrived:
        target = folder / self.path
        tar = target.with_name(f".{target.name}.tar")
        arrived: list[Arrived] = []

        def check(path: Path, sha256: str) -> None:
            self._check(path, sha256, work)

        def accept(path: Path) -> None:
            try:
                sha256, size = assemble(path, target.name, target, check)
            except WrongContentError as error:
                # What came may be words of the server, and words may repeat the key.
                raise WrongContentError(self.secret.hide(str(error))) from None
            arrived.append(Arrived(self.path, size, sha256))

        work.transfer.fetch(self._wanted(accept), tar, work.count)
        with file_system_errors(tar):
            tar.unlink()
        return arrived[-1]

    def _wanted(self, accept: Callable[[Path], None]) -> Wanted:
        address = f"{endpoint()}/down/0.6/{self.dataset}.do?fileSn={self.listed.key}"
        return Wanted(
            name=self.path,
            identity=self.identity,
            locate=lambda: address,
            limit=self.listed.largest + _TAR_EXTRA,
            key=KeyHeader("apikey", self.secret),
            check=accept,
            explain=self._explain,
        )

    def _check(self, path: Path, sha256: str, work: Work) -> None:
        """Pass the file at `path`, or raise WrongContentError."""
        size = path.stat().st_size
        if size < self.listed.smallest:
            raise WrongContentError(
                f"{self.path}: {size:,} bytes came where AI Hub lists {self.listed.smallest:,} or "
                "more; it ended early with a status of success."
            )
        if self.path.lower().endswith(".zip"):
            try:
                check_archive(path, work.transfer.retry, name=self.path)
            except ArchiveError as error:
                raise WrongContentError(f"{self.path}: {error.detail}") from None
            except DataError as error:
                raise WrongContentError(str(error)) from None
        require_as_first_seen(work.ledger, self.identity, self.path, sha256)

    def _explain(self, response: httpx2.Response) -> None:
        """Raise RefusedError where the body of a failure is a sentence of AI Hub."""
        body = read_limited(response, _MAX_REASON).decode("utf-8", errors="replace")
        words = self.secret.hide(" ".join(body.split()))[:_LONGEST_QUOTE]
        if "<" in words or not _HANGUL.search(words):
            return
        raise RefusedError(
            f"{self.path}: AI Hub does not give it and says: {words!r}. Check your key and that "
            f"your application for the dataset is approved, at "
            f"https://www.aihub.or.kr/aihubdata/data/view.do?dataSetSn={self.dataset}."
        )
