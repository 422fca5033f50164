from __future__ import annotations

import html
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from artcurate.hub.quotes import Prose

KOREAN = "요즘 면접에서 자꾸 떨어져서 너무 속상하고 아무것도 하기 싫어."
ENGLISH = 'The "lonely" boat & the grey sky make me feel small; it\'s a cold evening by the sea.'


def quoting(prose: str, sentence: str) -> bool:
    return Prose.of({"a.txt": prose, "b.txt": "Nothing is said here of any boat."}).quoting(
        sentence
    ) == ("a.txt",)


@pytest.mark.parametrize("sentence", [KOREAN, ENGLISH])
@pytest.mark.parametrize(
    "write",
    [
        lambda text: f"Worst of all: {text} (anger)",
        lambda text: json.dumps({"text": text}),
        lambda text: json.dumps({"text": text}, ensure_ascii=False),
        lambda text: html.escape(f"<td>{text}</td>"),
        lambda text: yaml.safe_dump({"a": {"b": [f"{text} {text}"]}}, width=40, allow_unicode=True),
        lambda text: yaml.safe_dump({"text": text}, width=40),
        lambda text: f"| {text.replace(' ', chr(10) + '  ')} |",
    ],
)
def test_a_sentence_is_found_however_it_is_written(sentence: str, write: object) -> None:
    assert callable(write)
    assert quoting(write(sentence), sentence)


def test_a_part_that_is_long_enough_to_tell_is_found() -> None:
    assert quoting(f"... {KOREAN[3:25]} ...", KOREAN)
    assert quoting(f"{ENGLISH[20:70]}…", ENGLISH)


def test_what_two_texts_may_share_by_chance_is_none() -> None:
    assert not quoting("The grey sky of this painting makes me think.", ENGLISH)
    assert not quoting("슬퍼", "슬퍼")
    assert not quoting("", KOREAN)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=80),
    st.text("ab 가", max_size=200),
    st.text("ab 가", max_size=200),
)
def test_a_whole_sentence_is_always_found(sentence: str, before: str, after: str) -> None:
    words = " ".join(sentence.replace("\\", "").replace("&", "").split())
    if len(words.encode()) >= 16:
        assert Prose.of({"a": f"{before} {words} {after}"}).quoting(words) == ("a",)
