"""Check Arrow arrays against a schema's columns, naming every row that breaks a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.schema.model import (
    Column,
    FloatColumn,
    ImageColumn,
    IntegerColumn,
    LabelColumn,
    ListColumn,
    StringColumn,
    StructColumn,
)
from artcurate.schema.picture import picture_fault

Rows = NDArray[np.int64]

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that breaks a rule of its column.

    row: the number of its row, as given to `check_column`.
    path: the column, with `[]` for a list's items and `.` before a struct's field.
    """

    rule: str
    row: int
    path: str
    problem: str
    expected: str


def check_column(path: str, column: Column, array: pa.Array, rows: Rows) -> Iterator[Fault]:
    """Every fault of `array`, whose type is the column's and whose values stand in `rows`.

    Raises UsageError when a pattern is no RE2 expression.
    """
    if not column.nullable and array.null_count:
        for row in rows[_where(pc.is_null(array))]:
            yield Fault("null", int(row), path, "no value", "a value")
    if isinstance(column, ImageColumn):
        yield from _check_pictures(path, array, rows)
    elif isinstance(column, StructColumn):
        present = _where(pc.is_valid(array))
        fields = array.take(pa.array(present)).flatten() if array.null_count else array.flatten()
        inner = rows[present] if array.null_count else rows
        for (name, field), values in zip(column.fields.items(), fields, strict=True):
            yield from check_column(f"{path}.{name}", field, values, inner)
    elif isinstance(column, ListColumn):
        yield from _check_lengths(path, column, array, rows)
        inner = rows[np.asarray(pc.list_parent_indices(array))]
        yield from check_column(f"{path}[]", column.items, array.flatten(), inner)
    elif isinstance(column, StringColumn):
        yield from _check_strings(path, column, array, rows)
    elif isinstance(column, LabelColumn):
        yield from _check_labels(path, column, array, rows)
    elif isinstance(column, IntegerColumn | FloatColumn):
        yield from _check_numbers(path, column, array, rows)


def _where(mask: pa.Array) -> Rows:
    """Places where `mask` is true; a null is not."""
    return np.asarray(pc.indices_nonzero(mask), dtype=np.int64)


def _faults(
    rule: str, path: str, array: pa.Array, rows: Rows, bad: pa.Array, expected: str
) -> Iterator[Fault]:
    for place in _where(bad):
        value = repr(array[int(place)].as_py())
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        yield Fault(rule, int(rows[place]), path, shown, expected)


def _check_strings(path: str, column: StringColumn, array: pa.Array, rows: Rows) -> Iterator[Fault]:
    if column.pattern is not None:
        try:
            found = pc.match_substring_regex(array, column.pattern)
        except pa.ArrowInvalid as error:
            raise UsageError(f"column {path}: pattern is no RE2 expression ({error}).") from None
        expected = f"a match of {column.pattern}"
        yield from _faults("pattern", path, array, rows, pc.invert(found), expected)
    if column.values is not None:
        allowed = pc.or_(pc.is_in(array, pa.array(column.values, array.type)), pc.is_null(array))
        expected = f"one of {', '.join(column.values)}"
        yield from _faults("value", path, array, rows, pc.invert(allowed), expected)


def _check_labels(path: str, column: LabelColumn, array: pa.Array, rows: Rows) -> Iterator[Fault]:
    labels = column.labels.labels
    outside = pc.or_(pc.less(array, 0), pc.greater_equal(array, len(labels)))
    expected = f"a label id from 0 ({labels[0]}) to {len(labels) - 1} ({labels[-1]})"
    yield from _faults("label", path, array, rows, outside, expected)


def _check_numbers(
    path: str, column: IntegerColumn | FloatColumn, array: pa.Array, rows: Rows
) -> Iterator[Fault]:
    if isinstance(column, FloatColumn):
        infinite = pc.invert(pc.is_finite(array))
        yield from _faults("number", path, array, rows, infinite, "a finite number")
    unit = f" {column.unit}" if column.unit else ""
    if column.minimum is not None:
        below = pc.less(array, pa.scalar(column.minimum, array.type))
        yield from _faults("range", path, array, rows, below, f"at least {column.minimum}{unit}")
    if column.maximum is not None:
        above = pc.greater(array, pa.scalar(column.maximum, array.type))
        yield from _faults("range", path, array, rows, above, f"at most {column.maximum}{unit}")


def _check_lengths(path: str, column: ListColumn, array: pa.Array, rows: Rows) -> Iterator[Fault]:
    lengths = pc.list_value_length(array)
    if column.length is not None:
        wrong, expected = pc.not_equal(lengths, column.length), f"{column.length} items"
    elif column.min_length:
        wrong, expected = pc.less(lengths, column.min_length), f"{column.min_length} items or more"
    else:
        return
    for place in _where(wrong):
        problem = f"{lengths[int(place)].as_py()} items"
        yield Fault("length", int(rows[place]), path, problem, expected)


def _check_pictures(path: str, array: pa.Array, rows: Rows) -> Iterator[Fault]:
    data, names = array.field("bytes"), array.field("path")
    for place in _where(pc.is_valid(array)):
        row = int(rows[place])
        content = data[int(place)]
        fault = picture_fault(content.as_buffer().to_pybytes() if content.is_valid else b"")
        if fault:
            yield Fault("picture", row, path, fault, "an encoded picture")
        name = names[int(place)].as_py()
        if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            yield Fault("path", row, path, f"path {name!r}", "a base name")
