"""The words to which readers agree before they see a gated dataset."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from artcurate.hub import remote_card
from artcurate.hub.catalogue import Source
from artcurate.hub.contents import SentFile, sent_bytes
from artcurate.hub.gate import Verdict
from artcurate.package.validate import CARD_FILE


def with_access_prompt(
    files: Sequence[SentFile], verdict: Verdict, sources: Collection[Source]
) -> tuple[SentFile, ...]:
    """The files, their card asking readers to accept the sources' terms where that is due."""
    if not verdict.gated:
        return tuple(files)
    return tuple(
        sent_bytes(CARD_FILE, _gated_card(file.read().decode("utf-8"), verdict, sources).encode())
        if file.name == CARD_FILE
        else file
        for file in files
    )


def _gated_card(text: str, verdict: Verdict, sources: Collection[Source]) -> str:
    card = remote_card.parse(text, CARD_FILE)
    faces = (
        "These pictures show the faces of living persons. Do not try to find out who they are, do "
        "not use them to recognise or watch anybody, and delete them when a person asks for it. "
    )
    terms = " ".join(f"{one.title}: {one.terms}" for one in sources)
    prompt = (faces if verdict.faces else "") + f"The terms of the sources hold: {terms}"
    head = {
        **card.head,
        "extra_gated_prompt": prompt,
        "extra_gated_fields": {
            "Name": "text",
            "Affiliation": "text",
            "What I want to use it for": "text",
            "I accept these terms": "checkbox",
        },
    }
    return remote_card.render(remote_card.Document(head, card.body))
