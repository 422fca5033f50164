"""The split step: groups stay whole, shares come right, nothing is lost, leaks are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.errors import DataError, UsageError
from artcurate.narration import describe
from artcurate.steps.split import SplitParameters, split

EMOTIONS = ("awe", "contentment", "fear", "sadness")
LANGUAGES = ("english", "arabic", "chinese")
STYLES = ("Baroque", "Cubism", "Rococo")


def gallery(
    paintings: int,
    *,
    languages: Sequence[str] = LANGUAGES,
    duplicates: Mapping[int, str] | None = None,
    official: Sequence[str] | None = None,
    bare: int = 0,
    seed: int = 0,
) -> Corpus:
    """Paintings with 2 to 5 captions per language, `bare` of them, the last ones, without any.

    duplicates: the duplicate group of some paintings. official: the official split per painting.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    ids = [f"{STYLES[i % 3]}/artist-{i % 7}_work-{i:04d}" for i in range(paintings)]
    images = pl.DataFrame(
        {
            "id": ids,
            "style": [name.split("/")[0] for name in ids],
            "artist": [name.split("/")[1].split("_")[0] for name in ids],
            "duplicate_group": [(duplicates or {}).get(i) for i in range(paintings)],
        },
        schema_overrides={"duplicate_group": pl.String},
    )
    rows = [
        {
            "image_id": ids[i],
            "style": STYLES[i % 3],
            "language": language,
            "emotion": EMOTIONS[generator.integers(4)],
            "split_official": official[i] if official else None,
        }
        for i in range(paintings - bare)
        for language in languages
        for _ in range(generator.integers(2, 6))
    ]
    annotations = pl.DataFrame(rows, schema_overrides={"split_official": pl.String}).select(
        pl.format("caption-{}", pl.int_range(pl.len())).alias("id"),
        pl.format("text {}", pl.int_range(pl.len())).alias("text"),
        pl.all(),
    )
    return Corpus(annotations=annotations, images=images)


def run(corpus: Corpus, **parameters: Any) -> Corpus:
    return split(corpus, parameters=SplitParameters(**{"effort": 60, **parameters}))


def split_of(corpus: Corpus) -> dict[str, str]:
    return dict(corpus.images.select("id", "split").iter_rows())


def splits_of_captions(corpus: Corpus) -> dict[str, set[str]]:
    grouped = corpus.annotations.group_by("image_id").agg(pl.col("split").unique())
    return {image: set(splits) for image, splits in grouped.iter_rows()}


def test_three_paintings_fill_three_splits() -> None:
    done = split(gallery(3), parameters=SplitParameters())
    assert sorted(done.images["split"]) == ["test", "train", "validation"]


def test_every_painting_is_on_one_side_with_all_its_captions() -> None:
    result = run(gallery(200, bare=10))

    sides = split_of(result)
    assert set(sides.values()) == {"train", "validation", "test"}
    assert splits_of_captions(result) == {
        image: {sides[image]} for image in result.annotations["image_id"].unique()
    }


def test_nothing_is_lost_and_nothing_else_changes() -> None:
    corpus = gallery(60, bare=5)

    result = run(corpus)

    assert result.annotations.drop("split").equals(corpus.annotations)
    assert result.images.drop("split").equals(corpus.images)
    assert result.quarantine.is_empty()


def test_shares_are_near_the_ratios_in_every_cell_and_style() -> None:
    result = run(gallery(600))

    for columns in (["emotion", "language"], ["style"]):
        cells = result.annotations.group_by(columns).agg(
            *((pl.col("split") == name).mean().alias(name) for name in ("train", "test"))
        )
        assert (cells["train"] - 0.8).abs().max() < 0.005
        assert (cells["test"] - 0.1).abs().max() < 0.005


def test_images_without_captions_are_shared_out_too() -> None:
    result = run(gallery(300, bare=100))

    shares = result.images["split"].value_counts(normalize=True)
    assert dict(shares.iter_rows())["train"] == pytest.approx(0.8, abs=0.01)


def test_duplicates_stay_together() -> None:
    corpus = gallery(90, duplicates={0: "d1", 1: "d1", 40: "d2", 2: "d2", 3: "d2"})

    sides = split_of(run(corpus))

    ids = corpus.images["id"]
    assert sides[ids[0]] == sides[ids[1]]
    assert sides[ids[40]] == sides[ids[2]] == sides[ids[3]]


def test_artists_stay_together_on_request() -> None:
    result = run(gallery(140), group_by=["artist"], ratios={"train": 0.7, "test": 0.3})

    by_artist = result.images.group_by("artist").agg(pl.col("split").n_unique())
    assert by_artist["split"].to_list() == [1] * 7


