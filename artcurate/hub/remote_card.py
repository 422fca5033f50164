"""The card on the Hub: our part made anew, what its maintainers wrote by hand kept.

Our part stands between two comments. The first one lists the sections in it with the beginning of
their sha256, so that a section which somebody has edited or added in between is told from one of
ours and moved behind the second comment instead of being lost.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from artcurate.errors import DataError
from artcurate.resources import parse_yaml

_BEGIN = "<!-- artcurate:begin"
_END = "<!-- artcurate:end -->"
_BEGIN_LINE = re.compile(r"^<!-- artcurate:begin(?P<sections> \{.*\})? -->\n", re.MULTILINE)
_HEAD = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^---[ \t]*\n", re.MULTILINE | re.DOTALL)
_DIGITS = 12
#: Lists of the head to which both sides may add.
_UNITED = ("tags", "language", "task_categories", "annotations_creators", "source_datasets")
#: What describes the files of an earlier state, and would contradict the new ones.
_OUTDATED = ("dataset_info",)


@dataclass(frozen=True, slots=True)
class Document:
    """A card taken apart: its YAML head and the Markdown below."""

    head: Mapping[str, Any]
    body: str


def parse(text: str, where: str) -> Document:
    """The parts of a card; `where` names it in errors.

    Raises DataError when its head is not a YAML mapping.
    """
    text = text.replace("\r\n", "\n")
    found = _HEAD.match(text)
    head = parse_yaml(found["yaml"], where) if found else None
    if head is not None and not isinstance(head, dict):
        raise DataError(f"{where}: its YAML head is not a mapping; mend it there.")
    return Document(head or {}, text[found.end() :] if found else text)


def render(document: Document) -> str:
    """The text of a card."""
    head = yaml.safe_dump(dict(document.head), sort_keys=False, allow_unicode=True, width=96)
    return f"---\n{head}---\n\n{document.body.strip()}\n"


def merged(ours: str, theirs: str | None, where: str) -> str:
    """Our card with what the maintainers wrote into the one on the Hub.

    ours: the card of the dataset. theirs: the text on the Hub, None where there is none.
    Keys of the head that we do not write are theirs; lists such as `tags` are united; every other
    key is ours. Text before and behind our marked part stays, and so does, behind it, each section
    inside of it that we did not write so. Merging twice gives what merging once gives.

    Raises DataError when the card on the Hub cannot be taken apart.
    """
    own = parse(ours, "README.md")
    there = parse(theirs or "", where)
    before, after = _by_hand(there.body, where)
    parts = (before.strip(), _marked(own.body.strip()), after.strip())
    body = "\n\n".join(part for part in parts if part)
    return render(Document(_merged_head(own.head, there.head), body))


def _merged_head(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in theirs.items() if key not in _OUTDATED}
    head = {**ours, **{key: value for key, value in kept.items() if key not in ours}}
    for key in _UNITED:
        lists = [side.get(key) for side in (ours, kept)]
        if all(isinstance(one, list) for one in lists):
            head[key] = list(dict.fromkeys(value for one in lists for value in one or ()))
    return head


def _marked(body: str) -> str:
    digests = {title: _digest(text) for title, text in sections(body)}
    listed = json.dumps(digests, ensure_ascii=True, sort_keys=True).replace("--", "-\\u002d")
    return f"{_BEGIN} {listed} -->\n{body}\n{_END}"


def _by_hand(body: str, where: str) -> tuple[str, str]:
    """What people wrote before and behind our part; all of it behind where there is no part."""
    begins, ends = list(_BEGIN_LINE.finditer(body)), body.count(_END)
    if not begins and not ends and _BEGIN not in body:
        return "", body
    if len(begins) != 1 or ends != 1 or body.index(_END) < begins[0].end():
        raise DataError(
            f"{where}: the comments artcurate:begin and artcurate:end do not stand there once "
            "each and in this order; mend or remove them there, and run the same command again."
        )
    begin, end = begins[0], body.index(_END)
    added = "\n\n".join(_added(body[begin.end() : end], begin["sections"], where))
    return body[: begin.start()], "\n\n".join((added, body[end + len(_END) :].strip()))


def _added(part: str, listed: str | None, where: str) -> Iterator[str]:
    """Sections inside our part that are not as we wrote them."""
    try:
        known = json.loads(listed) if listed else {}
    except ValueError:
        raise DataError(
            f"{where}: the comment artcurate:begin has been changed; restore it from the history "
            "there, or remove it together with artcurate:end."
        ) from None
    for title, text in sections(part):
        if text.strip() and known.get(title) != _digest(text):
            yield text.strip()


def sections(body: str) -> Iterator[tuple[str, str]]:
    """Title and text of each `##` section; what stands before the first has an empty title.

    Headings inside a fenced block are part of its section.
    """
    start, title, fenced = 0, "", False
    position = 0
    for line in body.splitlines(keepends=True):
        if line.startswith("```"):
            fenced = not fenced
        if line.startswith("## ") and not fenced:
            yield title, body[start:position]
            start, title = position, line[3:].strip()
        position += len(line)
    yield title, body[start:]


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:_DIGITS]
