"""What a dataset's schema says: configs, and in each of them columns with a type and a meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from artcurate.errors import UsageError
from artcurate.resources import nearest

Table = Literal["annotations", "images", "pairs"]

#: `text`: sentences of a source. `id`: names of rows, persons, groups and files, which tell nothing
#: to who does not hold the source. `derived`: everything else that was made of it.
Material = Literal["id", "text", "derived"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelSet(_Part):
    """Names in the order of their ids: the id of a label is its place, from 0."""

    name: str = ""
    """The set's name in the label-set file; empty for a list written in the schema itself."""
    labels: tuple[str, ...]


def _resolve_labels(value: object, info: ValidationInfo) -> object:
    """A label set from a list of names, or from the name of a set in the validation context."""
    known: dict[str, tuple[str, ...]] = (info.context or {}).get("label_sets", {})
    if isinstance(value, list | tuple):
        return {"labels": value}
    if isinstance(value, str):
        if value not in known:
            raise PydanticCustomError(
                "label_set", "no label set {hint}", {"hint": nearest(value, known).rstrip(".")}
            )
        return {"name": value, "labels": known[value]}
    return value


class _Column(_Part):
    description: str = ""
    """What the values mean. Required of columns and struct fields, not of list items."""
    source: str | None = Field(None, alias="from")
    """The column of the flowing table where its name differs, or `parent.column`."""
    nullable: bool = False
    optional: bool = False
    """The column may be absent, for example the pixels of an annotations-only build."""
    material: Material | None = None
    """What of the sources the values are, which decides whether they may be passed on; see
    `artcurate.hub.gate`. By default free text is text and everything else derived; a picture is
    pixels, whatever stands here."""


class StringColumn(_Column):
    type: Literal["string"]
    pattern: str | None = None
    """An RE2 expression that must be found in every value; write ^ and $ for a whole match."""
    values: tuple[str, ...] | None = None


class IntegerColumn(_Column):
    type: Literal["int32", "int64"]
    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""


class FloatColumn(_Column):
    """Finite numbers: NaN and infinities are violations."""

    type: Literal["float32", "float64"]
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


class BoolColumn(_Column):
    type: Literal["bool"]


class ImageColumn(_Column):
    """An encoded picture: a struct of its bytes and a base name."""

    type: Literal["image"]


class LabelColumn(_Column):
    """A name of a label set, stored as its int64 id as `datasets.ClassLabel` does."""

    type: Literal["label"]
    labels: Annotated[LabelSet, BeforeValidator(_resolve_labels)]


class Gather(_Part):
    """Where the structs of a list come from: the rows of another table that belong to this one."""

    table: Table
    by: str
    """The column of `table` that holds the id of the row they belong to."""
    order: tuple[str, ...] = Field(min_length=1)
    """Columns of `table` that order the list."""


class ListColumn(_Column):
    """A list of variable length in Arrow, whose length may be fixed by `length`."""

    type: Literal["list"]
    items: Column
    length: int | None = Field(None, ge=0)
    min_length: int = Field(0, ge=0)
    gather: Gather | None = None


class StructColumn(_Column):
    type: Literal["struct"]
    fields: dict[str, Column] = Field(min_length=1)


Column = Annotated[
    StringColumn
    | IntegerColumn
    | FloatColumn
    | BoolColumn
    | ImageColumn
    | LabelColumn
    | ListColumn
    | StructColumn,
    Field(discriminator="type"),
]


class Parent(_Part):
    """The row of another table that a row belongs to."""

    table: Table
    by: str
    """The column of the config's own table that holds the parent's id."""


class Crosstab(_Part):
    """The two columns whose counts the card and `inspect` show."""

    rows: str
    columns: str


class Config(_Part):
    """One table of the dataset."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    description: str
    default: bool = False
    rows: Table
    """The flowing table that gives one row each."""
    parent: Parent | None = None
    """Where columns written `from: parent.column` come from."""
    key: str
    """The column that is unique over all splits."""
    groups: tuple[str, ...] = ()
    """Columns whose values lie in one split only, over all configs that group by them."""
    references: dict[str, str] = {}
    """Columns whose values stand in a column of another config, written `config.column`."""
    crosstab: Crosstab | None = None
    columns: dict[str, Column] = Field(min_length=1)

    @property
    def folder(self) -> str:
        """The folder of its shards below the dataset."""
        return "data" if self.default else self.name

    @property
    def image_columns(self) -> tuple[str, ...]:
        return tuple(
            name for name, column in self.columns.items() if isinstance(column, ImageColumn)
        )

    def labels(self) -> Iterator[tuple[str, LabelColumn]]:
        """Every label column with its path, such as `captions.emotion`."""
        for name, column in self.columns.items():
            yield from _labels(name, column)


class Schema(_Part):
    """A dataset's configs; exactly one is the default."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    description: str
    configs: tuple[Config, ...] = Field(min_length=1)

    @property
    def default(self) -> Config:
        return next(config for config in self.configs if config.default)

    def config(self, name: str) -> Config:
        """The config called `name`. Raises UsageError naming the nearest one."""
        for config in self.configs:
            if config.name == name:
                return config
        known = [config.name for config in self.configs]
        raise UsageError(f"schema {self.name} has no config {nearest(name, known)}")


def _labels(path: str, column: Column) -> Iterator[tuple[str, LabelColumn]]:
    if isinstance(column, LabelColumn):
        yield path, column
    elif isinstance(column, ListColumn):
        yield from _labels(path, column.items)
    elif isinstance(column, StructColumn):
        for name, field in column.fields.items():
            yield from _labels(f"{path}.{name}", field)
