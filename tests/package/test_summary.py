from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from artcurate.errors import DataError
from artcurate.package.summary import LeftOut, summarise, tables
from artcurate.package.tables import to_text
from artcurate.schema.model import Schema


def test_rows_by_split(built: Path, schema: Schema) -> None:
    paintings, annotations = summarise(built, schema).configs
    assert [(size.split, size.rows, size.shards) for size in paintings.splits] == [
        ("train", 4, 2),
        ("val", 1, 1),
        ("test", 1, 1),
    ]
    assert [size.rows for size in annotations.splits] == [12, 3, 3]
    on_disk = sum(path.stat().st_size for path in (built / "data").iterdir())
    assert sum(size.bytes for size in paintings.splits) == on_disk


def test_labels_by_language(built: Path, schema: Schema) -> None:
    cross = summarise(built, schema).configs[1].crosstab
    assert cross is not None
    assert cross.columns == ("arabic", "chinese", "english")
    counts = dict(zip(cross.rows, cross.cells, strict=True))
    assert counts["awe"] == (3, 3, 3)
    assert counts["anger"] == (0, 0, 0)
    assert next(iter(counts)) == "amusement"


def test_labels_by_split(built: Path, schema: Schema) -> None:
    labels = {counts.row_name: counts for counts in summarise(built, schema).configs[0].labels}
    counts = dict(zip(labels["emotion"].rows, labels["emotion"].cells, strict=True))
    assert counts["awe"] == (2, 0, 1)
    assert counts["sadness"] == (0, 1, 0)


def test_numbers(built: Path, schema: Schema) -> None:
    figures = {one.column: one for one in summarise(built, schema).configs[0].figures}
    assert "duplicate_group" not in figures
    width = figures["source_width"]
    assert (width.minimum, width.mean, width.maximum, width.unit) == (100, 102.5, 105, "pixel")
    disagreement = figures["disagreement"]
    assert (disagreement.values, disagreement.nulls, disagreement.mean) == (5, 1, 0.5)
    assert figures["tie"].mean == pytest.approx(1 / 6, abs=1e-6)


def test_quarantine_by_reason(built: Path, schema: Schema) -> None:
    pl.DataFrame(
        {
            "id": ["1", "2", "3"],
            "table": ["annotations", "annotations", "images"],
            "step": ["text", "text", "probe"],
            "reason": ["empty_text", "empty_text", "truncated"],
        }
    ).write_parquet(built / "quarantine.parquet")
    assert summarise(built, schema).quarantine == (
        LeftOut("annotations", "text", "empty_text", 2),
        LeftOut("images", "probe", "truncated", 1),
    )
    (built / "quarantine.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="not readable as a quarantine"):
        summarise(built, schema)


def test_ids_outside_the_set_are_counted_too(built: Path, schema: Schema) -> None:
    path = built / "annotations" / "val-00000-of-00001.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("emotion")
    ids = pl.Series([99, 99, 0]).to_arrow()
    pq.write_table(table.set_column(place, table.schema.field(place), ids), path)
    cross = summarise(built, schema).configs[1].crosstab
    assert cross is not None
    assert sum(map(sum, cross.cells)) == 18
    assert cross.rows[-1] == "id 99"


def test_unreadable_shards_are_all_named(built: Path, schema: Schema) -> None:
    for name in ("val", "test"):
        (built / "data" / f"{name}-00000-of-00001.parquet").write_bytes(b"no")
    with pytest.raises(DataError) as caught:
        summarise(built, schema)
    assert len(caught.value.problems) == 2
    with pytest.raises(DataError, match="holds no Parquet shard"):
        summarise(built / "data", schema)


def test_the_tables_read_well(built: Path, schema: Schema) -> None:
    shown = {table.title: to_text(table) for table in tables(summarise(built, schema))}
    assert shown["annotations: polarity by split"] == (
        "annotations: polarity by split\n"
        "polarity  train  val  test  all\n"
        "--------  -----  ---  ----  ---\n"
        "positive      9    3     3   15\n"
        "negative      0    0     0    0\n"
        "neutral       0    0     0    0\n"
        "other         3    0     0    3\n"
        "all          12    3     3   18\n"
    )
