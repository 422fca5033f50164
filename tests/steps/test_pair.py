from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.pairing.style import letters_key
from artcurate.schema.assemble import assemble
from artcurate.schema.load import load_schema
from artcurate.steps.pair import PairParameters, pair
from artcurate.steps.pairing_words import pair_lines
from artcurate.steps.sentences import SentencesParameters, sentences
from artcurate.steps.surroundings import OFFICE

Korean = Callable[..., Corpus]
CELL = ("emotion", "age_group", "gender")


def run(corpus: Corpus, **parameters: Any) -> Corpus:
    return pair(corpus, parameters=PairParameters(**{"effort": 20, **parameters}))


def prepared(corpus: Corpus, **parameters: Any) -> Corpus:
    return sentences(corpus, parameters=SentencesParameters(**parameters))


def sides(rows: pl.DataFrame, column: str) -> dict[Any, set[str]]:
    """The splits of every value of a column, by plain sets."""
    found: defaultdict[Any, set[str]] = defaultdict(set)
    for value, split in rows.select(column, "split").iter_rows():
        found[value].add(split)
    return dict(found)


def check_pairs(before: Corpus, after: Corpus, *, reuse: bool = False) -> None:
    """What holds of all pairs, seen from the tables alone."""
    rows = after.pairs
    images = {row["id"]: row for row in before.images.iter_rows(named=True)}
    said = {row["id"]: row for row in before.annotations.iter_rows(named=True)}
    assert rows["id"].is_unique().all()
    assert reuse or rows["image_id"].is_unique().all()
    for row in rows.iter_rows(named=True):
        image, sentence = images[row["image_id"]], said[row["annotation_id"]]
        assert row["emotion"] == image["emotion"] == sentence["emotion"]
        assert row["age_group"] == image["age_group"]
        assert sentence["age_group"] in (None, image["age_group"])
        assert sentence["gender"] in (None, image["gender"])
        assert (row["text"], row["person"]) == (sentence["text"], image["person"])
    for table, column in (("annotations", "annotation_id"), ("images", "image_id")):
        assert set(getattr(after, table)["id"]) == set(rows[column])
        kept, aside = after.count(table)  # type: ignore[arg-type]
        assert (
            kept + aside
            == getattr(before, table).height + before.quarantine.filter(table=table).height
        )


def check_disjoint(rows: pl.DataFrame) -> None:
    keyed = rows.with_columns(key=letters_key(pl.col("text")))
    for column in ("person", "dialogue", "text", "key", "sentence_group"):
        astride = [value for value, found in sides(keyed, column).items() if len(found) > 1]
        assert not astride, column


@pytest.fixture(scope="module")
def population(korean: Korean) -> Corpus:
    """24 persons and sixty dialogues in three cells and neutral ones, texts repeated."""
    cells = [("anger", "young", "female"), ("hurt", "young", "female"), ("anger", "teen", "male")]
    images = [
        {"person": f"{age} {n % 12}", "emotion": emotion, "age_group": age, "gender": gender}
        for emotion, age, gender in [*cells, ("neutral", "young", "female")]
        for n in range(24)
    ]
    dialogues = [
        {
            "emotion": cells[n % 3][0],
            "age_group": cells[n % 3][1],
            "gender": cells[n % 3][2],
            "situation": f"S{n % 13 + 1:02}",
            "said": {"HS01": f"같은 말 {n // 6}."} if n % 2 else {},
        }
        for n in range(60)
    ]
    return korean(images, dialogues)


def test_joint_pairs_are_disjoint_and_complete(population: Corpus) -> None:
    corpus = prepared(population, duplicates="first_per_label")
    result = run(corpus)
    check_pairs(corpus, result)
    check_disjoint(result.pairs)
    assert set(result.pairs["split"]) == {"train", "validation", "test"}
    found = result.findings["pair"]
    assert found["straddling"] == {"persons": 0, "dialogues": 0, "texts": 0}
    assert sum(found["rows"].values()) == result.pairs.height <= found["bound"]


def test_rows_do_not_depend_on_the_order_of_the_tables(population: Corpus) -> None:
    corpus = prepared(population)
    turned = Corpus(corpus.annotations[::-1], corpus.images[::-1])
    assert run(corpus, draws=2).pairs.equals(run(turned, draws=2).pairs)
    assert not run(corpus, seed=1).pairs.equals(run(corpus).pairs)


