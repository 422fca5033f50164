from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.sentences import SentencesParameters, sentences

Korean = Callable[..., Corpus]


def run(corpus: Corpus, **parameters: Any) -> Corpus:
    return sentences(corpus, parameters=SentencesParameters(**parameters))


def spoken(corpus: Corpus) -> dict[str, str]:
    """dialogue number and turn -> label."""
    return {
        f"{row['dialogue'][-1]} {row['turn']}": row["emotion"]
        for row in corpus.annotations.iter_rows(named=True)
    }


def test_two_human_turns_and_the_first_answer(korean: Korean) -> None:
    corpus = korean(dialogues=[{"emotion": "hurt"}, {"emotion": "happiness", "age_group": "teen"}])
    result = run(corpus)
    assert spoken(result) == {
        "0 HS01": "hurt",
        "0 SS01": "neutral",
        "0 HS02": "hurt",
        "1 HS01": "happiness",
        "1 SS01": "neutral",
        "1 HS02": "happiness",
    }
    neutral = result.annotations.filter(emotion="neutral")
    assert neutral["fine_emotion"].null_count() == 2
    assert neutral["age_group"].to_list() == ["young", "teen"]
    assert set(result.quarantine["reason"]) == {"turn_not_used"}
    assert result.annotations.height + result.quarantine.height == corpus.annotations.height


def test_neutral_sources(korean: Korean) -> None:
    said = {
        "SS01": "많이 힘드셨겠어요.",
        "SS02": "무엇을 하면 될까요?",
        "SS03": "일이 잘 풀리면 좋겠어요.",
    }
    corpus = korean(dialogues=[{"said": said}])

    def neutral(source: str) -> list[dict[str, Any]]:
        rows = run(corpus, neutral=source).annotations.filter(emotion="neutral")
        return rows.select("text", "age_group", "gender").to_dicts()

    young = {"age_group": "young", "gender": "female"}
    anybody = {"age_group": None, "gender": None}
    assert neutral("system_matched") == [{"text": said["SS01"], **young}]
    assert neutral("system_first") == [{"text": said["SS01"], **anybody}]
    assert neutral("system_plain") == [{"text": "일이 잘 풀리면 좋겠어.", **young}]
    assert neutral("none") == []


def test_releases_and_turns_are_parameters(korean: Korean) -> None:
    corpus = korean(
        dialogues=[{"release": "training"}, {"release": "validation"}, {"release": None}]
    )
    training = run(corpus, releases=("training",), turns=("HS01",), neutral="none")
    assert spoken(training) == {"0 HS01": "anger"}
    assert set(training.quarantine["reason"]) == {"other_release", "turn_not_used"}
    everything = run(corpus, turns=("HS02",), neutral="none")
    assert list(spoken(everything)) == ["0 HS02", "1 HS02", "2 HS02"]


@pytest.fixture
def repeated(korean: Korean) -> Corpus:
    """`속상해` in anger twice and in hurt; `그래` in anger twice."""
    return korean(
        dialogues=[
            {"emotion": "anger", "said": {"HS01": "정말 속상해.", "HS02": "그래!"}},
            {"emotion": "anger", "said": {"HS01": "정말  속상해", "HS02": "그래."}},
            {"emotion": "hurt", "said": {"HS01": "정말 속상해!"}},
        ]
    )


@pytest.mark.parametrize(
    ("duplicates", "same_text", "left", "reasons"),
    [
        ("first", "letters", ["0 HS01", "0 HS02", "2 HS02"], {"duplicate_text": 3}),
        (
            "drop_conflicting",
            "letters",
            ["0 HS02", "2 HS02"],
            {"conflicting_labels": 3, "duplicate_text": 1},
        ),
        (
            "first_per_label",
            "letters",
            ["0 HS01", "0 HS02", "2 HS01", "2 HS02"],
            {"duplicate_text": 2},
        ),
        (
            "drop_conflicting",
            "exact",
            ["0 HS01", "0 HS02", "1 HS01", "1 HS02", "2 HS01", "2 HS02"],
            {},
        ),
    ],
)
def test_equal_texts(
    repeated: Corpus, duplicates: str, same_text: str, left: list[str], reasons: dict[str, int]
) -> None:
    result = run(repeated, duplicates=duplicates, same_text=same_text, neutral="none")
    assert list(spoken(result)) == left
    found = result.findings["sentences"]
    assert {k: n for k, n in found["set_aside"].items() if k != "turn_not_used"} == reasons
    assert found["conflicting_texts"] == (1 if same_text == "letters" else 0)
    assert sum(cell["sentences"] for cell in found["cells"]) == sum(reasons.values())


def test_first_means_first_in_the_files(repeated: Corpus) -> None:
    shuffled = Corpus(
        repeated.annotations.sample(fraction=1, shuffle=True, seed=3), repeated.images
    )
    results = [run(corpus, neutral="none", duplicates="first") for corpus in (repeated, shuffled)]
    assert set(spoken(results[0])) == set(spoken(results[1]))


def test_a_neutral_answer_that_a_person_gives_too_has_two_labels(korean: Korean) -> None:
    corpus = korean(dialogues=[{"said": {"SS01": "그랬군"}}, {"said": {"HS01": "그랬군."}}])
    result = run(corpus)
    assert "0 SS01" not in spoken(result)
    assert "1 HS01" not in spoken(result)


def test_the_leak_of_style_is_stated(korean: Korean) -> None:
    corpus = korean(dialogues=[{}] * 5)
    leak = run(corpus).findings["sentences"]["leak"]
    assert leak["balanced_accuracy"] == 1.0
    assert leak["feature"] == "polite ending -요 or -죠"
    assert run(corpus, neutral="none").findings["sentences"]["leak"] is None


def test_what_other_neutral_sentences_would_offer_is_stated(korean: Korean) -> None:
    polite = {"SS01": "다시 이야기해 봐요."}
    corpus = korean(dialogues=[{}, {"said": polite}, {"said": polite}])
    (plain,) = run(corpus).findings["sentences"]["alternatives"]
    assert (plain["neutral"], plain["sentences"]) == ("system_plain", 2)
    assert plain["leak"]["balanced_accuracy"] == 0.5
    for neutral in ("system_plain", "none"):
        names = [
            one["neutral"]
            for one in run(corpus, neutral=neutral).findings["sentences"]["alternatives"]
        ]
        assert names == (
            ["system_matched"] if neutral == "system_plain" else ["system_matched", "system_plain"]
        )


def test_what_is_no_dialogue_is_refused(korean: Korean) -> None:
    corpus = korean(dialogues=[{}])
    bare = Corpus(corpus.annotations.drop("turn", "role"), corpus.images)
    with pytest.raises(DataError, match="no turn, role"):
        run(bare)
    with pytest.raises(DataError, match="No sentence is left"):
        run(corpus, turns=("HS04",), neutral="none")


def test_real_dialogues(real_data: Any) -> None:
    """In ECC's excerpt every answer ends politely and no person's sentence does."""
    from artcurate.sources.ecc import reader

    corpus = reader.read_ecc([real_data / "korean" / "ecc"])
    human = corpus.annotations.filter(pl.col("turn").is_in(["HS01", "HS02"])).height
    result = run(corpus)
    found = result.findings["sentences"]
    assert sum(n for name, n in found["sentences"].items() if name != "neutral") <= human
    assert found["leak"]["balanced_accuracy"] == 1.0
    plain = run(corpus, neutral="system_plain").findings["sentences"]["leak"]
    assert plain["balanced_accuracy"] < 0.7
