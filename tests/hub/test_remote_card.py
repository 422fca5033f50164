"""Merging our card with what people wrote on the Hub."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from artcurate.errors import DataError
from artcurate.hub.remote_card import merged

OURS = """---
pretty_name: Ours
tags:
- emotion
configs:
- config_name: pairs
---

# Title

What it is.

## Load

```python
## no heading
load()
```

## Licence

Ours.
"""


def head(card: str) -> dict[str, object]:
    return yaml.safe_load(card.split("---\n")[1])


def test_a_first_card_is_ours() -> None:
    card = merged(OURS, None, "README.md")

    assert head(card) == head(OURS)
    assert "# Title\n\nWhat it is." in card
    assert card.count("## no heading") == 1


def test_merging_again_changes_nothing() -> None:
    once = merged(OURS, None, "README.md")

    assert merged(OURS, once, "README.md") == once


def test_what_stands_around_our_part_stays_and_our_part_is_made_anew() -> None:
    there = merged(OURS, None, "README.md")
    there = there.replace("<!-- artcurate:begin", "Read this first.\n\n<!-- artcurate:begin")
    there += "\n## Thanks\n\nTo all.\n"
    card = merged(OURS.replace("Ours.", "Changed."), there, "README.md")

    body = card.split("---\n", 2)[2]
    assert body.strip().startswith("Read this first.")
    assert body.strip().endswith("## Thanks\n\nTo all.")
    assert "Changed." in body
    assert "Ours." not in body


def test_sections_added_inside_our_part_move_behind_it() -> None:
    there = merged(OURS, None, "README.md").replace("## Licence", "## Mine\n\nText.\n\n## Licence")
    card = merged(OURS, there, "README.md")

    assert card.index("## Mine") > card.index("artcurate:end")
    assert card.count("## Mine") == 1
    assert merged(OURS, card, "README.md") == card


def test_a_section_of_ours_that_was_edited_is_kept_beside_the_new_one() -> None:
    there = merged(OURS, None, "README.md").replace("Ours.", "Ours, and ask Ann first.")
    card = merged(OURS, there, "README.md")

    ours, theirs = card.split("<!-- artcurate:end -->")
    assert "## Licence\n\nOurs.\n" in ours
    assert "Ours, and ask Ann first." in theirs


def test_a_card_written_by_hand_alone_stands_behind_ours() -> None:
    card = merged(OURS, "# By hand\n\nText.\n", "README.md")

    assert card.endswith("<!-- artcurate:end -->\n\n# By hand\n\nText.\n")


def test_heads_are_merged_key_by_key() -> None:
    theirs = """---
pretty_name: Theirs
tags: [by-hand, emotion]
annotations_creators: [expert]
configs: []
dataset_info: {features: []}
viewer: false
---
"""
    assert head(merged(OURS, theirs, "README.md")) == {
        "pretty_name": "Ours",
        "tags": ["emotion", "by-hand"],
        "configs": [{"config_name": "pairs"}],
        "annotations_creators": ["expert"],
        "viewer": False,
    }


def test_windows_line_ends_on_the_hub_do_not_matter() -> None:
    there = merged(OURS, None, "README.md")

    assert merged(OURS, there.replace("\n", "\r\n"), "README.md") == there


@pytest.mark.parametrize(
    "there",
    [
        "<!-- artcurate:begin -->\nno end\n",
        "no begin <!-- artcurate:end -->\n",
        "<!-- artcurate:end -->\n<!-- artcurate:begin -->\n",
        "<!-- artcurate:begin -->\n<!-- artcurate:begin -->\n<!-- artcurate:end -->\n",
        "<!-- artcurate:begin {broken} -->\n<!-- artcurate:end -->\n",
        "<!-- artcurate:begin changed -->\n<!-- artcurate:end -->\n",
        "---\n- a list\n---\n",
        "---\na: [\n---\n",
    ],
)
def test_what_cannot_be_taken_apart_is_refused_in_a_sentence(there: str) -> None:
    with pytest.raises(DataError, match=r"^somewhere.*\.$"):
        merged(OURS, there, "somewhere")


PROSE = st.lists(
    st.sampled_from(
        ["## Load", "## Added", "# Big", "text -- with dashes", "```", "---", "", "한국어", "-->"]
    ),
    max_size=8,
).map("\n".join)


@given(before=PROSE, inside=PROSE, after=PROSE)
def test_merging_twice_is_merging_once_and_no_line_of_theirs_is_lost(
    before: str, inside: str, after: str
) -> None:
    there = merged(OURS, None, "README.md")
    there = there.replace("<!-- artcurate:begin", f"{before}\n\n<!-- artcurate:begin", 1)
    there = there.replace("## Licence", f"{inside}\n\n## Licence", 1) + f"\n{after}\n"
    once = merged(OURS, there, "README.md")

    assert merged(OURS, once, "README.md") == once
    for line in (*before.splitlines(), *inside.splitlines(), *after.splitlines()):
        assert line in once
