"""Every painting, and all that must stay with it, on one side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.splits.certificate import certify
from artcurate.splits.families import Family, Ints, family_of_rows
from artcurate.splits.groups import connected_groups, shared_key_edges
from artcurate.splits.solver import DEFAULT_EFFORT, solve
from artcurate.steps.registry import Parameters, step

_OFFICIAL_NAMES = {"val": "validation", "valid": "validation", "dev": "validation"}


class SplitParameters(Parameters):
    mode: Literal["official", "ratio", "hold_out"] = "ratio"
    """`ratio` balances whole groups; `official` takes the release's split; `hold_out` puts the
    rows that `hold_out` names into the last split and balances the others."""
    ratios: dict[str, float] = Field({"train": 0.8, "validation": 0.1, "test": 0.1})
    """The splits and their weights."""
    stratify: tuple[tuple[str, ...], ...] = (("emotion", "language"), ("style",))
    """Families of strata; each is a cell of annotation columns."""
    group_by: tuple[Literal["duplicate_group", "artist", "text"], ...] = ("duplicate_group",)
    """What paintings share that keeps them together."""
    hold_out: dict[Literal["language", "style", "artist"], tuple[str, ...]] = Field({})
    """Values per column that only the last split holds."""
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
        usable = all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0
        if len(weights) < 2 or not usable:
            raise ValueError("ratios: give two splits or more with weights from 0, not all 0")
        if (self.mode == "hold_out") != bool(self.hold_out):
            raise ValueError("hold_out: goes with mode hold_out, and needs a column with values")
        if self.official_rest not in self.ratios:
            raise ValueError(f"official_rest: {self.official_rest!r} is not among ratios")
        return self


@dataclass(frozen=True, slots=True)
class _Units:
    """Images in their table's order, and annotations by the image they belong to.

    group_of_image: int64, (images,). image_of_row: int64, (annotations,). keys: per group, the
    smallest image id in it.
    """

    group_of_image: Ints
    image_of_row: Ints
    keys: tuple[str, ...]

    @property
    def groups(self) -> int:
        return len(self.keys)

    @property
    def group_of_row(self) -> Ints:
        rows: Ints = self.group_of_image[self.image_of_row]
        return rows


@step(SplitParameters)
def split(corpus: Corpus, *, parameters: SplitParameters) -> Corpus:
    """Give every annotation and image its split, whole groups on one side.

    A group is a painting with all its captions and whatever `group_by` ties to it. Adds `split` to
    annotations and images. `hold_out` of a style or an artist: these paintings form the last
    split, and paintings tied to them are left out. `hold_out` of a language: paintings are
    balanced as ever, the last split keeps the captions of that language only and the others keep
    the rest, so that neither a test painting nor a test language was seen in training. Rows that a
    hold-out leaves out go to the quarantine by design (hold_out_remainder).

    The findings hold the certificate, rows per split, and in `official` mode the leaks found.

    Raises DataError when an annotation has no official split, or a held-out value does not occur.
    """
    if parameters.mode == "hold_out":
        return _hold_out(corpus, parameters)
    if parameters.mode == "official":
        return _official(corpus, parameters)
    units = _units(corpus, parameters.group_by)
    sides = solve(
        _families(corpus, units, parameters),
        list(parameters.ratios.values()),
        seed=parameters.seed,
        effort=parameters.effort,
    )
    return _assigned(corpus, units, sides, parameters, {})


def _official(corpus: Corpus, parameters: SplitParameters) -> Corpus:
    """The release's split, straddling groups moved whole to the split of most of their rows.

    Of splits with equally many rows of a group the one that stands first in `ratios` takes it.
    """
    names = tuple(parameters.ratios)
    official = _official_sides(corpus, parameters)
    whole = _units(corpus, parameters.group_by)
    leaks = {
        "painting": _leaks(_units(corpus, ()), official, names),
        "group": _leaks(whole, official, names),
    }
    units = whole if parameters.repair else _units(corpus, ())
    held = _rows_per_split(units, official, len(names))
    sides: Ints = held.argmax(axis=1).astype(np.int64)
    moved = int((sides[units.group_of_row] != official).sum())
    facts = {"leaks": leaks, "repaired": parameters.repair, "rows_moved": moved}
    return _assigned(corpus, units, sides, parameters, facts)


def _official_sides(corpus: Corpus, parameters: SplitParameters) -> Ints:
    """The index of each annotation's official split, int64, (annotations,)."""
    names = tuple(parameters.ratios)
    given = corpus.annotations["split_official"].str.to_lowercase()
    missing = corpus.annotations.filter(given.is_null())["id"]
    if missing.len():
        raise DataError(
            f"{missing.len():,} annotations have no official split, the first is {missing[0]!r}; "
            "choose split.mode=ratio."
        )
    index = {name: place for place, name in enumerate(names)}
    known = {old: index[new] for old, new in _OFFICIAL_NAMES.items() if new in index} | index
    sides: Ints = given.replace_strict(
        known, default=index[parameters.official_rest], return_dtype=pl.Int64
    ).to_numpy()
    return sides


