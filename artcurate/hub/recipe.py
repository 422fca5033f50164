"""A dataset as a recipe: what its sources' licences let travel, enough to make it again.

A recipe holds the pipeline, the lock with the hashes of every input and shard, the split's
certificate, the scores, and for each split a table with ids, pairing, labels of our own where the
licences allow derivatives, and a hash of every row. It holds no text and no pixels.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.errors import DataError
from artcurate.hub import remote_card, withheld
from artcurate.hub.catalogue import Source
from artcurate.hub.contents import RECIPE_FOLDER, SentFile, sent_bytes, sent_file
from artcurate.hub.gate import Kind, Ruling, input_roles, judge
from artcurate.hub.quotes import Prose
from artcurate.hub.rows import recipe_config, recipe_table, sentences
from artcurate.package import lock, pictures
from artcurate.package.layout import find_shards
from artcurate.package.summary import QUARANTINE_FILE
from artcurate.package.validate import CARD_FILE, PIPELINE_FILE, SCHEMA_FILE
from artcurate.progress import ProgressMode, meter
from artcurate.schema.model import Schema
from artcurate.schema.validate import Shard

#: What travels as it is, where the build or the benchmark has made it.
_PLAIN = (
    lock.FILE_NAME,
    pictures.FILE_NAME,
    SCHEMA_FILE,
    "split.json",
    "scores.json",
    "eval.yaml",
)
#: Charts of the scores, to which the card points; predictions may show texts and stay.
_CHARTS = "figures/*.png"
#: A quarantined row without `detail`, which may quote what was wrong with it.
_QUARANTINE = ("id", "table", "step", "reason", "by_design")
#: Where it stood. Files of a corpus are often named by the label of what is in them.
_PLACE = ("source", "row")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The files of a recipe, and the kinds of material in it besides ids."""

    files: tuple[SentFile, ...]
    kinds: frozenset[Kind]
    withheld: tuple[str, ...]


def make_recipe(
    folder: Path,
    schema: Schema,
    pipeline: Mapping[str, Any],
    sources: Sequence[Source],
    *,
    public: bool,
    permitted: Collection[str] = (),
    progress: ProgressMode = ProgressMode.QUIET,
) -> Recipe:
    """The recipe of the built dataset in `folder`; the same for the same dataset.

    Raises DataError when a sentence of the dataset stands in a file of the recipe.
    """
    kinds = _kinds_that_travel(sources, public=public, permitted=permitted)
    cleaned, secrets = withheld.without_secrets(pipeline)
    shards = find_shards(folder, schema)
    files = [
        *_tables(shards, kinds, progress),
        *(sent_file(name, folder / name) for name in _PLAIN if (folder / name).is_file()),
        *(
            sent_file(path.relative_to(folder).as_posix(), path)
            for path in sorted(folder.glob(_CHARTS))
        ),
        sent_bytes(PIPELINE_FILE, withheld.to_yaml(cleaned).encode()),
        sent_bytes(QUARANTINE_FILE, _quarantine(folder / QUARANTINE_FILE, kinds)),
        sent_bytes(CARD_FILE, recipe_card(folder, schema, shards, kinds, secrets).encode()),
    ]
    _require_no_text(files, shards)
    return Recipe(tuple(sorted(files, key=lambda file: file.name)), kinds, secrets)


def _kinds_that_travel(
    sources: Sequence[Source], *, public: bool, permitted: Collection[str]
) -> frozenset[Kind]:
    """Derivatives, where every source lets them go; text and pixels never."""
    verdict = judge(sources, {Kind.DERIVATIVES: ["labels"]}, public=public, permitted=permitted)
    refused = any(one.ruling is Ruling.REFUSED for one in verdict.findings)
    return frozenset() if refused else frozenset({Kind.DERIVATIVES})


def table_name(config: str, split: str) -> str:
    """Where the table of a split lies in a recipe."""
    return f"{RECIPE_FOLDER}/{config}/{split}.parquet"