def test_persons_first_and_pairs_after(population: Corpus) -> None:
    corpus = prepared(population, neutral="system_first")
    result = run(corpus, split="persons", ratios={"a": 0.5, "b": 0.5})
    check_pairs(corpus, result)
    assert all(len(found) == 1 for found in sides(result.pairs, "person").values())
    assert result.findings["pair"]["straddling"]["dialogues"] > 0
    assert "sentence_group" not in result.pairs.columns


def test_neutral_sentences_of_anybody_in_a_joint_split(population: Corpus) -> None:
    corpus = prepared(population, neutral="system_first")
    result = run(corpus, no_more_than={})
    check_pairs(corpus, result)
    check_disjoint(result.pairs)
    assert result.pairs.filter(emotion="neutral")["gender"].unique().to_list() == ["female"]


def test_neutral_does_not_outnumber_what_it_is_tied_to(population: Corpus) -> None:
    corpus = prepared(population, duplicates="first")
    assert run(corpus).pairs.filter(emotion="neutral").is_empty()
    tied = run(corpus, no_more_than={"neutral": "hurt"}).pairs
    hurt = corpus.annotations.filter(emotion="hurt").height
    assert 0 < tied.filter(emotion="neutral").height <= hurt
    free = run(corpus, no_more_than={}).pairs.filter(emotion="neutral")
    assert free.height == 24


def test_cells_can_be_capped(population: Corpus) -> None:
    corpus = prepared(population)
    counts = Counter(run(corpus, resampling="down:7").pairs.select(CELL).iter_rows())
    assert set(counts.values()) == {7}


def test_pictures_can_serve_several_sentences(population: Corpus) -> None:
    few = Corpus(population.annotations, population.images.filter(pl.col("row") % 4 == 1))
    corpus = prepared(few, duplicates="first")
    result = run(corpus, resampling="none")
    check_pairs(corpus, result, reuse=True)
    check_disjoint(result.pairs)
    anger = corpus.annotations.filter(emotion="anger", age_group="young").height
    assert result.pairs.filter(emotion="anger", age_group="young").height == anger
    uses = Counter(result.pairs.filter(split="train", emotion="hurt")["image_id"])
    assert max(uses.values()) - min(uses.values()) <= 1
    assert max(uses.values()) > 1


