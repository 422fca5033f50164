"""The bundled label sets hold what their sources say, and broken files name their faults."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate import emotions
from artcurate.errors import DataError, UsageError

OFFICIAL_ORDER = (
    "amusement",
    "awe",
    "contentment",
    "excitement",
    "anger",
    "disgust",
    "fear",
    "sadness",
    "something else",
)


def artemis() -> emotions.LabelSet:
    return emotions.bundled().label_set("artemis9")


def only(label_set: emotions.LabelSet, word: str) -> str:
    (label,) = label_set.called(word)
    return label.name


def test_artemis_ids_stand_in_the_official_order() -> None:
    assert artemis().names == OFFICIAL_ORDER
    assert [label.id for label in artemis().labels] == list(range(9))
    polarity = [label.polarity for label in artemis().labels]
    assert polarity == ["positive"] * 4 + ["negative"] * 4 + ["other"]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("other", "something else"),
        ("Something_Else", "something else"),
        ("SOMETHING-ELSE", "something else"),
        ("  something  else ", "something else"),
        ("Ａｗｅ", "awe"),
        ("خوف", "fear"),
        ("خَـوْف", "fear"),
        ("إثارة", "excitement"),
        ("اثارة", "excitement"),
        ("愤怒", "anger"),
        ("憤怒", "anger"),
        ("diversión", "amusement"),
        ("DIVERSION", "amusement"),
        ("경외감", "awe"),
        (unicodedata.normalize("NFD", "슬픔"), "sadness"),
        (unicodedata.normalize("NFD", "satisfacción"), "contentment"),
    ],
)
def test_words_are_understood_in_five_languages_and_many_spellings(word: str, label: str) -> None:
    assert only(artemis(), word) == label


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("happy", "happiness"),
        ("Happiness", "happiness"),
        ("joy", "happiness"),
        ("기쁨", "happiness"),
        ("슬픔", "sadness"),
        ("분노", "anger"),
        ("당황", "embarrassment"),
        ("불안", "anxiety"),
        ("fear", "anxiety"),
        ("상처", "hurt"),
        ("중립", "neutral"),
    ],
)
def test_korean_labels_answer_to_korean_and_to_the_papers_english(word: str, label: str) -> None:
    assert only(emotions.bundled().label_set("korean7"), word) == label


def test_every_label_of_every_set_has_a_name_in_every_language_that_finds_it() -> None:
    for label_set in emotions.bundled().sets.values():
        for label in label_set.labels:
            for language in emotions.LANGUAGES:
                assert label in label_set.called(label.called(language))


def test_the_sixty_codes_hold_two_names_that_stand_under_two_main_classes() -> None:
    known = emotions.bundled()
    codes = known.label_set("ecc60")
    assert codes.names == tuple(f"E{main}{fine}" for main in range(1, 7) for fine in range(10))
    korean = [label.called("korean") for label in codes.labels]
    assert len(set(korean)) == 58
    assert [label.name for label in codes.called("고립된")] == ["E43", "E51"]
    assert [label.name for label in codes.called("혼란스러운")] == ["E34", "E59"]

    def under(word: str, main: str) -> list[str]:
        found = known.called_under(word, fine="ecc60", coarse="korean7", main=main)
        return [label.name for label in found]

    assert under("고립된", "hurt") == ["E43"]
    assert under("고립된", "embarrassment") == ["E51"]
    assert under("고립된", "anger") == []
    assert under("구역질나는", "anger") == ["E17"]


def test_the_tens_digit_of_a_code_is_its_main_class() -> None:
    mains = {"1": "anger", "2": "sadness", "3": "anxiety", "4": "hurt", "5": "embarrassment"}
    for code, main in emotions.bundled().label_map("ecc60", "korean7").targets.items():
        assert main == mains.get(code[1], "happiness")


def test_maps_say_what_they_drop_and_where_they_come_from() -> None:
    known = emotions.bundled()
    ekman = known.label_map("artemis9", "ekman6")
    assert [label for label, target in ekman.targets.items() if target is None] == [
        "awe",
        "something else",
    ]
    assert known.label_map("artemis9", "mikels8").targets["something else"] is None
    for label_map in known.maps.values():
        assert set(label_map.targets) == set(known.label_set(label_map.origin).names)
        for entry in label_map.entries:
            assert entry.source in known.references
            assert (entry.target is None) == (entry.reason is not None)


def test_valence_agrees_with_polarity_wherever_it_is_known() -> None:
    known = emotions.bundled()
    for (origin, target), label_map in known.maps.items():
        if target == "valence":
            for label, valence in label_map.targets.items():
                assert valence in (None, known.label_set(origin)[label].polarity)


def test_a_typing_error_finds_its_neighbour_and_nonsense_finds_nothing() -> None:
    nearest = artemis().nearest("sadnes")
    assert nearest is not None
    assert nearest.name == "sadness"
    assert artemis().nearest("qqqqqq") is None
    assert artemis().called("happy") == ()


def test_unknown_sets_and_maps_name_the_nearest() -> None:
    known = emotions.bundled()
    with pytest.raises(UsageError, match="artemis9"):
        known.label_set("artemis")
    with pytest.raises(UsageError, match="ekman6"):
        known.label_map("artemis9", "ekman")
    with pytest.raises(UsageError, match="no map"):
        known.label_map("valence", "ekman6")


@pytest.mark.parametrize(
    ("word", "number"),
    [("7", 7), (" 7.0 ", 7), ("７", 7), ("7.5", None), ("-1", None), ("seven", None), ("", None)],
)
def test_bare_ids(word: str, number: int | None) -> None:
    assert emotions.bare_id(word) == number


@given(st.text(max_size=40))
def test_folding_is_stable_and_keeps_letters_and_digits_alone(word: str) -> None:
    key = emotions.fold(word)
    assert emotions.fold(key) == key
    assert unicodedata.is_normalized("NFC", key)
    assert not any(character.isspace() for character in key)


@given(st.sampled_from(OFFICIAL_ORDER), st.data())
def test_separators_and_case_never_change_a_meaning(name: str, data: st.DataObject) -> None:
    noise = st.text(" _-\u00a0\u200f.", max_size=2)
    written = "".join(
        (letter.upper() if data.draw(st.booleans()) else letter) + data.draw(noise)
        for letter in name
    )
    assert only(artemis(), written) == name


FILE = """
title: Test
references: {here: A source.}
sets:
  - name: polarity
    title: Polarity
    source: here
    labels:
      - {id: 0, name: good, polarity: good, names: {english: [good], arabic: [جيد],
         chinese: [好], spanish: [bueno], korean: [좋은]}}
      - {id: 1, name: bad, polarity: bad, names: {english: [bad], arabic: [سيئ],
         chinese: [坏], spanish: [malo], korean: [나쁜]}}
  - name: one
    title: One
    source: here
    labels:
      - {id: 0, name: fine, polarity: good, names: {english: [fine], arabic: [ممتاز],
         chinese: [妙], spanish: [fino], korean: [훌륭한]}}
