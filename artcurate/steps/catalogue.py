"""Every step a pipeline file can name; importing this module registers them."""

from artcurate.steps import (
    age_bands,
    agreement,
    face_crop,
    frames,
    image_labels,
    join,
    labels,
    language,
    near_duplicates,
    pair,
    probe,
    pseudonyms,
    sentences,
    split,
    text,
    write,
)
from artcurate.steps.registry import STEPS

__all__ = [
    "STEPS",
    "age_bands",
    "agreement",
    "face_crop",
    "frames",
    "image_labels",
    "join",
    "labels",
    "language",
    "near_duplicates",
    "pair",
    "probe",
    "pseudonyms",
    "sentences",
    "split",
    "text",
    "write",
]
