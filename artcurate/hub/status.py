"""What of a corpus is on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artcurate.hub.catalogue import Source
from artcurate.hub.ledger import Ledger
from artcurate.hub.staging import Receipt, read_receipt, unfinished_bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What of a corpus lies on this machine.

    found: what its patterns find in the data home, as a build would.
    receipt: what was downloaded there, where it was downloaded by artcurate.
    unfinished: bytes of a download that was interrupted.
    elsewhere: what was downloaded into other folders and is still there, by folder.
    """

    found: tuple[Path, ...]
    receipt: Receipt | None
    unfinished: int
    elsewhere: Mapping[Path, Receipt]

    @property
    def words(self) -> str:
        """One line for a user."""
        parts = []
        if self.receipt:
            parts.append(f"here since {_origin(self.receipt)}")
        elif self.found:
            parts.append("here, put there by hand")
        if self.unfinished:
            parts.append(
                f"{self.unfinished / 1e9:,.2f} GB of an unfinished download; the same command "
                "goes on"
            )
        parts += [
            f"in {folder} since {_origin(receipt)}" for folder, receipt in self.elsewhere.items()
        ]
        return "; ".join(parts) or "not here"


def status_of(source: Source, home: Path) -> Status:
    """What of `source` lies below the data home `home` or was brought elsewhere from there."""
    folder = home / source.folder
    for pattern in source.found_by:
        found = tuple(sorted(home.glob(pattern)))
        if found:
            break
    else:
        found = ()
    elsewhere = {
        other: receipt
        for other in Ledger(home).folders(source)
        if (receipt := read_receipt(other)) and receipt.source == source.name
    }
    return Status(found, read_receipt(folder), unfinished_bytes(folder), elsewhere)


def _origin(receipt: Receipt) -> str:
    part = f", only {', '.join(receipt.subset)}" if receipt.subset else ""
    return f"{receipt.finished}, {receipt.origin}{part}"
