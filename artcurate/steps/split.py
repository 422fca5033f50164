"""Every painting, and all that must stay with it, on one side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, model_validator

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.splits.certificate import certify
from artcurate.splits.families import Family, Ints, family_of_counts
from artcurate.splits.leaks import Leaks, find_leaks, repaired
from artcurate.splits.solver import DEFAULT_EFFORT, fill_empty_splits, solve
from artcurate.steps.held_out import held_out, hold_out_sides, without_remainder
from artcurate.steps.registry import Parameters, step
from artcurate.steps.split_tables import Units, families_of, sides_of, units_of, with_split

_OFFICIAL_NAMES = {
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "testing": "test",
}


def _columns(value: object) -> object:
    """One value may stand without its list."""
    if not isinstance(value, dict):
        raise ValueError("write {language: [chinese]}, {style: [Cubism, Rococo]} or {artist: [..]}")
    return {key: (one,) if isinstance(one, str) else one for key, one in value.items()}


class SplitParameters(Parameters):
    mode: Literal["official", "ratio", "hold_out"] = "ratio"
    """`ratio` balances whole groups; `official` takes the release's split; `hold_out` gives the
    last split what `hold_out` names and balances the others."""
    ratios: dict[str, float] = Field({"train": 0.8, "validation": 0.1, "test": 0.1})
    """The splits and their weights. `official` judges by the official shares instead."""
    stratify: tuple[tuple[str, ...], ...] = (("emotion", "language"), ("style",))
    """Families of strata to balance; each is a cell of columns of annotations or images. The
    numbers of annotations and of images are always balanced too."""
    group_by: tuple[Literal["duplicate_group", "artist", "text"], ...] = ("duplicate_group",)
    """What paintings share that keeps them together."""
    hold_out: Annotated[
        dict[Literal["language", "style", "artist"], tuple[str, ...]], BeforeValidator(_columns)
    ] = Field({})
    """Values per column that only the last split may hold, as in {style: [Cubism, Rococo]}; see the
    step's text."""
    official_rest: str = "train"
    """The split of official rows that stand in none of `ratios`, such as ArtEmis' `rest`."""
    repair: bool = True
    """In `official` mode, move groups that straddle splits whole to where most of their rows are;
    otherwise only the captions of one painting are kept together."""
    seed: int = Field(0, ge=0)
    """Seed of the search."""
    effort: int = Field(DEFAULT_EFFORT, ge=0)
    """Iterations of the search; never a time, so that the result is always the same."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        weights = self.ratios.values()
        if len(self.ratios) < 2 or min(weights) < 0 or not 0 < sum(weights) < float("inf"):
            raise ValueError("ratios: give two splits or more with weights from 0, not all 0")
        if (self.mode == "hold_out") != bool(self.hold_out):
            raise ValueError(
                "mode=hold_out and hold_out={language: [chinese]} (or style, or artist) belong "
                "together"
            )
        if self.mode == "hold_out" and not any(list(weights)[:-1]):
            raise ValueError("ratios: a split before the last one needs a weight above 0")
        if "language" in self.hold_out and not self.weights[-1]:
            raise ValueError("ratios: the last split needs a weight above 0 to take a language")
        if self.official_rest not in self.ratios:
            raise ValueError(f"official_rest: {self.official_rest!r} is not among ratios")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.ratios)

    @property
    def held_values(self) -> dict[str, tuple[str, ...]]:
        return dict(self.hold_out.items())

    @property
    def weights(self) -> list[float]:
        return list(self.ratios.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """An assignment and what it is judged by. judged: groups the certificate's strata count."""

    units: Units
    families: tuple[Family, ...]
    sides: Ints
    ratios: list[float]
    facts: Mapping[str, Any]
    judged: NDArray[np.bool_] | None = None


@step(SplitParameters)
def split(corpus: Corpus, *, parameters: SplitParameters) -> Corpus:
    """Give every annotation and image its split, whole groups on one side.

    A group is a painting with all its captions and whatever `group_by` ties to it. Adds `split` to
    annotations and images. In `ratio` no split of a ratio above zero stays empty, as far as there
    are groups.

    `official` takes the release's split. Every group goes whole to the split of most of its rows,
    of equals to the one that has lost most to earlier moves; images without captions are dealt by
    the official shares.

    `hold_out` of a style or an artist: the paintings so described are the last split, and what
    shares a group with them is left out. `hold_out` of a language: the last split takes whole
    groups, stratified, up to its share of the rows among those that have the language, and keeps
    the captions in that language alone; the other splits keep the rest. So neither a painting nor
    a language of the last split is seen in training. Rows and images left out go to the
    quarantine by design, as hold_out_remainder.

    The findings hold the certificate, annotations and images per split, and in `official` mode
    the leaks found; in `hold_out` mode the certificate judges the other splits.

    Raises DataError when an annotation has no official split or no image, or a held-out value does
    not occur; UsageError for a column that is not there.
    """
    if parameters.mode == "hold_out":
        return _hold_out(corpus, parameters)
    if parameters.mode == "official":
        return _finished(corpus, parameters, _official(corpus, parameters))
    units = units_of(corpus, parameters.group_by)
    families = families_of(corpus, units, parameters.stratify)
    sides = solve(families, parameters.weights, seed=parameters.seed, effort=parameters.effort)
    sides = fill_empty_splits(families, parameters.weights, sides)
    outcome = _Outcome(units, families, sides, parameters.weights, {})
    return _finished(corpus, parameters, outcome)


