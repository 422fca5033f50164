from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from artcurate.errors import UsageError
from artcurate.schema.arrow import arrow_type
from artcurate.schema.check import check_column
from artcurate.schema.model import Column


def faults(raw: dict[str, Any], values: list[Any]) -> list[tuple[str, int, str]]:
    """(rule, 1-based row, path) of every fault; the array is a slice, as batches often are."""
    column = TypeAdapter(Column).validate_python(raw)
    array = pa.array([values[0], *values] if values else [], arrow_type(column))[1:]
    rows = np.arange(1, len(array) + 1)
    return [(fault.rule, fault.row, fault.path) for fault in check_column("c", column, array, rows)]


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ({"type": "string"}, ["a", None], {2: "null"}),
        ({"type": "string", "nullable": True}, ["a", None], {}),
        (
            {"type": "string", "pattern": r"\S"},
            ["a", " ", "", " b "],
            {2: "pattern", 3: "pattern"},
        ),
        ({"type": "string", "pattern": "^é$"}, ["é", "éé"], {2: "pattern"}),
        ({"type": "string", "values": ["x", "y"]}, ["x", "z"], {2: "value"}),
        (
            {"type": "int32", "minimum": 0, "maximum": 9},
            [0, -1, 9, 10],
            {2: "range", 4: "range"},
        ),
        ({"type": "float32", "maximum": 1}, [1.0, float("nan"), 1.5], {2: "number", 3: "range"}),
        ({"type": "float64"}, [1.0, float("inf")], {2: "number"}),
        ({"type": "label", "labels": ["p", "q"]}, [0, 1, 2, -1], {3: "label", 4: "label"}),
        ({"type": "label", "labels": ["p"], "nullable": True}, [None, 0], {}),
        ({"type": "bool"}, [True, None], {2: "null"}),
    ],
)
def test_plain_values(column: dict[str, Any], values: list[Any], found: dict[int, str]) -> None:
    assert faults(column, values) == [(rule, row, "c") for row, rule in found.items()]


def test_lists_are_checked_in_length_and_in_every_item() -> None:
    column = {
        "type": "list",
        "length": 2,
        "nullable": True,
        "items": {"type": "int32", "minimum": 0},
    }
    assert faults(column, [[1, 2], None, [1], [3, -1], [None, 0]]) == [
        ("length", 3, "c"),
        ("null", 5, "c[]"),
        ("range", 4, "c[]"),
    ]
    assert faults({"type": "list", "min_length": 1, "items": {"type": "bool"}}, [[True], []]) == [
        ("length", 2, "c")
    ]


def test_structs_inside_lists_know_their_row() -> None:
    column = {
        "type": "list",
        "items": {
            "type": "struct",
            "fields": {
                "mood": {"type": "label", "labels": ["p", "q"]},
                "tags": {"type": "list", "items": {"type": "string", "pattern": "^t"}},
            },
        },
    }
    values = [
        [{"mood": 0, "tags": ["t1"]}],
        [],
        [{"mood": 1, "tags": []}, {"mood": 5, "tags": ["t2", "x"]}],
        [None, {"mood": None, "tags": ["t"]}],
    ]
    assert sorted(faults(column, values)) == [
        ("label", 3, "c[].mood"),
        ("null", 4, "c[]"),
        ("null", 4, "c[].mood"),
        ("pattern", 3, "c[].tags[]"),
    ]


def test_a_picture_needs_bytes_and_a_base_name() -> None:
    values = [
        {"bytes": b"nonsense", "path": "a.jpg"},
        {"bytes": None, "path": "../a.jpg"},
        {"bytes": b"GIF89a" + bytes(20), "path": None},
        None,
    ]
    assert sorted(faults({"type": "image"}, values)) == [
        ("null", 4, "c"),
        ("path", 2, "c"),
        ("path", 3, "c"),
        ("picture", 1, "c"),
        ("picture", 2, "c"),
        ("picture", 3, "c"),
    ]


def test_the_value_and_what_was_expected_are_told() -> None:
    column = TypeAdapter(Column).validate_python({"type": "label", "labels": ["p", "q"]})
    (fault,) = check_column("c", column, pa.array([7]), np.array([12]))
    assert (fault.row, fault.problem) == (12, "7")
    assert fault.expected == "a label id from 0 (p) to 1 (q)"


def test_a_pattern_that_arrow_cannot_read_is_a_wrong_schema() -> None:
    with pytest.raises(UsageError, match="RE2"):
        faults({"type": "string", "pattern": "(?=a)"}, ["a"])


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=20),
    st.sets(st.integers(0, 19)),
)
def test_exactly_the_rows_that_were_spoilt_are_found(
    values: list[list[int]], spoilt: set[int]
) -> None:
    rows = {row for row in spoilt if row < len(values)}
    damaged = [[*items, 5] if row in rows else items for row, items in enumerate(values)]
    column = {"type": "list", "items": {"type": "int64", "maximum": 4}}
    assert {row - 1 for _, row, _ in faults(column, damaged)} == rows
