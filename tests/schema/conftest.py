"""A small schema with every type, and tables that fit it."""

from __future__ import annotations

import pytest

from artcurate.resources import parse_yaml
from artcurate.schema.load import parse_schema
from artcurate.schema.model import Schema

LABEL_SETS = {"moods": ("joy", "grief", "calm")}

TEXT = r"""
name: small
title: A small dataset
description: For tests.
configs:
  - name: pictures
    default: true
    description: One row per picture.
    rows: images
    key: id
    groups: [id, twin]
    columns:
      image: {type: image, optional: true, description: The picture.}
      id: {type: string, pattern: "^[a-z]+$", description: The key.}
      width: {type: int32, minimum: 1, maximum: 100, unit: pixel, description: Its width.}
      twin: {type: int64, nullable: true, optional: true, description: Group of near-duplicates.}
      mood: {type: label, labels: moods, from: majority, description: The mood.}
      share: {type: float32, minimum: 0, maximum: 1, description: Its share.}
      tie: {type: bool, description: Two moods lead.}
      votes:
        type: list
        description: Votes per language.
        items:
          type: struct
          fields:
            language: {type: string, values: [english, arabic], description: The language.}
            counts: {type: list, length: 3, description: Votes., items: {type: int32, minimum: 0}}
      captions:
        type: list
        min_length: 1
        description: The captions.
        gather: {table: annotations, by: picture, order: [language, id]}
        items:
          type: struct
          fields:
            text: {type: string, pattern: "\\S", description: The words.}
            mood: {type: label, labels: moods, description: The mood.}
  - name: captions
    description: One row per caption.
    rows: annotations
    parent: {table: images, by: picture}
    key: id
    groups: [picture]
    references: {picture: pictures.id}
    crosstab: {rows: mood, columns: language}
    columns:
      id: {type: string, description: The key.}
      picture: {type: string, description: The picture.}
      width: {type: int32, from: parent.width, description: The picture's width.}
      language: {type: string, description: The language.}
      text: {type: string, pattern: "\\S", description: The words.}
      mood: {type: label, labels: moods, description: The mood.}
      agrees: {type: bool, nullable: true, optional: true, description: Language as detected.}
"""


def small_schema(text: str = TEXT) -> Schema:
    return parse_schema(parse_yaml(text, "small.yaml"), "small.yaml", LABEL_SETS)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return small_schema()


@pytest.fixture(scope="session")
def schema_text() -> str:
    return TEXT
