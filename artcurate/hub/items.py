"""Files of a corpus that can be fetched one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from artcurate.files import sha256_of
from artcurate.hub.ledger import Ledger
from artcurate.hub.staging import Arrived
from artcurate.hub.transfer import ByteCount, Transfer, Wanted, WrongContentError


@dataclass(frozen=True, slots=True)
class Work:
    """What fetching a file needs beside the file. Threads may share it."""

    transfer: Transfer
    count: ByteCount
    ledger: Ledger


class Item(Protocol):
    """A file of a corpus.

    path: POSIX, below the corpus' folder.
    size: in bytes, about.
    scratch: bytes on the disk that it needs beside its own while it arrives.
    identity: what names its content in the ledger.
    sha256: of its content, where its publisher states it.
    """

    @property
    def path(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def scratch(self) -> int: ...

    @property
    def identity(self) -> str: ...

    @property
    def sha256(self) -> str | None: ...

    def fetch(self, folder: Path, work: Work) -> Arrived:
        """Bring the file to its path below `folder`, whole and checked, or raise.

        Raises DataError, RefusedError among them, and StoppedError.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file that arrives as it is.

    size: in bytes, about.
    wanted: how to fetch it; where it has no checksum, the first one seen is the right one.
    """

    path: str
    size: int
    wanted: Wanted
    scratch: int = 0

    @property
    def identity(self) -> str:
        return self.wanted.identity

    @property
    def sha256(self) -> str | None:
        return self.wanted.sha256

    def fetch(self, folder: Path, work: Work) -> Arrived:
        wanted = self.wanted if self.wanted.sha256 else self._as_first_seen(work.ledger)
        fetched = work.transfer.fetch(wanted, folder / self.path, work.count)
        return Arrived(self.path, fetched.size, fetched.sha256)

    def _as_first_seen(self, ledger: Ledger) -> Wanted:
        own = self.wanted.check

        def check(path: Path) -> None:
            require_as_first_seen(ledger, self.identity, self.wanted.name, sha256_of(path))
            if own is not None:
                own(path)

        return (
            replace(self.wanted, check=check) if ledger.first_seen(self.identity) else self.wanted
        )


def require_as_first_seen(ledger: Ledger, identity: str, name: str, sha256: str) -> None:
    """Pass a file whose sha256 is the one that was seen first, or is seen first now.

    Raises WrongContentError.
    """
    seen = ledger.first_seen(identity)
    if seen is not None and seen.sha256 != sha256:
        raise WrongContentError(
            f"{name}: its sha256 is {sha256}, but {seen.sha256} when it was fetched first on "
            f"{seen.when}; add --fresh where its publisher has replaced it."
        )
