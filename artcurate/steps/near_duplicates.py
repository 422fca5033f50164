"""Images of the same picture find each other, so that no split can tear them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import UsageError
from artcurate.images.hamming import Hashes, hamming, pairs_within
from artcurate.splits.groups import connected_groups, shared_key_edges
from artcurate.steps.known_duplicates import KnownDuplicates, match_known_duplicates
from artcurate.steps.registry import Parameters, step

Edges = tuple[NDArray[np.int64], NDArray[np.int64]]

#: A pHash sets at most 32 of its 64 bits, and just 32 unless coefficients tie at the median, as
#: they do in flat pictures: one colour, a gradient, two halves. Those hashes differ in a few bits
#: only and would link pictures that have nothing in common. All of 2,000 real paintings have 32.
_MIN_ONES = 16

#: Pairs held before they are folded into groups; bounds the memory to some 100 MB.
_MAX_PENDING = 4_000_000


class NearDuplicatesParameters(Parameters):
    """What counts as the same picture, and what happens to it."""

    distance: int = Field(4, ge=0, le=16)
    """Greatest Hamming distance of two 64-bit pHashes, in bits. Measured on 23,566 paintings: at 4
    one pair in forty is false, at 6 one in three, at 8 most are."""
    known_duplicates: Path | None = None
    """CSV with the columns group, art_style and painting: groups that somebody found by eye."""
    action: Literal["keep", "drop"] = "keep"
    """`keep`: all images stay and share a group. `drop`: the first of each group stays, the others
    are left out with their annotations."""


class KnownFindings(TypedDict):
    """Rows of the list of known duplicates, and how many of them name an image that is here."""

    rows: int
    matched: int
    unmatched: int


class NearDuplicatesFindings(TypedDict):
    """What was found; JSON-able.

    groups, images_in_groups, largest_group: of two images and more.
    groups_across_styles: groups whose images stand in several style folders.
    images_in_groups_by_style: how many images of each style have a near-duplicate.
    pairs_by_distance: pairs of images at each Hamming distance up to the greatest, flat pictures
        left out.
    flat_images: pictures without enough structure to be told apart by their pHash; only an equal
        file or the list of known duplicates puts them into a group.
    """

    groups: int
    images_in_groups: int
    largest_group: int
    groups_across_styles: int
    images_in_groups_by_style: dict[str, int]
    pairs_by_distance: dict[str, int]
    flat_images: int
    identical_files: int
    known_duplicates: KnownFindings | None
    images_dropped: int
    annotations_dropped: int


@dataclass(frozen=True, slots=True)
class _Alike:
    """codes: int64 (n,), equal for images linked by pHash, -1 for those without a telling one."""

    codes: NDArray[np.int64]
    pairs_by_distance: NDArray[np.int64]
    flat: int


@step(NearDuplicatesParameters)
def near_duplicates(corpus: Corpus, *, parameters: NearDuplicatesParameters) -> Corpus:
    """Group images whose pHashes, files or known names say that they show the same picture.

    Groups are closed transitively. Adds `duplicate_group` to the images: the id of the group's
    first image, null where an image is alone. First is the one that stands first in the list of
    known duplicates, otherwise the lowest id; dropping the others by ArtEmis' own list leaves just
    the paintings of ArtEmis. Images dropped on request go to the quarantine (near_duplicate) with
    their annotations.

    Raises:
        UsageError: there is neither a column phash (from the step probe) nor a list.
        DataError: the list cannot be read or lacks a column.
    """
    images = corpus.images
    if "phash" not in images.columns and parameters.known_duplicates is None:
        raise UsageError(
            "near_duplicates has nothing to compare: put the step probe before it, "
            "or give near_duplicates.known_duplicates."
        )
    alike = _alike_by_hash(images, parameters.distance)
    same_file = _codes(images, "sha256")
    known = (
        match_known_duplicates(parameters.known_duplicates, images["id"])
        if parameters.known_duplicates
        else None
    )
    edges = [shared_key_edges(alike.codes), shared_key_edges(same_file)]
    groups = _name_groups(images, [*edges, known.edges] if known else edges, known)
    grouped = replace(
        corpus,
        images=images.with_columns(
            duplicate_group=pl.when(pl.lit(parameters.action) == "keep").then(groups)
        ),
    )
    result = _drop(grouped, groups) if parameters.action == "drop" else grouped
    findings = NearDuplicatesFindings(
        **_group_findings(images["style"], groups),
        pairs_by_distance={str(d): int(n) for d, n in enumerate(alike.pairs_by_distance)},
        flat_images=alike.flat,
        identical_files=_surplus(same_file),
        known_duplicates=(
            KnownFindings(
                rows=known.rows, matched=known.matched, unmatched=known.rows - known.matched
            )
            if known
            else None
        ),
        images_dropped=images.height - result.images.height,
        annotations_dropped=corpus.annotations.height - result.annotations.height,
    )
    return result.with_findings("near_duplicates", findings)


def is_flat(hashes: Hashes) -> NDArray[np.bool_]:
    """Which pHashes belong to pictures with too little structure to be told apart by them."""
    return np.asarray(np.bitwise_count(hashes) < _MIN_ONES)


def _alike_by_hash(images: pl.DataFrame, distance: int) -> _Alike:
    codes = np.full(images.height, -1, dtype=np.int64)
    if "phash" not in images.columns:
        return _Alike(codes, np.zeros(distance + 1, dtype=np.int64), 0)
    present = images["phash"].is_not_null().to_numpy()
    hashes = images["phash"].drop_nulls().to_numpy()
    flat = is_flat(hashes)
    unique, inverse, counts = np.unique(hashes[~flat], return_inverse=True, return_counts=True)
    by_distance = np.zeros(distance + 1, dtype=np.int64)
    by_distance[0] = int(np.sum(counts * (counts - 1) // 2))
    pending: list[Edges] = []
    held = 0
    for pairs in pairs_within(unique, distance):
        left, right = pairs[:, 0], pairs[:, 1]
        np.add.at(by_distance, hamming(unique, pairs), counts[left] * counts[right])
        pending.append((left, right))
        held += len(pairs)
        if held > _MAX_PENDING:
            pending = [shared_key_edges(connected_groups(unique.size, pending))]
            held = unique.size
    labels = connected_groups(unique.size, pending)
    codes[np.flatnonzero(present)[~flat]] = labels[inverse]
    return _Alike(codes, by_distance, int(flat.sum()))


def _codes(images: pl.DataFrame, column: str) -> NDArray[np.int64]:
    """One number per value of `column`, -1 for null; all -1 where there is no such column."""
    if column not in images.columns:
        return np.full(images.height, -1, dtype=np.int64)
    ranks = images[column].rank("dense").cast(pl.Int64).fill_null(-1)
    return np.asarray(ranks.to_numpy(), dtype=np.int64)


def _name_groups(
    images: pl.DataFrame, edges: Sequence[Edges], known: KnownDuplicates | None
) -> pl.Series:
    """`duplicate_group`: for each image the id of its group's first one, null for singles."""
    positions = known.positions if known else np.zeros(images.height, dtype=np.int64)
    frame = pl.DataFrame(
        {
            "id": images["id"],
            "group": connected_groups(images.height, edges),
            "position": positions,
        }
    )
    first = pl.col("id").sort_by("position", "id").first().over("group")
    return frame.select(duplicate_group=pl.when(pl.len().over("group") > 1).then(first)).to_series()


