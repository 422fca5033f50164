"""A built dataset as examples: text, picture, label, and which examples belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.benchmark.pictures import ShardPictures
from artcurate.benchmark.shards import read_config, verified_shards
from artcurate.benchmark.task import Fold, IntArray, Labels, Modality, View
from artcurate.errors import DataError, UsageError
from artcurate.package.lock import Lock
from artcurate.package.validate import dataset_schema
from artcurate.schema.model import LabelColumn, Schema

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_NAMES_OF_VALIDATION = (VALIDATION, "val", "dev")
TEXT, IMAGE = "text", "image"

Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What a benchmark learns from and is measured on; n examples in the order of the shards.

    schema: the schema's name. lock: what ties scores to the shards.
    ids: (n,) unique. splits: (n,) `train`, `validation` or `test`.
    inputs: raw modalities. The last unique value of each stands for a modality that is taken
        away: an empty text, a grey picture, a row of zeros.
    clusters: per name int64 (n,); examples of one number are not independent of each other.
    attributes: per name (n,), what cells are made of (language, or age group and gender).
    votes: float32 (items, classes) counts of people's choices per item, empty where unknown.
    draws: int64 (draws, n), for each re-pairing the example whose picture stands in, -1 for none;
        None where the dataset has no re-pairings.
    by_label_only: text and picture were joined by the label and share nothing else.
    """

    schema: str
    lock: Lock
    ids: Words
    splits: Words
    labels: Labels
    inputs: View
    clusters: Mapping[str, IntArray]
    attributes: Mapping[str, Words]
    votes: NDArray[np.float32]
    draws: IntArray | None
    by_label_only: bool

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, split: str) -> IntArray:
        """The places of the examples of `split`, rising."""
        return np.flatnonzero(self.splits == split)

    def fold(self, rows: IntArray) -> Fold:
        """The examples at `rows` as a learner sees them; groups are those of the first cluster."""
        inputs = {name: modality.take(rows) for name, modality in self.inputs.items()}
        groups = next(iter(self.clusters.values()))[rows]
        return Fold(inputs, self.labels.take(rows), groups)

    def without(self, rows: NDArray[np.bool_]) -> Examples:
        """The examples for which `rows` (n,) is false; draws that point to others become -1."""
        kept = np.flatnonzero(~rows)
        draws = None
        if self.draws is not None:
            places = np.full(len(self) + 1, -1, dtype=np.int64)
            places[kept] = np.arange(len(kept))
            draws = places[self.draws[:, kept]]
        return Examples(
            schema=self.schema,
            lock=self.lock,
            ids=self.ids[kept],
            splits=self.splits[kept],
            labels=self.labels.take(kept),
            inputs={name: modality.take(kept) for name, modality in self.inputs.items()},
            clusters={name: values[kept] for name, values in self.clusters.items()},
            attributes={name: values[kept] for name, values in self.attributes.items()},
            votes=self.votes,
            draws=draws,
            by_label_only=self.by_label_only,
        )


