"""What a user may give for an input: a path of this machine, or a URL of a file or folder.

A URL never shows what it may hold in secret: credentials in it are refused, and the query of a
signed http(s) URL is sent to its host and left out of everything that is printed or recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, unquote, urlsplit

from artcurate.errors import UsageError
from artcurate.net.secret import Secret

#: The protocols that are read through fsspec, and the package that each needs.
PACKAGES = {
    "abfs": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hf": "huggingface_hub",
    "memory": "fsspec",
    "s3": "s3fs",
    "s3a": "s3fs",
}
WEB = ("http", "https")
#: Others are refused: fsspec also knows some that run programs, unpack or follow what a file says.
PROTOCOLS = ("file", *WEB, *PACKAGES)

#: `abfs://container@account.dfs.core.windows.net/folder` names no user.
_WITH_ACCOUNT = ("abfs", "az")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(://|::)(.*)", re.DOTALL)
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_QUERY = re.compile(r"[\x21-\x7e]*")
_NO_COMPONENTS = ("", ".", "..")


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A file or folder at a URL: small, picklable, the same for every process.

    protocol: one of `WEB` or `PACKAGES`.
    authority: host and port, bucket, or what else the protocol puts first.
    path: below it, decoded, without slashes at its ends; empty for the top.
    query: what a signed http(s) URL ends in; it goes with every request below the URL.
    only: the one file of this folder that was given, where a file was.
    kept: a folder that every worker sees, where the indexes of archives are kept; None for none.
    """

    protocol: str
    authority: str
    path: str
    query: Secret | None = None
    only: str | None = None
    kept: Path | None = None

    def __str__(self) -> str:
        """The URL, without its query."""
        return f"{self.protocol}://{self.authority}/{self._spelled()}".removesuffix("/")

    def _spelled(self) -> str:
        return quote(self.path) if self.protocol in WEB else self.path

    @property
    def name(self) -> str:
        """The last part of the URL, decoded."""
        return self.path.rpartition("/")[2] or self.authority

    @property
    def parent(self) -> RemotePath:
        """The folder that it lies in. Raises UsageError for the top."""
        if not self.path:
            raise UsageError(f"{self}: names no file; give the URL of a folder or file in it.")
        return replace(self, path=self.path.rpartition("/")[0])

    def __truediv__(self, below: str) -> RemotePath:
        """What lies at the relative path `below`. Raises ValueError where that leads elsewhere."""
        if not is_below(below):
            raise ValueError("the path leads out of its folder")
        return replace(self, path=f"{self.path}/{below}" if self.path else below)

    def as_file(self) -> RemotePath:
        """The folder of this file, with this as the one file in it that counts."""
        return replace(self.parent, only=self.name)

    def request_url(self) -> str:
        """The http(s) URL to ask, with its query. Not to be shown."""
        return f"{self}?{self.query.reveal()}" if self.query else str(self)

    def folder_url(self) -> str:
        """The http(s) URL of the folder's listing, with its query. Not to be shown."""
        return f"{self}/?{self.query.reveal()}" if self.query else f"{self}/"


#: A path of this machine or elsewhere.
AnyPath = Path | RemotePath


def is_below(path: str) -> bool:
    """Whether the relative POSIX `path` stays below where it begins, whatever reads it."""
    return not any(part in _NO_COMPONENTS or "\0" in part for part in path.split("/"))


def parse_path(text: str) -> AnyPath:
    """The path or URL in `text`; a `file://` URL is a path.

    Raises UsageError, in words without the URL, where it is chained, holds credentials, names no
    place or is of a protocol that is not read.
    """
    match = _URL.match(text)
    if match is None:
        return Path(text)
    protocol, rest = match[1].lower(), match[3]
    if match[2] == "::":
        raise UsageError(f"{protocol}::...: chained URLs are not read; give the URL of the data.")
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"{protocol}://...: this protocol is not read; give a path of this machine, or a URL "
            f"that begins with {', '.join(PROTOCOLS)}."
        )
    if protocol == "file":
        return _local(rest)
    return _web(protocol, text) if protocol in WEB else _stored(protocol, rest)


def _local(rest: str) -> Path:
    path = unquote(rest.removeprefix("localhost"))
    if not path.startswith("/") or "\0" in path:
        raise UsageError("file://...: names no file of this machine; write file:///folder/file.")
    return Path(path)


def _web(protocol: str, url: str) -> RemotePath:
    try:
        parts = urlsplit(url)
        path = unquote(parts.path, errors="strict").strip("/")
        _ = parts.port  # It is looked at only now.
    except (ValueError, UnicodeDecodeError):
        _refuse(protocol, "cannot be read as a URL; copy it again")
    if "@" in parts.netloc:
        _refuse_credentials(protocol)
    if not _HOST.fullmatch(parts.netloc):
        _refuse(protocol, "names no host; copy the URL again")
    if not _QUERY.fullmatch(parts.query):
        _refuse(protocol, "its query holds characters that no URL has; copy the URL again")
    if "%2f" in parts.path.lower():
        _refuse(protocol, "a name in it holds a slash; give the folder above it")
    query = Secret(parts.query) if parts.query else None
    return RemotePath(protocol, parts.netloc.lower(), _checked(protocol, path), query)


def _stored(protocol: str, rest: str) -> RemotePath:
    authority, _, path = rest.partition("/")
    if ":" in authority or ("@" in authority and protocol not in _WITH_ACCOUNT):
        _refuse_credentials(protocol)
    if "::" in path:
        _refuse(protocol, "chained URLs are not read; give the URL of the data")
    if "?" in rest:
        _refuse(
            protocol,
            "it ends in a query, which only http(s) URLs have; credentials come from the "
            "environment or the configuration of the storage's own tools",
        )
    if not authority and protocol != "memory":
        _refuse(protocol, "names no bucket; copy the URL again")
    return RemotePath(protocol, authority, _checked(protocol, path.strip("/")))


def _checked(protocol: str, path: str) -> str:
    if path and not is_below(path):
        _refuse(protocol, "an empty part, `.` or `..` stands in its path; write it out")
    return path


def _refuse_credentials(protocol: str) -> NoReturn:
    _refuse(
        protocol,
        "it holds a user or a key; leave them out, they come from the environment or the "
        "configuration of the storage's own tools",
    )


def _refuse(protocol: str, reason: str) -> NoReturn:
    raise UsageError(f"{protocol}://...: {reason}.") from None
