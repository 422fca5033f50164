"""What the card and croissant.json say about a dataset that no table knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class ResponsibleAI:
    """The Croissant RAI fields (MLCommons, Croissant RAI 1.0), each in plain sentences.

    An empty value is left out of croissant.json.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    collection: str = ""
    collection_types: tuple[str, ...] = ()
    missing_data: str = ""
    preprocessing: tuple[str, ...] = ()
    annotation_protocol: tuple[str, ...] = ()
    annotations_per_item: str = ""
    annotator_demographics: tuple[str, ...] = ()
    machine_annotation_tools: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    use_cases: tuple[str, ...] = ()
    social_impact: str = ""
    sensitive_information: tuple[str, ...] = ()
    maintenance: str = ""


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """Who made a dataset, under which licence, and how to cite it.

    name: letters, digits, `-`, `_`. published: an ISO 8601 date from the pipeline file, never the
    day of the build. version: MAJOR.MINOR.PATCH. licence: a URL or an SPDX identifier;
    licence_name and terms say in words what it allows. languages: BCP 47 tags. tasks: the Hub's
    task categories.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    title: str
    description: str
    url: str
    licence: str
    citation: str
    version: str
    published: str
    creators: tuple[str, ...]
    publisher: str
    licence_name: str = ""
    terms: str = ""
    keywords: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    rai: ResponsibleAI = ResponsibleAI()