def read_examples(folder: Path) -> Examples:
    """The examples of the dataset built in `folder`, pictures unread.

    Raises:
        UsageError: the folder is no built dataset, or none that a benchmark is known for.
        DataError: shards differ from the lock, hold no pictures, or lack a split.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give a built dataset.")
    schema = dataset_schema(folder)
    readers = {"artelingo": _artelingo, "korean": _korean}
    if schema.name not in readers:
        raise UsageError(
            f"{folder} has the schema {schema.name}; benchmarks are known for "
            f"{' and '.join(sorted(readers))}."
        )
    lock = verified_shards(folder)
    examples = readers[schema.name](folder, schema, lock)
    check_splits(folder, examples)
    return examples


def _artelingo(folder: Path, schema: Schema, lock: Lock) -> Examples:
    """One example per caption; the painting, or its near-duplicates, is what it belongs to."""
    captions, _ = read_config(
        folder,
        lock,
        schema.config("annotations"),
        ["id", "painting_id", "text", "language", "emotion"],
    )
    paintings, shards = read_config(
        folder, lock, schema.config("paintings"), ["painting_id", "votes", "duplicate_group"]
    )
    names = _classes(schema, "annotations")
    votes = _votes_by_language(paintings, len(names))
    with_votes = captions.join(
        votes, on=["painting_id", "language"], how="left", maintain_order="left"
    )
    places = paintings.select(
        "painting_id",
        pl.coalesce("duplicate_group", "painting_id").alias("cluster"),
        pl.int_range(pl.len()).alias("place"),
    )
    joined = with_votes.join(places, on="painting_id", how="left", maintain_order="left")
    counts = np.array(joined["counts"].to_list(), dtype=np.float32)
    return Examples(
        schema=schema.name,
        lock=lock,
        ids=_words(joined["id"]),
        splits=_splits(joined["split"]),
        labels=Labels(
            names,
            joined["emotion"].cast(pl.Int64).to_numpy(),
            counts / counts.sum(axis=1, keepdims=True),
        ),
        inputs=_inputs(
            joined["text"], shards, paintings.select("shard", "row"), joined["place"].to_numpy()
        ),
        clusters={"painting": _numbers(joined["cluster"])},
        attributes={"language": _words(joined["language"])},
        votes=np.array(votes["counts"].to_list(), dtype=np.float32),
        draws=None,
        by_label_only=False,
    )


def _korean(folder: Path, schema: Schema, lock: Lock) -> Examples:
    """One example per pair; person and dialogue are what it belongs to."""
    pairs, shards = read_config(
        folder,
        lock,
        schema.default,
        [
            "id",
            "image_id",
            "text",
            "emotion",
            "age_group",
            "gender",
            "person",
            "dialogue",
            "sentence_group",
            "uploader_emotion",
            "annotator_emotions",
            "soft_label",
            "draws",
        ],
    )
    names = _classes(schema, schema.default.name)
    index = pairs["emotion"].cast(pl.Int64).to_numpy()
    pictures = pairs.with_columns(pl.int_range(pl.len()).alias("place")).unique(
        "image_id", keep="first", maintain_order=True
    )
    unique = pictures.select("image_id", pl.int_range(pl.len()).alias("picture"))
    picture = pairs.join(unique, on="image_id", how="left", maintain_order="left")["picture"]
    return Examples(
        schema=schema.name,
        lock=lock,
        ids=_words(pairs["id"]),
        splits=_splits(pairs["split"]),
        labels=Labels(names, index, _soft(pairs["soft_label"], index, len(names))),
        inputs=_inputs(pairs["text"], shards, pictures.select("shard", "row"), picture.to_numpy()),
        clusters={
            "person": _numbers(pairs["person"]),
            "dialogue": _numbers(pairs["sentence_group"].fill_null(pairs["dialogue"])),
        },
        attributes={"age_group": _words(pairs["age_group"]), "gender": _words(pairs["gender"])},
        votes=_votes_on_pictures(pictures, len(names)),
        draws=_draws(pairs),
        by_label_only=True,
    )


def _inputs(
    texts: pl.Series, shards: Sequence[Path], pictures: pl.DataFrame, picture: IntArray
) -> dict[str, Modality]:
    unique = texts.unique(maintain_order=True)
    places = dict(zip(unique.to_list(), range(unique.len()), strict=True))
    index = np.array([places[text] for text in texts.to_list()], dtype=np.int64)
    return {
        TEXT: Modality((*unique.to_list(), ""), index),
        IMAGE: Modality(ShardPictures(shards, pictures.rows()), picture.astype(np.int64)),
    }


def _classes(schema: Schema, config: str) -> tuple[str, ...]:
    column = schema.config(config).columns["emotion"]
    if not isinstance(column, LabelColumn):
        raise UsageError(f"schema {schema.name}: the column emotion of {config} is no label.")
    return column.labels.labels


def _votes_by_language(paintings: pl.DataFrame, classes: int) -> pl.DataFrame:
    """painting_id, language, counts (list of `classes` integers)."""
    long = paintings.select("painting_id", "votes").explode("votes").unnest("votes")
    return long.select("painting_id", "language", pl.col("counts").list.head(classes))


def _votes_on_pictures(pictures: pl.DataFrame, classes: int) -> NDArray[np.float32]:
    """Counts of the uploader's and the annotators' choices per picture."""
    counts = np.zeros((pictures.height, classes), dtype=np.float32)
    votes = pictures.select(
        pl.concat_list(pl.concat_list("uploader_emotion"), "annotator_emotions").alias("votes"),
        pl.int_range(pl.len()).alias("item"),
    ).explode("votes")
    known = votes.drop_nulls()
    np.add.at(counts, (known["item"].to_numpy(), known["votes"].cast(pl.Int64).to_numpy()), 1)
    return counts


def _soft(soft: pl.Series, index: IntArray, classes: int) -> NDArray[np.float32]:
    if soft.null_count() == soft.len():
        return np.eye(classes, dtype=np.float32)[index]
    return np.array(soft.to_list(), dtype=np.float32)


def _draws(pairs: pl.DataFrame) -> IntArray | None:
    draws = pairs["draws"]
    if draws.null_count() == draws.len() or not draws.list.len().max():
        return None
    places = dict(zip(pairs["id"].to_list(), range(pairs.height), strict=True))
    rows = [[places.get(one, -1) for one in row] for row in draws.to_list()]
    return np.array(rows, dtype=np.int64).T


def _splits(splits: pl.Series) -> Words:
    words = _words(splits)
    return np.where(np.isin(words, _NAMES_OF_VALIDATION), VALIDATION, words)


def _words(series: pl.Series) -> Words:
    return np.array(series.to_list(), dtype=np.str_)


def _numbers(series: pl.Series) -> IntArray:
    return np.unique(_words(series), return_inverse=True)[1].astype(np.int64)


def check_splits(folder: Path, examples: Examples) -> None:
    """Raise DataError where a split has no example, or training knows one class only."""
    problems = [
        f"{folder}: the split {split} has no example; build with a split into train, validation "
        "and test (`--split ratio`)."
        for split in (TRAIN, VALIDATION, TEST)
        if not len(examples.rows(split))
    ]
    if not problems:
        known = np.unique(examples.labels.index[examples.rows(TRAIN)])
        if len(known) < 2:
            only = ", ".join(examples.labels.names[label] for label in known)
            problems.append(
                f"{folder}: every training example is {only}; a benchmark needs two classes."
            )
    if problems:
        raise DataError(problems)
