from __future__ import annotations

from collections import Counter

from artcurate.published import SPLITS, STRATA, TABLE_1, TOTAL, totals_by_emotion


def test_rows_and_splits_give_the_same_totals() -> None:
    totals = Counter[str]()
    for cell in TABLE_1:
        totals[cell.emotion] += cell.pairs
    assert totals == {name: sizes.total for name, sizes in SPLITS.items()} == totals_by_emotion()
    assert TOTAL == sum(totals.values()) == 58_330


def test_split_sizes_are_those_of_the_paper() -> None:
    train = sum(sizes.train for sizes in SPLITS.values())
    validation = sum(sizes.validation for sizes in SPLITS.values())
    test = sum(sizes.test for sizes in SPLITS.values())
    assert (train, validation, test) == (46_581, 6_247, 5_502)


def test_sentences_limit_only_the_young_and_the_middle_aged() -> None:
    limited = {(c.emotion, c.stratum) for c in TABLE_1 if c.limited_by == "sentences"}
    assert {stratum.age_group for _, stratum in limited} == {"young", "middle"}
    assert len(limited) == 5 * 4 + 2 + 1
    assert len(STRATA) == 7
