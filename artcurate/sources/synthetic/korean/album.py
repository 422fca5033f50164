"""The pictures of a synthetic CID in the order of their records, and how each one is faulty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.sources.synthetic.korean.annotators import Annotations, annotate
from artcurate.sources.synthetic.korean.codes import LABELS, PLACES, SEX_SYLLABLES, label_words
from artcurate.sources.synthetic.korean.image_counts import image_pools
from artcurate.sources.synthetic.korean.people import People, draw_people
from artcurate.sources.synthetic.korean.photos import Photo
from artcurate.sources.synthetic.korean.shots import ASPECT, UPRIGHT, Shots, draw_shots
from artcurate.sources.synthetic.scenes import stream

Rows = NDArray[np.int64]

#: Of the pictures, those without a record; at least 2.
_UNLABELLED: Final = 0.003
_PICTURES_PER_CORRUPT_ONE: Final = 27_000
#: The archive that is missing: the last part of this label in Training, and its share.
MISSING_LABEL: Final = "hurt"
_MISSING_SHARE: Final = 0.25
#: How much larger than others a person's pictures are.
_PHONES: Final = (1.0, 1.0, 1.0, 1.15, 1.3)


@dataclass(frozen=True, slots=True)
class Album:
    """n pictures and what is said of them; arrays along the pictures.

    names: without folder. short: pixels on the short side.
    unlabelled: no record describes it. missing: its archive is not there. corrupt: cut off.
    """

    people: People
    shots: Shots
    annotations: Annotations
    names: pl.Series
    short: NDArray[np.int64]
    unlabelled: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    corrupt: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.shots)

    def photos(self, rows: Rows) -> Iterator[Photo]:
        """What the bytes of the given pictures depend on."""
        shots = self.shots
        second = self.annotations.second_impression(shots.label)
        moments = pl.Series(shots.moment[rows]).dt.strftime("%Y:%m:%d %H:%M:%S")
        sizes, male = self.sizes(), self.people.male
        for row, moment in zip(rows.tolist(), moments, strict=True):
            person = int(shots.person[row])
            x, y, height, roll = shots.face[row].tolist()
            yield Photo(
                seed=self.people.seed,
                number=row,
                person=person,
                male=bool(male[person]),
                age=int(self.people.age[person]),
                scene=int(shots.scene[row]),
                frame=int(shots.frame[row]),
                place=int(shots.place[row]),
                label=int(shots.label[row]),
                second=int(second[row]),
                strength=float(shots.strength[row]),
                face=(x, y, height, roll),
                width=int(sizes[row, 0]),
                height=int(sizes[row, 1]),
                orientation=int(shots.orientation[row]),
                moment=moment,
                located=bool(shots.located[row]),
                corrupt=bool(self.corrupt[row]),
            )

    def sizes(self) -> NDArray[np.int64]:
        """(n, 2) width and height of the upright pictures."""
        long = np.round(self.short * ASPECT).astype(np.int64)
        upright = (self.shots.orientation == UPRIGHT)[:, None]
        lying = np.stack([long, self.short], axis=1)
        return np.where(upright, lying[:, ::-1], lying)


def draw_album(persons: int, images: int, seed: int, *, like_published: bool, short: int) -> Album:
    """`images` records and the few pictures without one.

    short: pixels on the short side of most pictures.
    like_published: as `image_pools`; every fault then spares the pictures on which all agree.

    Raises UsageError when there are too few persons.
    """
    people = draw_people(persons, seed, like_published=like_published)
    extra = max(2, round(_UNLABELLED * images))
    shots = draw_shots(image_pools(images + extra, people, like_published=like_published), people)
    names = _names(people, shots)
    generator = stream(seed, "faults")
    disputed = generator.permutation(np.flatnonzero(~shots.unanimous))
    unlabelled = _marked(len(shots), disputed[:extra])
    candidates = ~shots.unanimous if like_published else np.ones(len(shots), dtype=np.bool_)
    missing = _last_part(shots, names, candidates & ~unlabelled)
    # A build that keeps unanimous pictures only shall meet the corrupt one, unless it is counted.
    sound = shots.unanimous != like_published
    sound &= ~(unlabelled | missing)
    spoilt = generator.permutation(np.flatnonzero(sound))
    phone = stream(seed, "phones").choice(_PHONES, size=len(people))
    return Album(
        people=people,
        shots=shots,
        annotations=annotate(shots, seed),
        names=names,
        short=np.round(short * phone).astype(np.int64)[shots.person],
        unlabelled=unlabelled,
        missing=missing,
        corrupt=_marked(len(shots), spoilt[: max(1, len(shots) // _PICTURES_PER_CORRUPT_ONE)]),
    )


def _names(people: People, shots: Shots) -> pl.Series:
    places = [place.replace("/", "&") for place in PLACES]
    male = people.male[shots.person]
    number = {name: pl.lit(pl.Series(getattr(shots, name))) for name in ("place", "frame")}
    return pl.select(
        pl.concat_str(
            pl.lit(pl.Series(people.keys).gather(shots.person)),
            pl.lit(pl.Series(SEX_SYLLABLES).gather((~male).astype(np.int64))),
            pl.lit(pl.Series(people.age).gather(shots.person)).cast(pl.String),
            pl.lit(pl.Series(label_words()).gather(shots.label)),
            pl.lit(pl.Series(places).gather(shots.place)),
            pl.format(
                "{}-{}-{}.{}",
                pl.lit(pl.Series(shots.moment)).dt.strftime("%Y%m%d%H%M%S"),
                (number["place"].cast(pl.Int16) + 1).cast(pl.String).str.zfill(3),
                number["frame"].cast(pl.String).str.zfill(3),
                pl.when(pl.lit(pl.Series(shots.long_suffix)))
                .then(pl.lit("jpeg"))
                .otherwise(pl.lit("jpg")),
            ),
            separator="_",
        ).alias("name")
    ).to_series()


def _last_part(shots: Shots, names: pl.Series, candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The last quarter of the missing label's Training, by name."""
    part = shots.training & (shots.label == LABELS.index(MISSING_LABEL))
    rows = np.flatnonzero(part & candidates)
    rows = rows[names.gather(rows).arg_sort().to_numpy()]
    wanted = round(_MISSING_SHARE * int(part.sum()))
    return _marked(len(shots), rows[max(0, len(rows) - wanted) :])


def _marked(total: int, rows: Rows) -> NDArray[np.bool_]:
    marks = np.zeros(total, dtype=np.bool_)
    marks[rows] = True
    return marks
