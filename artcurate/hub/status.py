"""What of a corpus is on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artcurate.hub.catalogue import Source
from artcurate.hub.staging import Receipt, read_receipt, unfinished_bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What of a corpus lies in the data home.

    found: what its patterns find, as a build would.
    receipt: what was downloaded, where it was downloaded by artcurate.
    unfinished: bytes of a download that was interrupted.
    """

    found: tuple[Path, ...]
    receipt: Receipt | None
    unfinished: int

    @property
    def words(self) -> str:
        """One line for a user."""
        parts = []
        if self.receipt:
            part = f", only {', '.join(self.receipt.subset)}" if self.receipt.subset else ""
            parts.append(f"here since {self.receipt.finished}, {self.receipt.origin}{part}")
        elif self.found:
            parts.append("here, put there by hand")
        if self.unfinished:
            parts.append(
                f"{self.unfinished / 1e9:,.2f} GB of an unfinished download; the same command "
                "goes on"
            )
        return "; ".join(parts) or "not here"


def status_of(source: Source, home: Path) -> Status:
    """What of `source` lies below the data home `home`."""
    folder = home / source.folder
    for pattern in source.found_by:
        found = tuple(sorted(home.glob(pattern)))
        if found:
            break
    else:
        found = ()
    return Status(found, read_receipt(folder), unfinished_bytes(folder))
