"""Features that somebody else computed (audio, EEG, video) as a further modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.benchmark.dataset import Examples
from artcurate.benchmark.task import Modality
from artcurate.errors import DataError, UsageError

ID, FEATURES = "id", "features"


def with_features(examples: Examples, files: Mapping[str, Path]) -> Examples:
    """`examples` with one more modality per Parquet file of `id` and `features`.

    `features` is a list of numbers, of one length in all rows. Rows of other examples are passed
    over.

    Raises:
        UsageError: a name is taken, or there is no such file.
        DataError: a file is not as said, or an example has no row in it.
    """
    inputs = dict(examples.inputs)
    for name, path in files.items():
        if name in inputs:
            raise UsageError(f"--features {name}: the dataset has a modality of that name.")
        inputs[name] = _read(name, path, examples)
    return replace(examples, inputs=inputs)


def _read(name: str, path: Path, examples: Examples) -> Modality:
    if not path.is_file():
        raise UsageError(f"--features {name}: {path}: no such file.")
    try:
        table = pq.read_table(path, columns=[ID, FEATURES])
        ids = table[ID].to_pylist()
        rows = table[FEATURES].combine_chunks()
        lengths = set(rows.value_lengths().to_pylist())
        flat = rows.flatten().cast(pa.float32()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, OSError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: not a table of {ID} and {FEATURES} (a list of numbers): {reason}."
        ) from None
    if len(lengths) != 1 or not all(lengths):
        raise DataError(f"{path}: {FEATURES} must be lists of one length, not null or empty.")
    if not np.isfinite(flat).all():
        raise DataError(f"{path}: {FEATURES} holds NaN or infinite numbers.")
    places = {one: place for place, one in enumerate(ids)}
    if len(places) != len(ids):
        raise DataError(f"{path}: an {ID} stands twice.")
    missing = [one for one in examples.ids.tolist() if one not in places]
    if missing:
        raise DataError(
            f"{path}: {len(missing):,} of {len(examples):,} examples have no features, the first "
            f"is {missing[0]}."
        )
    values = np.vstack([flat.reshape(len(ids), -1), np.zeros((1, lengths.pop()))])
    index = np.array([places[one] for one in examples.ids.tolist()], dtype=np.int64)
    return Modality(values.astype(np.float32), index)
