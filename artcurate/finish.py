"""What stands beside the shards in a built dataset: card, croissant, lock, certificate and more."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.files import sha256_of, write_bytes, write_text
from artcurate.narration import describe
from artcurate.net.paths import RemotePath
from artcurate.package import croissant
from artcurate.package.card import Card
from artcurate.package.findings import write_findings
from artcurate.package.layout import find_shards
from artcurate.package.lock import (
    Lock,
    LockedInput,
    LockedShard,
    library_versions,
    locked_folder,
    write_lock,
)
from artcurate.package.pictures import write_pictures
from artcurate.package.summary import QUARANTINE_FILE, summarise
from artcurate.package.validate import (
    CARD_FILE,
    CROISSANT_FILE,
    PIPELINE_FILE,
    SCHEMA_FILE,
    SPLIT_FILE,
)
from artcurate.pipeline import Pipeline
from artcurate.schema.audit import audit
from artcurate.schema.load import load_schema, render_schema, schema_digest
from artcurate.schema.model import Schema
from artcurate.schema.validate import Shard
from artcurate.text import languages

#: Violations of which a build that breaks its schema tells.
_SHOWN = 10


def finish(pipeline: Pipeline, corpus: Corpus, folder: Path) -> dict[str, Any]:
    """Write everything but the shards into `folder`, which holds the shards already.

    Returns the findings of all steps, and those of the `audit` that reads the shards back.

    Raises DataError when the shards hold other rows than the corpus, or, read back, break what the
    schema promises of keys, groups and references.
    """
    schema = load_schema(pipeline.schema)
    facts = replace(
        pipeline.dataset, languages=_language_codes(corpus) or pipeline.dataset.languages
    )
    shards = tuple(LockedShard(**shard) for shard in corpus.findings["write"]["shards"])
    _check_rows(schema, corpus, shards)
    _remove_strangers(folder, shards)
    columns = {
        shard.config.name: tuple(pq.read_schema(shard.path).names)
        for shard in find_shards(folder, schema)
    }
    inputs = tuple(_locked_inputs(pipeline, corpus))
    write_lock(
        Lock(
            pipeline=pipeline.name,
            fingerprint=pipeline.fingerprint(),
            schema=pipeline.resolved()["schema"],
            schema_sha256=schema_digest(schema),
            inputs=inputs,
            seeds=_seeds(pipeline),
            versions=library_versions(corpus.findings["write"].get("decoder")),
            shards=shards,
        ),
        folder,
    )
    write_text(folder / PIPELINE_FILE, pipeline.to_yaml())
    write_text(folder / SCHEMA_FILE, render_schema(schema))
    _write_quarantine(corpus.quarantine, folder / QUARANTINE_FILE)
    if "sha256" in corpus.images.columns:
        write_pictures(corpus.images, folder)
    findings = {**corpus.findings, "audit": _audited(find_shards(folder, schema), corpus)}
    _write_json(folder / SPLIT_FILE, _certificate(findings))
    write_findings(folder, findings)
    document = croissant.croissant(schema, facts, shards, columns)
    write_text(folder / CROISSANT_FILE, croissant.render(document))
    card = Card(
        facts=facts,
        schema=schema,
        columns=columns,
        shards=shards,
        inputs=inputs,
        summary=summarise(folder, schema),
        made={name: lines for name in findings if (lines := describe(name, findings[name]))},
        fingerprint=pipeline.fingerprint(),
    )
    write_text(folder / CARD_FILE, card.render())
    return findings


def _audited(shards: Sequence[Shard], corpus: Corpus) -> dict[str, Any]:
    """Rows read back, and by column the values of a group that stand in several splits.

    Only a build that kept the leaks of an official split has such values.
    """
    leaks: Counter[str] = Counter()
    broken: list[str] = []
    kept_leaks = corpus.findings.get("split", {}).get("repaired") is False
    for violation in audit(shards):
        if violation.rule == "split_leak" and kept_leaks:
            leaks[violation.column] += 1
        elif len(broken) < _SHOWN:
            broken.append(f"{violation} Nothing was published; this is a defect of the pipeline.")
    if broken:
        raise DataError(broken)
    columns = {name for shard in shards for name in shard.config.groups}
    return {
        "rows": sum(pq.read_metadata(shard.path).num_rows for shard in shards),
        "groups_in_several_splits": {name: leaks[name] for name in sorted(columns)},
    }


def _language_codes(corpus: Corpus) -> tuple[str, ...]:
    """The codes of the languages that the annotations are in, sorted; empty where none is said."""
    if "language" not in corpus.annotations.columns:
        return ()
    known = {one.name: one.iso for one in languages.bundled().languages}
    present = corpus.annotations["language"].unique().to_list()
    return tuple(sorted(known.get(name, name) for name in present))


def _certificate(findings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The certificate of the step that split the rows; None where none did."""
    given = (findings.get(step, {}).get("certificate") for step in ("split", "pair"))
    return next((certificate for certificate in given if certificate), None)


def _check_rows(schema: Schema, corpus: Corpus, shards: Sequence[LockedShard]) -> None:
    wrong = []
    for config in schema.configs:
        written = sum(shard.rows for shard in shards if shard.config == config.name)
        expected = corpus.count(config.rows)[0]
        if written != expected:
            wrong.append(
                f"config {config.name} has {written:,} rows in its shards and {expected:,} in its "
                "table, so nothing was published; this is a defect of the write step."
            )
    if wrong:
        raise DataError(wrong)


def _remove_strangers(folder: Path, shards: Sequence[LockedShard]) -> None:
    """Shards that an interrupted build with other parameters left do not belong here."""
    ours = {folder / shard.name for shard in shards}
    for path in folder.rglob("*.parquet"):
        if path not in ours:
            path.unlink()


def _locked_inputs(pipeline: Pipeline, corpus: Corpus) -> Iterator[LockedInput]:
    for file in corpus.inputs:
        yield LockedInput(file.input, file.name, 1, file.bytes, file.sha256, file.url)
    for name, path in pipeline.parameter_files().items():
        yield LockedInput(name, path.name, 1, path.stat().st_size, sha256_of(path))
    if "sha256" in corpus.images.columns:
        for (root,), images in sorted(corpus.images.group_by("root"), key=lambda item: item[0]):
            files = images.select("id", "bytes", "sha256").iter_rows()
            place = corpus.roots[str(root)]
            url = str(place) if isinstance(place, RemotePath) else None
            yield locked_folder(str(root), place.name, files, url)


def _seeds(pipeline: Pipeline) -> dict[str, int]:
    return {
        f"{stage.step.name}.seed": stage.parameters.seed
        for stage in pipeline.stages
        if hasattr(stage.parameters, "seed")
    }


def _write_quarantine(quarantine: pl.DataFrame, path: Path) -> None:
    buffer = io.BytesIO()
    quarantine.sort("table", "source", "row", "id", nulls_last=True).write_parquet(
        buffer, compression="zstd"
    )
    write_bytes(path, buffer.getvalue())


def _write_json(path: Path, content: Mapping[str, Any] | None) -> None:
    if content is not None:
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
