from __future__ import annotations

import hashlib
import math

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.split import SplitParameters, split

SPLITS = ("train", "validation", "test")


def corpus(paintings: int = 200, seed: int = 0) -> Corpus:
    """Six captions a painting, every tenth painting a near-duplicate of the one before it."""
    generator = np.random.default_rng(seed)
    ids = [f"Style{n % 3}/artist{n % 20}_title-{n}" for n in range(paintings)]
    images = pl.DataFrame(
        {
            "id": ids,
            "style": [name.split("/")[0] for name in ids],
            "artist": [f"artist{n % 20}" for n in range(paintings)],
            "duplicate_group": [
                ids[n - n % 10] if n % 10 in (0, 1) else None for n in range(paintings)
            ],
        }
    )
    rows = [
        (f"row-{n}-{k}", name, language, f"text {n} {k}")
        for n, name in enumerate(ids)
        for k, language in enumerate(
            ("arabic", "arabic", "chinese", "chinese", "english", "english")
        )
    ]
    annotations = pl.DataFrame(
        rows, schema=["id", "image_id", "language", "text"], orient="row"
    ).with_columns(
        emotion=pl.Series(
            generator.choice(["awe", "fear", "sadness"], len(rows), p=[0.6, 0.3, 0.1])
        ),
        split_official=pl.Series(
            [("train", "train", "val", "test")[n % 4] for n in range(paintings) for _ in range(6)]
        ),
    )
    return Corpus(annotations=annotations, images=images)


def sides(result: Corpus, column: str) -> dict[str, set[str]]:
    """The splits in which each value of an image column is met, by image and by annotation."""
    met: dict[str, set[str]] = {}
    rows = (
        result.annotations.select("image_id", "split")
        .join(result.images.rename({"id": "image_id", "split": "image_split"}), on="image_id")
        .with_columns(key=pl.col("image_id"))
    )
    for row in rows.iter_rows(named=True):
        value = row["key"] if column == "id" else row[column]
        if value is not None:
            met.setdefault(value, set()).update((row["split"], row["image_split"]))
    return met


def test_paintings_and_near_duplicates_stay_whole_and_shares_are_kept() -> None:
    result = split(corpus(), parameters=SplitParameters())

    assert all(len(splits) == 1 for splits in sides(result, "id").values())
    assert all(len(splits) == 1 for splits in sides(result, "duplicate_group").values())
    shares = dict(result.annotations["split"].value_counts(normalize=True).iter_rows())
    assert shares["train"] == pytest.approx(0.8, abs=0.01)
    assert shares["validation"] == pytest.approx(0.1, abs=0.01)
    assert result.annotations.height == 1200


def test_artists_and_identical_texts_stay_whole_on_request() -> None:
    same = corpus()
    same = Corpus(
        annotations=same.annotations.with_columns(
            text=pl.when(pl.int_range(pl.len()) % 90 == 0).then(pl.lit("so calm")).otherwise("text")
        ),
        images=same.images,
    )
    by_text = split(same, parameters=SplitParameters(group_by=("text",)))
    by_artist = split(same, parameters=SplitParameters(group_by=("artist", "duplicate_group")))

    assert by_text.annotations.filter(text="so calm")["split"].n_unique() == 1
    assert all(len(splits) == 1 for splits in sides(by_artist, "artist").values())


