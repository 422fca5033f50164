"""Features that somebody else computed (audio, EEG, video) as a further modality."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artcurate.benchmark.dataset import Examples
from artcurate.benchmark.floors import FLOORS
from artcurate.benchmark.predictions import EXAMPLES_FILE, SHOWN_FILE
from artcurate.benchmark.task import Modality
from artcurate.errors import DataError, UsageError

ID, FEATURES = "id", "features"
#: A modality's name is that of a system, of a column and of a file.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = frozenset((*FLOORS, Path(EXAMPLES_FILE).stem, Path(SHOWN_FILE).stem))


def with_features(examples: Examples, files: Mapping[str, Path]) -> Examples:
    """`examples` with one more modality per Parquet file of `id` and `features`.

    `features` is a list of numbers, of one length in all rows. Rows of other examples are passed
    over.

    Raises:
        UsageError: a name is taken or cannot be one, or there is no such file.
        DataError: a file is not as said, or an example has no row in it.
    """
    inputs = dict(examples.inputs)
    for name, path in files.items():
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"--features {name}: the name of a modality has small letters, digits and "
                "underscores, the first a letter, 40 at most."
            )
        if name in inputs:
            raise UsageError(f"--features {name}: the dataset has a modality of that name.")
        if name in _TAKEN:
            raise UsageError(f"--features {name}: the benchmark uses that name; choose another.")
        inputs[name] = _read(name, path, examples)
    return replace(examples, inputs=inputs)


def _read(name: str, path: Path, examples: Examples) -> Modality:
    if not path.is_file():
        raise UsageError(f"--features {name}: {path}: no such file.")
    try:
        schema = pq.read_schema(path)
        _require_columns(path, schema)
        table = pq.read_table(path, columns=[ID, FEATURES])
        ids = table[ID].to_pylist()
        rows = table[FEATURES].combine_chunks()
        lengths = set(pc.list_value_length(rows).to_pylist())
        flat = rows.flatten().cast(pa.float32()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as Parquet ({reason}).") from None
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


def _require_columns(path: Path, schema: pa.Schema) -> None:
    missing = [name for name in (ID, FEATURES) if name not in schema.names]
    if missing:
        lacks = " and ".join(missing)
        raise DataError(f"{path}: it lacks {lacks}; every row needs {ID} and {FEATURES}.")
    kind = schema.field(FEATURES).type
    listed = isinstance(kind, (pa.ListType, pa.LargeListType, pa.FixedSizeListType))
    if not listed or not (
        pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    ):
        raise DataError(f"{path}: {FEATURES} must be a list of numbers, not {kind}.")
