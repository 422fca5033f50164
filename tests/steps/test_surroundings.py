from __future__ import annotations

import polars as pl

from artcurate.steps.surroundings import HOME, OFFICE, SUITABLE, suitable


def test_every_situation_has_a_background() -> None:
    assert list(SUITABLE) == [f"S{number:02}" for number in range(1, 14)]
    assert all(SUITABLE.values())


def test_the_unknown_suits_nothing() -> None:
    situations = pl.Series(["S01", "S01", "S10", None, "S99"], dtype=pl.String)
    backgrounds = pl.Series([HOME, OFFICE, OFFICE, HOME, "달"], dtype=pl.String)
    assert suitable(situations, backgrounds).tolist() == [True, False, True, False, False]
