"""A list of known duplicates, matched to the images at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.errors import DataError
from artcurate.keys import folded_key, nfc_key

_COLUMNS = ("group", "art_style", "painting")


@dataclass(frozen=True, slots=True)
class KnownDuplicates:
    """What a list says about n images.

    edges: index arrays; each image belongs with the first image of its listed group.
    positions: int64 (n,), the row of the list that names the image first, or the number of rows.
    rows, matched: rows of the list, and those that name one of the images.
    """

    edges: tuple[NDArray[np.int64], NDArray[np.int64]]
    positions: NDArray[np.int64]
    rows: int
    matched: int


def match_known_duplicates(path: Path, ids: pl.Series) -> KnownDuplicates:
    """Find the images that the CSV at `path` (group, art_style, painting) names.

    Names are compared as ids, in NFC, and then by folded key where only one image has it.

    Raises DataError when the file cannot be read, lacks a column or has an empty field.
    """
    listed = _read(path)
    images = pl.DataFrame({"id": ids}).with_row_index("image")
    by_fold = (
        images.group_by(folded=folded_key(pl.col("id")))
        .agg(folded_image=pl.col("image").first(), alike=pl.len())
        .filter(pl.col("alike") == 1)
    )
    key = pl.concat_str("art_style", "painting", separator="/")
    matched = (
        listed.select("group", key=nfc_key(key), folded=folded_key(key))
        .with_row_index("position")
        .join(images.rename({"id": "key"}), on="key", how="left", maintain_order="left")
        .join(by_fold, on="folded", how="left", maintain_order="left")
        .with_columns(image=pl.coalesce("image", "folded_image").cast(pl.Int64))
        .drop_nulls("image")
        .with_columns(first=pl.col("image").first().over("group"))
    )
    positions = np.full(ids.len(), listed.height, dtype=np.int64)
    np.minimum.at(positions, matched["image"].to_numpy(), matched["position"].to_numpy())
    return KnownDuplicates(
        edges=(matched["first"].to_numpy(), matched["image"].to_numpy()),
        positions=positions,
        rows=listed.height,
        matched=matched.height,
    )


def _read(path: Path) -> pl.DataFrame:
    try:
        listed = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        first_line = str(error).partition("\n")[0]
        raise DataError(
            f"{path}: the list of known duplicates cannot be read ({first_line}); "
            f"give a CSV with the columns {', '.join(_COLUMNS)}."
        ) from None
    missing = [name for name in _COLUMNS if name not in listed.columns]
    if missing:
        raise DataError(
            f"{path}: the list of known duplicates has no column {', '.join(missing)}; "
            f"give a CSV with the columns {', '.join(_COLUMNS)}."
        )
    empty = listed.with_row_index("row", offset=1).filter(
        pl.any_horizontal(pl.col(name).is_null() for name in _COLUMNS)
    )
    if empty.height:
        raise DataError(
            f"{path}, row {empty['row'][0]}: group, art_style or painting is empty; "
            "fill it or remove the row."
        )
    return listed.select(_COLUMNS)
