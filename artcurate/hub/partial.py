"""A file that is still arriving: its bytes so far, and what they are bytes of.

`.NAME.download` holds the bytes and `.NAME.download.json` says which content they belong to, so
that another process can go on from there. Hidden names, so that no reader takes them for data.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from artcurate.files import file_system_errors, sync_folder, write_text


@dataclass(frozen=True, slots=True)
class Content:
    """What the bytes of a partial file belong to.

    identity: what was asked for, whatever its address was at the time.
    etag: the content's strong entity tag (RFC 9110, 8.8.3), where the server has one.
    modified: its `Last-Modified`, as the server spelled it.
    total: bytes of the whole, where known.
    """

    identity: str
    etag: str | None
    modified: str | None
    total: int | None

    def is_sound(self) -> bool:
        """Whether the values, which may come from a damaged file, are what they should be."""
        words = isinstance(self.identity, str) and all(
            isinstance(value, str | None) for value in (self.etag, self.modified)
        )
        return words and isinstance(self.total, int | None)

    def may_be(self, other: Content) -> bool:
        """Whether nothing that both state tells this content from `other`."""
        pairs = (
            (self.etag, other.etag),
            (self.modified, other.modified),
            (self.total, other.total),
        )
        same = all(one == two for one, two in pairs if one is not None and two is not None)
        return same and self.identity == other.identity


class Partial:
    """The unfinished form of the file `target`."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.data = target.with_name(f".{target.name}.download")
        self._state = target.with_name(f".{target.name}.download.json")

    def size(self) -> int:
        """Bytes that have arrived."""
        try:
            return self.data.stat().st_size
        except FileNotFoundError:
            return 0

    def content(self) -> Content | None:
        """What the bytes belong to; None where there are none, or nothing says whose they are."""
        try:
            values = json.loads(self._state.read_text(encoding="utf-8"))
            content = Content(**values)
        except (OSError, ValueError, TypeError):
            return None
        return content if content.is_sound() and self.data.is_file() else None

    def start(self, content: Content) -> BinaryIO:
        """An empty file for bytes of `content`. Raises DataError when it cannot be written."""
        self.discard()
        self.note(content)
        with file_system_errors(self.data):
            return self.data.open("w+b")

    def resume(self) -> BinaryIO:
        """The file as it is, for reading and writing. Raises DataError when it cannot be opened."""
        with file_system_errors(self.data):
            return self.data.open("r+b")

    def note(self, content: Content) -> None:
        """Remember what the bytes belong to. Raises DataError when it cannot be written."""
        write_text(self._state, json.dumps(asdict(content)))

    def discard(self) -> None:
        """Forget the bytes."""
        with file_system_errors(self.data):
            self.data.unlink(missing_ok=True)
            self._state.unlink(missing_ok=True)

    def publish(self) -> None:
        """Give the file its name, its bytes safe on the disk."""
        with file_system_errors(self.target):
            handle = os.open(self.data, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            self.data.replace(self.target)
            sync_folder(self.target.parent)
        with suppress(OSError):
            self._state.unlink()
