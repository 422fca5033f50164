"""From predictions to scores: estimates, paired differences, controls, cells and transfer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from artcurate.benchmark.bootstrap import (
    Estimate,
    Resampler,
    difference,
    estimate,
    holm,
)
from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import TRAIN
from artcurate.benchmark.decision import PRODUCT
from artcurate.benchmark.experiment import Outcome
from artcurate.benchmark.floors import by_cell, chance_macro_f1
from artcurate.benchmark.metrics import (
    Calibration,
    Float64Array,
    accuracy,
    balanced_accuracy,
    brier,
    class_scores,
    expected_calibration_error,
    kl_divergence,
    macro_f1,
    negative_log_likelihood,
    weighted_f1,
)
from artcurate.benchmark.scores import (
    CellScore,
    ControlScore,
    PairScore,
    SystemScore,
    TransferScore,
)
from artcurate.benchmark.task import FloatArray, IntArray, Labels, Role, System

#: A cell with fewer test examples than this has no score.
LEAST_IN_CELL = 20

_SEED = 20_260_101


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """Test examples that share a value of an attribute, and draws of their clusters."""

    attribute: str
    value: str
    rows: IntArray
    resampler: Resampler


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The statistics of one outcome; all systems meet the same resampled clusters."""

    outcome: Outcome
    labels: Labels
    resampler: Resampler
    cells: tuple[_Cell, ...]

    @staticmethod
    def of(outcome: Outcome, resamples: int) -> Analysis:
        """Of the test examples of `outcome`."""
        return Analysis(
            outcome=outcome,
            labels=outcome.examples.labels.take(outcome.rows),
            resampler=_resampler(outcome, np.arange(len(outcome.rows)), resamples),
            cells=tuple(
                _Cell(attribute, value, rows, _resampler(outcome, rows, resamples))
                for attribute, value, rows in _cells(outcome)
                if len(rows) >= LEAST_IN_CELL
            ),
        )

    def system_scores(self) -> tuple[SystemScore, ...]:
        """Every system on the test set."""
        return tuple(self._system_score(system) for system in self.outcome.systems)

    def pair_scores(self) -> tuple[PairScore, ...]:
        """Every fusion against each unimodal system and against the product of experts."""
        pairs = list(self._pairs())
        found = [difference(self._macro_f1(a), self._macro_f1(b)) for a, b in pairs]
        adjusted = holm([one.p for one in found])
        return tuple(
            PairScore(first, second, one, p)
            for (first, second), one, p in zip(pairs, found, adjusted, strict=True)
        )

    def control_scores(self) -> tuple[ControlScore, ...]:
        """Broken test sets against the unbroken one, and label-free learning against chance."""
        return (*self._broken_scores(), *self._shuffled_scores())

    def small_cells(self) -> dict[str, int]:
        """The number of test examples of each cell with too few for a score, by its name."""
        return {
            f"{attribute}: {value}": len(rows)
            for attribute, value, rows in _cells(self.outcome)
            if len(rows) < LEAST_IN_CELL
        }

    def attribute_scores(self) -> tuple[ControlScore, ...]:
        """What the attributes alone predict, against chance."""
        examples = self.outcome.examples
        train = examples.rows(TRAIN)
        if not examples.attributes:
            return ()
        words = list(examples.attributes.values())
        predicted = by_cell(
            [one[train] for one in words],
            examples.labels.take(train),
            [one[self.outcome.rows] for one in words],
        )
        case = " x ".join(examples.attributes)
        return (self._against_chance(Control.ATTRIBUTES, case, "attributes", [predicted]),)

    def cell_scores(self) -> tuple[CellScore, ...]:
        """Every system on every value of every attribute that has enough test examples."""
        return tuple(
            CellScore(
                attribute=cell.attribute,
                value=cell.value,
                system=system.name,
                examples=len(cell.rows),
                macro_f1=self._macro_f1_on(
                    cell, [one.test[system.name].argmax(axis=1) for one in self.outcome.seeds]
                ),
            )
            for cell in self.cells
            for system in self.outcome.systems
        )

    def transfer_scores(self) -> tuple[TransferScore, ...]:
        """Every system trained on some languages, on each language's test examples."""
        return tuple(
            TransferScore(
                trained_on=transfer.trained_on,
                tested_on=cell.value,
                system=name,
                examples=len(cell.rows),
                macro_f1=self._macro_f1_on(cell, [predicted]),
            )
            for transfer in self.outcome.transfers
            for cell in self.cells
            if cell.attribute == "language"
            for name, predicted in transfer.predicted.items()
        )

    def _system_score(self, system: System) -> SystemScore:
        seeds = self.outcome.seeds
        given = [one.test[system.name] for one in seeds]
        resampled = np.stack([self._confusions(one.argmax(axis=1)) for one in given])
        matrices = resampled[:, 0]
        return SystemScore(
            name=system.name,
            role=system.role,
            modalities=system.modalities,
            accuracy=estimate(accuracy(resampled)),
            macro_f1=estimate(macro_f1(resampled)),
            weighted_f1=estimate(weighted_f1(resampled)),
            balanced_accuracy=estimate(balanced_accuracy(resampled)),
            nll=self._mean_of(negative_log_likelihood(one, self.labels.index) for one in given),
            brier=self._mean_of(brier(one, self._one_hot()) for one in given),
            ece=float(np.mean([self._ece(one) for one in given])),
            uncalibrated=_mean_calibration([one.uncalibrated[system.name] for one in seeds]),
            soft_kl=self._mean_of(kl_divergence(self.labels.soft, one) for one in given),
            soft_brier=self._mean_of(brier(one, self.labels.soft) for one in given),
            per_class=class_scores(matrices.mean(axis=0), self.labels.names),
            confusion=tuple(map(tuple, matrices.mean(axis=0).round(3).tolist())),
            seconds=float(np.median([one.seconds[system.name] for one in seeds])),
            facts=seeds[0].facts[system.name],
        )

    def _pairs(self) -> Iterator[tuple[str, str]]:
        systems = self.outcome.systems
        alone = [one.name for one in systems if one.role is Role.UNIMODAL]
        known = {one.name for one in systems}
        for system in systems:
            if system.role is Role.FUSION:
                yield from ((system.name, name) for name in alone)
                if PRODUCT in known and system.name != PRODUCT:
                    yield system.name, PRODUCT

    def _broken_scores(self) -> Iterator[ControlScore]:
        first = self.outcome.seeds[0].broken
        for control, views in first.items():
            removal = control == Control.MODALITY_REMOVED
            cases: Mapping[str, list[str]] = (
                {name: [name] for name in views} if removal else {"": list(views)}
            )
            for case, names in cases.items():
                for system in self.outcome.systems:
                    samples = np.stack(
                        [
                            self._mean_macro_f1(
                                [one.broken[control][view][system.name] for view in names]
                            )
                            for one in self.outcome.seeds
                        ]
                    )
                    yield ControlScore(
                        control=control,
                        case=case,
                        system=system.name,
                        draws=len(names),
                        macro_f1=estimate(samples),
                        against="test",
                        change=difference(samples, self._macro_f1(system.name)),
                    )

    def _shuffled_scores(self) -> Iterator[ControlScore]:
        if not self.outcome.shuffled:
            return
        for system in self.outcome.systems:
            predicted = [one[system.name] for one in self.outcome.shuffled]
            yield self._against_chance(Control.LABELS_SHUFFLED, "", system.name, predicted)

    def _against_chance(
        self, control: str, case: str, system: str, predicted: Sequence[IntArray]
    ) -> ControlScore:
        confusions = np.stack([self._confusions(one) for one in predicted])
        samples = macro_f1(confusions)
        return ControlScore(
            control=control,
            case=case,
            system=system,
            draws=len(predicted),
            macro_f1=estimate(samples),
            against="chance",
            change=difference(samples, chance_macro_f1(confusions)),
        )

    def _macro_f1_on(self, cell: _Cell, predicted: Sequence[IntArray]) -> Estimate:
        truth, classes = self.labels.index[cell.rows], len(self.labels.names)
        samples = [
            macro_f1(cell.resampler.confusions(truth, one[cell.rows], classes)) for one in predicted
        ]
        return estimate(np.stack(samples))

    def _macro_f1(self, system: str) -> Float64Array:
        """(seeds, resamples + 1)."""
        return np.stack(
            [
                macro_f1(self._confusions(one.test[system].argmax(axis=1)))
                for one in self.outcome.seeds
            ]
        )

    def _mean_macro_f1(self, predicted: Sequence[IntArray]) -> Float64Array:
        """The mean over draws: (resamples + 1,)."""
        draws = np.stack([macro_f1(self._confusions(one)) for one in predicted])
        return np.asarray(draws.mean(axis=0))

    def _confusions(self, predicted: IntArray) -> Float64Array:
        return self.resampler.confusions(self.labels.index, predicted, len(self.labels.names))

    def _mean_of(self, per_example: Iterator[Float64Array]) -> Estimate:
        return estimate(np.stack([self.resampler.means(one) for one in per_example]))

    def _one_hot(self) -> FloatArray:
        return np.eye(len(self.labels.names), dtype=np.float32)[self.labels.index]

    def _ece(self, probabilities: FloatArray) -> float:
        return expected_calibration_error(probabilities, self.labels.index)


def _resampler(outcome: Outcome, rows: IntArray, resamples: int) -> Resampler:
    """Draws of the clusters of the test examples at `rows`."""
    clusters = [values[outcome.rows][rows] for values in outcome.examples.clusters.values()]
    return Resampler(clusters, resamples=resamples, seed=_SEED)


def _cells(outcome: Outcome) -> Iterator[tuple[str, str, IntArray]]:
    """Attribute, value and test places of each cell; several attributes crossed come last."""
    words = {name: values[outcome.rows] for name, values in outcome.examples.attributes.items()}
    if len(words) > 1:
        crossed = [" ".join(row) for row in zip(*words.values(), strict=True)]
        words[" x ".join(words)] = np.array(crossed)
    for attribute, values in words.items():
        for value in np.unique(values):
            rows = np.flatnonzero(values == value)
            yield attribute, str(value), rows


def _mean_calibration(given: Sequence[Calibration]) -> Calibration:
    return Calibration(
        nll=float(np.mean([one.nll for one in given])),
        brier=float(np.mean([one.brier for one in given])),
        ece=float(np.mean([one.ece for one in given])),
    )
