"""What a reader has to know before trusting a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from artcurate.benchmark.analysis import LEAST_IN_CELL
from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import TEST, TRAIN, VALIDATION, Examples
from artcurate.benchmark.decision import LATE, PRODUCT, STACKING
from artcurate.benchmark.experiment import LeftOut
from artcurate.benchmark.floors import Human
from artcurate.benchmark.overlap import Overlap
from artcurate.benchmark.scores import Alarm, ControlScore, PairScore, SystemScore
from artcurate.benchmark.task import Role

#: A class that one modality alone gets this right is a leak or a style marker.
_TOO_GOOD = 0.98
_ENOUGH_SUPPORT = 10
#: Below this many clusters percentile intervals are too narrow.
_FEW_CLUSTERS = 20
#: A level for alarms about many systems at once.
_LEVEL = 0.01
#: Cells without a score that are named; the others are counted.
_NAMED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What alarms are raised from.

    empty_texts: examples whose text has no letter or digit. small_cells: test examples of each cell
    that has too few for a score.
    """

    examples: Examples
    systems: Sequence[SystemScore]
    pairs: Sequence[PairScore]
    controls: Sequence[ControlScore]
    overlap: Overlap | None
    left_out: Sequence[LeftOut]
    empty_texts: int
    small_cells: Mapping[str, int]
    human: Human | None


def alarms(evidence: Evidence) -> tuple[Alarm, ...]:
    """Every alarm, the gravest first."""
    examples, controls = evidence.examples, evidence.controls
    return (
        *_overlap(evidence.overlap),
        *_labels_shuffled(controls),
        *_too_good(evidence.systems),
        *_fusion(evidence.systems, evidence.pairs),
        *_label_only(examples, evidence.pairs, controls),
        *_classes(examples),
        *_clusters(examples),
        *_small_cells(evidence.small_cells),
        *_unread(evidence.left_out),
        *_empty(evidence.empty_texts),
        *_unanimous(evidence.human),
    )


def _overlap(overlap: Overlap | None) -> Iterator[Alarm]:
    if overlap is None:
        return
    found = {
        "text": overlap.texts,
        "picture": overlap.pictures,
        "near-duplicate picture": overlap.near_pictures - overlap.pictures,
        **overlap.clusters,
    }
    for what, count in found.items():
        if count:
            yield Alarm(
                "train_test_overlap",
                f"{count:,} of {overlap.examples:,} test examples share their {what} with a "
                "training example, so scores may measure memory.",
            )


def _labels_shuffled(controls: Sequence[ControlScore]) -> Iterator[Alarm]:
    for one in controls:
        if one.control == Control.LABELS_SHUFFLED and _above_chance(one):
            yield Alarm(
                "shuffled_labels_above_chance",
                f"{one.system} trained on shuffled labels scores {one.change.mean:.3f} macro-F1 "
                "above chance: something tells it the test labels.",
            )


def _above_chance(one: ControlScore) -> bool:
    """Above by more than the test set and the luck of each shuffle explain."""
    if one.draws < 2 or one.change.mean <= 0 or one.change.p >= _LEVEL:
        return False
    luck = one.macro_f1.sd / np.sqrt(one.draws)
    return bool(one.change.mean > t.ppf(1 - _LEVEL, one.draws - 1) * luck)


def _too_good(systems: Sequence[SystemScore]) -> Iterator[Alarm]:
    for system in systems:
        if system.role is not Role.UNIMODAL:
            continue
        for one in system.per_class:
            if one.f1 >= _TOO_GOOD and one.support >= _ENOUGH_SUPPORT:
                yield Alarm(
                    "class_too_easy",
                    f"{system.name} alone tells {one.label} with F1 {one.f1:.3f}: a leak, or a "
                    "marker of style rather than emotion.",
                )


