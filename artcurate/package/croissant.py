"""croissant.json: the dataset in the Croissant 1.1 vocabulary, with its RAI extension.

Sources: MLCommons, Croissant Format Specification 1.1 and Croissant RAI Specification 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from artcurate.package.facts import DatasetFacts, ResponsibleAI
from artcurate.package.lock import LockedShard
from artcurate.schema.arrow import present_columns
from artcurate.schema.model import (
    Column,
    Config,
    ImageColumn,
    LabelColumn,
    LabelSet,
    ListColumn,
    Schema,
    StructColumn,
)

FILE_NAME = "croissant.json"

_CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_PARQUET = "application/x-parquet"
#: The split in a shard's path; the second form is what mlcroissant hands over after a join.
_SPLIT = r"^(?:.*/)?([^/]+?)(?:-\d{5}-of-\d{5}\.parquet)?$"
_TYPES = {
    "string": "sc:Text",
    "int32": "sc:Integer",
    "int64": "sc:Integer",
    "float32": "sc:Float",
    "float64": "sc:Float",
    "bool": "sc:Boolean",
    "label": "sc:Integer",
    "image": "sc:ImageObject",
}
_RAI = {
    "collection": "dataCollection",
    "collection_types": "dataCollectionType",
    "missing_data": "dataCollectionMissingData",
    "preprocessing": "dataPreprocessingProtocol",
    "annotation_protocol": "dataAnnotationProtocol",
    "annotations_per_item": "annotationsPerItem",
    "annotator_demographics": "annotatorDemographics",
    "machine_annotation_tools": "machineAnnotationTools",
    "biases": "dataBiases",
    "limitations": "dataLimitations",
    "use_cases": "dataUseCases",
    "social_impact": "dataSocialImpact",
    "sensitive_information": "personalSensitiveInformation",
    "maintenance": "dataReleaseMaintenancePlan",
}

Node = dict[str, Any]


def croissant(
    schema: Schema,
    facts: DatasetFacts,
    shards: Sequence[LockedShard],
    columns: Mapping[str, Collection[str]],
) -> Node:
    """The JSON-LD document of a built dataset; the same for the same arguments.

    `columns` holds the column names that each config was written with, so that optional ones that
    are absent do not appear. Each shard is a FileObject with its sha256, each config a FileSet and
    a RecordSet, each label set and the splits an enumeration.
    """
    ordered = sorted(shards, key=lambda shard: shard.name)
    configs = [config for config in schema.configs if config.name in columns]
    present = {config.name: present_columns(config, columns[config.name]) for config in configs}
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": facts.name,
        "alternateName": facts.title,
        "description": facts.description,
        "url": facts.url,
        "license": facts.licence,
        "citeAs": facts.citation,
        "version": facts.version,
        "datePublished": facts.published,
        "creator": [_organization(name) for name in facts.creators],
        "publisher": [_organization(facts.publisher)],
        "keywords": list(facts.keywords),
        "inLanguage": list(facts.languages),
        **dict(_rai(facts.rai)),
        "distribution": [
            *(_file_object(shard) for shard in ordered),
            *(_file_set(config) for config in configs),
        ],
        "recordSet": [
            _split_set(ordered),
            *_label_sets(configs, present),
            *(_record_set(config, present[config.name]) for config in configs),
        ],
    }


def render(document: Node) -> str:
    """The text of croissant.json."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _organization(name: str) -> Node:
    return {"@type": "sc:Organization", "name": name}


def _rai(rai: ResponsibleAI) -> Iterator[tuple[str, str | list[str]]]:
    for attribute, term in _RAI.items():
        value = getattr(rai, attribute)
        if value:
            yield f"rai:{term}", value if isinstance(value, str) else list(value)


def _file_object(shard: LockedShard) -> Node:
    return {
        "@type": "cr:FileObject",
        "@id": shard.name,
        "name": shard.name,
        "description": f"{shard.rows:,} rows of the split {shard.split}.",
        "contentUrl": shard.name,
        "contentSize": f"{shard.bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": shard.sha256,
    }


def _file_set_id(config: Config) -> str:
    return f"{config.name}-shards"


def _file_set(config: Config) -> Node:
    return {
        "@type": "cr:FileSet",
        "@id": _file_set_id(config),
        "name": _file_set_id(config),
        "description": f"The Parquet shards of {config.name}.",
        "encodingFormat": _PARQUET,
        "includes": f"{config.folder}/*.parquet",
    }


