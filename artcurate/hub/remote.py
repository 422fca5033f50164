"""A dataset repository on the Hub: the Hub's own client, with patience and plain errors."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import huggingface_hub as hub
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.lfs import UploadInfo, post_lfs_batch_info
from huggingface_hub.utils import build_hf_headers, disable_progress_bars  # type: ignore[attr-defined]

from artcurate.errors import UsageError
from artcurate.hub.refusals import (
    CLIENT_ERRORS,
    asked_pause,
    in_a_sentence,
    is_transient,
    reason,
)
from artcurate.net.retry import Retry, TransientError
from artcurate.net.secret import Secret

_KIND = "dataset"
_MAIN = "main"
#: Objects that one request may ask about.
_BATCH = 256
_UPLOADS_AT_A_TIME = 5
_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)

_Result = TypeVar("_Result")
Operation = hub.CommitOperationAdd | hub.CommitOperationDelete


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. sha256: of a large file; a small one is known by its bytes alone."""

    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class RemoteState:
    """A repository at one commit. tags: the commit behind each tag."""

    head: str
    private: bool
    gated: bool
    files: Mapping[str, RemoteFile]
    tags: Mapping[str, str]


class Remote:
    """One dataset repository, named USER/NAME; UsageError for another name.

    Every method raises HubError, of one sentence, where the Hub refuses or cannot be reached;
    what may pass is tried again first.
    """

    def __init__(
        self,
        repo: str,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        retry: Retry | None = None,
    ) -> None:
        if not _NAME.fullmatch(repo):
            raise UsageError(f"{repo}: no repository's name; write USER/NAME.")
        self.repo = repo
        # Its lines name addresses that are signed, and its bars would stand beside our own.
        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
        disable_progress_bars()
        endpoint = endpoint or os.environ.get("HF_ENDPOINT")
        self._api = hub.HfApi(endpoint=endpoint, token=token, library_name="artcurate")
        self._token = token
        self._retry = retry or Retry()

    @property
    def url(self) -> str:
        """Where a person finds the repository."""
        return f"{self._api.endpoint}/datasets/{self.repo}"

    def user(self) -> str:
        """The name behind the token. Raises UsageError where there is no token."""
        if not self._secret():
            raise UsageError(
                "the Hub wants to know who you are: log in with `hf auth login`, or set HF_TOKEN "
                "to a token that may write."
            )
        return str(self._call(self._api.whoami)["name"])

    def state(self, revision: str = _MAIN) -> RemoteState | None:
        """The repository at `revision`; None where there is none, or none that you may see."""
        try:
            info = self._call(
                lambda: self._api.dataset_info(self.repo, revision=revision),
                expected=(RepositoryNotFoundError,),
            )
        except RepositoryNotFoundError:
            return None
        head = str(info.sha)
        refs = self._call(lambda: self._api.list_repo_refs(self.repo, repo_type=_KIND))
        return RemoteState(
            head=head,
            private=bool(info.private),
            gated=bool(info.gated),
            files=self.files(head),
            tags={tag.name: tag.target_commit for tag in refs.tags},
        )

    def files(self, revision: str) -> dict[str, RemoteFile]:
        """Every file at `revision`, by path."""
        entries = self._call(
            lambda: list(
                self._api.list_repo_tree(
                    self.repo, recursive=True, revision=revision, repo_type=_KIND
                )
            )
        )
        return {
            entry.path: RemoteFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None)
            for entry in entries
            if isinstance(entry, hub.RepoFile)
        }

    def read(self, path: str, revision: str) -> bytes:
        """The bytes of a small file at `revision`."""
        with tempfile.TemporaryDirectory(prefix="artcurate-") as folder:
            return self.fetch(path, revision, Path(folder)).read_bytes()

    def fetch(self, path: str, revision: str, folder: Path) -> Path:
        """Put a file at `revision` under its path into `folder`, and say where it lies."""
        return Path(
            self._call(
                lambda: self._api.hf_hub_download(
                    self.repo, path, repo_type=_KIND, revision=revision, local_dir=folder
                )
            )
        )

    def stored(self, objects: Mapping[str, int]) -> frozenset[str]:
        """Those of `objects` (bytes by sha256) that the Hub holds already; nothing is sent."""
        missing: set[str] = set()
        wanted = list(objects.items())
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            missing |= self._call(partial(self._missing, part))
        return frozenset(objects) - missing

    def _missing(self, objects: Sequence[tuple[str, int]]) -> set[str]:
        actions, problems, _ = post_lfs_batch_info(
            [UploadInfo(size, b"", bytes.fromhex(sha256)) for sha256, size in objects],
            token=None,
            repo_type=_KIND,
            repo_id=self.repo,
            endpoint=self._api.endpoint,
            headers=build_hf_headers(token=self._token, library_name="artcurate"),
        )
        wanted = {str(one["oid"]) for one in actions if one.get("actions")}
        return wanted | {str(one["oid"]) for one in problems}

    def create(self) -> None:
        """Make the repository, private, where there is none."""
        self._call(
            lambda: self._api.create_repo(self.repo, repo_type=_KIND, private=True, exist_ok=True)
        )

    def settings(
        self, *, private: bool | None = None, gated: Literal["auto", "manual"] | None = None
    ) -> None:
        """Change who may see the repository and who has to ask."""
        self._call(
            lambda: self._api.update_repo_settings(
                self.repo, repo_type=_KIND, private=private, gated=gated
            )
        )

    def upload(self, additions: Sequence[hub.CommitOperationAdd], ref: str = _MAIN) -> None:
        """Send the large files among `additions`, those alone that the Hub lacks."""
        # The client tries each file again by itself.
        self._call(
            lambda: self._api.preupload_lfs_files(
                self.repo,
                additions,
                repo_type=_KIND,
                revision=ref,
                num_threads=_UPLOADS_AT_A_TIME,
                free_memory=False,
            ),
            once=True,
        )

    def commit(
        self, operations: Sequence[Operation], message: str, *, parent: str, ref: str = _MAIN
    ) -> str:
        """Commit `operations` on `parent` and give the new commit.

        Raises RaceError when `ref` no longer points to `parent`.
        """
        info = self._call(
            lambda: self._api.create_commit(
                self.repo,
                operations,
                commit_message=message,
                repo_type=_KIND,
                revision=ref,
                parent_commit=parent,
            )
        )
        return str(info.oid)

    def open_pull_request(self, title: str) -> int:
        """The number of a new pull request, whose commits go to `refs/pr/NUMBER`."""
        request = self._call(
            lambda: self._api.create_pull_request(self.repo, title, repo_type=_KIND)
        )
        return request.num

    def merge_pull_request(self, number: int) -> str:
        """Merge the pull request into main and give the new commit.

        The Hub merges as git does: what somebody has committed to main in the meantime stays.

        Raises RaceError where both changed a file.
        """
        self._change_status(number, "open")
        self._call(lambda: self._merge(number))
        return self._head(_MAIN)

    def _merge(self, number: int) -> None:
        try:
            self._api.merge_pull_request(self.repo, number, repo_type=_KIND)
        except HfHubHTTPError:
            # The answer to a merge that went through may have been lost on the way.
            if not any(one.num == number and one.status == "merged" for one in self._pulls()):
                raise

    def close_pull_requests(self, title: str) -> None:
        """Close what an earlier run opened under `title` and did not finish."""
        for one in self._call(self._pulls):
            if one.title == title and one.status in ("draft", "open"):
                self._change_status(one.num, "closed")

    def _pulls(self) -> list[hub.Discussion]:
        return list(
            self._api.get_repo_discussions(
                self.repo, discussion_type="pull_request", repo_type=_KIND
            )
        )

    def _change_status(self, number: int, status: Literal["open", "closed"]) -> None:
        self._call(
            lambda: self._api.change_discussion_status(self.repo, number, status, repo_type=_KIND)
        )

    def _head(self, ref: str) -> str:
        return str(self._call(lambda: self._api.dataset_info(self.repo, revision=ref)).sha)

    def tag(self, name: str, commit: str) -> None:
        """Tag `commit`."""
        self._call(
            lambda: self._api.create_tag(
                self.repo, tag=name, revision=commit, repo_type=_KIND, exist_ok=True
            )
        )

    def _secret(self) -> Secret | None:
        token = self._token or hub.get_token()
        return Secret(token) if token else None

    def _call(
        self,
        request: Callable[[], _Result],
        *,
        once: bool = False,
        expected: tuple[type[Exception], ...] = (),
    ) -> _Result:
        """What `request` gives, tried again while that may help, unless only `once` is wanted."""

        def attempt() -> _Result:
            try:
                return request()
            except expected:
                raise
            except CLIENT_ERRORS as error:
                if not once and is_transient(error):
                    why = self._hidden(reason(error))
                    raise TransientError(why, wait=asked_pause(error)) from error
                sentence = in_a_sentence(error, self.repo)
                raise type(sentence)(self._hidden(str(sentence))) from None

        return self._retry.run(self.repo, attempt)

    def _hidden(self, text: str) -> str:
        secret = self._secret()
        return secret.hide(text) if secret else text
