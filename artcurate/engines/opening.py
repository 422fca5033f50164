"""Which engine a build runs on, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from artcurate.engines import Engine, EngineName, Reach
from artcurate.engines.happenings import Observe, ignore
from artcurate.engines.local import LocalEngine, available_cores
from artcurate.engines.memory import SMALLEST, default_limit
from artcurate.errors import UsageError


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What a user may say of the engine. None of it changes a byte of the dataset.

    worker_memory: bytes that each worker may take; by default an equal share of 80 % of its
        machine, 2 GiB at least.
    ray_address: host:port of a running cluster; by default `RAY_ADDRESS`, or a cluster of this
        machine alone.

    Raises UsageError when they do not go together.
    """

    name: EngineName = EngineName.LOCAL
    worker_memory: int | None = None
    ray_address: str | None = None

    def __post_init__(self) -> None:
        if self.ray_address is not None and self.name is not EngineName.RAY:
            raise UsageError("--ray-address goes with --engine ray.")
        if self.worker_memory is not None and self.worker_memory < SMALLEST:
            raise UsageError(
                f"a worker needs {SMALLEST / 1e6:.0f} MB to begin with; give more --worker-memory."
            )


@contextmanager
def open_engine(
    options: EngineOptions, workers: int | None, reach: Reach, observe: Observe = ignore
) -> Iterator[Engine]:
    """The engine that `options` name; its workers end with the block.

    workers: how many tasks may run at a time; None for one per core.

    Raises UsageError when Ray is not installed, no cluster answers, or a machine of it does not
    fit: it has other versions, or does not see `reach` under the same paths.
    """
    if options.name is EngineName.LOCAL:
        limit = options.worker_memory or default_limit(workers or available_cores())
        with LocalEngine(workers, limit, observe) as local:
            yield local
        return
    try:
        from artcurate.engines.ray import RayEngine
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UsageError(
            "--engine ray needs Ray, which is not installed: `pip install 'artcurate[ray]'`, or "
            "leave --engine out."
        ) from None
    with RayEngine(options.ray_address, workers, options.worker_memory, observe, reach) as cluster:
        yield cluster
