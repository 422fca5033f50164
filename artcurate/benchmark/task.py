"""The seam between data, encoders, learners and statistics: arrays in, probabilities out.

A benchmark is four moves, and each knows only what stands here:

1. `dataset` reads a built folder into raw modalities (texts, pictures) and labels;
2. a tier's encoder turns each raw modality into features of its UNIQUE inputs;
3. a tier's learner trains every system of the tier once per seed and predicts;
4. the statistics see probabilities only.

Whatever changes who meets whom (controls, re-pairing, resampling) changes `Modality.index` and
copies no feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from scipy.sparse import csr_array

    from artcurate.images.faults import Fault
    from artcurate.progress import Meter

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]


class Pictures(Protocol):
    """Pictures that are decoded one at a time, upright and RGB."""

    def __len__(self) -> int: ...

    def decode(self, place: int, *, min_side: int | None = None) -> Image | Fault:
        """The picture at `place`, or why its bytes are no whole picture.

        min_side: the picture may come smaller, but no side shorter than this many pixels.
        """
        ...

    def digest(self, place: int) -> bytes:
        """The sha256 (32 bytes) of the picture's file, by which cached features are found."""
        ...


#: float32 (unique, d); float32 (unique, tokens, d) padded with zeros; sparse (unique, d); or raw
#: texts and pictures, before an encoder has seen them.
Values: TypeAlias = "FloatArray | csr_array | Sequence[str] | Pictures"


@dataclass(frozen=True, slots=True, eq=False)
class Modality:
    """One modality of n examples: `values` of the unique inputs, `index` (n,) into them."""

    values: Values
    index: IntArray

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Modality:
        """The same unique inputs for some of the examples."""
        return Modality(self.values, self.index[rows])

    def __len__(self) -> int:
        return len(self.index)


#: Modalities by name ("text", "image", or the name of a precomputed column), of equal length.
View: TypeAlias = Mapping[str, Modality]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What n examples should be called.

    names: the classes, in the order of the schema's label set.
    index: int64 (n,), the majority class.
    soft: float32 (n, classes), the distribution of the votes; one-hot where there is one vote.
    """

    names: tuple[str, ...]
    index: IntArray
    soft: FloatArray

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Labels:
        """The labels of some of the examples, or of examples in another order."""
        return Labels(self.names, self.index[rows], self.soft[rows])

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Labelled examples: the inputs, their labels and their groups.

    groups: int64 (n,), examples of one painting, person or dialogue share a number.
    """

    inputs: View
    labels: Labels
    groups: IntArray

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Fold:
        """Some of the examples, or the examples in another order."""
        inputs = {name: modality.take(rows) for name, modality in self.inputs.items()}
        return Fold(inputs, self.labels.take(rows), self.groups[rows])

    def __len__(self) -> int:
        return len(self.labels)


class Role(StrEnum):
    """What a system stands for in the comparison."""

    UNIMODAL = "unimodal"
    FUSION = "fusion"


@dataclass(frozen=True, slots=True)
class System:
    """One row of the score table.

    name: unique; of a unimodal system the modality's name.
    modalities: what it looks at.
    """

    name: str
    modalities: tuple[str, ...]
    role: Role


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """probabilities: float32 (n, classes), rows sum to 1, in the order of the examples."""

    probabilities: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What one system did with one seed.

    validation: on the validation fold.
    evaluations: per evaluation view, under its name.
    seconds: training and prediction, wall clock; other trainings may have run at the same time.
    facts: what the training chose and met (epochs, penalty, micro-batch, peak memory, ...).
    """

    validation: Predictions
    evaluations: Mapping[str, Predictions]
    seconds: float
    facts: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Features of one modality's unique inputs.

    values: one row per unique input; a row of zeros where the input could not be read.
    faults: place of each unreadable input, and why in one sentence. Its examples are left out of
        every system, counted and named in scores.json.
    facts: encoder id, revision, pooling, width, seconds, ...
    """

    values: Values
    faults: Mapping[int, str]
    facts: Mapping[str, str | int | float]


class Tier(Protocol):
    """A way to encode and to learn: lite, frozen or finetune.

    The bench itself derives late fusion and the product of experts from the unimodal
    probabilities (`artcurate.benchmark.decision`), alike for every tier, so a tier lists unimodal
    systems and learned fusions only.
    """

    @property
    def systems(self) -> Sequence[System]:
        """Every system that the tier knows, unimodal ones first."""
        ...

    @property
    def shares(self) -> Sequence[Sequence[System]]:
        """The systems in the groups that `learn` takes, those that take longest first.

        What a share learns does not depend on whether others are learned beside it.
        """
        ...

    def encode(self, name: str, values: Values, meter: Meter) -> Encoded:
        """Features of the unique inputs of the modality `name`; `meter` counts the inputs.

        A tier that learns from raw inputs (finetune) gives the values back and only checks them.
        """
        ...

    def side_by_side(self) -> AbstractContextManager[int]:
        """While the block lasts, so many calls of `learn` may run at once, in threads."""
        ...

    def learn(
        self,
        share: Sequence[System],
        train: Fold,
        validation: Fold,
        evaluations: Mapping[str, View],
        *,
        seed: int,
        meter: Meter,
    ) -> Mapping[str, Trained]:
        """The systems of one of `shares` trained on `train`, stopped and tuned on `validation`.

        The same arguments give the same probabilities. `meter` counts systems. A class that
        `train` lacks gets probability, however small, so that NLL stays finite.
        """
        ...
