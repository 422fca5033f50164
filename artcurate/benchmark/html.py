"""Hypertext from values: whatever is not made by these functions is escaped."""

from __future__ import annotations

import base64
import html
import unicodedata
from collections.abc import Iterable, Sequence

from artcurate.package.tables import Cell

#: Characters that turn the writing direction of what follows; `bdi` isolates texts without them.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
#: Nothing is fetched and nothing runs, whatever got into the page.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


#: Width of a drawn interval in pixels.
_DRAWN = 220


class Markup(str):
    """Text that is hypertext already; any other string is escaped where it meets one."""

    __slots__ = ()


def element(name: str, *children: Markup | Cell, **attributes: str) -> Markup:
    """`<name attribute="...">children</name>`; a trailing underscore of an attribute is dropped."""
    named = "".join(
        f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{named}>{joined(children)}</{name}>")


def joined(children: Iterable[Markup | Cell]) -> Markup:
    """The children one after another, those that are no markup escaped."""
    return Markup("".join(_shown(child) for child in children))


def foreign(text: str, most: int) -> Markup:
    """A text of somebody else, cut at `most` characters, in its own writing direction."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return element("bdi", cut)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Markup | Cell]], *, words: int = 1
) -> Markup:
    """A table whose first `words` columns are words and the others figures, aligned to the right.

    It scrolls sideways by itself where the page is too narrow.
    """

    def line(name: str, cells: Sequence[Markup | Cell]) -> Markup:
        return element(
            "tr",
            *(
                element(name, cell, class_="word" if place < words else "figure")
                for place, cell in enumerate(cells)
            ),
        )

    head = element("thead", line("th", columns))
    body = element("tbody", *(line("td", row) for row in rows))
    return element("div", element("table", head, body), class_="wide")


def picture(png: bytes, description: str) -> Markup:
    """A PNG inside the page. description: what it shows, in words."""
    address = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return Markup(f'<img alt="{html.escape(description)}" src="{address}">')


def interval(
    low: float, mean: float, high: float, *, scale: tuple[float, float], mark: float, colour: str
) -> Markup:
    """A drawing of an estimate with its interval, and a line at `mark`. scale: left and right."""
    left, right = scale
    width = _DRAWN

    def place(value: float) -> str:
        share = (value - left) / (right - left) if right > left else 0.0
        return f"{4 + (width - 8) * min(max(share, 0.0), 1.0):.1f}"

    return Markup(
        f'<svg width="{width}" height="18" viewBox="0 0 {width} 18" role="img" '
        f'aria-label="{mean:.3f} from {low:.3f} to {high:.3f}">'
        f'<line x1="{place(mark)}" x2="{place(mark)}" y1="0" y2="18" stroke="#9aa4b1" '
        f'stroke-dasharray="3 2"/>'
        f'<line x1="{place(low)}" x2="{place(high)}" y1="9" y2="9" stroke="{colour}" '
        f'stroke-width="3" stroke-opacity="0.45"/>'
        f'<circle cx="{place(mean)}" cy="9" r="4" fill="{colour}"/></svg>'
    )


def page(title: str, style: str, body: Iterable[Markup]) -> str:
    """The whole file: one page that needs nothing beside itself."""
    head = joined(
        (
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            element("title", title),
            Markup(f"<style>{style}</style>"),
        )
    )
    content = element("main", *body)
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{content}</body></html>\n'


def _shown(value: Markup | Cell) -> str:
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else html.escape(_visible(value))


def _visible(text: str) -> str:
    """`text` without control characters and without those that turn the writing direction."""
    return "".join("\ufffd" if _is_control(one) or one in _TURNING else one for one in text)


def _is_control(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs")
