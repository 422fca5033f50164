from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import TypeAdapter

from artcurate.errors import DataError
from artcurate.schema.arrow import arrow_schema, arrow_type, feature, features
from artcurate.schema.load import load_schema
from artcurate.schema.model import Column, Schema

PLAIN = ["string", "int32", "int64", "float32", "float64", "bool", "image"]

columns = st.recursive(
    st.sampled_from([{"type": name} for name in PLAIN])
    | st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True).map(
        lambda names: {"type": "label", "labels": names}
    ),
    lambda inner: (
        inner.map(lambda items: {"type": "list", "items": items})
        | st.dictionaries(
            st.from_regex(r"[a-z]{1,5}", fullmatch=True), inner, min_size=1, max_size=3
        ).map(lambda fields: {"type": "struct", "fields": fields})
    ),
    max_leaves=5,
)


@given(columns)
def test_any_column_is_what_datasets_makes_of_it(raw: dict[str, Any]) -> None:
    column = TypeAdapter(Column).validate_python(raw)
    theirs = datasets.Features.from_dict({"c": feature(column)})
    assert theirs.to_dict() == {"c": feature(column)}
    assert theirs.arrow_schema.field("c").type == arrow_type(column)


@pytest.mark.parametrize("config", ["paintings", "annotations"])
def test_the_metadata_are_those_that_datasets_writes(config: str) -> None:
    ours = arrow_schema(load_schema("artelingo").config(config))
    theirs = datasets.Features.from_arrow_schema(ours).arrow_schema
    assert ours.equals(theirs)
    assert json.loads(ours.metadata[b"huggingface"]) == json.loads(theirs.metadata[b"huggingface"])


def test_absent_optional_columns_are_left_out(schema: Schema) -> None:
    names = ["split", *(set(schema.default.columns) - {"image", "twin"})]
    assert arrow_schema(schema.default, names).names == [
        "id",
        "width",
        "mood",
        "share",
        "tie",
        "votes",
        "captions",
    ]
    with pytest.raises(DataError, match="config pictures needs the columns id, tie"):
        features(schema.default, set(names) - {"id", "tie"})


def test_load_dataset_gives_pictures_and_class_labels(schema: Schema, tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (5, 4), (255, 0, 0)).save(picture, "PNG")
    layout = arrow_schema(schema.default)
    row = {
        "image": {"bytes": picture.getvalue(), "path": "a.png"},
        "id": "a",
        "width": 5,
        "twin": None,
        "mood": 2,
        "share": 0.5,
        "tie": False,
        "votes": [{"language": "english", "counts": [0, 0, 2]}],
        "captions": [{"text": "Still water", "mood": 2}],
    }
    (tmp_path / "set" / "data").mkdir(parents=True)
    pq.write_table(
        pa.Table.from_pylist([row], layout),
        tmp_path / "set" / "data" / "train-00000-of-00001.parquet",
    )
    (tmp_path / "set" / "README.md").write_text(
        "---\nconfigs:\n- config_name: pictures\n  default: true\n"
        "  data_files: [{split: train, path: data/train-*}]\n---\n"
    )
    for streaming in (False, True):
        loaded = datasets.load_dataset(
            str(tmp_path / "set"),
            streaming=streaming,
            split="train",
            cache_dir=str(tmp_path / "cache"),
        )
        assert loaded.features["mood"].int2str(2) == "calm"
        assert isinstance(loaded.features["image"], datasets.Image)
        (got,) = list(loaded)
        assert got["image"].size == (5, 4)
        assert got["captions"] == row["captions"]
        assert got["votes"] == row["votes"]
        assert got["twin"] is None
