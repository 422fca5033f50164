"""CSV files are read whole, or every row that cannot be read is named with its reason."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate.errors import DataError
from artcurate.sources.delimited import read_delimited, read_header
from artcurate.sources.rawfile import RawTable, sniff
from artcurate.sources.recovery import read_recovering

HEADER = b"style,name,emotion,text,tokens,last\n"
WANTED = ("style", "name", "emotion", "text")


def write(folder: Path, body: bytes, header: bytes = HEADER) -> Path:
    path = folder / "captions.csv"
    path.write_bytes(header + body)
    return path


def read(path: Path) -> RawTable:
    return read_delimited(path, read_header(path), WANTED)


def sniff_and_read(path: Path) -> RawTable:
    sniff(path)
    return read(path)


def kept(table: RawTable) -> list[tuple[int, str]]:
    return table.rows.select("row", "text").rows()


def faults(table: RawTable) -> list[tuple[int, str]]:
    return table.faults.select("row", "reason").rows()


def row(text: bytes, last: bytes = b"x") -> bytes:
    return b'S,p,awe,%s,"[1, 2]",%s\n' % (text, last)


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param(row(b"a") + row(b"b"), ["a", "b"], id="plain"),
        pytest.param(row(b"a") + row(b"b")[:-1], ["a", "b"], id="no newline at the end"),
        pytest.param(row(b"a").replace(b"\n", b"\r\n") * 2, ["a", "a"], id="CRLF"),
        pytest.param(row(b'"one\ntwo"') + row(b"b"), ["one\ntwo", "b"], id="quoted line break"),
        pytest.param(row(b'"say ""hi"", you"'), ['say "hi", you'], id="quoted quotes"),
        pytest.param(row(b'the "dark" sky'), ['the "dark" sky'], id="quotes inside bare text"),
        pytest.param(row("悲しい".encode()), ["悲しい"], id="not ASCII"),
        pytest.param(row(b" a "), [" a "], id="spaces stay"),
    ],
)
def test_regular_files_come_back_as_they_are(tmp_path: Path, body: bytes, texts: list[str]) -> None:
    table = read(write(tmp_path, body))
    assert kept(table) == list(enumerate(texts, start=1))
    assert not table.recovered
    assert table.faults.is_empty()


def test_bytes_and_hash_are_those_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, row(b"a"))
    table = read(path)
    assert table.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert table.bytes == path.stat().st_size


@pytest.mark.parametrize("header", [b"\xef\xbb\xbf" + HEADER, HEADER.replace(b"\n", b"\r\n")])
def test_a_byte_order_mark_or_crlf_is_no_part_of_a_name(tmp_path: Path, header: bytes) -> None:
    path = write(tmp_path, row(b"a"), header)
    assert read_header(path).columns == ("style", "name", "emotion", "text", "tokens", "last")
    assert kept(read(path)) == [(1, "a")]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(b"S,p,awe,short\n", "wrong_field_count", id="short"),
        pytest.param(b"S,p,awe,a,t,x,more\n", "wrong_field_count", id="long"),
        pytest.param(row(b'"never closed'), "broken_quoting", id="open quote"),
        pytest.param(row(b'"closed" too early'), "broken_quoting", id="text after a quote"),
        pytest.param(row(b"a\0b"), "nul_byte", id="NUL"),
        pytest.param(row(b"caf\xe9"), "not_utf8", id="Latin-1"),
        pytest.param(row(b"a\rb\r").replace(b'"', b""), "stray_carriage_return", id="lone CR"),
        pytest.param(row(b"x" * 200_000), "oversized_record", id="gigantic field"),
        pytest.param(row(b'"' + b"x\n" * 40 + b"\xff\n" + b'"'), "not_utf8", id="in a long text"),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_stay(
    tmp_path: Path, bad: bytes, reason: str
) -> None:
    table = read(write(tmp_path, row(b"a") + row(b'"b\nc"') + bad + row(b"d") + row(b'"e, f"')))
    assert faults(table) == [(3, reason)]
    assert kept(table) == [(1, "a"), (2, "b\nc"), (4, "d"), (5, "e, f")]
    assert table.recovered


def test_the_fault_names_the_physical_line(tmp_path: Path) -> None:
    table = read(write(tmp_path, row(b'"a\nb"') + b"S,p\n"))
    assert table.faults["detail"].to_list() == ["line 4 has 2 fields instead of 6"]


def test_an_open_quote_at_the_end_costs_one_row(tmp_path: Path) -> None:
    table = read(write(tmp_path, row(b"a") + row(b"b") + row(b'"c').replace(b'"[1, 2]"', b"t")))
    assert kept(table) == [(1, "a"), (2, "b")]
    assert faults(table) == [(3, "broken_quoting")]


def test_a_quote_that_a_later_row_happens_to_close_swallows_nothing(tmp_path: Path) -> None:
    """polars and pandas read these four rows as two."""
    body = b'S,p,awe,"open,t,x\nS,q,awe,b,t,x\nS,r,awe,shut",t,x\nS,s,awe,d,t,x\n'
    table = read(write(tmp_path, body))
    assert faults(table) == [(1, "broken_quoting")]
    assert kept(table) == [(2, "b"), (3, 'shut"'), (4, "d")]


def test_two_neighbours_that_share_a_quoted_field_are_told_apart(tmp_path: Path) -> None:
    table = read(write(tmp_path, b'S,p,awe,"open,t,x\nS,r,awe,shut",t,x\n'))
    assert faults(table) == [(1, "broken_quoting")]
    assert kept(table) == [(2, 'shut"')]


def test_a_caption_of_many_lines_and_commas_is_one_caption(tmp_path: Path) -> None:
    poem = "sea, sky, sand,\nand, oh, the light, the light, the light,\nand, and, and"
    table = read(write(tmp_path, row(b'"%s"' % poem.encode()) + row(b"b")))
    assert kept(table) == [(1, poem), (2, "b")]
    assert table.faults.is_empty()


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    table = read(write(tmp_path, row(b"a") + b"\n\n" + row(b"b") + b"\n"))
    assert kept(table) == [(1, "a"), (2, "b")]
    assert table.blank_lines == 3


def test_an_empty_last_column_is_no_short_row(tmp_path: Path) -> None:
    table = read(write(tmp_path, row(b"a", b"") + row(b"b")))
    assert kept(table) == [(1, "a"), (2, "b")]
    assert table.faults.is_empty()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (HEADER, "a header and no rows"),
        (HEADER[:-1], "a header and no rows"),
        (HEADER + b"\n\n", "a header and no rows"),
        (b"a,b,a\n1,2,3\n", "the header repeats 'a'"),
        (b"a;b;c\n1;2;3\n", "no comma-separated columns"),
        (b"a,b\r1,2\r3,4\r", "lone carriage return"),
        ("a,b\n1,2\n".encode("utf-16"), "this is UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16"),
        (b"\x1f\x8b\x08\x00", "gzip archive"),
        (b"PK\x03\x04....", "zip archive"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b'"a,b\n1,2\n', "the header has broken quoting"),
        (b"a," * 60_000, "too long for a header"),
        (b"caf\xe9,b\n1,2\n", "the header is not UTF-8"),
        (HEADER + b"S,p\nS,q\n", "none of its 2 rows can be read; line 2 has 2 fields"),
        (HEADER + row(b"caf\xe9") * 12 + row(b"plain"), "iconv -f WINDOWS-1252"),
    ],
)
def test_a_hopeless_file_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "captions.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        sniff_and_read(path)
    (problem,) = refused.value.problems
    assert sentence in problem
    assert str(path) in problem
    assert "\n" not in problem


def test_a_missing_or_forbidden_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        sniff(tmp_path / "absent.csv")
    locked = write(tmp_path, row(b"a"))
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="you may not read this file"):
        sniff(locked)


TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
) | st.sampled_from(['"', '""', "a,b", "x\ny", ", ,", "\n", "a\r\nb", "é", '",'])


@given(rows=st.lists(st.tuples(*[TEXTS] * 5), min_size=1, max_size=8), crlf=st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_a_csv_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], crlf: bool
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n" if crlf else "\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([("S", *values) for values in rows])
    table = read(write(tmp_path_factory.mktemp("csv"), out.getvalue().encode()))
    columns = ("name", "emotion", "text")
    assert table.faults.is_empty()
    assert table.rows.select(pl.col(columns).fill_null("")).rows() == [r[:3] for r in rows]
    assert table.rows["row"].to_list() == list(range(1, len(rows) + 1))


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_is_broken_the_untouched_rows_survive(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """One line of a file of plain lines is overwritten; all the others must come back."""
    lines = [row(b"text %d" % number) for number in range(8)]
    victim = data.draw(st.integers(0, 7))
    junk = data.draw(
        st.binary(max_size=12) | st.lists(st.sampled_from(b',"\n\0\xffa'), max_size=12).map(bytes)
    )
    lines[victim] = junk + b"\n"
    table = read(write(tmp_path_factory.mktemp("csv"), b"".join(lines)))
    texts = set(table.rows["text"].fill_null("").to_list())
    assert {f"text {number}" for number in range(8) if number != victim} <= texts
    numbers = sorted([*table.rows["row"].to_list(), *table.faults["row"].to_list()])
    assert numbers == list(range(1, len(numbers) + 1))


PIECES = st.sampled_from(
    [b"S,p,awe,", b"text", b",t,x\n", b"\n", b'"', b'""', b",", b"S,p,awe,a,t,x\n", b"\r\n", b" "]
)


@given(pieces=st.lists(PIECES, min_size=1, max_size=14))
@settings(max_examples=400, deadline=None)
def test_where_the_fast_reader_is_trusted_the_exact_one_agrees(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = write(tmp_path_factory.mktemp("csv"), b"".join(pieces))
    header = read_header(path)
    try:
        table = read_delimited(path, header, WANTED)
    except DataError:
        return
    if not table.recovered:
        exact = read_recovering(path, header.bytes, header.columns, WANTED)
        assert exact.faults == []
        assert exact.rows.rows() == table.rows.with_columns(pl.col(pl.String).fill_null("")).rows()
