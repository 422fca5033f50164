"""Read a schema file and check that it makes sense, naming every wrong place at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from artcurate import emotions, resources
from artcurate.errors import DataError
from artcurate.resources import nearest
from artcurate.schema.model import (
    BoolColumn,
    Column,
    Config,
    FloatColumn,
    ImageColumn,
    IntegerColumn,
    LabelColumn,
    ListColumn,
    Schema,
    StringColumn,
    StructColumn,
)

LabelSets = Mapping[str, tuple[str, ...]]

#: Columns that `assemble` adds for the planner; a schema cannot use their names.
RESERVED = frozenset({"row_id", "split"})

_TYPES: dict[str, type[BaseModel]] = {
    "string": StringColumn,
    "int32": IntegerColumn,
    "int64": IntegerColumn,
    "float32": FloatColumn,
    "float64": FloatColumn,
    "bool": BoolColumn,
    "image": ImageColumn,
    "label": LabelColumn,
    "list": ListColumn,
    "struct": StructColumn,
}


def load_schema(name_or_path: str | Path) -> Schema:
    """A bundled schema by its name, or any schema file by its path (a Path, or ending in .yaml).

    Label sets that the schema names come from the bundled `emotions.yaml`.

    Raises:
        UsageError: no such schema.
        DataError: the file is not a schema; one problem per wrong place, with file, config and
            column.
    """
    is_path = isinstance(name_or_path, Path) or is_schema_file(name_or_path)
    file = Path(name_or_path) if is_path else resources.schema_path(str(name_or_path))
    return parse_schema(resources.read_yaml(file), str(file), bundled_label_sets())


def is_schema_file(name: str) -> bool:
    """Whether `name` is the path of a schema file and not the name of a bundled schema."""
    return name.endswith((".yaml", ".yml"))


def bundled_label_sets() -> dict[str, tuple[str, ...]]:
    """Label names in the order of their ids, under the name of each set of `emotions.yaml`."""
    return {name: label_set.names for name, label_set in emotions.bundled().sets.items()}


def schema_digest(schema: Schema) -> str:
    """sha256 of the schema with its label sets filled in, in hexadecimal digits."""
    content = json.dumps(schema.model_dump(mode="json", by_alias=True), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def render_schema(schema: Schema) -> str:
    """`schema` as YAML that `load_schema` reads back, label sets filled in: it needs no package."""
    content = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=96)


def parse_schema(raw: Any, where: str, label_sets: LabelSets) -> Schema:
    """The schema that plain values describe; `where` names them in errors. See `load_schema`."""
    if not isinstance(raw, dict):
        raise DataError(f"{where}: a schema is a mapping with name, title, description, configs.")
    try:
        schema = Schema.model_validate(raw, context={"label_sets": label_sets})
    except ValidationError as error:
        raise DataError([f"{where}: {_sentence(one, raw)}" for one in error.errors()]) from None
    problems = [f"{where}: {problem}" for problem in _contradictions(schema)]
    if problems:
        raise DataError(problems)
    return schema


def _sentence(error: ErrorDetails, raw: Mapping[str, Any]) -> str:
    """What is wrong and where, with the nearest valid word where a word is wrong."""
    place, key, model = _place(error["loc"], raw)
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "extra_forbidden" and model is not None:
        known = [field.alias or name for name, field in model.model_fields.items()]
        return f"{place}unknown key {nearest(key, known)}"
    if error["type"] == "missing":
        return f"{place}{key} is missing."
    if error["type"] == "union_tag_not_found":
        return f"{place}type is missing."
    if error["type"] == "union_tag_invalid":
        return f"{place}unknown type {nearest(str(context['tag']), _TYPES)}"
    if error["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{place}{key}: no such value {nearest(str(error['input']), known)}"
    label = f"{key}: " if key else ""
    return f"{place}{label}{error['msg']}."


def _place(
    location: Sequence[str | int], raw: Mapping[str, Any]
) -> tuple[str, str, type[BaseModel] | None]:
    """Config and column in words, the key inside them, and the model whose key it is."""
    model: type[BaseModel] | None = Schema
    config, column = "", ""
    key: list[str] = []
    parts = iter(location)
    for part in parts:
        if model is Schema and part == "configs" and isinstance(i := next(parts, None), int):
            config, model = _config_name(raw["configs"], i), Config
        elif model is not None and part in ("columns", "fields") and (name := next(parts, "")):
            column, model = f"{column}.{name}" if column else str(name), None
        elif part == "items" and model is ListColumn:
            column, model = f"{column}[]", None
        elif model is None and part in _TYPES:
            model = _TYPES[str(part)]
        else:
            key.append(str(part))
    words = [f"config {config!r}"] if config else []
    words += [f"column {column!r}"] if column else []
    return (", ".join(words) + ": " if words else ""), ".".join(key), model


def _config_name(configs: Any, index: int) -> str:
    entry = configs[index]
    name = entry.get("name") if isinstance(entry, dict) else None
    return str(name) if name else f"number {index + 1}"


def _contradictions(schema: Schema) -> Iterator[str]:
    names = [config.name for config in schema.configs]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"config {name!r} stands twice."
    if sum(config.default for config in schema.configs) != 1:
        yield "exactly one config has `default: true`."
    for config in schema.configs:
        if config.name == "data":
            yield "config 'data': the folder of that name belongs to the default config."
        for problem in _config_contradictions(schema, config):
            yield f"config {config.name!r}{problem}"


def _config_contradictions(schema: Schema, config: Config) -> Iterator[str]:
    for role, columns in _column_roles(config):
        for name in columns:
            if name not in config.columns:
                yield f": {role}: no column {nearest(name, config.columns)}"
            elif isinstance(config.columns[name], ListColumn | StructColumn | ImageColumn):
                yield f": {role}: column {name!r} is not a plain value."
    known = [f"{other.name}.{column}" for other in schema.configs for column in other.columns]
    for target in config.references.values():
        if target not in known:
            yield f": references: no column {nearest(target, known)}"
    key = config.columns.get(config.key)
    if key and (key.nullable or key.optional):
        yield f", column {config.key!r}: a key is neither nullable nor optional."
    for name, column in config.columns.items():
        if name in RESERVED:
            yield f", column {name!r}: the name is taken by the build's own columns."
        if (column.source or "").startswith("parent.") and not config.parent:
            yield f", column {name!r}: the config names no parent."
        for problem in _column_contradictions(name, column, top=True):
            yield f", column {problem}"


def _column_roles(config: Config) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "key", (config.key,)
    yield "groups", config.groups
    yield "references", tuple(config.references)
    if config.crosstab:
        yield "crosstab", (config.crosstab.rows, config.crosstab.columns)


def _column_contradictions(path: str, column: Column, *, top: bool) -> Iterator[str]:
    if not column.description and not path.endswith("[]"):
        yield f"{path!r}: description is missing."
    if not top and column.optional:
        yield f"{path!r}: only a whole column is optional."
    if isinstance(column, ImageColumn) and not top:
        yield f"{path!r}: an image is a column of its own."
    if isinstance(column, IntegerColumn | FloatColumn) and _crossed(column.minimum, column.maximum):
        yield f"{path!r}: the minimum is above the maximum."
    if isinstance(column, StringColumn) and column.pattern is not None:
        yield from _pattern_problems(path, column.pattern)
    if isinstance(column, LabelColumn):
        labels = column.labels.labels
        if not labels or len(set(labels)) < len(labels):
            yield f"{path!r}: labels are one or more different names."
    if isinstance(column, ListColumn):
        yield from _list_contradictions(path, column, top=top)
        yield from _column_contradictions(f"{path}[]", column.items, top=False)
    if isinstance(column, StructColumn):
        for name, field in column.fields.items():
            yield from _column_contradictions(f"{path}.{name}", field, top=False)


def _list_contradictions(path: str, column: ListColumn, *, top: bool) -> Iterator[str]:
    if column.length is not None and column.min_length > column.length:
        yield f"{path!r}: min_length is above length."
    if column.gather and not (top and isinstance(column.items, StructColumn)):
        yield f"{path!r}: only a whole column that lists structs is gathered."


def _crossed(minimum: float | None, maximum: float | None) -> bool:
    return minimum is not None and maximum is not None and minimum > maximum


def _pattern_problems(path: str, pattern: str) -> Iterator[str]:
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{path!r}: pattern is not a regular expression ({error})."
        return
    if re.search(r"\(\?(<?[=!]|P=)|\\[1-9]", pattern):
        yield f"{path!r}: pattern uses look-around or a back-reference, which RE2 has not."
