"""The licence gate: what of a dataset may be passed on, and what can be published instead.

Every row stands on all sources of its dataset, so the strictest of them decides, for each kind of
material: text, pixels, and what was derived from either. Ids, splits and hashes may always travel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from artcurate.errors import DataError, UsageError
from artcurate.hub import catalogue
from artcurate.hub.catalogue import Permission, Source, source_of
from artcurate.package import findings as figures
from artcurate.package.layout import find_shards
from artcurate.package.lock import Lock
from artcurate.resources import nearest
from artcurate.schema.model import (
    Column,
    Config,
    ImageColumn,
    ListColumn,
    Schema,
    StringColumn,
    StructColumn,
)

#: Columns of a kind that a message names.
_COLUMNS_NAMED = 4


class Kind(StrEnum):
    """Kinds of material that a licence speaks of; the fields of `catalogue.Redistribution`."""

    TEXT = "text"
    PIXELS = "pixels"
    DERIVATIVES = "derivatives"


class Ruling(StrEnum):
    """May a kind of material of a source be sent?"""

    ALLOWED = "allowed"
    WHILE_PRIVATE = "allowed while private"
    ON_YOUR_WORD = "allowed on your word"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the gate says of one kind of material of one source.

    columns: the columns that hold it, as `config.column`.
    """

    source: Source
    kind: Kind
    columns: tuple[str, ...]
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings of the gate; nothing is sent while one of them is a refusal.

    gated: readers have to ask for access, because the holders of a source want to know them or
        because faces are shown.
    faces: faces of living persons are among what is sent.
    """

    findings: tuple[Finding, ...]
    gated: bool
    faces: bool

    @property
    def refusals(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.ruling is Ruling.REFUSED)


Held = Mapping[Kind, Sequence[str]]


def materials(config: Config, present: Collection[str]) -> Iterator[tuple[str, Kind | None]]:
    """Every value column of `config` among those `present`, by path; None stands for ids."""
    for name, column in config.columns.items():
        if name in present:
            yield from _materials(name, column)


def _materials(path: str, column: Column) -> Iterator[tuple[str, Kind | None]]:
    inner = column.items if isinstance(column, ListColumn) else column
    if isinstance(inner, StructColumn):
        for name, field in inner.fields.items():
            yield from _materials(f"{path}.{name}", field)
    elif isinstance(column, ListColumn) and column.material is None:
        yield from _materials(path, column.items)
    elif isinstance(column, ImageColumn):
        yield path, Kind.PIXELS
    else:
        yield path, kind_of(column)


def kind_of(column: Column) -> Kind | None:
    """The kind of material of a plain column; None for ids.

    Text that the schema says nothing of counts as a source's.
    """
    free_text = isinstance(column, StringColumn) and column.values is None
    kinds = {"text": Kind.TEXT, "derived": Kind.DERIVATIVES, "id": None}
    return kinds[column.material or ("text" if free_text else "derived")]


def held_by(schema: Schema, columns: Mapping[str, Collection[str]]) -> dict[Kind, list[str]]:
    """The columns that hold each kind of material, as `config.column`.

    columns: the names of the columns that each config was written with.
    """
    held: dict[Kind, list[str]] = {}
    for config in schema.configs:
        for path, kind in materials(config, columns.get(config.name, ())):
            if kind is not None:
                held.setdefault(kind, []).append(f"{config.name}.{path}")
    return held


def dataset_sources(folder: Path, locked: Lock, readers: Mapping[str, str]) -> tuple[Source, ...]:
    """The corpora that the dataset in `folder` was made of, in the order of its lock's inputs.

    readers: the reader of each input of its pipeline.

    Where several corpora share a reader, the findings tell by the form of the files which were
    read; all of them count where they do not tell.

    Raises DataError where it is not known what the dataset was made of, or under which terms.
    """
    found = figures.read_findings(folder)
    roles = input_roles(locked)
    unknown = [role for role in roles if role not in readers]
    if unknown or not roles:
        raise DataError(
            f"{folder}: its pipeline and its lock do not tell what it was made of"
            f"{': ' + ', '.join(unknown) if unknown else ''}; build it again."
        )
    sources = {
        source.name: source
        for role in roles
        for source in _sources_of(readers[role], found.get(role, {}))
    }
    return tuple(sources.values())


def input_roles(locked: Lock) -> tuple[str, ...]:
    """The inputs that a build was given, in the order of its lock, without parameters' files."""
    return tuple(dict.fromkeys(one.input for one in locked.inputs if "." not in one.input))


