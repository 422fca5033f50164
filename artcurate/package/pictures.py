"""`pictures.parquet`: the hash of every picture of a dataset as it came, under the picture's id.

The lock has one digest for all of them; this tells which one differs.
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from artcurate.errors import DataError
from artcurate.files import write_bytes

FILE_NAME = "pictures.parquet"

_SCHEMA = {"root": pl.String(), "id": pl.String(), "bytes": pl.Int64(), "sha256": pl.String()}


def write_pictures(images: pl.DataFrame, folder: Path) -> None:
    """Write root, id, bytes and sha256 of `images`, sorted by root and id.

    Raises DataError when that fails.
    """
    buffer = io.BytesIO()
    table = images.select(pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items())
    table.sort("root", "id").write_parquet(buffer, compression="zstd")
    write_bytes(folder / FILE_NAME, buffer.getvalue())


def read_pictures(folder: Path) -> pl.DataFrame:
    """root, id, bytes and sha256 of every picture; empty where the dataset has none.

    Raises DataError when the file is not such a table.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return pl.DataFrame(schema=_SCHEMA)
    try:
        return pl.read_parquet(path).select(
            pl.col(name).cast(dtype) for name, dtype in _SCHEMA.items()
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not readable as a table of pictures ({reason}).") from None
