from __future__ import annotations

import polars as pl

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus, merge


def corpus() -> Corpus:
    return Corpus(
        annotations=pl.DataFrame(
            {"id": ["a", "b", "c"], "source": ["f.csv"] * 3, "row": [1, 2, 3], "text": ["x"] * 3}
        ),
        images=pl.DataFrame({"id": ["p"], "source": ["p.jpg"]}),
    )


def test_set_aside_moves_rows_with_their_place_and_first_reason() -> None:
    rows = pl.DataFrame(
        {
            "id": ["b", "b", "unknown"],
            "reason": ["first", "second", "none"],
            "detail": ["one", "two", "three"],
        }
    )
    after = corpus().set_aside("annotations", rows, step="text")

    assert after.annotations["id"].to_list() == ["a", "c"]
    assert after.quarantine.rows(named=True) == [
        {
            "id": "b",
            "table": "annotations",
            "source": "f.csv",
            "row": 2,
            "step": "text",
            "reason": "first",
            "detail": "one",
            "by_design": False,
        }
    ]
    assert after.count("annotations") == (2, 1)


def test_set_aside_of_images_without_row_numbers() -> None:
    rows = pl.DataFrame({"id": ["p"], "reason": ["truncated"], "detail": ["cut off"]})
    after = corpus().set_aside("images", rows, step="probe")

    assert after.images.is_empty()
    assert after.quarantine["row"].to_list() == [None]
    assert dict(after.quarantine.schema) == dict(QUARANTINE_SCHEMA)


def test_merge_stacks_tables_and_keeps_every_column() -> None:
    other = Corpus(
        annotations=pl.DataFrame({"id": ["d"], "extra": [1]}),
        images=pl.DataFrame(schema={}),
    )
    merged = merge([corpus(), other])

    assert merged.annotations["id"].to_list() == ["a", "b", "c", "d"]
    assert merged.annotations["extra"].to_list() == [None, None, None, 1]
    assert merged.images["id"].to_list() == ["p"]
