"""A corpus seen as a splitter sees it: rows, the items they belong to, groups of items, strata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.corpus import Corpus
from artcurate.errors import DataError, UsageError
from artcurate.splits.families import Family, Ints, family_of_counts, family_of_rows
from artcurate.splits.groups import connected_groups, shared_key_edges

#: What annotations without images are kept together by, the first column that is there.
ITEM_COLUMNS = ("image_id", "image_key", "id")


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Items (images, in their table's order) in groups, and annotations by their item.

    group_of_item: int64, (items,). item_of_row: int64, (annotations,). keys: per group, the
    smallest id of its items.
    """

    group_of_item: Ints
    item_of_row: Ints
    keys: tuple[str, ...]

    @property
    def groups(self) -> int:
        return len(self.keys)

    @property
    def group_of_row(self) -> Ints:
        rows: Ints = self.group_of_item[self.item_of_row]
        return rows

    def rows_per_group(self) -> Ints:
        """Annotations of each group, int64, (groups,)."""
        return np.bincount(self.group_of_row, minlength=self.groups).astype(np.int64)

    def items_per_group(self) -> Ints:
        """Items of each group, int64, (groups,)."""
        return np.bincount(self.group_of_item, minlength=self.groups).astype(np.int64)


def units_of(corpus: Corpus, group_by: Sequence[str]) -> Units:
    """Group the items that share a value in any of `group_by`, transitively.

    group_by: columns of the items; `text` ties the items of annotations with identical text.
    Without images, the items are the annotations that share the first of `ITEM_COLUMNS`.
    Raises DataError for annotations whose image is not there, UsageError for an unknown column.
    """
    items = _items(corpus)
    row_keys = items.columns[0]
    places = pl.int_range(pl.len(), dtype=pl.Int64).alias("place")
    rows = corpus.annotations.join(
        items.select(row_keys, places), on=row_keys, how="left", maintain_order="left"
    )
    lost = rows.filter(pl.col("place").is_null())
    if lost.height:
        raise DataError(
            f"{lost.height:,} annotations belong to no image, the first is {lost['id'][0]!r}; "
            "run the step join before split."
        )
    item_of_row: Ints = rows["place"].to_numpy()
    edges = [shared_key_edges(_codes(_column(items, name))) for name in group_by if name != "text"]
    if "text" in group_by:
        text = _codes(rows["text"].replace("", None))
        edges.append(_edges_between_items(text, item_of_row))
    labels = connected_groups(items.height, edges)
    keys = (
        items.select(pl.col(row_keys).alias("key"), pl.Series("group", labels))
        .group_by("group")
        .agg(pl.min("key"))
        .sort("group")["key"]
    )
    return Units(labels, item_of_row, tuple(keys))


def described_rows(corpus: Corpus, columns: Sequence[str]) -> pl.DataFrame:
    """`columns` of the annotations, from their image where the annotations lack them.

    Raises UsageError for a column that neither table has.
    """
    wanted = list(dict.fromkeys(columns))
    of_image = [name for name in wanted if name not in corpus.annotations.columns]
    missing = [name for name in of_image if name not in corpus.images.columns]
    if missing:
        raise UsageError(
            f"split: neither annotations nor images have the column {', '.join(missing)}; "
            "name others in split.stratify and split.hold_out."
        )
    if not of_image:
        return corpus.annotations.select(wanted)
    images = corpus.images.select(pl.col("id").alias("image_id"), *of_image)
    return corpus.annotations.join(images, on="image_id", how="left", maintain_order="left").select(
        wanted
    )


