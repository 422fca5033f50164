"""How many pictures of each label a synthetic CID holds, and how many all annotators agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artcurate.published import STRATA, TABLE_1
from artcurate.sources.synthetic.korean.apportion import Counts, apportion
from artcurate.sources.synthetic.korean.codes import LABELS
from artcurate.sources.synthetic.korean.people import People

#: CID's records whose uploader and annotators agree, both releases.
_UNANIMOUS: Final[Mapping[str, int]] = {
    "anger": 29_183 + 3_634,
    "sadness": 26_867 + 3_407,
    "anxiety": 8_586 + 1_148,
    "hurt": 4_727 + 557,
    "embarrassment": 29_072 + 3_612,
    "happiness": 55_291 + 6_870,
    "neutral": 43_217 + 5_410,
}
#: CID's records of one label, both releases: about 60,000 and an eighth more.
_PER_LABEL: Final = 67_500
#: How much more images than pairs a cell of Table I has, at least, where sentences limit it.
_SLACK: Final = 0.005
_LEAST: Final = 6
#: Of the records of a label, those not all agree on; at least, in proportion to the others.
_LEAST_DISPUTED: Final = 0.05


@dataclass(frozen=True, slots=True)
class Pool:
    """Records of one label to be shared out among `members`, indices of persons.

    unanimous: those on which the uploader and all annotators agree; disputed: the others.
    """

    label: int
    members: NDArray[np.int64]
    unanimous: int
    disputed: int


def image_pools(images: int, people: People, *, like_published: bool) -> list[Pool]:
    """Pools of together `images` records, equally many of each label.

    like_published: one pool per label and stratum. The unanimous images are as many as the
        published Table I says where they limit a cell, and more than its sentences elsewhere. That
        takes about 65,000 records; fewer are never made.
    """
    per_label = apportion(images, np.ones(len(LABELS))).tolist()
    if not like_published:
        everybody = np.arange(len(people))
        agreed = [
            round(n * _UNANIMOUS[la] / _PER_LABEL) for n, la in zip(per_label, LABELS, strict=True)
        ]
        return [
            Pool(label, everybody, unanimous, number - unanimous)
            for label, (number, unanimous) in enumerate(zip(per_label, agreed, strict=True))
        ]
    unanimous = _published_unanimous(images)
    crowd = np.array([unanimous[:, column].sum() for column in range(len(STRATA))])
    pools = []
    for label, number in enumerate(per_label):
        total = int(unanimous[label].sum())
        disputed = apportion(max(number - total, round(total * _LEAST_DISPUTED)), crowd)
        pools += [
            Pool(
                label,
                np.flatnonzero(people.stratum == column),
                int(unanimous[label, column]),
                int(disputed[column]),
            )
            for column in range(len(STRATA))
        ]
    return pools


def _published_unanimous(images: int) -> Counts:
    """Unanimous records, (LABELS, STRATA); per label as many as CID has among so many records."""
    counts = np.zeros((len(LABELS), len(STRATA)), dtype=np.int64)
    growing = np.zeros(counts.shape, dtype=np.bool_)
    for cell in TABLE_1:
        place = LABELS.index(cell.emotion), STRATA.index(cell.stratum)
        growing[place] = cell.limited_by == "sentences"
        slack = max(_LEAST, round(cell.pairs * _SLACK)) if growing[place] else 0
        counts[place] = cell.pairs + slack
    scale = images / (_PER_LABEL * len(LABELS))
    for label, name in enumerate(LABELS):
        spare = round(_UNANIMOUS[name] * scale) - int(counts[label].sum())
        if spare > 0:
            more = growing[label]
            counts[label][more] += apportion(spare, counts[label][more])
    return counts
