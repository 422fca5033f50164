from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.errors import DataError
from artcurate.sources.json_records import decode, iter_records

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
SAMPLE = '[{"가": "한\\u3131", "b": [true, 1.5, null, -2e5, {"c": "x"}]}, {"d": 1}]'


def read(data: bytes) -> list[object]:
    return list(iter_records(decode(data, "f.json"), "f.json"))


def problem(data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(data)
    (sentence,) = caught.value.problems
    return sentence.removeprefix("f.json: ")


@given(values=st.lists(VALUES, max_size=5), ascii_only=st.booleans(), indent=st.none() | st.just(1))
def test_agrees_with_the_standard_library(
    values: list[object], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(values, ensure_ascii=ascii_only, indent=indent)
    assert read(text.encode()) == json.loads(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "euc-kr"])
def test_encodings(encoding: str) -> None:
    assert read('[{"감정": "기쁨"}]'.encode(encoding)) == [{"감정": "기쁨"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_cut_is_told_wherever_it_falls(encoding: str) -> None:
    data = SAMPLE.encode(encoding)
    start = data.index(b"[") + 1
    for end in range(start, len(data)):
        sentence = problem(data[:end])
        assert sentence.startswith("the JSON is cut off at byte "), (end, sentence)
        stated = int(sentence.split("byte ")[1].split(",")[0])
        # A character that is cut through is left out of the count.
        assert end - 2 <= stated <= end


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'[{"a": 1}, {"b" 3}]', "the JSON is damaged at byte 16, in record 2;"),
        (b"[1] x", "the JSON is damaged at byte 4, in record 1;"),
        (b'[1, "\\u12zz"]', "the JSON is damaged at byte 6, in record 2;"),
        (b'{"a": 1}', "the JSON is no list of records."),
        (b"", "the JSON is no list of records."),
        (b"[" + b"[" * 100_000, "record 1 is nested too deeply."),
        (b"[" + b"1" * 5_000 + b"]", "record 1 holds a number that is too long."),
        ("한글".encode() + b"\xff\xff", "the text is neither UTF-8 (byte 6) nor CP949 (byte 0);"),
    ],
)
def test_damage_is_told_with_its_place(data: bytes, sentence: str) -> None:
    assert problem(data).startswith(sentence)


def test_half_a_surrogate_pair_is_no_record() -> None:
    assert read(rb'["\ud83d\ude00", "\ud83d", {"\udc00": 1}, "a\\ud800"]') == [
        "\U0001f600",
        None,
        None,
        "a\\ud800",
    ]
