"""Korean particles, whose form follows the last sound of the word before them."""

from __future__ import annotations

from collections.abc import Callable

_FIRST, _LAST = "가", "힣"
_FINALS = 28
_RIEUL = 8

#: Particle as a slot names it -> (after a consonant, after a vowel).
_FORMS = {"이": ("이", "가"), "은": ("은", "는"), "을": ("을", "를"), "과": ("과", "와")}


def with_particle(word: str, particle: str) -> str:
    """`word` and its particle: 이, 은, 을, 과, 으로 or 한테 in the form that fits, others as given.

    한테 becomes 께 after a title that ends in 님.
    """
    rule = _RULES.get(particle)
    return word + (rule(word) if rule else particle)


def _final_sound(word: str) -> int:
    """Number of the consonant that closes the last syllable, 0 where it is open."""
    last = word[-1]
    return (ord(last) - ord(_FIRST)) % _FINALS if _FIRST <= last <= _LAST else 0


def _by_final(forms: tuple[str, str]) -> Callable[[str], str]:
    return lambda word: forms[0] if _final_sound(word) else forms[1]


_RULES: dict[str, Callable[[str], str]] = {
    **{particle: _by_final(forms) for particle, forms in _FORMS.items()},
    "으로": lambda word: "으로" if _final_sound(word) not in (0, _RIEUL) else "로",
    "한테": lambda word: "께" if word.endswith("님") else "한테",
}
