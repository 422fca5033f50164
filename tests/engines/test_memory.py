from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from artcurate.engines import memory

GIB = 1 << 30


@pytest.mark.parametrize(
    ("machine", "workers", "each"),
    [(100 * GIB, 4, 20 * GIB), (100 * GIB, 1, 80 * GIB), (4 * GIB, 2, 2 * GIB)],
)
def test_workers_share_most_of_the_machine_but_can_hold_a_large_picture(
    machine: int, workers: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: machine)
    assert memory.default_limit(workers) == each


def test_the_machine_has_no_more_than_the_kernel_says() -> None:
    assert 0 < memory.machine_memory() < 1 << 50


def run(program: str) -> int:
    # A process begins with the largest size of the one it was forked from: here a small shell.
    shell = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, program]
    return subprocess.run(shell, capture_output=True, check=False).returncode


def test_the_watch_ends_a_process_that_has_taken_too_much() -> None:
    greedy = (
        "import time; from artcurate.engines.memory import watch_memory; "
        "watch_memory(200 << 20, 0.01); taken = bytearray({size} << 20); time.sleep(0.5)"
    )
    assert run(greedy.format(size=300)) == memory.EXHAUSTED
    assert run(greedy.format(size=20)) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limit is Linux's")
def test_what_a_process_has_counts_towards_its_limit() -> None:
    program = (
        "from artcurate.engines.memory import held_memory, limit_memory; "
        "kept = bytearray(100 << 20); assert held_memory() > 100 << 20; "
        "limit_memory(held_memory() + (64 << 20)); bytearray(32 << 20)\n"
        "try: bytearray(100 << 20)\n"
        "except MemoryError: raise SystemExit(5)"
    )
    assert run(program) == 5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to")
def test_a_process_takes_the_memory_that_it_freed_again_and_gives_back_what_is_much() -> None:
    """The kernel hands out a page with a fault; 12 MiB have 3,072 of them."""
    program = (
        "import resource; from artcurate.engines.memory import keep_freed_memory, held_memory\n"
        "keep_freed_memory()\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def planes(): return len([b'x' * (3 << 20) for _ in range(4)])\n"
        "planes(); before = faults()\n"
        "for _ in range(20): planes()\n"
        "if faults() - before > 3072: raise SystemExit(5)\n"
        "many = [b'x' * (8 << 20) for _ in range(40)]; many.clear()\n"
        "resident = int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
        "if resident > 160 << 20: raise SystemExit(6)"
    )
    assert run(program) == 0
    assert run(program.replace("keep_freed_memory()\n", "\n")) == 5
