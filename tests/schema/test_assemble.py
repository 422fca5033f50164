from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from artcurate.errors import DataError
from artcurate.schema.assemble import Tables, assemble
from artcurate.schema.model import Schema


def images(**changes: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": ["b", "a"],
            "width": pl.Series([30, 20], dtype=pl.Int64),
            "majority": ["calm", "joy"],
            "share": [0.5, 1.0],
            "tie": [True, False],
            "votes": [
                [
                    {"counts": [0, 1, 1], "language": "arabic"},
                    {"counts": [0, 0, 1], "language": "english"},
                ],
                [{"counts": [1, 0, 0], "language": "english"}],
            ],
            "location": ["x/b.jpg", "x/a.jpg"],
            "split": ["test", "train"],
            **changes,
        }
    )


def annotations(**changes: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": ["4", "3", "2", "1"],
            "picture": ["b", "b", "a", "b"],
            "language": ["english", "arabic", "english", "arabic"],
            "text": ["so calm", "هادئ", "joy!", "حزين"],
            "mood": ["calm", "calm", "joy", "grief"],
            "split": ["test", "test", "train", "test"],
            **changes,
        }
    )


def tables(left: pl.DataFrame | None = None, right: pl.DataFrame | None = None) -> Tables:
    return {
        "annotations": annotations() if left is None else left,
        "images": images() if right is None else right,
    }


def problems(schema: Schema, config: str, left: pl.DataFrame, right: pl.DataFrame) -> str:
    with pytest.raises(DataError) as caught:
        assemble(schema.config(config), tables(left, right))
    return str(caught.value)


def test_a_row_per_picture_with_its_captions_in_order(schema: Schema) -> None:
    rows = assemble(schema.default, tables())
    assert rows.schema == {
        "id": pl.String,
        "width": pl.Int32,
        "mood": pl.Int64,
        "share": pl.Float32,
        "tie": pl.Boolean,
        "votes": pl.List(pl.Struct({"language": pl.String, "counts": pl.List(pl.Int32)})),
        "captions": pl.List(pl.Struct({"text": pl.String, "mood": pl.Int64})),
        "split": pl.String,
        "row_id": pl.String,
    }
    assert rows.to_dicts()[0] == {
        "id": "b",
        "width": 30,
        "mood": 2,
        "share": 0.5,
        "tie": True,
        "votes": [
            {"language": "arabic", "counts": [0, 1, 1]},
            {"language": "english", "counts": [0, 0, 1]},
        ],
        "captions": [
            {"text": "حزين", "mood": 1},
            {"text": "هادئ", "mood": 2},
            {"text": "so calm", "mood": 2},
        ],
        "split": "test",
        "row_id": "b",
    }


def test_a_row_per_caption_takes_columns_from_its_picture(schema: Schema) -> None:
    rows = assemble(schema.config("captions"), tables(annotations(agrees=None)))
    assert rows["width"].to_list() == [30, 30, 20, 30]
    assert rows["row_id"].to_list() == ["4", "3", "2", "1"]
    assert rows.schema["agrees"] == pl.Boolean
    assert rows["mood"].to_list() == [2, 2, 0, 1]


def test_every_problem_is_told_at_once(schema: Schema) -> None:
    told = problems(
        schema,
        "pictures",
        annotations(text=["a", None, "b", "c"], mood=["calm", "calm", "joy", "wrath"]),
        images(majority=["calm", "wrath"], width=["wide", "narrow"], id=["b", "z"]).drop("tie"),
    )
    assert told.splitlines() == [
        "config pictures, column 'tie': the images have no tie.",
        "config pictures, column 'captions[].text': 1 rows have no value: 3.",
        "config pictures, column 'captions[].mood': 1 labels are not in its set: wrath.",
        "config pictures, column 'captions': 1 rows have fewer than 1 annotations: z.",
        "config pictures, column 'width': holds String, not int32.",
        "config pictures, column 'mood': 1 labels are not in its set: wrath.",
    ]


def test_numbers_are_never_cut(schema: Schema) -> None:
    assert "holds Float64, not int32" in problems(
        schema, "pictures", annotations(), images(width=[1.5, 2.0])
    )
    assert "cannot become int32" in problems(
        schema, "pictures", annotations(), images(width=[2**40, 1])
    )


def test_label_ids_are_taken_as_they_are(schema: Schema) -> None:
    rows = assemble(schema.default, tables(right=images(majority=[2, 0])))
    assert rows["mood"].to_list() == [2, 0]
    assert "1 labels are not in its set: 3" in problems(
        schema, "pictures", annotations(), images(majority=[3, 0])
    )


def test_rows_that_belong_nowhere(schema: Schema) -> None:
    told = problems(schema, "captions", annotations(picture=["b", "b", "a", "q"]), images())
    assert "1 annotations belong to no row of images: 1." in told
    told = problems(
        schema, "captions", annotations(split=["test", None, "train", "test"]), images()
    )
    assert "1 rows have no split: 3." in told
    told = problems(schema, "captions", annotations().drop("split"), images())
    assert told == "config captions: the annotations lack split."


def test_empty_tables_keep_their_types(schema: Schema) -> None:
    rows = assemble(schema.default, tables(annotations().clear(), images().clear()))
    assert rows.schema == assemble(schema.default, tables()).schema
    assert rows.height == 0


@settings(max_examples=30)
@given(st.permutations(range(4)))
def test_the_order_of_captions_does_not_depend_on_the_table(
    schema: Schema, order: list[int]
) -> None:
    assert_frame_equal(
        assemble(schema.default, tables(annotations()[order])),
        assemble(schema.default, tables()),
    )