def _tables(
    shards: Sequence[Shard], kinds: Collection[Kind], progress: ProgressMode
) -> Iterator[SentFile]:
    grouped: dict[tuple[str, str], list[Shard]] = {}
    for shard in shards:
        grouped.setdefault((shard.config.name, shard.split), []).append(shard)
    total = sum(pq.read_metadata(shard.path).num_rows for shard in shards)
    with meter("recipe", total, unit="row", mode=progress) as bar:
        for (name, split), mine in grouped.items():
            config = recipe_config(mine[0].config, pq.read_schema(mine[0].path).names, kinds)
            table = recipe_table([shard.path for shard in mine], config, bar.advance)
            yield sent_bytes(table_name(name, split), _parquet(table))


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _quarantine(path: Path, kinds: Collection[Kind]) -> bytes:
    columns = _QUARANTINE + (_PLACE if Kind.DERIVATIVES in kinds else ())
    buffer = io.BytesIO()
    pl.read_parquet(path).select(columns).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def recipe_card(
    folder: Path,
    schema: Schema,
    shards: Sequence[Shard],
    kinds: Collection[Kind],
    secrets: Sequence[str],
) -> str:
    """The dataset's card, telling how to make it instead of how to load it."""
    path = folder / CARD_FILE
    card = remote_card.parse(path.read_text(encoding="utf-8"), str(path))
    head = {**card.head, "configs": [_head_of(one, shards) for one in card.head["configs"]]}
    sections = remote_card.sections(card.body)
    told = [
        (title, _how_to_make(schema, folder, kinds, secrets) if title == "Load" else text)
        for title, text in sections
    ]
    return remote_card.render(remote_card.Document(head, "".join(text for _, text in told)))


def _head_of(config: Mapping[str, Any], shards: Sequence[Shard]) -> dict[str, Any]:
    name = config["config_name"]
    splits = dict.fromkeys(shard.split for shard in shards if shard.config.name == name)
    order = [one["split"] for one in config["data_files"]]
    return {
        **config,
        "data_files": [
            {"split": split, "path": table_name(name, split)} for split in order if split in splits
        ],
    }


def _how_to_make(
    schema: Schema, folder: Path, kinds: Collection[Kind], secrets: Sequence[str]
) -> str:
    locked = lock.read_lock(folder)
    inputs = " ".join(f"--{role} {role.upper()}" for role in input_roles(locked))
    held = "ids, splits, hashes and labels of our own" if kinds else "ids, splits and hashes"
    lines = [
        "## Make it",
        "",
        f"This is a recipe: {held}, without text and pixels, which its sources do not let travel. "
        "Whoever holds the sources makes the dataset again, bit for bit:",
        "",
        "```console",
        f"$ artcurate rebuild REPOSITORY {inputs} --out {schema.name}",
        "```",
        "",
        "It names every input that differs, and compares the sha256 of every shard with the lock. "
        "`croissant.json`, `findings.json`, `report.html` and `predictions/` stay with the "
        "dataset.",
        "",
    ]
    if secrets:
        lines[-1:] = [
            f"Its publisher keeps {', '.join(f'`{name}`' for name in secrets)}; ask for it and "
            "give it with `--set`.",
            "",
        ]
    return "\n".join([*lines, ""])


def _require_no_text(files: Sequence[SentFile], shards: Sequence[Shard]) -> None:
    """Raise DataError when a sentence of the dataset stands, whole or in part, in a file's prose.

    The tables cannot hold any, being made of other columns, and charts show scores; this looks at
    everything else.
    """
    prose = Prose.of(
        {
            file.name: file.read().decode("utf-8", errors="replace")
            for file in files
            if not file.name.endswith((".parquet", ".png"))
        }
    )
    found = {
        f"{name}: holds a sentence of the dataset (from {shard.name}), which a recipe may not; "
        "this is a defect of what wrote the file."
        for shard in shards
        for text in sentences(shard.path, shard.config)
        for name in prose.quoting(text)
    }
    if found:
        raise DataError(sorted(found))
