"""Small tables as aligned text for a terminal and as Markdown for the card."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title; every row has one cell per column.

    Integers are shown with thousands separators, floats with three decimals, None as nothing. A
    column of numbers is aligned to the right.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def numeric(self, column: int) -> bool:
        """Whether every cell of `column` that holds anything holds a number."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(isinstance(cell, int | float) for cell in cells)


def to_text(table: Table) -> str:
    """The table in monospaced columns, its title above a rule. Ends with a line feed."""
    grid = [[printable(name) for name in table.columns]]
    grid += [[_shown(cell) for cell in row] for row in table.rows]
    widths = [max(display_width(row[i]) for row in grid) for i in range(len(table.columns))]
    right = [table.numeric(i) for i in range(len(table.columns))]
    head, *body = ["  ".join(map(_padded, row, widths, right)).rstrip() for row in grid]
    rule = "  ".join("-" * width for width in widths)
    title = [printable(table.title)] if table.title else []
    return "\n".join([*title, head, rule, *body]) + "\n"


def to_markdown(table: Table) -> str:
    """The table as GitHub Markdown under its title in bold. Ends with a line feed."""
    right = [table.numeric(i) for i in range(len(table.columns))]
    lines = [f"**{_escaped(table.title)}**", ""] if table.title else []
    lines.append(_markdown_row([_escaped(name) for name in table.columns]))
    lines.append(_markdown_row(["---:" if number else "---" for number in right]))
    lines += [_markdown_row([_escaped(_shown(cell)) for cell in row]) for row in table.rows]
    return "\n".join(lines) + "\n"


def display_width(text: str) -> int:
    """Columns that `text` takes on a terminal: wide characters two, combining ones none.

    After Unicode Standard Annex 11: East Asian Wide and Fullwidth are two columns.
    """
    return sum(_character_width(character) for character in text)


def printable(text: str) -> str:
    """`text` on one line and without characters that steer a terminal or turn the text around."""
    return "".join(
        character if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else "�"
        for character in text
    )


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.3f}"
    return f"{cell:,}" if isinstance(cell, int) else printable(cell)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def _escaped(text: str) -> str:
    return printable(text).translate({ord(mark): f"\\{mark}" for mark in "\\|*_`<[]"})


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
