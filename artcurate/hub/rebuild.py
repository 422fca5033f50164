"""Make a published dataset again from the reader's own copies, and prove that it is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from artcurate import __version__, resources
from artcurate.corpus import merge
from artcurate.engines.opening import EngineOptions
from artcurate.errors import DataError, UsageError
from artcurate.hub import rebuild_inputs, withheld
from artcurate.hub.fetch import provenance
from artcurate.hub.recipe import table_name
from artcurate.hub.rows import HASH, row_hashes
from artcurate.net.paths import AnyPath
from artcurate.package.layout import find_shards
from artcurate.package.lock import Lock, read_lock
from artcurate.package.validate import PIPELINE_FILE, SCHEMA_FILE
from artcurate.pipeline import Pipeline, PipelineFile, load, resolve
from artcurate.progress import ProgressMode
from artcurate.resources import read_yaml
from artcurate.runner import Say, build, find_inputs, read_each, silent
from artcurate.schema.load import load_schema, schema_digest
from artcurate.schema.model import Schema

_LOCAL = EngineOptions()
#: Differing inputs or rows that a message names; all are counted.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A dataset that was made again: where it is, and how many shards were found equal."""

    out: Path
    shards: int


def rebuild(
    source: str,
    inputs: Mapping[str, Sequence[AnyPath]],
    out: Path,
    *,
    overrides: Sequence[str] = (),
    endpoint: str | None = None,
    token: str | None = None,
    workers: int | None = None,
    engine: EngineOptions = _LOCAL,
    overwrite: bool = False,
    progress: ProgressMode = ProgressMode.QUIET,
    events: Path | None = None,
    say: Say = silent,
) -> Rebuilt:
    """Build the dataset that `source` describes from `inputs` into `out`, bit for bit.

    source: a recipe or a dataset; a folder, or a repository on the Hub.
    inputs: the reader's own copies, here or at URLs, under the names of the pipeline's inputs.
    overrides: `step.parameter=value`, or `=@FILE` for what the publisher keeps, and for files.
    workers, engine, overwrite, events: as for `runner.build`; the bytes do not depend on them.

    The inputs are compared with the lock before anything is built, and the shards afterwards.

    Raises:
        UsageError: there is no such source or input, or a parameter is missing.
        DataError: inputs differ, each named; or a shard does, with what is known of the cause. In
            the second case the dataset stands in `out` all the same.
    """
    if Path(source).is_dir() and Path(source).resolve() == out.resolve():
        raise UsageError(f"{out}: is what is to be made again; give another --out.")
    with provenance(source, endpoint=endpoint, token=token) as folder:
        locked = read_lock(folder)
        pipeline = resolve(_file(folder, locked), overrides)
        _require_fingerprint(source, folder, pipeline, locked, overrides)
        differing = _differences(folder, locked, pipeline, inputs)
        if differing:
            raise DataError(_listed("inputs differ, so nothing was built", differing))
        built = build(
            pipeline,
            inputs,
            out,
            workers=workers,
            engine=engine,
            overwrite=overwrite,
            progress=progress,
            events=events,
            say=say,
        )
        now = read_lock(built.out)
        unequal = _unequal_shards(locked, now)
        if unequal:
            causes = _causes(folder, locked, pipeline, now, built.out)
            raise DataError(
                [
                    f"{built.out}: {len(unequal)} of {len(locked.shards)} shards differ, "
                    f"the first is {unequal[0]}.",
                    *causes,
                ]
            )
        return Rebuilt(built.out, len(locked.shards))


def _differences(
    folder: Path, locked: Lock, pipeline: Pipeline, inputs: Mapping[str, Sequence[AnyPath]]
) -> Sequence[rebuild_inputs.Difference]:
    """Every input that differs. Raises DataError naming those that cannot be read as well."""
    with TemporaryDirectory() as fetched:
        parts, problems = read_each(pipeline, find_inputs(pipeline, inputs), folder=Path(fetched))
        if not parts:
            raise DataError(problems)
        corpus = merge(list(parts.values()))
        differing = rebuild_inputs.differences(folder, locked, pipeline, corpus, set(parts))
    if problems:
        listed = _listed("more inputs differ", differing) if differing else []
        raise DataError([*problems, *listed])
    return differing