def test_the_certificate_can_be_recomputed_from_the_assignment_alone() -> None:
    result = split(corpus(), parameters=SplitParameters())
    proof = result.findings["split"]["certificate"]

    rows = result.annotations.join(
        result.images.select(pl.col("id").alias("image_id"), "style"), on="image_id"
    )
    worst = 0.0
    for family, columns in (("emotion x language", ["emotion", "language"]), ("style", ["style"])):
        for cell, part in rows.group_by(columns):
            name = " ".join(map(str, cell))
            (stratum,) = [
                one for one in proof["strata"] if (one["family"], one["stratum"]) == (family, name)
            ]
            counts = [part.filter(split=name).height for name in SPLITS]
            assert list(stratum["counts"]) == counts
            worst = max(
                worst,
                *(
                    abs(count / part.height - ratio) * 100
                    for count, ratio in zip(counts, (0.8, 0.1, 0.1), strict=True)
                ),
            )
    assert proof["worst_deviation"] == pytest.approx(worst, abs=1e-5)
    assert proof["lower_bound"] <= proof["worst_deviation"]
    assert proof["gap"] == pytest.approx(worst - proof["lower_bound"], abs=1e-5)
    groups = (
        result.images.with_columns(
            group=pl.coalesce(
                pl.when(pl.col("duplicate_group").is_not_null())
                .then(pl.col("id").min().over("duplicate_group"))
                .otherwise(None),
                "id",
            )
        )
        .select("group", "split")
        .unique()
    )
    lines = sorted(f"{group}\t{name}\n" for group, name in groups.iter_rows())
    assert proof["assignment_sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_order_of_the_tables_does_not_matter() -> None:
    one = corpus()
    other = Corpus(
        annotations=one.annotations.sample(fraction=1.0, shuffle=True, seed=4), images=one.images
    )

    first = split(one, parameters=SplitParameters()).annotations.sort("id")
    second = split(other, parameters=SplitParameters()).annotations.sort("id")

    assert first["split"].equals(second["split"])


def test_official_splits_are_kept_and_straddling_groups_counted_and_moved() -> None:
    result = split(corpus(), parameters=SplitParameters(mode="official"))
    found = result.findings["split"]

    # Paintings n and n + 1 of each of the 20 pairs stand in different official splits unless
    # both are in train: n % 4 = 0 and 2 alternate over n = 0, 10, 20, ...
    straddling = [n for n in range(0, 200, 10) if n % 4 == 2]
    assert found["leaks"]["painting"]["groups"] == 0
    assert found["leaks"]["group"]["groups"] == len(straddling)
    assert found["leaks"]["group"]["rows"] == 12 * len(straddling)
    assert found["rows_moved"] == 6 * len(straddling)
    assert all(len(splits) == 1 for splits in sides(result, "duplicate_group").values())


def test_without_repair_the_official_split_stays_as_it_is() -> None:
    raw = corpus()
    result = split(raw, parameters=SplitParameters(mode="official", repair=False))

    given = raw.annotations["split_official"].replace({"val": "validation"})
    assert result.annotations["split"].equals(given.alias("split"))
    assert result.findings["split"]["leaks"]["group"]["groups"] == 10


def test_a_missing_official_split_is_told() -> None:
    raw = corpus()
    without = Corpus(
        annotations=raw.annotations.with_columns(split_official=pl.lit(None, pl.String)),
        images=raw.images,
    )

    with pytest.raises(DataError, match=r"split\.mode=ratio"):
        split(without, parameters=SplitParameters(mode="official"))


def test_a_held_out_style_is_the_test_split_and_nothing_else_is() -> None:
    result = split(
        corpus(), parameters=SplitParameters(mode="hold_out", hold_out={"style": ("Style1",)})
    )

    test = result.images.filter(split="test")
    assert set(test["style"]) == {"Style1"}
    assert "Style1" not in set(result.images.filter(pl.col("split") != "test")["style"])
    kept, aside = result.count("annotations")
    assert kept + aside == 1200
    assert result.quarantine["by_design"].all()
    assert all(len(splits) == 1 for splits in sides(result, "duplicate_group").values())


def test_a_held_out_language_is_seen_in_test_only_and_on_unseen_paintings() -> None:
    result = split(
        corpus(), parameters=SplitParameters(mode="hold_out", hold_out={"language": ("arabic",)})
    )

    languages = {name: set(result.annotations.filter(split=name)["language"]) for name in SPLITS}
    assert languages["test"] == {"arabic"}
    assert languages["train"] == languages["validation"] == {"chinese", "english"}
    assert all(len(splits) == 1 for splits in sides(result, "id").values())
    kept, aside = result.count("annotations")
    assert kept + aside == 1200


def test_a_held_out_value_that_does_not_occur_is_told_with_those_that_do() -> None:
    parameters = SplitParameters(mode="hold_out", hold_out={"language": ("klingon",)})

    with pytest.raises(DataError, match="arabic, chinese, english"):
        split(corpus(), parameters=parameters)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratios": {"train": 1.0}},
        {"ratios": {"train": 1.0, "test": -0.5}},
        {"ratios": {"train": math.nan, "test": 1.0}},
        {"mode": "hold_out"},
        {"hold_out": {"style": ["Style1"]}},
        {"official_rest": "nowhere"},
    ],
)
def test_parameters_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SplitParameters.model_validate(wrong)


def test_a_column_that_nobody_has() -> None:
    with pytest.raises(DataError, match="colour"):
        split(corpus(), parameters=SplitParameters(stratify=(("colour",),)))
