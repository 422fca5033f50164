"""Which official release a raw file belongs to, as its path tells."""

from __future__ import annotations

import re
from typing import Literal
from unicodedata import normalize

Release = Literal["training", "validation"]

_WORDS: tuple[tuple[Release, re.Pattern[str]], ...] = (
    ("training", re.compile(r"(?<![a-z])train|학습", re.IGNORECASE)),
    ("validation", re.compile(r"(?<![a-z])valid|검증", re.IGNORECASE)),
)


def release_of(place: str) -> Release | None:
    """The release that the POSIX path `place` names: its last part that names exactly one."""
    for part in reversed(normalize("NFC", place).split("/")):
        named = [release for release, word in _WORDS if word.search(part)]
        if len(named) == 1:
            return named[0]
    return None