def test_sentences_can_have_several_pictures(population: Corpus) -> None:
    corpus = prepared(population)
    result = run(corpus, images_per_sentence=2)
    check_pairs(corpus, result)
    assert set(Counter(result.pairs["annotation_id"]).values()) == {2}
    numbers = result.pairs["id"].str.split("-").list.last().value_counts()
    assert dict(numbers.iter_rows()) == dict.fromkeys("12", result.pairs.height // 2)


def test_the_background_can_suit_the_situation(korean: Korean) -> None:
    images = [{"person": n % 9, **({"background": OFFICE} if n % 2 else {})} for n in range(80)]
    dialogues = [{"situation": "S10" if n % 2 else "S01"} for n in range(60)]
    corpus = prepared(korean(images, dialogues))
    shares = {
        rule: run(corpus, rule=rule).findings["pair"]["suitable"]
        for rule in ("random", "background")
    }
    assert shares["random"] < 0.7
    assert shares["background"] > 0.9


def test_draws_give_every_picture_to_another_sentence_of_its_cell(population: Corpus) -> None:
    rows = run(prepared(population), draws=3).pairs
    places = {name: place for place, name in enumerate(rows["id"])}
    cells = list(rows.select("split", *CELL).iter_rows())
    for draw in range(3):
        taken = [places[drawn[draw]] for drawn in rows["draws"]]
        assert sorted(taken) == list(range(rows.height))
        assert [cells[place] for place in taken] == cells
    assert len({tuple(draws) for draws in rows["draws"]}) > rows.height / 2


def test_draws_keep_suitable_backgrounds(population: Corpus) -> None:
    rows = run(prepared(population), draws=2, rule="background").pairs
    background = dict(rows.select("id", "background").iter_rows())
    assert all(
        background[name] == background[drawn]
        for name, draws in rows.select("id", "draws").iter_rows()
        for drawn in draws
    )


def test_findings_name_short_and_empty_cells(korean: Korean) -> None:
    corpus = prepared(
        korean(
            [{"person": n} for n in range(4)],
            [*[{}] * 5, {"age_group": "senior", "gender": "male"}],
        )
    )
    result = run(corpus, no_more_than={})
    cells = {tuple(cell[name] for name in CELL): cell for cell in result.findings["pair"]["cells"]}
    young = cells["anger", "young", "female"]
    assert (young["images"], young["sentences"], young["bound"]) == (4, 10, 4)
    assert (young["short_of"], young["short_by"]) == ("images", 6)
    senior = cells["anger", "senior", "male"]
    assert (senior["images"], senior["sentences"], senior["bound"]) == (0, 2, 0)
    reasons = Counter(result.quarantine.filter(step="pair")["reason"])
    assert reasons == {"not_drawn": 6, "empty_cell": 2 + 6}
    lines = "\n".join(pair_lines(result.findings["pair"]))
    assert "by 14 in all" in lines
    assert "young female 6" in lines
    assert "senior male 2 (none for 2 sentences)" in lines


def test_the_ledger_tells_what_each_constraint_cost(korean: Korean) -> None:
    """Ten images; six sentences, of which two pairs of texts are equal."""
    corpus = korean(
        [{"person": n} for n in range(10)],
        [{"said": {"HS01": "같은 말.", "HS02": "다른 말."}}] * 2 + [{}],
    )
    result = run(prepared(corpus, duplicates="first", neutral="none"))
    costs = {cost["constraint"]: cost for cost in result.findings["pair"]["ledger"]}
    assert result.pairs.height == result.findings["pair"]["bound"] == 4
    assert costs["repeated texts"] == {
        "constraint": "repeated texts",
        "sentences": 2,
        "images": 0,
        "pairs": 2,
    }
    assert costs["the scarcer side of each cell"]["images"] == 6


def test_the_certificate_can_be_recomputed_from_the_pairs(population: Corpus) -> None:
    result = run(prepared(population))
    certificate = result.findings["pair"]["certificate"]
    assert certificate["rows"] == tuple(result.findings["pair"]["rows"].values())
    for stratum in certificate["strata"]:
        names = stratum["stratum"].split()
        rows = result.pairs.filter(**dict(zip(CELL, names, strict=False)))
        held = Counter(rows["split"])
        assert stratum["counts"] == tuple(held[name] for name in certificate["splits"])
        assert max(stratum["deviation"]) >= stratum["lower_bound"] - 1e-6


def test_what_cannot_be_paired_is_refused(korean: Korean, population: Corpus) -> None:
    corpus = prepared(korean([{"emotion": "hurt"}], [{}]))
    with pytest.raises(DataError, match=r"None of the .* cells"):
        run(corpus)
    bare = Corpus(population.annotations.drop("dialogue"), population.images.drop("person"))
    with pytest.raises(DataError, match=r"no person.*\n.*no dialogue"):
        run(bare)
    nameless = population.images.with_columns(gender=pl.lit(None, pl.String))
    with pytest.raises(DataError, match="96 images"):
        run(Corpus(population.annotations, nameless))


@pytest.mark.parametrize(
    "parameters",
    [
        {"resampling": "up"},
        {"resampling": "down:0"},
        {"ratios": {"train": 1.0}},
        {"ratios": {"train": 1.0, "test": 0.0}},
        {"resampling": "none", "images_per_sentence": 2, "draws": 1},
        {"resampling": "none", "images_per_sentence": 2, "rule": "background"},
        {"images_per_sentence": 0},
    ],
)
def test_parameters_that_make_no_sense(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PairParameters(**parameters)


EMOTIONS = ("anger", "hurt", "neutral")
IMAGE = st.fixed_dictionaries(
    {
        "emotion": st.sampled_from(EMOTIONS),
        "person": st.integers(0, 7),
    }
).map(lambda one: {**one, "gender": "male" if one["person"] % 2 else "female"})
DIALOGUE = st.fixed_dictionaries(
    {
        "emotion": st.sampled_from(EMOTIONS[:2]),
        "gender": st.sampled_from(["male", "female"]),
        "said": st.fixed_dictionaries(
            {turn: st.sampled_from("가나다라마바사아") for turn in ("HS01", "SS01", "HS02")}
        ),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    images=st.lists(IMAGE, min_size=1, max_size=40),
    dialogues=st.lists(DIALOGUE, min_size=1, max_size=25),
    neutral=st.sampled_from(["system_matched", "system_first"]),
    duplicates=st.sampled_from(["first", "drop_conflicting", "first_per_label"]),
    parameters=st.fixed_dictionaries(
        {
            "resampling": st.sampled_from(["min", "none", "down:3"]),
            "rule": st.sampled_from(["random", "background"]),
        }
    ),
)
def test_whatever_the_population_nothing_leaks(
    korean: Korean,
    images: list[dict[str, Any]],
    dialogues: list[dict[str, Any]],
    neutral: str,
    duplicates: str,
    parameters: dict[str, Any],
) -> None:
    try:
        corpus = prepared(korean(images, dialogues), neutral=neutral, duplicates=duplicates)
        result = run(corpus, **parameters)
    except DataError:
        return
    check_pairs(corpus, result, reuse=parameters["resampling"] == "none")
    check_disjoint(result.pairs)
    assert result.pairs.height <= result.findings["pair"]["bound"]


def test_a_pair_is_a_row_of_the_schema(population: Corpus) -> None:
    schema = load_schema("korean").default
    images = population.images.with_columns(
        id=pl.col("id").str.slice(0, 32), person=pl.col("person").str.slice(0, 32)
    )
    images = images.with_columns(
        pl.concat_str(pl.col("row").cast(pl.String).str.zfill(32)).alias("id")
    )
    rows = assemble(
        schema,
        {"pairs": run(prepared(Corpus(population.annotations, images)), draws=1).pairs},
    )
    assert set(rows.columns) == {*schema.columns, "split", "row_id"} - {
        "image",
        "soft_label",
        "crop",
    }
    box = rows["boxes"][0][0]
    assert box == {"left": 0.1, "top": 0.1, "right": 0.5, "bottom": 0.4} or np.allclose(
        list(box.values()), [0.1, 0.1, 0.5, 0.4]
    )


def test_boxes_are_shares_of_the_picture(korean: Korean) -> None:
    boxes = [
        {"left": -5.0, "top": 0.0, "right": 50.0, "bottom": 300.0},
        {"left": 90.0, "top": 80.0, "right": 10.0, "bottom": 40.0},
        {"left": -20.0, "top": 0.0, "right": -5.0, "bottom": 20.0},
    ]
    corpus = korean([{"person": n, "boxes": boxes} for n in range(3)], [{}] * 2)
    first = run(prepared(corpus)).pairs["boxes"][0].to_list()
    assert [first[0][edge] for edge in ("left", "top", "right", "bottom")] == [0, 0, 0.5, 1]
    assert np.allclose(
        [first[1][edge] for edge in ("left", "top", "right", "bottom")], [0.1, 0.2, 0.9, 0.4]
    )
    assert first[2] is None


def test_boxes_are_shares_of_the_crop_where_there_is_one(korean: Korean) -> None:
    boxes = [
        {"left": 10.0, "top": 20.0, "right": 50.0, "bottom": 70.0},
        {"left": 35.0, "top": 45.0, "right": 99.0, "bottom": 45.5},
        None,
    ]
    corpus = prepared(korean([{"person": n, "boxes": boxes} for n in range(2)], [{}]))
    crops = {
        "crop_left": [10, None],
        "crop_top": [20, None],
        "crop_right": [60, None],
        "crop_bottom": [120, None],
    }
    corpus = Corpus(corpus.annotations, corpus.images.sort("id").hstack(pl.DataFrame(crops)))
    first, second = corpus.images["id"]
    rows = run(corpus).pairs
    assert len(rows) == 2
    cropped, whole = (
        rows.row(by_predicate=pl.col("image_id") == one, named=True) for one in (first, second)
    )
    assert cropped["crop"] == {"left": 10, "top": 20, "right": 60, "bottom": 120}
    assert list(cropped["boxes"][0].values()) == pytest.approx([0, 0, 0.8, 0.5])
    assert list(cropped["boxes"][1].values()) == pytest.approx([0.5, 0.25, 1, 0.255])
    assert cropped["boxes"][2] is None
    assert whole["crop"] is None
    assert list(whole["boxes"][0].values()) == pytest.approx([0.1, 0.1, 0.5, 0.35])
