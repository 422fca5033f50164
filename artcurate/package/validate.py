"""Check a built dataset, or any Parquet file, against its schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.errors import DataError, UsageError
from artcurate.package import findings
from artcurate.package import lock as locks
from artcurate.package.layout import check_names, find_shards, shard_at
from artcurate.package.summary import QUARANTINE_FILE
from artcurate.progress import ProgressMode, meter
from artcurate.schema.audit import audit
from artcurate.schema.load import load_schema
from artcurate.schema.model import Schema
from artcurate.schema.validate import Shard, Violation, validate_shard

PIPELINE_FILE = "pipeline.yaml"
CARD_FILE = "README.md"
CROISSANT_FILE = "croissant.json"
SCHEMA_FILE = "schema.yaml"
SPLIT_FILE = "split.json"


def dataset_schema(folder: Path) -> Schema:
    """The schema that a built dataset brings along.

    Raises:
        UsageError: the folder holds no schema.
        DataError: the file is not a schema.
    """
    file = folder / SCHEMA_FILE
    if not file.is_file():
        raise UsageError(
            f"{folder} holds no {SCHEMA_FILE}, so it is no built dataset; give a folder that a "
            "build made (`artcurate validate` checks other Parquet files with --schema)."
        )
    return load_schema(file)


def validate(
    path: Path,
    schema: Schema | None = None,
    config: str | None = None,
    *,
    progress: ProgressMode = ProgressMode.QUIET,
) -> Iterator[Violation]:
    """Every violation of a built dataset folder, or of one Parquet file.

    A folder is checked as a whole: shard names, values, keys, split leaks, references, and the
    lock's hashes. `schema` defaults to the one that the folder brings along. For a file, give
    `schema`; `config` defaults to the one whose folder the file lies in, otherwise the default.

    Raises UsageError when there is nothing at `path`, or no schema is known for it.
    """
    if path.is_dir():
        if config is not None:
            raise UsageError(f"{path} is checked whole; --config is for a single file.")
        return validate_dataset(path, schema or dataset_schema(path), progress=progress)
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder.")
    if schema is None:
        raise UsageError(f"{path}: name the schema of a single file with --schema.")
    if config is not None:
        chosen = schema.config(config)
    else:
        near = [one for one in schema.configs if one.folder == path.absolute().parent.name]
        chosen = near[0] if near else schema.default
    shard = shard_at(chosen, path)
    return _validate_shards([Shard(chosen, shard.split, str(path), path)], progress)


def validate_dataset(
    folder: Path, schema: Schema, *, progress: ProgressMode = ProgressMode.QUIET
) -> Iterator[Violation]:
    """Every violation of the dataset in `folder`, found while its shards stream by."""
    shards = find_shards(folder, schema)
    # What is missing comes first: it explains the many rows that then have no counterpart.
    yield from check_names(schema, shards)
    yield from _missing_files(folder)
    yield from _check_lock(folder, shards)
    yield from _uneven_columns(shards)
    yield from _validate_shards(shards, progress)


def _validate_shards(shards: Sequence[Shard], progress: ProgressMode) -> Iterator[Violation]:
    with meter("validate", len(shards), unit="shard", mode=progress) as done:
        for shard in shards:
            yield from validate_shard(shard)
            done.advance()
    yield from audit(shards)


def _missing_files(folder: Path) -> Iterator[Violation]:
    """What a build leaves beside the shards and is not there."""
    names = (
        *(CARD_FILE, CROISSANT_FILE, PIPELINE_FILE, SCHEMA_FILE),
        *(QUARANTINE_FILE, SPLIT_FILE, findings.FILE_NAME),
    )
    for name in names:
        if not (folder / name).is_file():
            yield Violation("missing_file", "", name, None, "", "no such file", "the build's file")


def _uneven_columns(shards: Sequence[Shard]) -> Iterator[Violation]:
    """Optional columns that some shards of a config have and others lack."""
    columns = {shard.name: _column_names(shard) for shard in shards}
    for config in {shard.config.name: shard.config for shard in shards}.values():
        mine = [shard for shard in shards if shard.config is config and columns[shard.name]]
        somewhere = set().union(*(columns[shard.name] for shard in mine))
        for shard in mine:
            for name in config.columns:
                lacks = name in somewhere and name not in columns[shard.name]
                if lacks and config.columns[name].optional:
                    yield Violation(
                        "uneven_columns",
                        config.name,
                        shard.name,
                        None,
                        name,
                        "absent here and present in another shard",
                        "the same columns in every shard",
                    )


def _column_names(shard: Shard) -> frozenset[str]:
    """Empty where the file cannot be read, which `validate_shard` reports."""
    try:
        return frozenset(pq.read_schema(shard.path).names)
    except (pa.ArrowException, OSError):
        return frozenset()


def _check_lock(folder: Path, shards: Sequence[Shard]) -> Iterator[Violation]:
    try:
        lock = locks.read_lock(folder)
    except (UsageError, DataError) as error:
        problem = str(error).rstrip(".")
        yield Violation("lock", "", locks.FILE_NAME, None, "", problem, "the lock of a build")
        return
    for difference in locks.verify_lock(folder, lock):
        yield Violation(
            "lock", "", difference.shard, None, "", difference.problem, difference.expected
        )
    rows = {shard.name: shard.rows for shard in lock.shards}
    for shard in shards:
        actual = _row_count(shard)
        if actual is not None and actual != rows.get(shard.name, actual):
            yield Violation(
                "lock",
                shard.config.name,
                shard.name,
                None,
                "",
                f"{actual:,} rows",
                f"the {rows[shard.name]:,} rows of the lock",
            )


def _row_count(shard: Shard) -> int | None:
    try:
        return int(pq.read_metadata(shard.path).num_rows)
    except (pa.ArrowException, OSError):
        return None
