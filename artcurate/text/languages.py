"""The languages of `schemas/languages.yaml`: their names, scripts and function words."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl
from pydantic import Field, field_validator

from artcurate import resources
from artcurate.checked_yaml import FileModel, read_checked
from artcurate.text.scripts import Script

_APART: Final = re.compile(r"[\s_-]+")
#: A language code with a region or script after it, such as `en-US` or `zh_Hant`.
_TAGGED: Final = re.compile(r"([a-z]{2,3}) [a-z0-9]{2,8}(?: [a-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    name: the canonical name, as built datasets hold it.
    iso: ISO 639-1 code, 639-3 where there is none.
    aliases: further names under which raw files declare it.
    scripts: the scripts of its ordinary text.
    minor_scripts: scripts that may stand beside them; alone they neither confirm nor refute it.
    langdetect: the codes under which langdetect knows it; empty where it does not.
    function_words: words in lower case that make up much of any text.
    prefixes: function words that are written together with the word after them.
    suffixes, letters: endings and letters that mark a word as probably this language's.
    """

    name: str
    iso: str
    aliases: tuple[str, ...]
    scripts: frozenset[Script]
    minor_scripts: frozenset[Script]
    langdetect: tuple[str, ...]
    function_words: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    letters: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known languages in the order of their names."""

    languages: tuple[Language, ...]
    close: tuple[frozenset[str], ...]
    _by_key: Mapping[str, Language] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(language.name for language in self.languages)

    def called(self, name: str) -> Language | None:
        """The language that a raw file declares as `name`, None where nobody knows it.

        Case, spaces, hyphens and underscores do not matter; a two- or three-letter code may have
        a region or script after it (`en-US`, `zh_Hant`).
        """
        key = _key(name)
        if found := self._by_key.get(key):
            return found
        tagged = _TAGGED.fullmatch(key)
        return self._by_key.get(tagged[1]) if tagged else None

    def canonical(self, declared: pl.Series) -> pl.Series:
        """The canonical name of every declared language, null where nobody knows it."""
        written = declared.drop_nulls().unique()
        found = [self.called(name) for name in written]
        names = pl.Series([language and language.name for language in found], dtype=pl.String)
        return declared.replace_strict(written, names, default=None, return_dtype=pl.String)

    def nearest(self, name: str) -> Language | None:
        """The language with a name most like `name`, None where no name is like it."""
        close = difflib.get_close_matches(_key(name[:100]), self._by_key, n=1, cutoff=0.6)
        return self._by_key[close[0]] if close else None

    def confusable(self, one: str, other: str) -> bool:
        """Whether short texts of the two languages cannot be told apart by their words."""
        return any(one in group and other in group for group in self.close)

    def owners(self, script: Script) -> tuple[Language, ...]:
        """The languages whose ordinary text is written in `script`."""
        return tuple(language for language in self.languages if script in language.scripts)


@lru_cache(maxsize=1)
def bundled() -> Catalogue:
    """The languages that come with the package."""
    return load(resources.schema_path("languages"))


def load(path: Path) -> Catalogue:
    """Read and check a file of languages.

    Raises:
        UsageError: there is no such file.
        DataError: one problem per wrong place.
    """
    file = read_checked(path, _File, _problems)
    languages = tuple(_language(name, entry) for name, entry in sorted(file.languages.items()))
    by_key = {_key(word): lang for lang in languages for word in _words(lang.name, lang)}
    return Catalogue(
        languages=languages,
        close=tuple(frozenset(group) for group in file.close),
        _by_key=MappingProxyType(by_key),
    )


def _key(name: str) -> str:
    """The form under which a declared language is looked up."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return _APART.sub(" ", folded).strip()


class _FileLanguage(FileModel):
    iso: str = Field(pattern="^[a-z]{2,3}$")
    aliases: tuple[str, ...] = ()
    scripts: tuple[Script, ...] = Field(min_length=1)
    minor_scripts: tuple[Script, ...] = ()
    langdetect: tuple[str, ...] = ()
    function_words: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    letters: str = ""

    @field_validator("function_words", "suffixes", "prefixes", mode="before")
    @classmethod
    def _split(cls, words: object) -> object:
        return words.split() if isinstance(words, str) else words


class _File(FileModel):
    title: str
    close: tuple[tuple[str, ...], ...] = ()
    languages: dict[str, _FileLanguage] = Field(min_length=1)


def _language(name: str, entry: _FileLanguage) -> Language:
    return Language(
        name=name,
        iso=entry.iso,
        aliases=entry.aliases,
        scripts=frozenset(entry.scripts),
        minor_scripts=frozenset(entry.minor_scripts),
        langdetect=entry.langdetect,
        function_words=frozenset(entry.function_words),
        prefixes=entry.prefixes,
        suffixes=entry.suffixes,
        letters=frozenset(entry.letters),
    )


def _words(name: str, language: Language | _FileLanguage) -> tuple[str, ...]:
    return (name, language.iso, *language.aliases)


def _problems(file: _File) -> Iterator[str]:
    yield from _name_problems(file)
    yield from _word_problems(file)


def _name_problems(file: _File) -> Iterator[str]:
    owners: dict[str, str] = {}
    for name, entry in file.languages.items():
        for word in _words(name, entry):
            owner = owners.setdefault(_key(word), name)
            if owner != name:
                yield f"languages.{name}: {word!r} already means {owner}"
    for group in file.close:
        for name in group:
            if name not in file.languages:
                yield f"close: no language {name!r}"


def _word_problems(file: _File) -> Iterator[str]:
    writers = Counter(script for entry in file.languages.values() for script in entry.scripts)
    for name, entry in file.languages.items():
        if not entry.function_words and any(writers[script] > 1 for script in entry.scripts):
            yield f"languages.{name}: shares its script, so function_words are needed"
        for word in (*entry.function_words, *entry.prefixes, *entry.suffixes, *entry.letters):
            if not _is_plain_word(word):
                yield f"languages.{name}: {word!r} is not one word in lower case and NFC"


def _is_plain_word(word: str) -> bool:
    return word == unicodedata.normalize("NFC", word.lower()) and _all_letters(word)


def _all_letters(characters: Iterable[str]) -> bool:
    return all(unicodedata.category(character)[0] in "LM" for character in characters)
