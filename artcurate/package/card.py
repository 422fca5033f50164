"""The dataset card: what the Hub shows and what a reader needs before using the data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from artcurate.package.facts import DatasetFacts
from artcurate.package.lock import LockedInput, LockedShard
from artcurate.package.summary import Summary, tables
from artcurate.package.tables import Table, to_markdown
from artcurate.schema.model import Column, Config, ListColumn, Schema, StructColumn

#: The Hub's size categories: the first whose bound exceeds the rows.
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
#: The Hub takes lower-case letters, digits, dots and hyphens in a licence's name.
_NO_SLUG = re.compile(r"[^a-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says.

    columns: the columns that each config was written with.
    made: per step, the lines that tell what it found.
    """

    facts: DatasetFacts
    schema: Schema
    columns: Mapping[str, Collection[str]]
    shards: Sequence[LockedShard]
    inputs: Sequence[LockedInput]
    summary: Summary
    made: Mapping[str, Sequence[str]]
    fingerprint: str

    def render(self) -> str:
        """The card as Markdown with its YAML head, the same for the same content."""
        head = yaml.safe_dump(self._head(), sort_keys=False, allow_unicode=True, width=96)
        return f"---\n{head}---\n\n" + "\n".join(self._body()).rstrip() + "\n"

    def _head(self) -> dict[str, Any]:
        rows = sum(shard.rows for shard in self.shards)
        return {
            "pretty_name": self.facts.title,
            "license": "other",
            "license_name": _NO_SLUG.sub("-", self.facts.licence_name.lower()).strip("-"),
            "license_link": self.facts.licence,
            "language": list(self.facts.languages),
            "task_categories": list(self.facts.tasks),
            "size_categories": [next((name for top, name in _SIZES if rows < top), "10M<n<100M")],
            "tags": list(self.facts.keywords),
            "configs": [self._config_head(config) for config in self._configs()],
        }

    def _config_head(self, config: Config) -> dict[str, Any]:
        splits = next(one for one in self.summary.configs if one.name == config.name).splits
        head: dict[str, Any] = {"config_name": config.name, "version": self._data_version()}
        if config.default:
            head["default"] = True
        head["data_files"] = [
            {"split": size.split, "path": f"{config.folder}/{size.split}-*.parquet"}
            for size in splits
        ]
        return head

    def _data_version(self) -> str:
        """MAJOR.MINOR of the dataset, and a number that changes with the shards.

        `datasets` keys its cache on the card's configs alone: without it a rebuilt folder would
        be answered with the old rows.
        """
        digest = hashlib.sha256()
        for shard in sorted(self.shards, key=lambda shard: shard.name):
            digest.update(f"{shard.name} {shard.sha256}\n".encode())
        major, minor, _ = self.facts.version.split(".")
        return f"{major}.{minor}.{int(digest.hexdigest()[:7], 16)}"

    def _configs(self) -> list[Config]:
        return [config for config in self.schema.configs if config.name in self.columns]

    def _body(self) -> Iterator[str]:
        facts, rai = self.facts, self.facts.rai
        yield from (f"# {facts.title}", "", facts.description, "")
        yield from (f"Version {facts.version}. Home of the source: {facts.url}", "")
        yield from ("## Load", "", "```python", "from datasets import load_dataset", "")
        for config in self._configs():
            yield f'{config.name} = load_dataset("PATH_OR_REPOSITORY", "{config.name}")'
        yield from ("```", "")
        yield from ("## Splits and labels", "")
        yield from _tables(tables(self.summary))
        yield from ("## Columns", "")
        for config in self._configs():
            yield from (f"### {config.name}", "", config.description, "")
            yield to_markdown(_column_table(config, self.columns[config.name]))
        yield from ("## How it was made", "")
        yield from (
            "`pipeline.yaml` holds every step with its parameters, `artcurate.lock` the sha256 of "
            "every input and shard, `split.json` the certificate of the split, "
            "`quarantine.parquet` every row left out with its reason, `findings.json` all figures. "
            f"The pipeline's fingerprint is `{self.fingerprint[:16]}`.",
            "",
        )
        for step, lines in self.made.items():
            yield from (f"### {step}", "", "```text", *lines, "```", "")
        yield from ("## Where it comes from", "", rai.collection, "")
        yield to_markdown(_input_table(self.inputs))
        yield from _section("Annotation", [*rai.annotation_protocol, rai.annotations_per_item])
        yield from _section("Annotators", rai.annotator_demographics)
        yield from _section("Intended uses", rai.use_cases)
        yield from _section("Known limits", rai.limitations)
        yield from _section("Biases", [*rai.biases, rai.social_impact])
        yield from _section("Personal and sensitive information", rai.sensitive_information)
        yield from ("## Licence", "", f"[{facts.licence_name}]({facts.licence}). {facts.terms}", "")
        yield from ("## Citation", "", "```bibtex", facts.citation.rstrip(), "```")


def _tables(shown: Sequence[Table]) -> Iterator[str]:
    for table in shown:
        yield to_markdown(table)


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    said = [line for line in lines if line]
    if said:
        yield from (f"## {title}", "")
        yield from _list(said)


def _list(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"- {line.strip()}" for line in lines)
    yield ""


def _column_table(config: Config, present: Collection[str]) -> Table:
    rows = [
        row
        for name, column in config.columns.items()
        if name in present
        for row in _column_rows(name, column)
    ]
    return Table("", ("column", "type", "may be null", "meaning"), tuple(rows))


def _column_rows(name: str, column: Column) -> Iterator[tuple[str, str, str, str]]:
    unit = getattr(column, "unit", "")
    meaning = column.description + (f" Unit: {unit}." if unit else "")
    yield (name, _type_name(column), "yes" if column.nullable else "", meaning)
    inner = column.items if isinstance(column, ListColumn) else column
    if isinstance(inner, StructColumn):
        for field, value in inner.fields.items():
            yield from _column_rows(f"{name}.{field}", value)


def _type_name(column: Column) -> str:
    if isinstance(column, ListColumn):
        length = f" of {column.length}" if column.length else ""
        return f"list{length}: {_type_name(column.items)}"
    labels = getattr(column, "labels", None)
    return f"label ({len(labels.labels)})" if labels else column.type


def _input_table(inputs: Sequence[LockedInput]) -> Table:
    rows = tuple(
        (file.input, file.url or file.name, file.files, file.bytes / 1e6, file.sha256[:16])
        for file in inputs
    )
    return Table("", ("input", "name", "files", "MB", "sha256 begins with"), rows)
