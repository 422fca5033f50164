"""Datasets on the Hugging Face Hub: what a repository holds, pinned to a commit.

`huggingface_hub` knows the repository, its files and the user's token; the bytes come through
`transfer`, because the client's own downloads start over after an interruption.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TypeVar

from huggingface_hub import HfApi, constants, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.hf_api import RepoSibling

from artcurate.errors import DataError, UsageError
from artcurate.hub.catalogue import HubPlace
from artcurate.hub.items import PlainFile
from artcurate.hub.refusals import CLIENT_ERRORS, asked_pause, is_transient, reason, status_of
from artcurate.hub.subset import choose, is_part
from artcurate.hub.transfer import Wanted, WrongContentError
from artcurate.net.http import KeyHeader, RefusedError
from artcurate.net.retry import Retry, TransientError
from artcurate.net.secret import Secret

_COMMIT_DIGITS = 40
_Answer = TypeVar("_Answer")


def shards(place: HubPlace, retry: Retry, *, subset: Sequence[str] = ()) -> tuple[PlainFile, ...]:
    """The files of `place`, in the order of their names, at the commit its revision names now.

    subset: words of which a file's path must hold one, such as the name of a split; each word has
        to find a file.

    Raises:
        RefusedError: the repository is not there, or not for this user.
        UsageError: no file is called so, or the Hub may not be asked.
        DataError: the Hub cannot be reached, or lists what cannot be.
    """
    api = HfApi(library_name="artcurate")
    try:
        info = retry.run(
            place.repo,
            lambda: _asked(
                lambda: api.dataset_info(place.repo, revision=place.revision, files_metadata=True)
            ),
        )
    except OfflineModeIsEnabled:
        raise UsageError("HF_HUB_OFFLINE is set, so the Hub is not asked; unset it.") from None
    except HfHubHTTPError as error:
        raise RefusedError(_refusal(place, error)) from None
    except (*CLIENT_ERRORS, KeyError, TypeError) as error:
        raise DataError(
            f"{place.repo}: what answered is not the Hub ({type(error).__name__}); check "
            "HF_ENDPOINT and whether a proxy stands in between."
        ) from None
    commit = info.sha or ""
    if len(commit) != _COMMIT_DIGITS:
        raise DataError(f"{place.repo}: the Hub names no commit; try again later.")
    wanted = [
        sibling
        for sibling in info.siblings or []
        if any(fnmatchcase(sibling.rfilename, pattern) for pattern in place.files)
    ]
    if not wanted:
        raise UsageError(f"{place.repo}: has no files {', '.join(place.files)}.")
    chosen = choose(
        wanted,
        subset,
        fits=lambda sibling, word: is_part(word, sibling.rfilename),
        show=lambda sibling: sibling.rfilename,
    )
    files = tuple(_file(place, commit, sibling) for sibling in chosen)
    if len({file.path for file in files}) < len(files):
        raise DataError(f"{place.repo}: holds two files of one name in different folders.")
    return tuple(sorted(files, key=lambda file: file.path))


def _asked(ask: Callable[[], _Answer]) -> _Answer:
    try:
        return ask()
    except CLIENT_ERRORS as error:
        if is_transient(error):
            raise TransientError(reason(error), wait=asked_pause(error)) from error
        raise


def _refusal(place: HubPlace, error: HfHubHTTPError) -> str:
    status = status_of(error)
    if status in (401, 403):
        return (
            f"{place.repo}: the Hub gives it only to users it knows; accept its conditions at "
            f"https://huggingface.co/datasets/{place.repo} and log in with `hf auth login`."
        )
    if status == 404:
        return f"{place.repo}: the Hub has no such dataset, or none at {place.revision!r}."
    return f"{place.repo}: the Hub answered {status}."


def _file(place: HubPlace, commit: str, sibling: RepoSibling) -> PlainFile:
    name = sibling.rfilename
    if sibling.size is None:
        raise DataError(f"{place.repo}/{name}: the Hub does not say how large it is.")
    sha256 = sibling.lfs.sha256 if sibling.lfs else None
    address = hf_hub_url(
        place.repo, name, repo_type="dataset", revision=commit, endpoint=constants.ENDPOINT
    )
    token = get_token()
    wanted = Wanted(
        name=name,
        identity=f"hub:{place.repo}@{commit}/{name}",
        locate=lambda: address,
        limit=sibling.size,
        size=sibling.size,
        sha256=sha256,
        key=KeyHeader("Authorization", Secret(token), "Bearer") if token else None,
        check=None if sha256 else _git_check(name, sibling.blob_id),
    )
    return PlainFile(PurePosixPath(name).name, sibling.size, wanted)


def _git_check(name: str, blob: str | None) -> Callable[[Path], None]:
    """Compares a file, which is small, with the name git gave its content."""

    def check(path: Path) -> None:
        data = path.read_bytes()
        digest = hashlib.sha1(b"blob %d\x00" % len(data), usedforsecurity=False)
        digest.update(data)
        if digest.hexdigest() != blob:
            raise WrongContentError(f"{name}: its bytes are not those that the Hub lists.")

    return check
