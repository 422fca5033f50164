"""What the Hub's client raises, as one sentence with the way out."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
from huggingface_hub import errors

from artcurate.errors import ArtcurateError, UsageError
from artcurate.net.retry import retry_after
from artcurate.package.tables import printable

#: Everything that the client raises when a server or the network does not do as it is asked.
CLIENT_ERRORS = (OSError, ValueError, RuntimeError, httpx2.HTTPError)

_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST = 300
_AGAIN = "run the same command again, which sends only what is missing"


class HubError(ArtcurateError):
    """The Hub, or the way to it, does not do what was asked."""


class RaceError(HubError):
    """Somebody else has changed the repository in the meantime."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error, where there is one."""
    for one in causes(error):
        if isinstance(one, errors.HfHubHTTPError | httpx2.HTTPStatusError):
            return int(one.response.status_code)
    return None


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    status = status_of(error)
    if status is not None:
        return status in _LATER
    return any(isinstance(one, httpx2.TransportError) for one in causes(error))


def asked_pause(error: BaseException) -> float | None:
    """Seconds that the server asks to wait, where it does."""
    for one in causes(error):
        if isinstance(one, errors.HfHubHTTPError):
            return retry_after(one.response.headers.get("Retry-After"))
    return None


def reason(error: BaseException) -> str:
    """Half a sentence: what happened to a request that may be tried again."""
    status = status_of(error)
    if status is None:
        return f"the connection to the Hub failed ({_innermost(error)})"
    words = _words_of(error)
    return f"the Hub answered {status}" + (f" ({words})" if words else "")


def in_a_sentence(error: BaseException, repo: str) -> ArtcurateError:
    """What to tell the user of an error that the client raised about `repo`."""
    if isinstance(error, errors.HFValidationError):
        return UsageError(f"--repo {repo}: write USER/NAME; {_first_line(str(error))}.")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return UsageError("HF_HUB_OFFLINE is set, so the Hub cannot be reached; unset it.")
    status = status_of(error)
    if status is not None:
        return _of_status(status, _words_of(error), repo)
    if any(isinstance(one, httpx2.TransportError) for one in causes(error)):
        return HubError(
            f"{repo}: the connection to the Hub failed ({_innermost(error)}); check the network "
            f"and {_AGAIN}."
        )
    if "LFS batch API" in str(error):
        return HubError(
            f"{repo}: the Hub does not take a file ({_last_line(str(error))}); see the limits of "
            "your account there."
        )
    return HubError(f"{repo}: {_innermost(error)}.")


def _of_status(status: int, words: str, repo: str) -> ArtcurateError:
    said = f" ({words})" if words else ""
    if status == 401:
        return HubError(
            f"{repo}: the Hub does not accept your token, which may have expired, or you may not "
            f"see this repository{said}; log in with `hf auth login` or set HF_TOKEN, and {_AGAIN}."
        )
    if status in (402, 413):
        return HubError(
            f"{repo}: the Hub refuses for want of room{said}; free storage or change the plan of "
            f"the account, and {_AGAIN}."
        )
    if status == 403:
        return HubError(
            f"{repo}: the Hub does not allow it{said}; use a token that may write there, see "
            f"whether the account's storage is used up, and {_AGAIN}."
        )
    if status == 404:
        return HubError(f"{repo}: the Hub has no such dataset, revision or file{said}.")
    if status in (409, 412):
        return RaceError(
            f"{repo}: somebody else changed the repository at the same time, so nothing was "
            f"committed; {_AGAIN}."
        )
    if status in _LATER:
        return HubError(f"{repo}: the Hub answers {status} again and again{said}; {_AGAIN}.")
    return HubError(f"{repo}: the Hub answers {status}{said}.")


def _words_of(error: BaseException) -> str:
    """What the server itself says."""
    for one in causes(error):
        if isinstance(one, errors.HfHubHTTPError) and one.server_message:
            return _first_line(one.server_message)
    return ""


def _innermost(error: BaseException) -> str:
    *_, last = causes(error)
    return _first_line(str(last)) or type(last).__name__


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return _short(lines[0]) if lines else ""


def _last_line(text: str) -> str:
    return _short(text.strip().splitlines()[-1])


def _short(line: str) -> str:
    return printable(line)[:_LONGEST].rstrip(" .")