def _sources_of(reader: str, found: Mapping[str, object]) -> list[Source]:
    files = found.get("files")
    described = files if isinstance(files, list) else []
    forms = {one["form"] for one in described if isinstance(one, dict) and "form" in one}
    if forms:
        return [source_of(reader, form) for form in sorted(forms)]
    sharing = [one for one in catalogue.sources().values() if one.reader == reader]
    return sharing or [source_of(reader)]


def judge(
    sources: Sequence[Source],
    held: Held,
    *,
    public: bool,
    permitted: Collection[str] = (),
) -> Verdict:
    """What may be sent of material `held`, made of `sources`.

    public: anybody will be able to read it. A private repository may hold what its owner needs
        permission to pass on, but nothing whose licence forbids every copy.
    permitted: names of sources whose holders have permitted the user to pass them on.

    Raises UsageError where `permitted` names none of the sources.
    """
    known = [source.name for source in sources]
    for name in permitted:
        if name not in known:
            raise UsageError(
                f"--permitted {name}: no source of this dataset {nearest(name, known)}"
            )
    findings = [
        Finding(source, kind, tuple(held[kind]), _rule(source, kind, public, permitted))
        for source in sources
        for kind in Kind
        if held.get(kind)
    ]
    shown = bool(held.get(Kind.TEXT) or held.get(Kind.PIXELS))
    faces = bool(held.get(Kind.PIXELS)) and any(source.faces for source in sources)
    gated = faces or (shown and any(source.gated for source in sources))
    return Verdict(tuple(findings), gated, faces)


def _rule(source: Source, kind: Kind, public: bool, permitted: Collection[str]) -> Ruling:
    permission = permission_for(source, kind)
    if permission is Permission.YES:
        return Ruling.ALLOWED
    if permission is Permission.NO:
        return Ruling.REFUSED
    if source.name in permitted:
        return Ruling.ON_YOUR_WORD
    return Ruling.REFUSED if public else Ruling.WHILE_PRIVATE


def permission_for(source: Source, kind: Kind) -> Permission:
    """What the licence of `source` says of a kind of material."""
    permission: Permission = getattr(source.redistribute, kind.value)
    return permission


def require(verdict: Verdict, *, public: bool, schema: Schema) -> None:
    """Raise UsageError with every refusal, and with what can be published instead."""
    if verdict.refusals:
        lines = [*_grounds(verdict.refusals), _instead(verdict.refusals, public, schema)]
        raise UsageError("\n".join(lines))


def _grounds(refusals: Sequence[Finding]) -> Iterator[str]:
    """A sentence for each source that refuses something."""
    for name in dict.fromkeys(one.source.name for one in refusals):
        mine = [one for one in refusals if one.source.name == name]
        kinds = "; ".join(f"{one.kind} ({_named(one.columns)})" for one in mine)
        yield f"{name} does not let this be passed on: {kinds}. {mine[0].source.redistribute.basis}"


def _named(columns: Sequence[str]) -> str:
    more = len(columns) - _COLUMNS_NAMED
    return ", ".join(columns[:_COLUMNS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _instead(refusals: Sequence[Finding], public: bool, schema: Schema) -> str:
    ways = []
    asked = {one.source.name: None for one in refusals if _can_permit(one)}
    if public and len(asked) == len({one.source.name for one in refusals}):
        named = " ".join(f"--permitted {name}" for name in asked)
        ways.append("leave --public out, which keeps the repository to yourself")
        ways.append(f"add {named} if the holders have permitted it")
    if all(one.kind is Kind.PIXELS for one in refusals) and _can_do_without_pixels(schema):
        ways.append("build it without pixels (--annotations-only) and publish that")
    ways.append(
        "add --recipe, which sends ids, splits, hashes and the pipeline, from which whoever holds "
        "the sources makes the dataset again"
    )
    return f"What can be done instead: {'; or '.join(ways)}."


def _can_permit(finding: Finding) -> bool:
    return permission_for(finding.source, finding.kind) is Permission.WITH_PERMISSION


def _can_do_without_pixels(schema: Schema) -> bool:
    """Whether there is something to see when every picture is left out."""
    return (
        all(
            config.columns[name].optional
            for config in schema.configs
            for name in config.image_columns
        )
        and len(schema.configs) > 1
    )


def columns_of(folder: Path, schema: Schema) -> dict[str, tuple[str, ...]]:
    """The columns that each config of the dataset in `folder` was written with."""
    import pyarrow.parquet as pq

    return {
        shard.config.name: tuple(pq.read_schema(shard.path).names)
        for shard in find_shards(folder, schema)
    }