def _split_set(shards: Sequence[LockedShard]) -> Node:
    splits = list(dict.fromkeys(shard.split for shard in shards))
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The parts of the dataset.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [_plain_field("splits/name", "sc:Text", "The split's name.")],
        "data": [{"splits/name": split} for split in splits],
    }


def _label_sets(
    configs: Sequence[Config], present: Mapping[str, Mapping[str, Column]]
) -> list[Node]:
    found = {
        _label_set_id(config, path, column.labels): column.labels
        for config in configs
        for path, column in config.labels()
        if path.partition(".")[0] in present[config.name]
    }
    return [_label_set(identifier, labels) for identifier, labels in found.items()]


def _label_set_id(config: Config, path: str, labels: LabelSet) -> str:
    return f"labels-{labels.name or f'{config.name}-{path}'}"


def _label_set(identifier: str, labels: LabelSet) -> Node:
    return {
        "@type": "cr:RecordSet",
        "@id": identifier,
        "name": identifier,
        "description": "The names behind the label ids.",
        "dataType": "sc:Enumeration",
        "key": {"@id": f"{identifier}/id"},
        "field": [
            _plain_field(f"{identifier}/id", "sc:Integer", "The id that the columns hold."),
            _plain_field(f"{identifier}/name", "sc:Text", "The label's name."),
        ],
        "data": [
            {f"{identifier}/id": number, f"{identifier}/name": name}
            for number, name in enumerate(labels.labels)
        ],
    }


def _plain_field(identifier: str, data_type: str, description: str) -> Node:
    return {
        "@type": "cr:Field",
        "@id": identifier,
        "name": identifier.rpartition("/")[2],
        "description": description,
        "dataType": data_type,
    }


def _record_set(config: Config, columns: Mapping[str, Column]) -> Node:
    return {
        "@type": "cr:RecordSet",
        "@id": config.name,
        "name": config.name,
        "description": config.description,
        "key": {"@id": f"{config.name}/{config.key}"},
        "field": [
            _split_field(config),
            *(_field(config, (name,), column) for name, column in columns.items()),
        ],
    }


def _split_field(config: Config) -> Node:
    return {
        **_plain_field(f"{config.name}/split", "sc:Text", "The split that the row is in."),
        "references": {"field": {"@id": "splits/name"}},
        "source": {
            "fileSet": {"@id": _file_set_id(config)},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": _SPLIT},
        },
    }


def _field(config: Config, path: tuple[str, ...], column: Column) -> Node:
    """The field of the column at `path`; a list of structs becomes a repeated field with fields."""
    node: Node = {
        "@type": "cr:Field",
        "@id": "/".join((config.name, *path)),
        "name": path[-1],
        "description": _described(column),
    }
    if isinstance(column, ListColumn):
        node |= {"isArray": True, "arrayShape": str(-1 if column.length is None else column.length)}
        column = column.items
    if isinstance(column, StructColumn):
        fields = column.fields.items()
        return node | {"subField": [_field(config, (*path, name), field) for name, field in fields]}
    if isinstance(column, LabelColumn):
        labels = _label_set_id(config, ".".join(path), column.labels)
        node["references"] = {"field": {"@id": f"{labels}/id"}}
    return node | {"dataType": _TYPES[column.type], "source": _source(config, path, column)}


def _source(config: Config, path: tuple[str, ...], column: Column) -> Node:
    inner = [*path[1:], "bytes"] if isinstance(column, ImageColumn) else path[1:]
    source: Node = {
        "fileSet": {"@id": _file_set_id(config)},
        "extract": {"column": path[0]},
    }
    return source | ({"transform": {"jsonPath": ".".join(inner)}} if inner else {})


def _described(column: Column) -> str:
    unit = getattr(column, "unit", "")
    return f"{column.description} Unit: {unit}." if unit else column.description


def _context() -> Node:
    """The context that the specification's appendix gives for version 1.1."""
    terms = (
        "arrayShape citeAs column containedIn extract field fileProperty fileObject fileSet format "
        "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references "
        "regex repeated replace samplingRate separator source subField transform"
    )
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "description": {"@container": "@language"},
        "equivalentProperty": "cr:equivalentProperty",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "name": {"@container": "@language"},
        **{term: f"cr:{term}" for term in terms.split()},
    }
