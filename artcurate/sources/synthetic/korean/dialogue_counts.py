"""How many dialogues of each emotion, age group and gender a synthetic ECC holds.

The shares are ECC's own: dialogues per main class in Training, and per main class, age group and
gender in Validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from artcurate.published import TABLE_1
from artcurate.sources.synthetic.korean.apportion import Counts, apportion
from artcurate.sources.synthetic.korean.codes import AGES, MAINS, SEXES

#: Rows of the spreadsheets.
_TRAINING: Final[Mapping[str, int]] = {
    "anger": 9_160,
    "sadness": 9_125,
    "anxiety": 9_320,
    "hurt": 9_143,
    "embarrassment": 8_756,
    "happiness": 6_126,
}
#: Validation: teenagers, the young, the middle-aged, seniors; men and women of each.
_VALIDATION: Final[Mapping[str, tuple[int, ...]]] = {
    "anger": (188, 121, 162, 123, 170, 113, 235, 145),
    "sadness": (163, 72, 154, 107, 105, 122, 141, 139),
    "anxiety": (76, 107, 123, 125, 116, 188, 153, 225),
    "hurt": (124, 81, 105, 141, 101, 125, 119, 211),
    "embarrassment": (95, 149, 179, 98, 105, 116, 141, 165),
    "happiness": (153, 108, 141, 115, 144, 173, 138, 241),
}
_TRAINING_SHARE: Final = 51_630 / (51_630 + 6_641)
#: Of the sentences of one label, those that repeat an earlier one: 57 of 13,282 in Validation.
_REPEATED: Final = 0.0043
#: How much the side that does not limit a cell of Table I has more, at least.
_SLACK: Final = 0.05
_LEAST: Final = 8
_SHAPE: Final = (len(MAINS), len(AGES), len(SEXES))


@dataclass(frozen=True, slots=True)
class DialogueCounts:
    """Dialogues per cell; arrays of shape (MAINS, AGES, SEXES).

    repeats: of the first and second human sentences of Training, those that say again what
        another one of the same cell says.
    """

    training: Counts
    validation: Counts
    repeats: Counts


def dialogue_counts(dialogues: int, *, like_published: bool) -> DialogueCounts:
    """Counts for `dialogues` in both releases together.

    like_published: the distinct first and second human sentences of Training are as many as the
        published Table I says where they limit a cell, and more than its images elsewhere. That
        takes about 24,500 dialogues of Training; fewer are never made.
    """
    shape = np.array([_VALIDATION[main] for main in MAINS]).reshape(_SHAPE)
    total = round(dialogues * _TRAINING_SHARE)
    per_main = apportion(total, [_TRAINING[main] for main in MAINS])
    training = np.stack(
        [apportion(number, shape[main]) for main, number in enumerate(per_main.tolist())]
    )
    repeats = np.round(2 * training * _REPEATED).astype(np.int64)
    if like_published:
        sentences = _published_sentences(training)
        repeats = np.round(sentences * _REPEATED).astype(np.int64)
        # Two sentences a dialogue: an odd number of distinct ones needs one more repeat.
        repeats += (sentences + repeats) % 2
        training = (sentences + repeats) // 2
    return DialogueCounts(training, apportion(dialogues - total, shape), repeats)


def _published_sentences(usual: Counts) -> Counts:
    """Distinct first and second human sentences per cell, for `usual` dialogues of each main class.

    A class keeps its number of sentences where it can: its free cells give or take what the
    cells that Table I fixes leave.
    """
    sentences, fixed = _published_bounds()
    for main in range(len(MAINS)):
        distinct = round(2 * int(usual[main].sum()) * (1 - _REPEATED))
        spare = distinct - int(sentences[main].sum())
        free = ~fixed[main]
        if spare > 0:
            sentences[main][free] += apportion(spare, usual[main][free])
    return sentences


def _published_bounds() -> tuple[Counts, NDArray[np.bool_]]:
    """(least number of sentences, whether it is also the most) of every cell."""
    least = np.full(_SHAPE, _LEAST, dtype=np.int64)
    fixed = np.zeros(_SHAPE, dtype=np.bool_)
    for cell in TABLE_1:
        # Neutral sentences know no age and gender; their cells were capped like sad ones.
        main = "sadness" if cell.emotion == "neutral" else cell.emotion
        place = (
            MAINS.index(main),
            AGES.index(cell.stratum.age_group),
            SEXES.index(cell.stratum.gender),
        )
        fixed[place] = cell.limited_by == "sentences"
        slack = 0 if fixed[place] else max(_LEAST, round(cell.pairs * _SLACK))
        least[place] = max(int(least[place]), cell.pairs + slack)
    return least, fixed
