from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.benchmark.html import Markup, element, foreign, page, table


class Reader(HTMLParser):
    """The elements a browser would make of a page, and the text it would show."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.shown: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


@given(st.text())
def test_no_text_becomes_an_element_or_an_attribute(text: str) -> None:
    found = Reader(element("p", text, title=text))

    assert found.tags == ["p"]


def test_what_a_text_says_is_what_is_read() -> None:
    hostile = "</bdi><script>alert('1 & 2')</script>"

    found = Reader(foreign(hostile, 100))

    assert found.tags == ["bdi"]
    assert "".join(found.shown) == hostile


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\x00", "\x1b"])
def test_characters_that_turn_or_steer_are_replaced(mark: str) -> None:
    assert element("p", f"a{mark}b") == "<p>a\ufffdb</p>"


def test_joiners_of_arabic_and_persian_words_stay() -> None:
    assert element("p", "می\u200cخواهم") == "<p>می\u200cخواهم</p>"


def test_a_long_text_is_cut() -> None:
    assert foreign("x" * 50, 10) == f"<bdi>{'x' * 9}…</bdi>"


def test_figures_have_three_decimals_and_counts_their_thousands() -> None:
    made = table(("name", "n", "score"), [("<a>", 12345, 0.5)])

    assert "&lt;a&gt;" in made
    assert "12,345" in made
    assert "0.500" in made


def test_a_page_forbids_itself_scripts_and_the_network() -> None:
    made = page("t", "", [Markup("<p>x</p>")])

    assert "default-src &#x27;none&#x27;" in made or "default-src 'none'" in made
