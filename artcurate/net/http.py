"""GET requests that never lead a key or a reader astray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

import httpx2

from artcurate.errors import DataError
from artcurate.net.retry import TransientError, retry_after
from artcurate.net.secret import Secret

_MAX_REDIRECTS = 10
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: Answers after which the same request may succeed.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_SECONDS = httpx2.Timeout(60.0, connect=30.0)


class RefusedError(DataError):
    """The server does not give the file, and will not when asked again."""


@dataclass(frozen=True, slots=True)
class KeyHeader:
    """A header that holds a key; it goes to the host that was asked first and to no other."""

    name: str
    secret: Secret
    scheme: str = ""

    def value(self) -> str:
        """What stands behind the header's name, such as `Bearer` and the key."""
        return f"{self.scheme} {self.secret.reveal()}".lstrip()


class Http:
    """Sends GET requests and follows redirects by hand; a context manager. Threads may share it."""

    def __init__(self, *, timeout: httpx2.Timeout = _SECONDS) -> None:
        self._client = httpx2.Client(follow_redirects=False, timeout=timeout)

    def __enter__(self) -> Http:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str] | None = None, key: KeyHeader | None = None
    ) -> Iterator[httpx2.Response]:
        """The answer to a GET of `url`, its body unread, whatever its status but a redirect's.

        The body is asked for as it is stored, without a transfer's compression.

        Raises:
            TransientError: the connection failed, now or while the block reads the body.
            RefusedError: a redirect leads somewhere that is not followed.
            DataError: `url` is none that may be asked, or none that a key may go to.
        """
        target = _parse(url)
        if key is not None:
            _require_private(target)
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        with _network_errors(target):
            response = self._follow(target, sent, key)
            try:
                yield response
            finally:
                response.close()

    def _follow(
        self, target: httpx2.URL, headers: Mapping[str, str], key: KeyHeader | None
    ) -> httpx2.Response:
        first = _origin(target)
        for _ in range(_MAX_REDIRECTS):
            own = {key.name: key.value()} if key and _origin(target) == first else {}
            request = self._client.build_request("GET", target, headers={**headers, **own})
            response = self._client.send(request, stream=True)
            if not response.has_redirect_location:
                return response
            location = response.headers["Location"]
            response.close()
            target = _next(target, location)
        raise RefusedError(
            f"{shown(target)}: more than {_MAX_REDIRECTS} redirects, so it is no file."
        )


def require_success(response: httpx2.Response) -> None:
    """Pass an answer that brings what was asked for.

    Raises:
        TransientError: it says "later".
        RefusedError: it says "no".
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    what = f"the server answered {status} {response.reason_phrase}".rstrip()
    if status in _PASSING:
        raise TransientError(what, wait=retry_after(response.headers.get("Retry-After")))
    raise RefusedError(f"{shown(response.url)}: {what}.")


def read_limited(response: httpx2.Response, limit: int) -> bytes:
    """The body of `response`. Raises RefusedError where it is longer than `limit` bytes."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            raise RefusedError(f"{shown(response.url)}: the answer is longer than {limit:,} bytes.")
    return bytes(body)


def shown(url: httpx2.URL) -> str:
    """`url` for a message: without user, query and fragment, which may hold what is private."""
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))


def _parse(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise DataError(f"{url!r} is no address that can be asked.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise DataError(f"{shown(parsed)}: only http and https addresses are asked.")
    return parsed


def _require_private(target: httpx2.URL) -> None:
    if target.scheme != "https" and target.host not in _LOOPBACK:
        raise DataError(f"{shown(target)}: a key goes over https only.")


def _next(here: httpx2.URL, location: str) -> httpx2.URL:
    try:
        target = here.join(location)
    except httpx2.InvalidURL:
        raise RefusedError(f"{shown(here)}: redirects to what is no address.") from None
    if target.scheme not in ("http", "https") or not target.host:
        raise RefusedError(
            f"{shown(here)}: redirects to a {target.scheme or 'nameless'} address, which is not "
            "followed."
        )
    if here.scheme == "https" and target.scheme == "http":
        raise RefusedError(f"{shown(here)}: redirects from https to http, which is not followed.")
    return target


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


@contextmanager
def _network_errors(target: httpx2.URL) -> Iterator[None]:
    """Turn what the network does into TransientError, in words that hold no header."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise TransientError(f"{target.host} was silent for too long") from error
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError) as error:
        raise DataError(f"{shown(target)}: cannot be asked ({type(error).__name__}).") from None
    except httpx2.ConnectError as error:
        raise TransientError(f"{target.host} cannot be reached") from error
    except httpx2.TransportError as error:
        raise TransientError(f"the connection to {target.host} broke") from error
