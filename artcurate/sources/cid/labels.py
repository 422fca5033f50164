"""CID's label files: from JSON records to rows, as they are written there."""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import Any

import polars as pl

from artcurate.archives.documents import Content
from artcurate.sources.cid.typed_records import decode_columns
from artcurate.sources.json_records import DecodedText, decode, iter_records

ANNOTATORS = ("A", "B", "C")
EDGES = {"left": "minX", "top": "minY", "right": "maxX", "bottom": "maxY"}

#: Columns of a label record. Boxes are as labelled, in pixels, null where no finite number stands.
RAW_SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "name": pl.String(),
        "gender": pl.String(),
        "age": pl.Int64(),
        "profession": pl.String(),
        "emotion": pl.String(),
        "uploader_background": pl.String(),
        **{f"emotion_{annotator}": pl.String() for annotator in ANNOTATORS},
        **{f"background_{annotator}": pl.String() for annotator in ANNOTATORS},
        **{f"{edge}_{annotator}": pl.Float32() for annotator in ANNOTATORS for edge in EDGES},
    }
)

#: Keys that stand near the start of a label file of CID and of nothing else.
_MARKS = (b'"faceExp_uploader"', b'"bg_uploader"', b'"annot_A"')
_AGE = re.compile(r"\s*([0-9]{1,3})(?:\.0)?\s*[대세]?\s*")
#: Records that are Python objects at the same time; with more of them the garbage collector, which
#: looks at all again and again, takes a quarter of the time.
_CHUNK = 1_000


def looks_like_labels(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a label file."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{") and any(
        mark in start for mark in _MARKS
    )


def read_labels(content: Content) -> pl.DataFrame:
    """The records of a label file (`RAW_SCHEMA`), one row each, in the file's order.

    What is missing or of another type is null; a record without a file name is all null but its
    row.

    Raises:
        DataError: the file is cut off, damaged, or in neither UTF-8 nor CP949.
    """
    place = content.document.path
    text = decode(content.data, place)
    columns = decode_columns(text.text)
    labels = _from_records(text, place) if columns is None else _from_columns(columns)
    edges = pl.col(pl.Float32)
    return labels.with_columns(pl.when(edges.is_finite()).then(edges))


def _from_columns(columns: dict[str, list[Any]]) -> pl.DataFrame:
    columns["row"] = list(range(1, len(columns["name"]) + 1))
    columns["age"] = list(map(_age, columns["age"]))
    return pl.DataFrame(
        [pl.Series(name, columns[name], dtype) for name, dtype in RAW_SCHEMA.items()]
    )


def _from_records(text: DecodedText, place: str) -> pl.DataFrame:
    """Record by record: what is not as expected is null, and what is no JSON has its place."""
    records = enumerate(iter_records(text, place), 1)
    frames = [pl.DataFrame(schema=RAW_SCHEMA)]
    while rows := [_row(number, record) for number, record in islice(records, _CHUNK)]:
        columns = zip(RAW_SCHEMA.items(), zip(*rows, strict=True), strict=True)
        frames.append(
            pl.DataFrame([pl.Series(name, values, dtype) for (name, dtype), values in columns])
        )
    return pl.concat(frames)


def _row(number: int, record: Any) -> tuple[Any, ...]:
    if not isinstance(record, dict) or not isinstance(record.get("filename"), str):
        return (number, *[None] * (len(RAW_SCHEMA) - 1))
    emotions: list[str | None] = []
    backgrounds: list[str | None] = []
    boxes: list[float] = []
    for annotator in ANNOTATORS:
        annotation = record.get(f"annot_{annotator}")
        annotation = annotation if isinstance(annotation, dict) else {}
        emotions.append(_text(annotation.get("faceExp")))
        backgrounds.append(_text(annotation.get("bg")))
        box = annotation.get("boxes")
        box = box if isinstance(box, dict) else {}
        boxes += [_number(box.get(edge)) for edge in EDGES.values()]
    return (
        number,
        record["filename"],
        _text(record.get("gender")),
        _age(record.get("age")),
        _text(record.get("isProf")),
        _text(record.get("faceExp_uploader")),
        _text(record.get("bg_uploader")),
        *emotions,
        *backgrounds,
        *boxes,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float:
    """`value` where it is a number, otherwise not a number."""
    if type(value) is float:
        return value
    try:
        return float(value) if type(value) is int else math.nan
    except OverflowError:
        return math.nan


def _age(value: Any) -> int | None:
    """Years or the first year of a decade, as a number or as text such as 20대."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if abs(value) < 1000 and value == int(value) else None
    match = _AGE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else None