def test_identical_captions_stay_together_on_request() -> None:
    corpus = gallery(60)
    twins = ["text 0", corpus.annotations["text"][-1]]
    annotations = corpus.annotations.with_columns(
        text=pl.when(pl.col("text").is_in(twins)).then(pl.lit("the same")).otherwise("text")
    )
    empty = annotations.with_columns(
        text=pl.when(pl.int_range(pl.len()) % 5 == 1).then(pl.lit("")).otherwise("text")
    )

    for seed in range(4):
        result = run(Corpus(annotations=empty, images=corpus.images), group_by=["text"], seed=seed)
        same = result.annotations.filter(pl.col("text") == "the same")
        assert same["image_id"].n_unique() == 2
        assert same["split"].n_unique() == 1
        assert result.annotations["split"].n_unique() == 3


def test_the_certificate_judges_families_and_totals() -> None:
    found = run(gallery(200, bare=8)).findings["split"]

    certificate = found["certificate"]
    assert {f["family"]: f["strata"] for f in certificate["families"]} == {
        "emotion x language": 12,
        "style": 3,
        "total": 2,
    }
    assert sum(certificate["groups"]) == 200
    assert found["images"] == dict(zip(certificate["splits"], certificate["groups"], strict=True))
    assert certificate["gap"] >= 0
    assert json.loads(json.dumps(found)) is not None
    names = {s["stratum"] for s in certificate["strata"]}
    assert {"awe x english", "Baroque", "annotations", "images"} <= names


def test_equal_inputs_give_equal_splits_and_seeds_differ() -> None:
    corpus = gallery(120)

    assert split_of(run(corpus)) == split_of(run(corpus))
    assert split_of(run(corpus)) != split_of(run(corpus, seed=1))


def test_values_that_are_missing_count_in_the_totals_alone() -> None:
    corpus = gallery(60)
    images = corpus.images.with_columns(
        genre=pl.when(pl.col("style") == "Cubism").then(None).otherwise(pl.lit("portrait"))
    )

    result = run(Corpus(annotations=corpus.annotations, images=images), stratify=[["genre"]])

    strata = {s["stratum"]: s for s in result.findings["split"]["certificate"]["strata"]}
    assert set(strata) == {"portrait", "annotations", "images"}
    assert strata["portrait"]["rows"] < strata["annotations"]["rows"] == corpus.annotations.height


def test_annotations_without_images_are_split_by_what_they_name() -> None:
    annotations = gallery(90).annotations.rename({"image_id": "image_key"})

    result = run(Corpus(annotations=annotations, images=pl.DataFrame(schema={"id": pl.String})))

    sides = result.annotations.group_by("image_key").agg(pl.col("split").n_unique())
    assert sides["split"].max() == 1
    assert result.annotations["split"].n_unique() == 3
    assert result.images.is_empty()


def test_rows_that_name_nothing_are_split_one_by_one() -> None:
    annotations = gallery(30).annotations.drop("image_id")

    result = run(Corpus(annotations=annotations, images=pl.DataFrame(schema={"id": pl.String})))

    assert sum(result.findings["split"]["certificate"]["groups"]) == annotations.height


def test_images_without_any_annotation_are_split() -> None:
    corpus = gallery(50)
    annotations = corpus.annotations.clear()

    result = run(Corpus(annotations=annotations, images=corpus.images))

    assert result.findings["split"]["images"] == {"train": 40, "validation": 5, "test": 5}


OFFICIAL = ["train"] * 16 + ["val"] * 2 + ["test"] * 2


def test_official_names_become_ours() -> None:
    result = run(gallery(20, official=OFFICIAL), mode="official")

    assert list(split_of(result).values()) == ["train"] * 16 + ["validation"] * 2 + ["test"] * 2
    assert result.findings["split"]["rows_moved"] == 0
    assert result.findings["split"]["leaks"]["group"] == {"groups": 0, "rows": 0}


def test_official_rows_of_other_splits_go_where_the_parameter_says() -> None:
    corpus = gallery(20, official=["rest", *OFFICIAL[1:]])
    first = corpus.images["id"][0]

    assert split_of(run(corpus, mode="official"))[first] == "train"
    moved = run(corpus, mode="official", official_rest="test")
    assert split_of(moved)[first] == "test"
    assert "rest" in moved.findings["split"]["official"]