def _fusion(systems: Sequence[SystemScore], pairs: Sequence[PairScore]) -> Iterator[Alarm]:
    alone = [one for one in systems if one.role is Role.UNIMODAL]
    if len(alone) < 2:
        return
    best = max(alone, key=lambda one: one.macro_f1.mean).name
    for one in pairs:
        if one.second == best and one.macro_f1.low <= 0:
            yield Alarm(
                "fusion_not_above_unimodal",
                f"{one.first} is not above {best} alone: {_gap(one)}.",
            )
        learned = one.first not in (LATE, STACKING)
        if learned and one.second == PRODUCT and one.macro_f1.low <= 0:
            yield Alarm(
                "fusion_not_above_product",
                f"{one.first} gains nothing over the product of the unimodal posteriors: "
                f"{_gap(one)}; it learns no interplay of the modalities.",
            )


def _label_only(
    examples: Examples, pairs: Sequence[PairScore], controls: Sequence[ControlScore]
) -> Iterator[Alarm]:
    if not examples.by_label_only:
        return
    yield Alarm(
        "joined_by_label",
        "text and picture were joined by the label and are independent given it, so fusion must "
        "gain and its gain says nothing about how the two belong together.",
    )
    for one in pairs:
        learned = one.second == PRODUCT and one.first not in (LATE, STACKING)
        if learned and one.macro_f1.mean > 0 and one.macro_f1.p < _LEVEL:
            yield Alarm(
                "pairs_not_independent",
                f"{one.first} beats the product of experts on pairs that share the label only: "
                f"{_gap(one)}; look for a leak through the pairing.",
            )
    for control in controls:
        if control.control == Control.PAIRS_REDRAWN and control.change.p < _LEVEL:
            yield Alarm(
                "redrawing_changes_scores",
                f"{control.system} changes by {control.change.mean:+.3f} macro-F1 when pictures "
                "are drawn anew within label and cell, though nothing else should tie them.",
            )


def _classes(examples: Examples) -> Iterator[Alarm]:
    names = examples.labels.names
    for split in (TRAIN, VALIDATION, TEST):
        counts = np.bincount(examples.labels.index[examples.rows(split)], minlength=len(names))
        for what, wanted in (("no", 0), ("one", 1)):
            few = [name for name, count in zip(names, counts, strict=True) if count == wanted]
            if few:
                yield Alarm(
                    "rare_class",
                    f"{split} has {what} example of {', '.join(few)}; its scores say nothing.",
                )


def _clusters(examples: Examples) -> Iterator[Alarm]:
    for kind, values in examples.clusters.items():
        count = len(np.unique(values[examples.rows(TEST)]))
        if count < _FEW_CLUSTERS:
            yield Alarm(
                "few_clusters",
                f"the test set has {count} {kind} clusters; intervals from so few are too narrow.",
            )


def _unread(left_out: Sequence[LeftOut]) -> Iterator[Alarm]:
    if left_out:
        yield Alarm(
            "examples_left_out",
            f"{len(left_out):,} examples could not be read and no system saw them, the first is "
            f"{left_out[0].id} ({left_out[0].detail.rstrip('.')}).",
        )


def _small_cells(cells: Mapping[str, int]) -> Iterator[Alarm]:
    if cells:
        named = ", ".join(f"{name} ({count})" for name, count in list(cells.items())[:_NAMED])
        more = f" and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
        yield Alarm(
            "small_cells",
            f"cells with fewer than {LEAST_IN_CELL} test examples have no score of their own: "
            f"{named}{more}.",
        )


def _unanimous(human: Human | None) -> Iterator[Alarm]:
    if human is not None and human.best_per_item == 1:
        yield Alarm(
            "unanimous_votes",
            "the votes on every item agree, since others were left out, so they set no human "
            "ceiling.",
        )


def _empty(count: int) -> Iterator[Alarm]:
    if count:
        yield Alarm(
            "empty_texts",
            f"{count:,} examples have a text without a letter or digit; text systems can only "
            "guess them by the commonest label.",
        )


def _gap(pair: PairScore) -> str:
    gap = pair.macro_f1
    return f"{gap.mean:+.3f} macro-F1 [{gap.low:+.3f}, {gap.high:+.3f}]"
