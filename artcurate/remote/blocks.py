"""A file elsewhere read as if it lay here: in few requests, with a bounded memory."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

from artcurate.archives.parts import ByteSource

#: What is fetched and kept is a whole number of blocks.
_BLOCK = 32 << 10
_KEPT = 32 << 20
#: Most that is fetched before it is asked for, where a file is read from front to back.
_MOST_AHEAD = 4 << 20


class Blocks:
    """`source` with the blocks that were read last kept in memory (`ByteSource`); thread-safe.

    Reads that go on where the last fetch ended fetch more and more ahead; others fetch what they
    need, so that a picture from the middle of an archive costs its own bytes and one request.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._next = 0
        self._ahead = 0
        self.name = source.name
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        stop = min(offset + length, self.size)
        if offset >= stop:
            return b""
        if stop - offset > _KEPT // 2:
            return self._source.read_at(offset, stop - offset)
        first, last = offset // _BLOCK, (stop - 1) // _BLOCK
        with self._lock:
            self._fetch(first, last)
            found = b"".join(self._blocks.get(number, b"") for number in range(first, last + 1))
            self._forget()
        return found[offset - first * _BLOCK : stop - first * _BLOCK]

    def close(self) -> None:
        self._source.close()
        self._blocks.clear()

    def _fetch(self, first: int, last: int) -> None:
        """Have the blocks from `first` to `last`, and make them the ones that are kept longest."""
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if missing:
            going_on = missing[0] == self._next
            self._ahead = min(max(2 * self._ahead, _BLOCK), _MOST_AHEAD) if going_on else 0
            start = missing[0] * _BLOCK
            stop = min((missing[-1] + 1) * _BLOCK + self._ahead, self.size)
            data = self._source.read_at(start, stop - start)
            for place in range(0, len(data), _BLOCK):
                self._blocks[(start + place) // _BLOCK] = data[place : place + _BLOCK]
            self._next = -(-stop // _BLOCK)
        for number in range(first, last + 1):
            if number in self._blocks:
                self._blocks.move_to_end(number)

    def _forget(self) -> None:
        while len(self._blocks) > _KEPT // _BLOCK:
            self._blocks.popitem(last=False)


class SourceFile(io.RawIOBase):
    """A `ByteSource` as a file object for reading, which closes it."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._source.size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        whole = size is None or size < 0
        data = self._source.read_at(self._place, self._source.size if whole else size or 0)
        self._place += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