def _leaks(units: _Units, sides: Ints, names: Sequence[str]) -> dict[str, int]:
    """Groups whose rows stand on several sides, their rows, and the pairs of sides they join."""
    held = _rows_per_split(units, sides, len(names)) > 0
    astride = held.sum(axis=1) > 1
    counts = {
        f"{names[a]}/{names[b]}": int((held[:, a] & held[:, b]).sum())
        for a in range(len(names))
        for b in range(a + 1, len(names))
    }
    return {
        "groups": int(astride.sum()),
        "rows": int(astride[units.group_of_row].sum()),
        **{pair: count for pair, count in counts.items() if count},
    }


def _rows_per_split(units: _Units, sides: Ints, splits: int) -> Ints:
    cells = np.bincount(units.group_of_row * splits + sides, minlength=units.groups * splits)
    table: Ints = cells.reshape(units.groups, splits)
    return table


def _hold_out(corpus: Corpus, parameters: SplitParameters) -> Corpus:
    names = tuple(parameters.ratios)
    held = _held_rows(corpus, dict(parameters.hold_out))
    units = _units(corpus, parameters.group_by)
    sides = _hold_out_sides(corpus, units, held, parameters)
    in_last = sides[units.group_of_row] == len(names) - 1
    values = ", ".join(value for column in parameters.hold_out.values() for value in column)
    left_out = corpus.annotations.filter(pl.Series(in_last != held)).select(
        "id",
        reason=pl.lit("hold_out_remainder"),
        detail=pl.lit(f"{values} and the rest must share neither a split nor a painting"),
    )
    kept = corpus.annotations.filter(pl.Series(in_last == held))["image_id"].unique()
    bare = corpus.images.filter(~pl.col("id").is_in(kept.implode())).select(
        "id",
        reason=pl.lit("hold_out_remainder"),
        detail=pl.lit("none of its captions is left after the hold-out"),
    )
    reduced = _with_split(corpus, units, sides, names)
    reduced = reduced.set_aside("annotations", left_out, step="split", by_design=True)
    reduced = reduced.set_aside("images", bare, step="split", by_design=True)
    units = _units(reduced, parameters.group_by)
    sides = np.zeros(units.groups, dtype=np.int64)
    places = {name: place for place, name in enumerate(names)}
    sides[units.group_of_image] = reduced.images["split"].replace_strict(
        places, return_dtype=pl.Int64
    )
    facts = {
        "hold_out": {column: list(held) for column, held in parameters.hold_out.items()},
        "rows_left_out": left_out.height,
    }
    return _assigned(reduced, units, sides, parameters, facts)


def _hold_out_sides(
    corpus: Corpus, units: _Units, held: NDArray[np.bool_], parameters: SplitParameters
) -> Ints:
    """Sides of all groups: held-out paintings last, or, for a language, balanced as ever."""
    last = len(parameters.ratios) - 1
    ratios = list(parameters.ratios.values())
    fixed = np.full(units.groups, -1, dtype=np.int64)
    if "language" not in parameters.hold_out:
        fixed[units.group_of_row[held]] = last
        ratios[last] = 0.0
    return solve(
        _families(corpus, units, parameters),
        ratios,
        seed=parameters.seed,
        effort=parameters.effort,
        fixed=fixed,
    )