def families_of(
    corpus: Corpus,
    units: Units,
    stratify: Sequence[Sequence[str]],
    counted: NDArray[np.bool_] | None = None,
) -> tuple[Family, ...]:
    """One family for each list of columns, and `total`: all annotations and all images.

    A stratum is named by its cell's values, joined by ` x `. Rows without a value in one of the
    columns are in no stratum of that family, nor are rows outside `counted`, (annotations,).
    """
    kept = np.ones(corpus.annotations.height, np.bool_) if counted is None else counted
    described = described_rows(corpus, [name for columns in stratify for name in columns])
    groups = units.group_of_row
    families = []
    for columns in stratify:
        cells = described.select(pl.col(columns).cast(pl.String))
        strata = cells.drop_nulls().unique().sort(columns).with_row_index("stratum")
        of_row = cells.join(strata, on=list(columns), how="left", maintain_order="left")["stratum"]
        names = strata.select(pl.concat_str(columns, separator=" x ")).to_series()
        codes = np.where(kept, of_row.cast(pl.Int64).fill_null(-1).to_numpy(), -1)
        families.append(
            family_of_rows(" x ".join(columns), list(names), units.groups, groups, codes)
        )
    totals = {"annotations": np.bincount(groups[kept], minlength=units.groups)}
    if corpus.images.height:
        totals["images"] = units.items_per_group()
    counts = np.stack(list(totals.values()), axis=1)
    return (*families, family_of_counts("total", tuple(totals), counts))


def with_split(corpus: Corpus, units: Units, sides: Ints, names: Sequence[str]) -> Corpus:
    """The corpus with the column `split` on annotations and images, by group."""
    words = pl.Series(names, dtype=pl.String)
    of_item = sides[units.group_of_item]
    annotations = corpus.annotations.with_columns(split=words.gather(of_item[units.item_of_row]))
    if not corpus.images.height:
        return replace(corpus, annotations=annotations)
    images = corpus.images.with_columns(split=words.gather(of_item))
    return replace(corpus, annotations=annotations, images=images)


def sides_of(corpus: Corpus, units: Units, names: Sequence[str]) -> Ints:
    """The split of each group, an index into `names`, int64, (groups,), from the column `split`."""
    places = {name: place for place, name in enumerate(names)}
    sides = np.zeros(units.groups, dtype=np.int64)
    of_row = corpus.annotations["split"].replace_strict(places, return_dtype=pl.Int64)
    sides[units.group_of_row] = of_row.to_numpy()
    if corpus.images.height:
        of_item = corpus.images["split"].replace_strict(places, return_dtype=pl.Int64)
        sides[units.group_of_item] = of_item.to_numpy()
    return sides


def _items(corpus: Corpus) -> pl.DataFrame:
    """One row per item, its id first, under the name that annotations have for it."""
    if corpus.images.height:
        if "image_id" not in corpus.annotations.columns and corpus.annotations.height:
            raise UsageError(
                "split: annotations have no image_id; run the step join before it "
                "(join.images=none where there are no pictures)."
            )
        return corpus.images.rename({"id": "image_id"}).select(
            "image_id", *(name for name in corpus.images.columns if name != "id")
        )
    key = next(name for name in ITEM_COLUMNS if name in corpus.annotations.columns)
    others = [name for name in corpus.annotations.columns if name != key]
    return corpus.annotations.select(key, *others).unique(key, keep="first", maintain_order=True)


def _column(items: pl.DataFrame, name: str) -> pl.Series:
    """A column to group by; near-duplicates that nobody has looked for are none."""
    if name in items.columns:
        return items[name]
    if name == "duplicate_group":
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, items.height)
    raise UsageError(f"split.group_by: there is no column {name!r} to group by.")


def _edges_between_items(codes: Ints, item_of_row: Ints) -> tuple[Ints, Ints]:
    left, right = shared_key_edges(codes)
    return item_of_row[left], item_of_row[right]


def _codes(column: pl.Series) -> NDArray[np.int64]:
    """Equal values, equal numbers; -1 for null."""
    ranks = column.cast(pl.String).rank("dense").cast(pl.Int64)
    codes: NDArray[np.int64] = ranks.fill_null(-1).to_numpy()
    return codes
