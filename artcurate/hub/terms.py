"""Showing a corpus' terms once, and remembering that the user accepted them."""

from __future__ import annotations

from collections.abc import Callable

from artcurate.errors import UsageError
from artcurate.hub.catalogue import Permission, Source
from artcurate.hub.ledger import Ledger

_WORDS = {
    Permission.YES: "may be passed on",
    Permission.NO: "may not be passed on",
    Permission.WITH_PERMISSION: "may be passed on with its holders' permission only",
}


def wording(source: Source) -> str:
    """The terms of `source`, line by line."""
    allowed = source.redistribute
    lines = [
        f"{source.title}: {source.licence.name}, {source.licence.url}",
        f"  {source.terms}",
        f"  Its text {_WORDS[allowed.text]}; its pictures {_WORDS[allowed.pixels]}.",
    ]
    if source.faces:
        lines.append("  It shows the faces of living persons.")
    return "\n".join(lines)


def require_acceptance(
    source: Source,
    ledger: Ledger,
    *,
    accepted: bool,
    ask: Callable[[], bool] | None,
    say: Callable[[str], None],
) -> None:
    """Pass when the user has accepted the terms of `source`, now or earlier.

    accepted: whether the call itself accepts them.
    ask: asks a person; None where nobody is there to answer.

    Raises UsageError otherwise.
    """
    if ledger.has_accepted(source):
        return
    say(wording(source))
    if not accepted and ask is None:
        raise UsageError(
            f"{source.name}: read its terms at {source.licence.url} and add --accept-licence; "
            "nothing was downloaded."
        )
    if not accepted and ask is not None and not ask():
        raise UsageError(f"{source.name}: its terms were not accepted; nothing was downloaded.")
    ledger.accept(source)