maps:
  - {from: one, to: polarity, entries: [{labels: [fine], target: good, source: here}]}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("id: 1", "id: 2", "sets.polarity.bad: id 2 where 1 is due"),
        ("spanish: [malo]", "spanish: [GOOD]", "sets.polarity.bad.names.spanish: 'GOOD' already"),
        ("spanish: [malo]", "spanish: []", "sets.polarity.bad: no name in spanish"),
        ("spanish: [malo]", "spanish: ['7']", "sets.polarity.bad.names.spanish: '7' has no letter"),
        ("name: bad", "name: good", "sets.polarity: good stands twice"),
        ("polarity: bad", "polarity: sour", "'sour' is no label of the set polarity"),
        ("title: One\n    source: here", "title: One\n    source: there", "no reference 'there'"),
        ("title: One\n", "title: One\n    ambiguous: [fine]\n", "does not mean two labels"),
        ("labels: [fine], target", "labels: [], target", "maps[0].entries[0].labels"),
        ("target: good", "target: great", "'great' is no label of polarity"),
        ("target: good", "target: null", "dropped without a reason"),
        ("labels: [fine]", "labels: [fin]", "fine is neither mapped nor dropped"),
        ("labels: [fine]", "labels: [fine, fine]", "fine stands twice"),
        ("from: one", "from: two", "no set 'two'"),
        ("title: Test", "titel: Test", "titel"),
    ],
)
def test_a_broken_file_names_the_place(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    path = tmp_path / "sets.yaml"
    path.write_text(FILE, encoding="utf-8")
    assert emotions.load(path).label_set("one").names == ("fine",)
    assert right in FILE
    path.write_text(FILE.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        emotions.load(path)
    assert all(problem.startswith(str(path)) for problem in caught.value.problems)


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sets.yaml"
    broken = FILE.replace("id: 1", "id: 5").replace("target: good", "target: great")
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        emotions.load(path)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("content", ["", "[]", "sets: [", "text"])
def test_a_file_that_is_no_mapping_is_an_error_of_the_data(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sets.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError):
        emotions.load(path)
