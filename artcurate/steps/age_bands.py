"""Ages in years become the age groups that dialogues have."""

from __future__ import annotations

from dataclasses import replace
from typing import Self, TypedDict

import polars as pl
from pydantic import Field, model_validator

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.published import AgeGroup
from artcurate.steps.registry import Parameters, step

_DEFAULT: dict[AgeGroup, tuple[int, int]] = {
    "teen": (10, 19),
    "young": (20, 39),
    "middle": (40, 59),
    "senior": (60, 119),
}


class AgeBandsParameters(Parameters):
    bands: dict[AgeGroup, tuple[int, int]] = Field(_DEFAULT)
    """First and last year of each age group, both inside it. Years in no group leave a picture
    out."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        taken: dict[int, str] = {}
        for name, (first, last) in self.bands.items():
            if not 0 <= first <= last <= 150:
                raise ValueError(f"bands: {name} runs from {first} to {last}")
            for year in range(first, last + 1):
                if year in taken:
                    raise ValueError(f"bands: {year} is in {taken[year]} and in {name}")
                taken[year] = name
        return self


class AgeBandsFindings(TypedDict):
    """images: by age group. outside: images by age that is in no group."""

    images: dict[str, int]
    outside: dict[str, int]


@step(AgeBandsParameters)
def age_bands(corpus: Corpus, *, parameters: AgeBandsParameters) -> Corpus:
    """Add `age_group` to the images, from `age` in years.

    Images whose age is in no band are left out by design (age_outside_bands). Findings are an
    `AgeBandsFindings`. Raises DataError when the images have no age.
    """
    if "age" not in corpus.images.columns:
        raise DataError("The images have no age; age_bands needs CID's label files.")
    group = pl.lit(None, pl.String)
    for name, (first, last) in parameters.bands.items():
        group = pl.when(pl.col("age").is_between(first, last)).then(pl.lit(name)).otherwise(group)
    images = corpus.images.with_columns(age_group=group)
    outside = images.filter(pl.col("age_group").is_null())
    left_out = outside.select(
        "id",
        reason=pl.lit("age_outside_bands"),
        detail=pl.format("The age {} is in none of the age groups.", pl.col("age")),
    ).with_columns(pl.col("detail").fill_null("There is no age."))
    result = replace(corpus, images=images).set_aside(
        "images", left_out, step="age_bands", by_design=True
    )
    counts = dict(result.images["age_group"].value_counts().iter_rows())
    findings = AgeBandsFindings(
        images={name: counts.get(name, 0) for name in parameters.bands},
        outside={
            str(age): count for age, count in outside["age"].value_counts().sort("age").iter_rows()
        },
    )
    return result.with_findings("age_bands", findings)
