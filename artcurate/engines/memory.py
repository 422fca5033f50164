"""How much memory a worker may take, and how it is held to it."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import threading
import time
from pathlib import Path

#: What the largest honest picture needs: 128 megapixels as RGB, once more for a turn or another
#: colour model, and the libraries.
SMALLEST_DEFAULT = 2 << 30
#: Below this a worker cannot load the libraries and open a picture.
SMALLEST = 512 << 20
#: The share of the machine's memory that workers may take together.
_SHARE = 0.8
#: The exit status of a worker that took too much (EX_UNAVAILABLE).
EXHAUSTED = 69
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
#: Parameters of mallopt(3), and what they are set to; glibc allows no more for the first.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD, _M_ARENA_MAX = -3, -1, -8
_LARGEST_KEPT, _KEPT = 32 << 20, 64 << 20
_SMALLEST_GIVEN_BACK = 1 << 20
_BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024


def default_limit(workers: int) -> int:
    """Bytes for each of `workers` workers: an equal share of 80 % of the machine, 2 GiB at least.

    Where the memory is too small for 2 GiB each, all workers may still meet large pictures at the
    same moment; the kernel then ends one of them, which costs one attempt at one task.
    """
    return max(SMALLEST_DEFAULT, int(machine_memory() * _SHARE) // max(1, workers))


def machine_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or its container's share."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            limits.append(int(text))
    return min(limits)


def limit_memory(limit: int) -> None:
    """Hold this process to `limit` bytes from now on.

    On Linux the kernel refuses private writable memory beyond it (RLIMIT_DATA), and a task meets
    MemoryError or dies; file mappings are free. Elsewhere that limit is not enforced, so a thread
    watches how much memory the process has and ends it with the exit status `EXHAUSTED`.
    """
    if sys.platform == "linux":
        _, ceiling = resource.getrlimit(resource.RLIMIT_DATA)
        soft = limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, ceiling))
    else:
        watch_memory(limit)


def keep_freed_memory() -> None:
    """Let this process keep what it freed at its heap's end, 64 MiB, for what it takes next.

    The pixels of a picture are taken and freed for each picture. By itself glibc gives blocks of
    that size back to the kernel, which hands out cleared pages the next time, one fault for each: a
    sixth of the time of reducing a JPEG of 1.5 megapixels. Other C libraries are left alone.
    """
    glibc = _glibc()
    if glibc is not None:
        glibc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        glibc.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def give_freed_memory_back() -> None:
    """Give the kernel what this process freed, and every larger block as soon as it is freed.

    By itself glibc keeps freed blocks in heaps, one per thread, whose ends may be in use. Where
    memory is limited, a mapping can then fail beside gigabytes that are free.
    """
    glibc = _glibc()
    if glibc is not None:
        glibc.mallopt(_M_MMAP_THRESHOLD, _SMALLEST_GIVEN_BACK)
        glibc.mallopt(_M_ARENA_MAX, 1)
        glibc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") else None


def held_memory() -> int:
    """Bytes that this process has by now, in the measure of `limit_memory`."""
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_PER_UNIT
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return pages * resource.getpagesize()


def watch_memory(limit: int, pause: float = 0.1) -> None:
    """Start a thread that ends this process when it has had more than `limit` bytes resident."""

    def look() -> None:
        while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_PER_UNIT <= limit:
            time.sleep(pause)
        os._exit(EXHAUSTED)

    threading.Thread(target=look, daemon=True).start()


def exhausted(limit: int | None) -> str:
    """How a worker that wanted more than `limit` ended, in words."""
    if limit is None:
        return "Out of memory"
    return f"Out of memory (a worker may take {limit / 1e9:.1f} GB)"