def test_official_leaks_are_counted_and_repaired_by_moving_the_smaller_part() -> None:
    # Paintings 0 (train) and 19 (test) are one work; so are 1 (train), 2 (train) and 17 (val).
    duplicates = {0: "a", 19: "a", 1: "b", 2: "b", 17: "b"}
    corpus = gallery(20, official=OFFICIAL, duplicates=duplicates)
    ids = corpus.images["id"]
    captions = dict(corpus.annotations["image_id"].value_counts().iter_rows())
    rows = [captions[ids[i]] for i in (0, 19, 1, 2, 17)]

    result = run(corpus, mode="official")

    found = result.findings["split"]
    assert found["leaks"]["painting"] == {"groups": 0, "rows": 0}
    assert found["leaks"]["group"] == {
        "groups": 2,
        "rows": sum(rows),
        "train/validation": 1,
        "train/test": 1,
    }
    sides = split_of(result)
    assert sides[ids[0]] == sides[ids[19]] == ("train" if rows[0] > rows[1] else "test")
    assert {sides[ids[i]] for i in (1, 2, 17)} == {"train"}
    assert found["rows_moved"] == min(rows[:2]) + rows[4]


def test_official_leaks_stay_when_nobody_asks_for_repair() -> None:
    corpus = gallery(20, official=OFFICIAL, duplicates={0: "a", 19: "a"})

    result = run(corpus, mode="official", repair=False)

    assert split_of(result)[corpus.images["id"][19]] == "test"
    assert result.findings["split"]["leaks"]["group"]["groups"] == 1
    assert result.findings["split"]["rows_moved"] == 0


def test_official_images_without_captions_get_a_split_by_the_official_shares() -> None:
    result = run(gallery(40, official=OFFICIAL * 2, bare=20), mode="official")

    counts = result.findings["split"]["images"]
    assert sum(counts.values()) == 40
    assert counts["train"] >= 30


def test_a_missing_official_split_is_an_error_with_a_way_out() -> None:
    with pytest.raises(DataError, match=r"60 annotations .* 'caption-0'; choose split.mode=ratio"):
        run(Corpus(gallery(60).annotations.head(60), gallery(60).images), mode="official")


def test_held_out_styles_form_the_last_split() -> None:
    corpus = gallery(90, bare=9)

    result = run(corpus, mode="hold_out", hold_out={"style": ["Cubism"]})

    test = result.images.filter(pl.col("split") == "test")
    assert set(test["style"]) == {"Cubism"}
    assert test.height == 30
    assert result.quarantine.is_empty()
    counts = result.findings["split"]["images"]
    assert counts["train"] / counts["validation"] == pytest.approx(8, rel=0.2)


def test_what_is_tied_to_a_held_out_painting_is_left_out_by_design() -> None:
    # Painting 1 is Cubist; its duplicate 3 is Baroque; the Rococo duplicate 89 has no captions.
    corpus = gallery(90, duplicates={1: "d", 3: "d", 89: "d"}, bare=1)
    ids = corpus.images["id"]

    result = run(corpus, mode="hold_out", hold_out={"style": ["Cubism"]})

    images = result.quarantine.filter(pl.col("table") == "images")
    assert set(images["id"]) == {ids[3], ids[89]}
    assert result.quarantine["by_design"].all()
    assert set(result.quarantine["reason"]) == {"hold_out_remainder"}
    left = corpus.annotations.filter(pl.col("image_id") == ids[3])["id"]
    annotations = result.quarantine.filter(pl.col("table") == "annotations")
    assert set(annotations["id"]) == set(left)
    assert result.findings["split"]["rows_left_out"] == len(left)


def test_a_held_out_language_is_seen_in_the_last_split_alone_and_on_other_paintings() -> None:
    corpus = gallery(300)

    result = run(corpus, mode="hold_out", hold_out={"language": ["chinese"]})

    rows = result.annotations
    test = rows.filter(pl.col("split") == "test")
    others = rows.filter(pl.col("split") != "test")
    assert set(test["language"]) == {"chinese"}
    assert set(others["language"]) == {"english", "arabic"}
    assert not set(test["image_id"]) & set(others["image_id"])
    chinese = corpus.annotations.filter(pl.col("language") == "chinese")
    assert test.height / chinese.height == pytest.approx(0.1, abs=0.01)
    assert corpus.annotations.height == rows.height + result.count("annotations")[1]
    judged = result.findings["split"]["certificate"]
    assert judged["ratios"] == pytest.approx([8 / 9, 1 / 9, 0])
    assert judged["worst_deviation"] < 1


