"""Which known key a user may have meant by one that no image has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

_SIMILAR_TITLE = 0.6
_SIMILAR_ARTIST = 0.8


def nearest_keys(wanted: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """The known "Style/artist_title" nearest to each wanted one, where one is near.

    Looks for the same name in another style first, then among the works of the same artist, then
    of the artist in the same style whose name is spelled most alike. How alike two artists or two
    titles are is difflib's ratio. The answer does not depend on the order of `known`.
    """
    index = _Index(known)
    found = {key: index.nearest(key) for key in wanted}
    return {key: match for key, match in found.items() if match is not None}


class _Index:
    def __init__(self, known: Sequence[str]) -> None:
        by_name: defaultdict[str, list[str]] = defaultdict(list)
        by_artist: defaultdict[str, list[str]] = defaultdict(list)
        artists: defaultdict[str, set[str]] = defaultdict(set)
        for key in sorted(known):
            style, artist, name = _parts(key)
            by_name[name].append(key)
            by_artist[artist].append(key)
            artists[style].add(artist)
        self._by_name: Mapping[str, list[str]] = by_name
        self._by_artist: Mapping[str, list[str]] = by_artist
        self._artists = {style: sorted(names) for style, names in artists.items()}

    def nearest(self, key: str) -> str | None:
        style, artist, name = _parts(key)
        if name in self._by_name:
            return self._by_name[name][0]
        if artist not in self._by_artist:
            alike = get_close_matches(artist, self._artists.get(style, ()), 1, _SIMILAR_ARTIST)
            if not alike:
                return None
            artist = alike[0]
        keys = {_title(match): match for match in reversed(self._by_artist[artist])}
        titles = get_close_matches(_title(key), keys, 1, _SIMILAR_TITLE)
        return keys[titles[0]] if titles else None


def _parts(key: str) -> tuple[str, str, str]:
    """(style, artist, name) of "Style/artist_title", where name is "artist_title"."""
    style, _, name = key.partition("/")
    return style, name.partition("_")[0], name


def _title(key: str) -> str:
    return _parts(key)[2].partition("_")[2]
