"""Label sets of emotion corpora, the names of their labels, and the maps between the sets.

Everything is read from `schemas/emotions.yaml` and checked as a whole: a set whose ids have gaps,
a word that means two labels, a map that forgets a label are errors that name their place.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import Field

from artcurate import resources
from artcurate.checked_yaml import FileModel, read_checked
from artcurate.errors import UsageError

Language = Literal["english", "arabic", "chinese", "spanish", "korean"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

#: Characters of the longest text that can name a label; a caption in the wrong column is longer.
MAX_WORD = 200

_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(0x5E)}
_TATWEEL = "\u0640"
_BARE_ID = re.compile(r"([0-9]{1,9})(?:\.0+)?")


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a set.

    id: its class id in the set, from 0.
    name: the canonical name, as built datasets hold it.
    polarity: a label of the set `polarity`.
    names: per language the name to show, then its aliases.
    """

    id: int
    name: str
    polarity: str
    names: Mapping[Language, tuple[str, ...]] = field(hash=False)

    def called(self, language: Language) -> str:
        """The label's name in `language`."""
        return self.names[language][0]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """A closed set of labels in the order of their ids."""

    name: str
    title: str
    source: str
    labels: tuple[Label, ...]
    _by_key: Mapping[str, tuple[Label, ...]] = field(repr=False)
    _by_name: Mapping[str, Label] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical names; a name's position is its id."""
        return tuple(label.name for label in self.labels)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Label:
        """The label with the canonical name `name`. Raises KeyError."""
        return self._by_name[name]

    def called(self, word: str) -> tuple[Label, ...]:
        """The labels that `word` names in any language: none, one, or two and more where the
        set lists the word as ambiguous."""
        return self._by_key.get(fold(word), ()) if len(word) <= MAX_WORD else ()

    def numbered(self, id_: int) -> Label | None:
        """The label with the class id `id_`, None where the set has none."""
        return self.labels[id_] if 0 <= id_ < len(self.labels) else None

    def nearest(self, word: str) -> Label | None:
        """The label with a name most like `word`, None where no name is like it."""
        close = difflib.get_close_matches(fold(word[:MAX_WORD]), self._by_key, n=1, cutoff=0.6)
        return self._by_key[close[0]][0] if close else None


@dataclass(frozen=True, slots=True)
class MapEntry:
    """What a map does with one label: `target` is None where it is dropped, `reason` says why."""

    label: str
    target: str | None
    source: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class LabelMap:
    """From every label of the set `origin` to a label of the set `target`, or to nothing."""

    origin: str
    target: str
    entries: tuple[MapEntry, ...]

    @property
    def targets(self) -> dict[str, str | None]:
        """Label of `origin` -> label of `target`, None where the map drops it."""
        return {entry.label: entry.target for entry in self.entries}


@dataclass(frozen=True, slots=True)
class Emotions:
    """All label sets, the maps between them, and the publications they come from."""

    sets: Mapping[str, LabelSet]
    maps: Mapping[tuple[str, str], LabelMap]
    references: Mapping[str, str]

    def label_set(self, name: str) -> LabelSet:
        """The label set `name`. Raises UsageError naming the nearest one."""
        if name not in self.sets:
            raise UsageError(f"no label set {resources.nearest(name, self.sets)}")
        return self.sets[name]

    def label_map(self, origin: str, target: str) -> LabelMap:
        """The map between two sets. Raises UsageError naming the nearest target."""
        if (origin, target) not in self.maps:
            targets = [to for start, to in self.maps if start == origin]
            known = resources.nearest(target, targets) if targets else f"{target!r} (it has none)."
            raise UsageError(f"{origin} has no map to {known}")
        return self.maps[origin, target]

    def called_under(self, word: str, *, fine: str, coarse: str, main: str) -> tuple[Label, ...]:
        """The labels of the set `fine` that `word` names and that map to `main` of `coarse`.

        This is how 고립된 is told apart: E43 under hurt, E51 under embarrassment.
        """
        targets = self.label_map(fine, coarse).targets
        found = self.label_set(fine).called(word)
        return tuple(label for label in found if targets[label.name] == main)


def fold(word: str) -> str:
    """The key under which a word is looked up: its letters and digits in one form.

    Case, white space, punctuation, accents, Arabic diacritics and hamza marks, tatweel and
    full-width forms go; the rest is NFC.
    """
    decomposed = unicodedata.normalize("NFD", word.translate(_FULL_WIDTH).casefold())
    kept = "".join(
        character
        for character in decomposed
        if character != _TATWEEL and unicodedata.category(character)[0] in "LN"
    )
    return unicodedata.normalize("NFC", kept)


def bare_id(word: str) -> int | None:
    """The class id that `word` writes as a number ("7", "7.0", full-width digits too)."""
    match = _BARE_ID.fullmatch(word.translate(_FULL_WIDTH).strip())
    return int(match[1]) if match else None


@lru_cache(maxsize=1)
def bundled() -> Emotions:
    """The label sets that come with the package."""
    return load(resources.schema_path("emotions"))


def load(path: Path) -> Emotions:
    """Read and check a file of label sets.

    Raises:
        UsageError: there is no such file.
        DataError: one problem per wrong place.
    """
    file = read_checked(path, _File, _problems)
    return Emotions(
        sets=MappingProxyType({entry.name: _label_set(entry) for entry in file.sets}),
        maps=MappingProxyType({(entry.origin, entry.to): _label_map(entry) for entry in file.maps}),
        references=MappingProxyType(dict(file.references)),
    )