def _official(corpus: Corpus, parameters: SplitParameters) -> _Outcome:
    names = parameters.names
    paintings, whole = units_of(corpus, ()), units_of(corpus, parameters.group_by)
    units = whole if parameters.repair else paintings
    official = _official_sides(corpus, parameters)
    given = np.bincount(official, minlength=len(names)).tolist()
    sides = repaired(units.group_of_row, official, len(names), units.groups)
    items = family_of_counts("items", ("items",), units.items_per_group()[:, None])
    sides = solve([items], given, seed=parameters.seed, effort=0, fixed=sides)
    words = corpus.annotations["split_official"].value_counts().sort("split_official")
    facts = {
        "official": dict(words.iter_rows()),
        "other_words": {
            word: rows
            for word, rows in words.iter_rows()
            if word.lower() not in {*names, *_OFFICIAL_NAMES}
        },
        "others_go_to": parameters.official_rest,
        "leaks": {
            "painting": _told(find_leaks(paintings.group_of_row, official, len(names)), names),
            "group": _told(find_leaks(whole.group_of_row, official, len(names)), names),
        },
        "repaired": parameters.repair,
        "rows_moved": int((sides[units.group_of_row] != official).sum()),
    }
    families = families_of(corpus, units, parameters.stratify)
    return _Outcome(units, families, sides, given, facts)


def _official_sides(corpus: Corpus, parameters: SplitParameters) -> Ints:
    """The index of each annotation's official split, int64, (annotations,)."""
    if "split_official" not in corpus.annotations.columns:
        raise DataError("The annotations have no official split; choose split.mode=ratio.")
    given = corpus.annotations["split_official"].str.to_lowercase()
    missing = corpus.annotations.filter(given.is_null())["id"]
    if missing.len():
        raise DataError(
            f"{missing.len():,} annotations have no official split, the first is {missing[0]!r}; "
            "choose split.mode=ratio."
        )
    index = {name: place for place, name in enumerate(parameters.names)}
    known = {old: index[new] for old, new in _OFFICIAL_NAMES.items() if new in index} | index
    sides: Ints = given.replace_strict(
        known, default=index[parameters.official_rest], return_dtype=pl.Int64
    ).to_numpy()
    return sides


def _told(leaks: Leaks, names: tuple[str, ...]) -> dict[str, int]:
    pairs = {f"{names[one]}/{names[other]}": n for (one, other), n in leaks.pairs.items()}
    return {"groups": leaks.groups, "rows": leaks.rows, **pairs}


def _hold_out(corpus: Corpus, parameters: SplitParameters) -> Corpus:
    last = len(parameters.names) - 1
    units = units_of(corpus, parameters.group_by)
    held = held_out(corpus, units, parameters.held_values)
    sides = hold_out_sides(
        units,
        held,
        families_of(corpus, units, parameters.stratify),
        families_of(corpus, units, parameters.stratify, ~held.rows),
        parameters.weights,
        seed=parameters.seed,
        effort=parameters.effort,
    )
    marked = with_split(corpus, units, sides, parameters.names)
    reduced = without_remainder(marked, units, held, sides == last, parameters.held_values)
    units = units_of(reduced, parameters.group_by)
    sides = sides_of(reduced, units, parameters.names)
    facts = {
        "hold_out": {column: list(values) for column, values in parameters.held_values.items()},
        "rows_left_out": corpus.annotations.height - reduced.annotations.height,
        "images_left_out": corpus.images.height - reduced.images.height,
    }
    outcome = _Outcome(
        units,
        families_of(reduced, units, parameters.stratify),
        sides,
        [*parameters.weights[:-1], 0.0],
        facts,
        judged=sides != last,
    )
    return _finished(reduced, parameters, outcome)


def _finished(corpus: Corpus, parameters: SplitParameters, outcome: _Outcome) -> Corpus:
    units, names = outcome.units, parameters.names
    certificate = certify(
        outcome.families,
        outcome.sides,
        splits=names,
        ratios=outcome.ratios,
        rows_per_group=units.rows_per_group(),
        group_keys=units.keys,
        judged=outcome.judged,
    )
    result = with_split(corpus, units, outcome.sides, names)
    findings = {
        "mode": parameters.mode,
        "annotations": _counts(result.annotations, names),
        "images": _counts(result.images, names),
        **outcome.facts,
        "certificate": certificate.to_json(),
    }
    return result.with_findings("split", findings)


def _counts(table: pl.DataFrame, names: tuple[str, ...]) -> dict[str, int]:
    """Rows per split, in the order of `names`."""
    if "split" not in table.columns:
        return {}
    found = dict(table["split"].value_counts().iter_rows())
    return {name: found.get(name, 0) for name in names}
