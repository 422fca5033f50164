from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from artcurate.benchmark.tables import LatestTables  # noqa: E402
from artcurate.benchmark.task import Modality  # noqa: E402

CPU = torch.device("cpu")


def _view(seed: int) -> dict[str, Modality]:
    values = np.random.default_rng(seed).normal(size=(20, 3)).astype(np.float32)
    return {"audio": Modality(values, np.arange(20))}


def test_trainings_on_the_same_examples_share_their_tables() -> None:
    latest, view = LatestTables(CPU, torch.float32), _view(0)
    tables = latest.of(view)
    assert latest.of(dict(view)) is tables
    assert latest.of(_view(0)) is not tables


def test_tables_in_use_are_found_again_after_others_were_made() -> None:
    latest, view = LatestTables(CPU, torch.float32), _view(0)
    in_use = latest.of(view)
    latest.of(_view(1))
    assert latest.of(view) is in_use


def test_tables_that_nobody_uses_give_their_memory_back() -> None:
    latest = LatestTables(CPU, torch.float32)
    first, second = (weakref.ref(latest.of(_view(seed))) for seed in range(2))
    gc.collect()
    assert first() is None
    assert second() is not None
    latest.forget()
    assert second() is None
