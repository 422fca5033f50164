"""Files of a corpus by name, in a line that a user reads."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 3


def listed(places: Sequence[str | Sequence[str]]) -> str:
    """The first few of `places`; of a pair the second is the file that the first repeats."""
    shown = [
        place if isinstance(place, str) else f"{place[0]} (as {place[1]})"
        for place in places[:_SHOWN]
    ]
    return ", ".join([*shown, "..."] if len(places) > _SHOWN else shown)
