from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.package.tables import Table, display_width, printable, to_markdown, to_text

TABLE = Table(
    "Rows by language",
    ("language", "rows", "share"),
    (("english", 1234, 0.5), ("한국어", 7, None), ("العربية", None, 0.25)),
)


def test_text_is_aligned_with_wide_characters() -> None:
    assert to_text(TABLE) == (
        "Rows by language\n"
        "language   rows  share\n"
        "--------  -----  -----\n"
        "english   1,234  0.500\n"
        "한국어        7\n"
        "العربية          0.250\n"
    )


def test_markdown_aligns_numbers_to_the_right() -> None:
    assert to_markdown(TABLE) == (
        "**Rows by language**\n\n"
        "| language | rows | share |\n"
        "| --- | ---: | ---: |\n"
        "| english | 1,234 | 0.500 |\n"
        "| 한국어 | 7 |  |\n"
        "| العربية |  | 0.250 |\n"
    )


def test_markdown_keeps_its_cells_whole() -> None:
    text = to_markdown(Table("", ("a",), (("x|y_z <b> [l](u)",),)))
    assert text.splitlines()[-1] == r"| x\|y\_z \<b> \[l\](u) |"


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("悲伤", 4), ("e\u0301", 1), ("한", 2), ("ﾊﾝ", 2), ("Ａ", 2), ("", 0)],
)
def test_width_on_a_terminal(text: str, width: int) -> None:
    assert display_width(text) == width


def test_no_character_steers_the_terminal() -> None:
    assert printable("\x1b[31mred\r\n\u202eevil") == "�[31mred���evil"
    assert "\x1b" not in to_text(Table("\x1b", ("\x1b",), (("\x1b",),)))


def test_a_table_without_rows() -> None:
    assert to_text(Table("t", ("a", "bc"), ())) == "t\na  bc\n-  --\n"


@given(st.lists(st.tuples(st.text(max_size=8), st.integers()), max_size=5))
def test_the_last_number_of_every_row_ends_in_one_column(rows: list[tuple[str, int]]) -> None:
    lines = to_text(Table("", ("name", "n"), tuple(rows))).split("\n")[2:-1]
    assert len({display_width(line) for line in lines}) <= 1
