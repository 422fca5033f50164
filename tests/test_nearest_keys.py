"""Suggestions name the work a user most likely meant, or none."""

from __future__ import annotations

import pytest

from artcurate.nearest_keys import nearest_keys

KNOWN = [
    "Baroque/rembrandt_the-night-watch-1642",
    "Baroque/rembrandt_self-portrait-1640",
    "Realism/edgar-degas_the-dance-class",
    "Impressionism/edgar-degas_the-dance-class-1874",
    "Impressionism/claude-monet_water-lilies(2)",
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("Baroque/rembrandt_the-night-watch", "Baroque/rembrandt_the-night-watch-1642"),
        ("Impressionism/edgar-degas_the-dance-class", "Realism/edgar-degas_the-dance-class"),
        ("Impressionism/claud-monet_water-lilies", "Impressionism/claude-monet_water-lilies(2)"),
        ("Rococo/rembrandt_self-portrait-1641", "Baroque/rembrandt_self-portrait-1640"),
        ("Rococo/claud-monet_water-lilies", None),
        ("Baroque/rembrandt_zzzz", None),
        ("Impressionism/edgar-degas_laundresses", None),
        ("no-slash", None),
    ],
)
def test_nearest_key(wanted: str, expected: str | None) -> None:
    for known in (KNOWN, KNOWN[::-1]):
        assert nearest_keys([wanted], known).get(wanted) == expected