def _drop(corpus: Corpus, groups: pl.Series) -> Corpus:
    dropped = (
        corpus.images.select("id", kept=groups)
        .filter(pl.col("id") != pl.col("kept"))
        .select(
            "id",
            reason=pl.lit("near_duplicate"),
            detail=pl.format("shows the same picture as {}, which is kept", "kept"),
        )
    )
    lighter = corpus.set_aside("images", dropped, step="near_duplicates", by_design=True)
    if "image_id" not in corpus.annotations.columns:
        return lighter
    orphans = (
        corpus.annotations.select("id", "image_id")
        .join(dropped.rename({"id": "image_id"}), on="image_id", maintain_order="left")
        .select("id", "reason", detail=pl.format("its image {} {}", "image_id", "detail"))
    )
    return lighter.set_aside("annotations", orphans, step="near_duplicates", by_design=True)


class _GroupFindings(TypedDict):
    groups: int
    images_in_groups: int
    largest_group: int
    groups_across_styles: int
    images_in_groups_by_style: dict[str, int]


def _group_findings(styles: pl.Series, groups: pl.Series) -> _GroupFindings:
    members = pl.DataFrame({"style": styles, "group": groups}).drop_nulls("group")
    sizes = members.group_by("group").agg(images=pl.len(), styles=pl.col("style").n_unique())
    largest = sizes["images"].max()
    return _GroupFindings(
        groups=sizes.height,
        images_in_groups=members.height,
        largest_group=largest if isinstance(largest, int) else 0,
        groups_across_styles=sizes.filter(pl.col("styles") > 1).height,
        images_in_groups_by_style=dict(members.group_by("style").len().sort("style").iter_rows()),
    )


def _surplus(codes: NDArray[np.int64]) -> int:
    """How many items have the code of an earlier one."""
    coded = codes[codes >= 0]
    return int(coded.size - np.unique(coded).size)
