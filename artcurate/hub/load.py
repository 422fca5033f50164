"""A published or built dataset, ready to train on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artcurate.errors import UsageError
from artcurate.hub.contents import RECIPE_FOLDER
from artcurate.hub.fetch import provenance
from artcurate.package.validate import dataset_schema
from artcurate.resources import nearest
from artcurate.schema.model import (
    BoolColumn,
    Column,
    Config,
    FloatColumn,
    IntegerColumn,
    LabelColumn,
    ListColumn,
    Schema,
)

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

#: The view that puts a picture to every caption.
CAPTIONS = "captions"
_PLACE = "picture_row"


def load(
    source: str | Path,
    view: str | None = None,
    *,
    revision: str = "main",
    token: str | None = None,
    cache_dir: str | Path | None = None,
) -> DatasetDict:
    """The splits of a dataset, as `datasets.DatasetDict`.

    source: a built dataset's folder, or a repository on the Hub (`USER/NAME`).
    view: one of its configs, such as `paintings` or `pairs`, by default its default one; or
        `captions`, for a dataset that has captions and pictures in two configs: one row per caption
        with the columns of its own config and, looked up when a row is read, `image` and the soft
        label of its picture. Nothing is copied for that.

    Numbers, labels (int64, the ids of the features' names) and lists of fixed length such as
    `soft_label` (float32, shape (labels,)) come as NumPy values, which PyTorch's `DataLoader` turns
    into tensors; pictures as `PIL.Image`, texts as `str`, and what may be null as plain values. The
    view `captions` looks things up as it is: another format (`with_format`) takes that away.

    Raises:
        UsageError: there is no such dataset or view, or it is a recipe.
        HubError: the Hub refuses or cannot be reached.
    """
    name = str(source)
    with provenance(name, revision=revision, token=token) as folder:
        if (folder / RECIPE_FOLDER).is_dir():
            raise UsageError(
                f"{name} is a recipe, without texts and pictures; make the dataset with "
                f"`artcurate rebuild {name}` first."
            )
        schema = dataset_schema(folder)
    options = {
        "revision": None if Path(name).is_dir() else revision,
        "token": token,
        "cache_dir": str(cache_dir) if cache_dir else None,
    }
    reader = _Reader(name, options)
    if view == CAPTIONS and CAPTIONS not in [config.name for config in schema.configs]:
        return _captions(schema, reader)
    return reader.read(schema.config(view) if view else schema.default)


@dataclass(frozen=True, slots=True)
class _Reader:
    source: str
    options: Mapping[str, Any]

    def read(self, config: Config) -> DatasetDict:
        """The splits of `config`, numbers as NumPy values."""
        splits = self.raw(config)
        present = next(iter(splits.values())).column_names
        numeric = [name for name in present if _is_numeric(config.columns[name])]
        return splits.with_format("numpy", columns=numeric, output_all_columns=True)

    def raw(self, config: Config) -> DatasetDict:
        """The splits of `config` as they are stored."""
        import datasets

        splits = datasets.load_dataset(self.source, config.name, **self.options)
        if not isinstance(splits, datasets.DatasetDict):
            raise UsageError(f"{self.source}: config {config.name} has no splits.")
        return splits


def _captions(schema: Schema, reader: _Reader) -> DatasetDict:
    """One row per caption with its picture and soft label."""
    import datasets

    captions, pictures, by, key = _joint(schema, reader.source)
    table = datasets.concatenate_datasets(list(reader.raw(pictures).values()))
    kept = [
        name
        for name in table.column_names
        if name in pictures.image_columns or _is_vector(pictures.columns[name])
    ]
    places = {value: row for row, value in enumerate(table.with_format(None)[key])}
    shown = table.select_columns(kept)
    splits = {}
    for split, rows in reader.raw(captions).items():
        numeric = {
            name: np.dtype(rows.features[name].dtype)
            for name in rows.column_names
            if _is_numeric(captions.columns[name])
            and not isinstance(captions.columns[name], ListColumn)
        }
        numbered = rows.add_column(_PLACE, [places[value] for value in rows[by]])
        splits[split] = numbered.with_transform(_Joined(shown, numeric))
    return datasets.DatasetDict(splits)


def _joint(schema: Schema, source: str) -> tuple[Config, Config, str, str]:
    """The config of captions, the one with their pictures, and the columns that join them."""
    for config in schema.configs:
        for column, target in config.references.items():
            other, _, key = target.partition(".")
            pictures = schema.config(other)
            if pictures.image_columns:
                return config, pictures, column, key
    known = [config.name for config in schema.configs]
    raise UsageError(f"{source}: no view {nearest(CAPTIONS, known)}")


@dataclass(frozen=True, slots=True)
class _Joined:
    """Looks the pictures of a batch up; sent to a loader's workers as paths, not as pictures.

    numeric: the dtypes of the captions' own columns that are to be NumPy values.
    """

    pictures: Dataset
    numeric: Mapping[str, np.dtype[Any]]

    def __call__(self, batch: dict[str, list[Any]]) -> dict[str, Any]:
        places = batch.pop(_PLACE, None)
        own = {
            name: np.asarray(values, self.numeric[name]) if name in self.numeric else values
            for name, values in batch.items()
        }
        if places is None:
            return own
        found = self.pictures[list(places)]
        looked_up = {
            name: [np.asarray(value, np.float32) for value in values]
            if values and isinstance(values[0], list)
            else values
            for name, values in found.items()
        }
        return {**own, **looked_up}


def _is_numeric(column: Column) -> bool:
    """A number, a label, or a list of fixed length of such, that is never null."""
    if column.nullable:
        return False
    if isinstance(column, ListColumn):
        return column.length is not None and _is_numeric(column.items)
    return isinstance(column, IntegerColumn | FloatColumn | BoolColumn | LabelColumn)


def _is_vector(column: Column) -> bool:
    return _is_numeric(column) and isinstance(column, ListColumn)