class _FileLabel(FileModel):
    id: int
    name: str = Field(min_length=1)
    polarity: str
    names: dict[Language, tuple[str, ...]]

    def words(self) -> list[tuple[str, str]]:
        """(place, word) of the canonical name and of every name in every language."""
        spoken = [
            (f"names.{language}", word) for language, words in self.names.items() for word in words
        ]
        return [("name", self.name), *spoken]


class _FileSet(FileModel):
    name: str
    title: str
    source: str
    labels: tuple[_FileLabel, ...] = Field(min_length=1)
    ambiguous: tuple[str, ...] = ()


class _FileEntry(FileModel):
    labels: tuple[str, ...] = Field(min_length=1)
    target: str | None
    source: str
    reason: str | None = None


class _FileMap(FileModel):
    origin: str = Field(alias="from")
    to: str
    entries: tuple[_FileEntry, ...]


class _File(FileModel):
    title: str
    references: dict[str, str]
    sets: tuple[_FileSet, ...]
    maps: tuple[_FileMap, ...] = ()


def _problems(file: _File) -> Iterable[str]:
    yield from _repeated("sets", [entry.name for entry in file.sets])
    yield from _repeated("maps", [f"{entry.origin} -> {entry.to}" for entry in file.maps])
    names = {entry.name: [label.name for label in entry.labels] for entry in file.sets}
    if "polarity" not in names:
        yield "sets: the set polarity is missing"
    for label_set in file.sets:
        where = f"sets.{label_set.name}"
        if label_set.source not in file.references:
            yield f"{where}: no reference {label_set.source!r}"
        yield from _label_problems(label_set, names.get("polarity", []), where)
        yield from _word_problems(label_set, where)
    for label_map in file.maps:
        yield from _map_problems(label_map, names, file.references)


def _repeated(where: str, names: list[str]) -> Iterable[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where}: {name} stands twice"


def _label_problems(label_set: _FileSet, polarities: list[str], where: str) -> Iterable[str]:
    yield from _repeated(where, [label.name for label in label_set.labels])
    for position, label in enumerate(label_set.labels):
        place = f"{where}.{label.name}"
        if label.id != position:
            yield f"{place}: id {label.id} where {position} is due; ids count up from 0 in order"
        if label.polarity not in polarities:
            yield f"{place}: {label.polarity!r} is no label of the set polarity"
        for language in LANGUAGES:
            if not label.names.get(language):
                yield f"{place}: no name in {language}"
        for part, word in label.words():
            if not fold(word) or bare_id(word) is not None:
                yield f"{place}.{part}: {word!r} has no letter"


def _word_problems(label_set: _FileSet, where: str) -> Iterable[str]:
    declared = {fold(word): word for word in label_set.ambiguous}
    owners: dict[str, str] = {}
    shared: set[str] = set()
    for label in label_set.labels:
        for part, word in label.words():
            key = fold(word)
            owner = owners.setdefault(key, label.name)
            if owner == label.name:
                continue
            shared.add(key)
            if key not in declared:
                yield f"{where}.{label.name}.{part}: {word!r} already means {owner}"
    for key, word in declared.items():
        if key not in shared:
            yield f"{where}.ambiguous: {word!r} does not mean two labels"


def _map_problems(
    label_map: _FileMap, names: Mapping[str, list[str]], references: Mapping[str, str]
) -> Iterable[str]:
    where = f"maps.{label_map.origin} -> {label_map.to}"
    for end in (label_map.origin, label_map.to):
        if end not in names:
            yield f"{where}: no set {end!r}"
    if label_map.origin not in names or label_map.to not in names:
        return
    mapped = [label for entry in label_map.entries for label in entry.labels]
    yield from _repeated(where, mapped)
    for label in names[label_map.origin]:
        if label not in mapped:
            yield f"{where}: {label} is neither mapped nor dropped"
    for label in mapped:
        if label not in names[label_map.origin]:
            yield f"{where}: {label!r} is no label of {label_map.origin}"
    for entry in label_map.entries:
        place = f"{where}.{', '.join(entry.labels)}"
        if entry.source not in references:
            yield f"{place}: no reference {entry.source!r}"
        if entry.target is None and not entry.reason:
            yield f"{place}: dropped without a reason"
        if entry.target is not None and entry.target not in names[label_map.to]:
            yield f"{place}: {entry.target!r} is no label of {label_map.to}"


def _label_set(entry: _FileSet) -> LabelSet:
    labels = tuple(
        Label(label.id, label.name, label.polarity, MappingProxyType(label.names))
        for label in entry.labels
    )
    by_key: dict[str, dict[str, Label]] = {}
    for written, label in zip(entry.labels, labels, strict=True):
        for _, word in written.words():
            by_key.setdefault(fold(word), {})[label.name] = label
    return LabelSet(
        name=entry.name,
        title=entry.title,
        source=entry.source,
        labels=labels,
        _by_key=MappingProxyType({key: tuple(found.values()) for key, found in by_key.items()}),
        _by_name=MappingProxyType({label.name: label for label in labels}),
    )


def _label_map(entry: _FileMap) -> LabelMap:
    return LabelMap(
        origin=entry.origin,
        target=entry.to,
        entries=tuple(
            MapEntry(label, item.target, item.source, item.reason)
            for item in entry.entries
            for label in item.labels
        ),
    )
