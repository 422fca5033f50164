"""Keys and tokens that must not be seen."""

from __future__ import annotations

from dataclasses import dataclass

_HIDDEN = "***"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key that does not show itself: `str` and `repr` give asterisks."""

    _value: str

    def reveal(self) -> str:
        """The key itself, for the header of a request and for nothing else."""
        return self._value

    def hide(self, text: str) -> str:
        """`text` with the key blotted out, for words that a server sent."""
        return text.replace(self._value, _HIDDEN)

    def __repr__(self) -> str:
        return _HIDDEN
