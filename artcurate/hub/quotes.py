"""Finding sentences that stand in prose, whole or in part, however the prose is written."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Bytes of UTF-8, 16 Latin letters or 5 of Hangul: what is shorter may stand there by chance.
_TELLING = 16
#: Bytes of UTF-8 that no two texts share by chance, so that a part of a sentence tells.
_LONG = 48
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Prose:
    """Texts by their names, made ready to be searched for a million sentences."""

    _texts: Mapping[str, bytes]
    _windows: frozenset[bytes]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Prose:
        """Escapes of JSON, YAML, Markdown and HTML are undone, and lines are put together."""
        plain = {name: _plain(text) for name, text in texts.items()}
        windows = frozenset(
            text[start : start + _TELLING]
            for text in plain.values()
            for start in range(len(text) - _TELLING + 1)
        )
        return cls(plain, windows)

    def quoting(self, sentence: str) -> tuple[str, ...]:
        """Names of the texts that hold `sentence`, or 48 bytes of it and more, in a row.

        No name where it is shorter than 16 bytes.
        """
        wanted = _plain(sentence)
        # A run of twice the length holds at least one of the pieces between these places.
        starts = range(0, len(wanted) - _TELLING + 1, _TELLING)
        pieces = [start for start in starts if wanted[start : start + _TELLING] in self._windows]
        return tuple(
            name
            for name, text in self._texts.items()
            if any(_shares_run(text, wanted, start) for start in pieces)
        )


def _shares_run(text: bytes, wanted: bytes, start: int) -> bool:
    """Whether `text` shares a telling run with `wanted` around the piece of it at `start`."""
    enough = min(len(wanted), _LONG)
    piece = wanted[start : start + _TELLING]
    place = text.find(piece)
    while place >= 0:
        before = _common(text[max(place - start, 0) : place][::-1], wanted[:start][::-1])
        after = _common(text[place : place + len(wanted) - start], wanted[start:])
        if before + after >= enough:
            return True
        place = text.find(piece, place + 1)
    return False


def _common(one: bytes, other: bytes) -> int:
    """Bytes that both begin with."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _plain(text: str) -> bytes:
    unescaped = html.unescape(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    words = unescaped.replace("\\n", " ").replace("\\", "").split()
    return " ".join(words).encode("utf-8", errors="replace")
