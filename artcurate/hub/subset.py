"""The words of `--subset`: each has to find something, so that a misspelt one is noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from unicodedata import normalize

from artcurate.errors import UsageError

_File = TypeVar("_File")


def is_part(word: str, path: str) -> bool:
    """Whether `word` stands in `path`, whatever the case and the form of Unicode of both."""
    return normalize("NFC", word).casefold() in normalize("NFC", path).casefold()


def choose(
    files: Sequence[_File],
    subset: Sequence[str],
    *,
    fits: Callable[[_File, str], bool],
    show: Callable[[_File], str],
) -> tuple[_File, ...]:
    """Those of `files` that a word of `subset` fits; all of them where it is empty.

    show: a file as a message lists it.

    Raises UsageError for a word that finds nothing, with all that there is.
    """
    for word in subset:
        if not any(fits(file, word) for file in files):
            listed = "\n".join(f"  {show(file)}" for file in files)
            raise UsageError(f"--subset {word}: no file is called so. There are:\n{listed}")
    return tuple(file for file in files if not subset or any(fits(file, word) for word in subset))
