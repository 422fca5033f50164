"""Who says what about which painting: emotions, meanings of captions, and annotators' mistakes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from artcurate.errors import UsageError
from artcurate.sources.synthetic.gallery import Gallery
from artcurate.sources.synthetic.phrasebook import (
    DETAILS,
    KINDS,
    NOUNS,
    PALETTE_PHRASES,
    Meanings,
    phrasebook,
)
from artcurate.sources.synthetic.scenes import (
    EMOTIONS,
    LANGUAGES,
    ambiguity_given_emotion,
    confusion,
    culture,
    draw_rows,
    prior,
    stream,
)

Rows = NDArray[np.int64]

#: Captions per painting and language: (smallest number, shares of it and the following numbers).
_CAPTIONS_PER_PAINTING = {
    "english": (5, (0.50, 0.35, 0.15)),
    "arabic": (3, (0.45, 0.35, 0.20)),
    "chinese": (5, (1.0,)),
}
_ANNOTATORS = 400
_TASTE_SHARE = 0.12
_TASTE_CONCENTRATION = 6.0

#: Shares of captions with a cue of the emotion, of one akin to it, an open one, and none.
_CUE_SHARES = (0.47, 0.06, 0.27, 0.20)
_LED_SHARE = 0.4
_TAILED_SHARE = 0.45
_TRANSLATED_SHARE = 0.03
_WRONG_LANGUAGE_SHARE = 0.0025
_EMPTY_SHARE = 0.0004
_REPEATED_SHARE = 0.003


@dataclass(frozen=True, slots=True)
class Votes:
    """n captions with their emotion, ordered by painting, then language. Arrays have shape (n,).

    painting: row of the gallery; language: declared, index into LANGUAGES; emotion: index into
    EMOTIONS.
    meanings, text_language: what the caption says and in which language it really stands.
    empty: no text at all. translated, repeated: says what another caption of the painting says.
    """

    painting: NDArray[np.int32]
    language: NDArray[np.int8]
    emotion: NDArray[np.int8]
    meanings: Meanings
    text_language: NDArray[np.int8]
    empty: NDArray[np.bool_]
    translated: NDArray[np.bool_]
    repeated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.painting)


def draw_votes(gallery: Gallery, captions: int | None) -> Votes:
    """The captions of a gallery: `captions` in all, or as many per painting as ArtELingo has.

    Raises UsageError when `captions` is below 1.
    """
    if captions is not None and captions < 1:
        raise UsageError(f"{captions} captions are too few; ask for at least 1.")
    generator = stream(gallery.seed, "votes")
    painting, language = _draw_cells(gallery, captions, generator)
    emotion = _draw_emotions(gallery, painting, language, generator)
    votes = Votes(
        painting=painting,
        language=language,
        emotion=emotion,
        meanings=_draw_meanings(gallery, painting, emotion, generator),
        text_language=language,
        empty=np.zeros(len(painting), dtype=np.bool_),
        translated=np.zeros(len(painting), dtype=np.bool_),
        repeated=np.zeros(len(painting), dtype=np.bool_),
    )
    return _repeat(_mistake(_translate(votes, generator), generator), generator)


def _draw_cells(
    gallery: Gallery, captions: int | None, generator: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """(painting, language) of every caption."""
    paintings = generator.permutation(np.flatnonzero(gallery.captioned))
    wanted = np.stack(
        [
            smallest + generator.choice(len(shares), size=len(paintings), p=shares)
            for smallest, shares in _CAPTIONS_PER_PAINTING.values()
        ],
        axis=1,
    ).ravel()
    if captions is not None:
        # Rounding the running sum keeps the total exact and every cell within one of its share.
        edges = np.round(np.cumsum(wanted) * (captions / wanted.sum())).astype(np.int64)
        wanted = np.diff(edges, prepend=0)
    painting = np.repeat(np.repeat(paintings, len(LANGUAGES)), wanted)
    language = np.repeat(np.tile(np.arange(len(LANGUAGES)), len(paintings)), wanted)
    return painting.astype(np.int32), language.astype(np.int8)


def _draw_emotions(
    gallery: Gallery,
    painting: NDArray[np.int32],
    language: NDArray[np.int8],
    generator: np.random.Generator,
) -> NDArray[np.int8]:
    """The painting's mood as the culture names it, mixed with the annotator's taste."""
    emotion = np.empty(len(painting), dtype=np.int8)
    for index, name in enumerate(LANGUAGES):
        rows = np.flatnonzero(language == index)
        tastes = generator.dirichlet(
            _TASTE_CONCENTRATION * prior() @ culture(name), size=_ANNOTATORS
        )
        moods = gallery.moods @ culture(name)
        annotator = generator.integers(_ANNOTATORS, size=len(rows))
        mixed = (1 - _TASTE_SHARE) * moods[painting[rows]] + _TASTE_SHARE * tastes[annotator]
        emotion[rows] = draw_rows(generator, mixed)
    return emotion


def _draw_meanings(
    gallery: Gallery,
    painting: NDArray[np.int32],
    emotion: NDArray[np.int8],
    generator: np.random.Generator,
) -> Meanings:
    total = len(painting)
    clarity = generator.choice(4, size=total, p=_CUE_SHARES)
    akin = draw_rows(generator, confusion()[emotion])
    open_group = len(EMOTIONS) + draw_rows(generator, ambiguity_given_emotion()[emotion])
    group = np.select([clarity == 0, clarity == 1], [emotion, akin], open_group)
    kind = np.where(clarity == 3, len(KINDS) - 1, generator.integers(len(KINDS) - 1, size=total))
    book = phrasebook("english")
    template, cue = np.zeros(total, dtype=np.int8), np.zeros(total, dtype=np.int16)
    for index, name in enumerate(KINDS):
        rows = np.flatnonzero(kind == index)
        template[rows] = generator.integers(len(book.templates[name]), size=len(rows))
        if name in book.cue_edges:
            first, count = book.cue_range(name)
            groups = group[rows]
            cue[rows] = first[groups] + generator.integers(count[groups])
    return Meanings(
        kind=kind.astype(np.int8),
        template=template,
        subject=gallery.subjects[painting],
        palette=gallery.palettes[painting],
        noun=generator.integers(NOUNS, size=total, dtype=np.int8),
        detail=generator.integers(DETAILS, size=total, dtype=np.int8),
        palette_phrase=generator.integers(PALETTE_PHRASES, size=total, dtype=np.int8),
        cue=cue,
        opener=generator.integers(len(book.phrases["opener"]), size=total, dtype=np.int8),
        remark=generator.integers(len(book.phrases["remark"]), size=total, dtype=np.int8),
        lead=_now_and_then(generator, total, _LED_SHARE, len(book.phrases["lead"])),
        tail=_now_and_then(generator, total, _TAILED_SHARE, len(book.phrases["tail"])),
    )


def _now_and_then(
    generator: np.random.Generator, total: int, share: float, choices: int
) -> NDArray[np.int8]:
    """One of the choices from 1 on for a share of the captions, 0 for the others."""
    chosen = generator.integers(1, choices, size=total, dtype=np.int8)
    return np.where(generator.random(total) < share, chosen, np.int8(0))


def _translate(votes: Votes, generator: np.random.Generator) -> Votes:
    """Let some Arabic captions say what an English one of the same painting says.

    Only where the two have different emotions, as in the release.
    """
    english, arabic = LANGUAGES.index("english"), LANGUAGES.index("arabic")
    rows = np.flatnonzero(votes.language == arabic)
    # Captions of a painting stand together, English ones first.
    starts = np.flatnonzero(np.diff(votes.painting, prepend=-1))
    first = starts[np.searchsorted(starts, rows, side="right") - 1]
    english_before = np.concatenate([[0], np.cumsum(votes.language == english)])
    count = english_before[rows] - english_before[first]
    source = first + np.floor(generator.random(len(rows)) * count).astype(np.int64)
    chosen = (
        (generator.random(len(rows)) < _TRANSLATED_SHARE)
        & (count > 0)
        & (votes.emotion[source] != votes.emotion[rows])
    )
    rows, source = rows[chosen], source[chosen]
    return replace(
        votes,
        meanings=votes.meanings.copied(rows, source),
        translated=_marked(len(votes), rows),
    )


def _mistake(votes: Votes, generator: np.random.Generator) -> Votes:
    """Leave some captions empty and write some in another language than declared."""
    free = generator.permutation(np.flatnonzero(~votes.translated))
    empty, free = np.split(free, [_share(_EMPTY_SHARE, len(free), least=3)])
    wrong = free[: _share(_WRONG_LANGUAGE_SHARE, len(free), least=4)]
    english, arabic, chinese = (LANGUAGES.index(n) for n in ("english", "arabic", "chinese"))
    # Mostly English where another language was asked for.
    written = np.where(votes.language[wrong] == english, chinese, english)
    written[::5] = np.where(votes.language[wrong[::5]] == arabic, chinese, arabic)
    text_language = votes.text_language.copy()
    text_language[wrong] = written
    return replace(votes, text_language=text_language, empty=_marked(len(votes), empty))


def _repeat(votes: Votes, generator: np.random.Generator) -> Votes:
    """Let some captions repeat the one before them, of the same painting and language."""
    special = votes.empty | votes.translated | (votes.text_language != votes.language)
    rows = np.arange(1, len(votes), dtype=np.int64)
    alike = (
        (votes.painting[1:] == votes.painting[:-1])
        & (votes.language[1:] == votes.language[:-1])
        & ~special[1:]
        & ~special[:-1]
    )
    candidates = generator.permutation(rows[alike])
    chosen = np.sort(candidates[: _share(_REPEATED_SHARE, len(votes), least=2)])
    chosen = chosen[np.diff(chosen, prepend=-1) > 1]
    return replace(
        votes,
        meanings=votes.meanings.copied(chosen, chosen - 1),
        repeated=_marked(len(votes), chosen),
    )


def _share(share: float, total: int, *, least: int) -> int:
    """`share` of `total`, at least `least`, but never more than a tenth of it."""
    return min(max(least, round(share * total)), total // 10)


def _marked(total: int, rows: Rows) -> NDArray[np.bool_]:
    marks = np.zeros(total, dtype=np.bool_)
    marks[rows] = True
    return marks