def _held_rows(corpus: Corpus, hold_out: Mapping[Any, Sequence[str]]) -> NDArray[np.bool_]:
    """Which annotations are held out. Raises DataError for a value that does not occur."""
    described = _described_rows(corpus, hold_out)
    problems = [
        f"hold_out.{column}: no row has {value!r}; there are "
        f"{', '.join(described[column].unique().sort().head(20))}."
        for column, values in hold_out.items()
        for value in values
        if value not in described[column]
    ]
    if problems:
        raise DataError(problems)
    held: NDArray[np.bool_] = (
        described.select(
            pl.any_horizontal(
                pl.col(column).is_in(list(values)) for column, values in hold_out.items()
            )
        )
        .to_series()
        .to_numpy()
    )
    return held


def _described_rows(corpus: Corpus, columns: Iterable[str]) -> pl.DataFrame:
    """`columns` of the annotations, taken from their image where the annotations lack them."""
    wanted = list(dict.fromkeys(columns))
    of_image = [column for column in wanted if column not in corpus.annotations.columns]
    unknown = [column for column in of_image if column not in corpus.images.columns]
    if unknown:
        raise DataError(
            f"split: neither annotations nor images have the column {', '.join(unknown)}."
        )
    return corpus.annotations.join(
        corpus.images.select(pl.col("id").alias("image_id"), *of_image),
        on="image_id",
        how="left",
        maintain_order="left",
    ).select(wanted)


def _units(corpus: Corpus, group_by: Sequence[str]) -> _Units:
    images = corpus.images.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    rows = corpus.annotations.select("image_id", "text").join(
        images.select(pl.col("id").alias("image_id"), "place"),
        on="image_id",
        how="left",
        maintain_order="left",
    )
    keys: list[NDArray[Any]] = [images["place"].to_numpy()]
    keys += [
        _codes(images[column])
        for column in group_by
        if column != "text" and column in images.columns
    ]
    edges = [shared_key_edges(column) for column in keys]
    if "text" in group_by:
        first = rows.select(pl.col("place").first().over("text")).to_series()
        edges.append((first.to_numpy(), rows["place"].to_numpy()))
    labels = connected_groups(images.height, edges)
    names = images.select("id", pl.Series("group", labels)).group_by("group").agg(pl.min("id"))
    return _Units(labels, rows["place"].to_numpy(), tuple(names.sort("group")["id"]))


def _codes(column: pl.Series) -> NDArray[np.int64]:
    """Equal values, equal numbers; -1 for null."""
    ranks = column.cast(pl.String).rank("dense").cast(pl.Int64)
    codes: NDArray[np.int64] = ranks.fill_null(-1).to_numpy()
    return codes


def _families(corpus: Corpus, units: _Units, parameters: SplitParameters) -> tuple[Family, ...]:
    described = _described_rows(corpus, [c for family in parameters.stratify for c in family])
    group_of_row = units.group_of_row
    families = []
    for columns in parameters.stratify:
        cells = described.select(
            pl.concat_str([pl.col(c).cast(pl.String) for c in columns], separator=" ")
        ).to_series()
        names = cells.drop_nulls().unique().sort()
        places = dict(zip(names, range(names.len()), strict=True))
        of_row = cells.replace_strict(places, default=-1, return_dtype=pl.Int64).to_numpy()
        families.append(
            family_of_rows(" x ".join(columns), list(names), units.groups, group_of_row, of_row)
        )
    return tuple(families)


def _with_split(corpus: Corpus, units: _Units, sides: Ints, names: Sequence[str]) -> Corpus:
    words = pl.Series(names, dtype=pl.String)
    of_image = sides[units.group_of_image]
    return replace(
        corpus,
        images=corpus.images.with_columns(words.gather(of_image).alias("split")),
        annotations=corpus.annotations.with_columns(
            words.gather(of_image[units.image_of_row]).alias("split")
        ),
    )


def _assigned(
    corpus: Corpus,
    units: _Units,
    sides: Ints,
    parameters: SplitParameters,
    facts: Mapping[str, Any],
) -> Corpus:
    names = tuple(parameters.ratios)
    certificate = certify(
        _families(corpus, units, parameters),
        sides,
        splits=names,
        ratios=tuple(parameters.ratios.values()),
        rows_per_group=np.bincount(units.group_of_row, minlength=units.groups),
        group_keys=units.keys,
    )
    result = _with_split(corpus, units, sides, names)
    counts = {
        table: dict(frame["split"].value_counts().sort("split").iter_rows())
        for table, frame in (("annotations", result.annotations), ("images", result.images))
    }
    return result.with_findings(
        "split",
        {"mode": parameters.mode, **counts, **facts, "certificate": certificate.to_json()},
    )
