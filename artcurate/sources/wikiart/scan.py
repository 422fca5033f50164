"""What a look at folders or archives met, before it becomes tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from artcurate.images.faults import Fault
from artcurate.sources.wikiart.names import readable, stem_of, suffix_of


class FoundFile(NamedTuple):
    """A picture. painting: its stem; bytes: None where only reading it would tell."""

    style: str
    painting: str
    location: str
    member: str | None
    source: str
    bytes: int | None


class FoundFault(NamedTuple):
    """A picture, or a folder or archive of them, that cannot be used."""

    style: str
    painting: str
    source: str
    reason: str
    detail: str


@dataclass(slots=True)
class Scan:
    """others: how many things are no pictures in style folders, by suffix or kind."""

    files: list[FoundFile] = field(default_factory=list)
    faults: list[FoundFault] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def count_other(self, file: str) -> None:
        self.others[readable(suffix_of(file)) or "no suffix"] += 1

    def refuse(self, style: str, file: str, fault: Fault | tuple[str, str]) -> None:
        reason, detail = (fault.reason, fault.detail) if isinstance(fault, Fault) else fault
        self.faults.append(FoundFault(style, stem_of(file), file, str(reason), detail))