def test_a_rare_held_out_language_goes_to_the_last_split_whole() -> None:
    corpus = gallery(300)
    spanish = corpus.annotations.filter(
        pl.col("image_id").is_in(corpus.images["id"][:12].implode())
    )
    spanish = spanish.with_columns(
        language=pl.lit("spanish"), id=pl.format("spanish-{}", "id"), text=pl.format("es {}", "id")
    )
    annotations = pl.concat([corpus.annotations, spanish])

    result = run(
        Corpus(annotations=annotations, images=corpus.images),
        mode="hold_out",
        hold_out={"language": ["spanish"]},
    )

    test = result.annotations.filter(pl.col("split") == "test")
    assert set(test["id"]) == set(spanish["id"])
    others = result.annotations.filter(pl.col("split") != "test")
    assert others["image_id"].n_unique() == 288


def test_a_held_out_value_that_does_not_occur_is_an_error_that_lists_those_that_do() -> None:
    with pytest.raises(DataError) as caught:
        run(gallery(9), mode="hold_out", hold_out={"style": ["Cubsim"], "language": ["klingon"]})

    assert len(caught.value.problems) == 2
    assert "Baroque, Cubism, Rococo" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratios": {"train": 1.0}},
        {"ratios": {"train": -1.0, "test": 2.0}},
        {"ratios": {"train": 0.0, "test": 0.0}},
        {"ratios": {"train": float("nan"), "test": 1.0}},
        {"mode": "hold_out"},
        {"hold_out": {"style": ["Cubism"]}},
        {"mode": "hold_out", "hold_out": {"painter": ["x"]}},
        {"official_rest": "elsewhere"},
        {"mode": "hold_out", "hold_out": {"language": ["x"]}, "ratios": {"a": 1, "train": 0}},
        {"group_by": ["painter"]},
        {"effort": -1},
    ],
)
def test_parameters_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SplitParameters(**wrong)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="genre"):
        run(gallery(9), stratify=[["genre"]])


def test_captions_of_no_image_are_an_error() -> None:
    corpus = gallery(9)

    with pytest.raises(DataError, match="run the step join"):
        run(Corpus(annotations=corpus.annotations, images=corpus.images.tail(8)))


def test_images_and_captions_that_were_never_joined_are_an_error() -> None:
    corpus = gallery(9)

    with pytest.raises(UsageError, match="join"):
        run(Corpus(annotations=corpus.annotations.drop("image_id"), images=corpus.images))


@settings(max_examples=25, deadline=None)
@given(
    paintings=st.integers(1, 12),
    bare=st.integers(0, 3),
    mode=st.sampled_from(["ratio", "official", "hold_out"]),
    ties=st.lists(st.tuples(st.integers(0, 11), st.sampled_from("abc")), max_size=6),
    seed=st.integers(0, 3),
)
def test_rows_in_are_rows_out_and_groups_stay_whole(
    paintings: int, bare: int, mode: str, ties: list[tuple[int, str]], seed: int
) -> None:
    corpus = gallery(
        paintings + bare,
        official=(["train", "val", "test"] * 6)[: paintings + bare],
        duplicates=dict(ties),
        bare=bare,
        seed=seed,
    )
    held = {"hold_out": {"style": ["Baroque"]}} if mode == "hold_out" else {}

    result = run(corpus, mode=mode, seed=seed, effort=30, **held)

    for table, before in (("annotations", corpus.annotations), ("images", corpus.images)):
        kept, left_out = result.count(table)
        assert kept + left_out == before.height
    sides = split_of(result)
    for image, splits in splits_of_captions(result).items():
        assert splits == {sides[image]}
    tied = result.images.drop_nulls("duplicate_group").group_by("duplicate_group")
    assert all(n == 1 for n in tied.agg(pl.col("split").n_unique())["split"])


def test_official_words_that_no_split_has_are_told() -> None:
    official = ["train"] * 8 + ["exam", "rest"]
    done = split(gallery(10, official=official), parameters=SplitParameters(mode="official"))
    told = done.findings["split"]
    assert set(told["other_words"]) == {"exam", "rest"}
    lines = describe("split", told)
    assert "  nothing in validation and test" in lines
    assert any("official splits of other names go to train: 'exam' (" in line for line in lines)


def test_one_value_is_held_out_without_a_list() -> None:
    given = SplitParameters.model_validate(
        {"mode": "hold_out", "hold_out": {"language": "chinese"}}
    )
    assert given.held_values == {"language": ("chinese",)}
    with pytest.raises(ValidationError, match=r"write \{language:"):
        SplitParameters.model_validate({"mode": "hold_out", "hold_out": "language:chinese"})