def _file(folder: Path, locked: Lock) -> PipelineFile:
    """The published pipeline, with the published schema where the bundled one has changed since."""
    file = load(folder / PIPELINE_FILE)
    own = folder / SCHEMA_FILE
    bundled = file.schema_name in resources.names("schemas")
    if bundled and schema_digest(load_schema(file.schema_name)) == locked.schema_sha256:
        return file
    return file.model_copy(update={"schema_name": str(own)}) if own.is_file() else file


def _require_fingerprint(
    source: str, folder: Path, pipeline: Pipeline, locked: Lock, overrides: Sequence[str]
) -> None:
    """Raise UsageError when `pipeline` is not the one that the lock speaks of."""
    if pipeline.fingerprint() == locked.fingerprint:
        return
    published = read_yaml(folder / PIPELINE_FILE)
    version, here = locked.versions.get("artcurate"), __version__
    if new := withheld.strangers(published, pipeline.resolved()):
        raise UsageError(
            f"{source}: made with artcurate {version}, which has no {' and no '.join(new)}; "
            f"this is {here}, so install that version."
        )
    named = {override.partition("=")[0].strip() for override in overrides}
    kept = [name for name in withheld.withheld_secrets(published) if name not in named]
    if kept:
        given = " ".join(f"--set {name}=@FILE" for name in kept)
        raise UsageError(
            f"{source}: its publisher keeps {' and '.join(kept)}; ask for it, put it into a file "
            f"and add {given}."
        )
    if named:
        raise UsageError(
            f"{source}: with {', '.join(sorted(named))} as given it is another pipeline; give the "
            "publisher's value, or leave it out."
        )
    raise DataError(
        f"{source}: its {PIPELINE_FILE} is not the one that its lock speaks of, or artcurate "
        f"{version}, which made it, read it otherwise than {here} does; install that version."
    )


def _unequal_shards(locked: Lock, now: Lock) -> list[str]:
    then = {shard.name: shard.sha256 for shard in locked.shards}
    here = {shard.name: shard.sha256 for shard in now.shards}
    return sorted(name for name in {*then, *here} if then.get(name) != here.get(name))


def _causes(folder: Path, locked: Lock, pipeline: Pipeline, now: Lock, out: Path) -> Iterator[str]:
    """What is known to differ, a line for each."""
    changed = rebuild_inputs.changed_pictures(folder, out)
    yield from _listed("pictures differ", changed) if changed else ()
    for name, version in sorted(locked.versions.items()):
        if now.versions.get(name) != version:
            yield (
                f"{name}: it was built with version {version}, and here is "
                f"{now.versions.get(name)}; install that version and run the same command again."
            )
    rows = _differing_rows(folder, out, load_schema(pipeline.schema))
    yield from _listed("rows differ", rows) if rows else ()


def _differing_rows(folder: Path, out: Path, schema: Schema) -> list[str]:
    """Rows that are missing, new, in another split, or of other content."""
    found: list[str] = []
    for config in schema.configs:
        then: dict[str, tuple[str, str]] = {}
        for path in sorted((folder / table_name(config.name, "")).parent.glob("*.parquet")):
            then |= {key: (path.stem, value) for key, value in _recipe_rows(path, config.key)}
        if not then:
            continue
        now: dict[str, tuple[str, str]] = {}
        for shard in find_shards(out, schema):
            if shard.config.name == config.name:
                hashes = row_hashes([shard.path], config.key)
                now |= {key: (shard.split, value) for key, value in hashes.items()}
        found += [
            f"{config.name}: {key}: {_row_problem(then.get(key), now.get(key))}."
            for key in sorted({*then, *now})
            if then.get(key) != now.get(key)
        ]
    return found


def _recipe_rows(path: Path, key: str) -> list[tuple[str, str]]:
    """Key and hash of every row in a table of a recipe."""
    try:
        table = pq.read_table(path, columns=[key, HASH])
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path.name}: not readable as a recipe's table ({reason}).") from None
    return list(zip(table[key].to_pylist(), table[HASH].to_pylist(), strict=True))


def _row_problem(then: tuple[str, str] | None, now: tuple[str, str] | None) -> str:
    if now is None:
        return "missing"
    if then is None:
        return "not in the recipe"
    if then[0] != now[0]:
        return f"in {now[0]}; expected {then[0]}"
    return "other text, labels or picture"


def _listed(what: str, items: Sequence[object]) -> list[str]:
    more = len(items) - _NAMED
    lines = [f"{len(items):,} {what}:", *(f"  {item}" for item in items[:_NAMED])]
    return [*lines, f"  and {more:,} more."] if more > 0 else lines
