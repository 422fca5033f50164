"""Reading, hashing and writing at the same time, inside one worker."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

T = TypeVar("T")

#: Bytes of a shard that may wait to be hashed.
_UNHASHED = 16 << 20


def ahead(
    function: Callable[..., T], arguments: Iterable[tuple[object, ...]], *, depth: int
) -> Iterator[T]:
    """`function(*one)` of every one of `arguments`, in order, computed in one thread.

    At most `depth` results are computed before the caller wants them. An exception of `function`
    is raised where its result would stand.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for one in arguments:
                waiting.append(pool.submit(function, *one))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class HashingSink:
    """A file for pyarrow to write, which passes all on to `file` and knows its sha256.

    A context manager: a thread of its own computes the hash until it is left. Afterwards nothing
    can be written, `tell` and `hexdigest` stand.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = self._hashed = 0
        self.closed = False
        # Simple queues and no executor: pyarrow's destructor of a writer that failed writes once
        # more, maybe while this thread holds an executor's lock.
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self._done: SimpleQueue[int] = SimpleQueue()
        self._thread = Thread(target=self._hash, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closed = True
        self._pieces.put(None)
        self._thread.join()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        if self.closed:
            raise ValueError("the file is closed")
        # A copy unless it is bytes: pyarrow may use the memory again before the hash is computed.
        piece = bytes(data)
        while self._size - self._hashed > _UNHASHED:
            self._hashed += self._done.get()
        self._pieces.put(piece)
        written = self._file.write(piece)
        self._size += written
        return written

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self._size

    def hexdigest(self) -> str:
        """The hash of all that was written. Raises ValueError while the file is open."""
        if not self.closed:
            raise ValueError("the file is still being hashed")
        return self._digest.hexdigest()

    def _hash(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._digest.update(piece)
            self._done.put(len(piece))
