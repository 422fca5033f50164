"""Persons get names that lead back to nobody; the raw ones leave the corpus."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.registry import Parameters, step

#: Hexadecimal digits of a pseudonym: 128 bits, so that half a million have none in common.
_DIGITS = 32
#: CID's person, and a file name that begins with it, with or without suffix.
_PERSON = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"([0-9a-f]{64}_[^/\\]*?-[0-9]{3}-[0-9]{3})(?:\.[A-Za-z]+)?")


class PseudonymsParameters(Parameters):
    salt: str = ""
    """What is hashed with every name. Empty: made of the seed, so that the same build gives the
    same pseudonyms. Whoever knows the salt and holds CID can find their pictures in the dataset,
    nobody else can, because CID's own names for persons are hashes already."""
    seed: int = Field(0, ge=0)


class PseudonymsFindings(TypedDict):
    """persons, images: how many got a pseudonym. digits: of a pseudonym."""

    persons: int
    images: int
    digits: int


@step(PseudonymsParameters)
def pseudonyms(corpus: Corpus, *, parameters: PseudonymsParameters) -> Corpus:
    """Replace persons and the ids of images, which are file names, by salted hashes.

    A pseudonym is the first 32 hexadecimal digits of the sha256 of `{salt}:person:{person}` or
    `{salt}:image:{id}`. The quarantine and the findings so far are rewritten too: after this step
    the raw names stand only where the images lie (`location`, `member`), which no dataset shows.

    Raises DataError when the images have no person, or two ids would become one.
    """
    if "person" not in corpus.images.columns:
        raise DataError("The images have no person; pseudonyms needs CID's label files.")
    salt = parameters.salt or f"artcurate:{parameters.seed}"
    person, image = _hasher(f"{salt}:person:"), _hasher(f"{salt}:image:")
    images = corpus.images.with_columns(
        _mapped(corpus.images["id"], image), _mapped(corpus.images["person"], person)
    )
    if images["id"].is_duplicated().any():
        raise DataError("Two images have one pseudonym; choose another pseudonyms.salt.")

    def cleaned(text: str) -> str:
        if whole := _NAME.fullmatch(text):
            return image(whole[1])
        text = _NAME.sub(lambda found: image(found[1]), text)
        return _PERSON.sub(lambda found: person(found[0]), text)

    quarantine = corpus.quarantine.with_columns(
        _cleaned(corpus.quarantine[name], cleaned) for name in ("id", "source", "detail")
    )
    findings = PseudonymsFindings(
        persons=images["person"].n_unique(), images=images.height, digits=_DIGITS
    )
    return replace(
        corpus,
        images=images,
        quarantine=quarantine,
        findings=_rewritten(dict(corpus.findings), cleaned),
    ).with_findings("pseudonyms", findings)


def _hasher(prefix: str) -> Callable[[str], str]:
    return lambda name: hashlib.sha256(f"{prefix}{name}".encode()).hexdigest()[:_DIGITS]


def _mapped(values: pl.Series, function: Callable[[str], str]) -> pl.Series:
    """`values` with `function` applied to each; nulls stay."""
    mapped = [None if value is None else function(value) for value in values.to_list()]
    return pl.Series(values.name, mapped, pl.String)


def _cleaned(values: pl.Series, function: Callable[[str], str]) -> pl.Series:
    """`values` with `function` applied to those in which a person stands."""
    naming = values.str.contains(_PERSON.pattern).fill_null(False)
    if not naming.any():
        return values
    return values.scatter(naming.arg_true(), _mapped(values.filter(naming), function))


def _rewritten(value: Any, function: Callable[[str], str]) -> Any:
    """Plain values with `function` applied to every text in them, keys included."""
    if isinstance(value, str):
        return function(value)
    if isinstance(value, dict):
        return {_rewritten(key, function): _rewritten(one, function) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rewritten(one, function) for one in value]
    return value
