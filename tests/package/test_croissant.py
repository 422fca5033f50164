from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest

from artcurate.package.croissant import croissant, render
from artcurate.package.facts import DatasetFacts, ResponsibleAI
from artcurate.package.layout import find_shards
from artcurate.package.lock import read_lock
from artcurate.schema.model import Schema

FACTS = DatasetFacts(
    name="artelingo",
    title="ArtELingo, curated",
    description="Paintings and what people felt.",
    url="https://example.org/artelingo",
    licence="https://example.org/terms",
    citation="@inproceedings{a, title={ArtELingo}}",
    version="1.2.3",
    published="2022-11-19",
    creators=("KAUST",),
    publisher="KAUST",
    keywords=("art", "emotion"),
    languages=("en", "ar", "zh"),
    rai=ResponsibleAI(
        collection="Annotators saw a painting.",
        collection_types=("Crowdsourcing",),
        missing_data="Empty captions were left out.",
        preprocessing=("Unicode NFC.", "Near-duplicates were grouped."),
        annotation_protocol=("One of nine emotions.",),
        annotations_per_item="5 or more per language",
        annotator_demographics=("Native speakers.",),
        machine_annotation_tools=("langdetect 1.0.9",),
        biases=("Western art prevails.",),
        limitations=("No annotator ids.",),
        use_cases=("Emotion classification.",),
        social_impact="Affect differs between cultures.",
        sensitive_information=("None known.",),
        maintenance="None planned.",
    ),
)


@pytest.fixture
def document(built: Path, schema: Schema) -> dict[str, Any]:
    columns = {
        shard.config.name: pq.read_schema(shard.path).names for shard in find_shards(built, schema)
    }
    return croissant(schema, FACTS, read_lock(built).shards, columns)


@pytest.fixture
def dataset(built: Path, document: dict[str, Any]) -> mlcroissant.Dataset:
    (built / "croissant.json").write_text(render(document), encoding="utf-8")
    return mlcroissant.Dataset(str(built / "croissant.json"))


def test_the_validator_finds_neither_errors_nor_warnings(dataset: mlcroissant.Dataset) -> None:
    issues = dataset.metadata.ctx.issues
    assert issues.errors == set()
    assert issues.warnings == set()


def test_nothing_is_lost_on_the_way_through_the_validator(
    dataset: mlcroissant.Dataset, document: dict[str, Any]
) -> None:
    kept = dataset.metadata.to_json()
    unknown_to_mlcroissant = {"alternateName"}
    assert document.keys() - kept.keys() <= unknown_to_mlcroissant
    assert kept["rai:personalSensitiveInformation"] == "None known."
    assert kept["datePublished"] == "2022-11-19"


def test_every_shard_has_its_hash(built: Path, document: dict[str, Any]) -> None:
    files = {
        node["contentUrl"]: (node["sha256"], node["contentSize"])
        for node in document["distribution"]
        if node["@type"] == "cr:FileObject"
    }
    assert files == {
        shard.name: (shard.sha256, f"{shard.bytes} B") for shard in read_lock(built).shards
    }


def plain(value: Any) -> Any:
    """mlcroissant gives text as bytes and names by their path."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return {name.rpartition("/")[2]: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_the_records_load_from_the_folder(dataset: mlcroissant.Dataset) -> None:
    paintings = {row["painting_id"]: row for row in map(plain, dataset.records("paintings"))}
    assert len(paintings) == 6
    row = paintings["Rococo/ann_work-4"]
    assert row["split"] == "val"
    assert row["image"].size == (8, 6)
    assert row["emotion"] == 7
    assert [caption["language"] for caption in row["captions"]] == ["arabic", "chinese", "english"]
    assert row["captions"][0]["text"] == "words 4 1"
    assert row["votes"][0]["counts"] == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert paintings["Rococo/ann_work-1"]["disagreement"] is None
    captions = list(map(plain, dataset.records("annotations")))
    assert len(captions) == 18
    assert {row["split"] for row in captions} == {"train", "val", "test"}


def test_the_labels_are_spelled_out(dataset: mlcroissant.Dataset) -> None:
    labels = list(map(plain, dataset.records("labels-artemis9")))
    assert labels[1] == {"id": 1, "name": "awe"}
    assert len(labels) == 9


def test_absent_columns_do_not_appear(document: dict[str, Any]) -> None:
    sets = {node["@id"]: node for node in document["recordSet"]}
    assert set(sets) == {"splits", "labels-artemis9", "labels-polarity", "paintings", "annotations"}
    names = [field["name"] for field in sets["annotations"]["field"]]
    assert "ekman6" not in names
    assert names[:3] == ["split", "id", "painting_id"]


def test_the_text_is_the_same_for_the_same_dataset(
    built: Path, schema: Schema, document: dict[str, Any]
) -> None:
    columns = {
        shard.config.name: pq.read_schema(shard.path).names for shard in find_shards(built, schema)
    }
    again = croissant(schema, FACTS, read_lock(built).shards[::-1], columns)
    assert render(again) == render(document)
    assert str(built) not in render(document)
    assert json.loads(render(document)) == document


def test_a_column_tells_its_unit(document: dict[str, Any]) -> None:
    (paintings,) = (node for node in document["recordSet"] if node["@id"] == "paintings")
    fields = {field["name"]: field for field in paintings["field"]}
    assert fields["source_width"]["description"].endswith("Unit: pixel.")
    assert fields["soft_label"]["arrayShape"] == "9"
    assert fields["emotion"]["references"] == {"field": {"@id": "labels-artemis9/id"}}
