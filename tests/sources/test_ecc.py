from __future__ import annotations

import json
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus
from artcurate.errors import DataError
from artcurate.sources.ecc import read_ecc
from artcurate.sources.synthetic.xlsx import workbook

HEADER = ["", "연령", "성별", "상황키워드", "신체질환", "감정_대분류", "감정_소분류"]
HEADER += [f"{who}문장{turn}" for turn in (1, 2, 3) for who in ("사람", "시스템")]
TURNS = ("HS01", "SS01", "HS02", "SS02", "HS03", "SS03")


def said(topic: str, turns: int = 3) -> list[str]:
    """The sentences of a dialogue about `topic`; missing turns are empty."""
    sentences = [f"{topic}, {turn}번째 {who}." for turn in (1, 2, 3) for who in ("말", "답")]
    return sentences[: 2 * turns] + [""] * (6 - 2 * turns)


def record(
    talk: str,
    sentences: Sequence[str],
    *,
    human: Sequence[str] = ("A02", "G01"),
    situation: Sequence[str] = ("S06", "D02"),
    emotion: str = "E18",
) -> dict[str, Any]:
    return {
        "profile": {
            "persona-id": "Pro_05349",
            "persona": {"persona-id": "x", "human": list(human), "computer": ["C01"]},
            "emotion": {"emotion-id": "x", "type": emotion, "situation": list(situation)},
        },
        "talk": {
            "id": {"profile-id": "Pro_05349", "talk-id": talk},
            "content": dict(zip(TURNS, sentences, strict=False)),
        },
    }


def row(
    counter: int,
    sentences: Sequence[str],
    *,
    profile: Sequence[str] = ("청년", "남성", "진로,취업,직장", "해당없음", "분노", "노여워하는"),
) -> list[str | int]:
    return [counter, *profile, *sentences]


def as_json(records: Sequence[Any]) -> bytes:
    return json.dumps(records, ensure_ascii=False).encode()


def as_xlsx(rows: Sequence[Sequence[str | int]], header: Sequence[str] = HEADER) -> bytes:
    return workbook([header, *rows])


def as_csv(rows: Sequence[Sequence[str | int]], header: Sequence[str] = HEADER) -> str:
    return "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in [header, *rows])


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def put_zip(path: Path, name: str, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return path


def dialogues(corpus: Corpus) -> pl.DataFrame:
    return corpus.annotations.unique("dialogue", keep="first", maintain_order=True)


def findings(corpus: Corpus) -> dict[str, Any]:
    found: dict[str, Any] = corpus.findings["ecc"]
    return found


def test_a_dialogue_becomes_one_row_per_sentence(tmp_path: Path) -> None:
    sentences = said("회의", 2)
    path = put(tmp_path / "Training.json", as_json([record("Pro_05349_00053", sentences)]))
    corpus = read_ecc([path])
    rows = corpus.annotations
    assert rows["id"].to_list() == [
        f"Pro_05349_00053_{turn}" for turn in ("HS01", "SS01", "HS02", "SS02")
    ]
    assert rows["text"].to_list() == sentences[:4]
    assert rows["role"].to_list() == ["human", "system", "human", "system"]
    assert rows.drop("id", "turn", "role", "text").unique().to_dicts() == [
        {
            "source": "Training.json",
            "row": 1,
            "dialogue": "Pro_05349_00053",
            "emotion": "anger",
            "fine_emotion": "E18",
            "age_group": "young",
            "gender": "male",
            "situation": "S06",
            "disease": None,
            "disease_asked": None,
            "release": "training",
            "persona": "Pro_05349",
        }
    ]
    (file,) = corpus.inputs
    assert (file.input, file.name, file.bytes) == ("ecc", "Training.json", path.stat().st_size)


def test_the_official_tree_of_zips_with_equal_names(tmp_path: Path) -> None:
    root = tmp_path / "018.감성대화"
    for release, counts in (("Training", (3, 4)), ("Validation", (2, 3))):
        texts = [said(f"{release} {number}") for number in range(counts[1])]
        folder = root / f"{release}_221115_add"
        name = f"감성대화말뭉치(최종데이터)_{release}"
        records = [
            record(f"Pro_{release}_{number}", text)
            for number, text in enumerate(texts[: counts[0]])
        ]
        put_zip(folder / "라벨링데이터" / f"{name}.zip", f"{name}.json", as_json(records))
        rows = [row(number + 1, text) for number, text in enumerate(texts)]
        put_zip(folder / "원천데이터" / f"{name}.zip", f"{name}.xlsx", as_xlsx(rows))
    corpus = read_ecc([tmp_path])
    found = findings(corpus)
    assert (found["in_both"], found["in_json_only"], found["in_tables_only"]) == (5, 0, 2)
    assert found["releases"] == {"training": 4, "validation": 3}
    assert found["differing_dialogues"] == 0
    names = dialogues(corpus)["dialogue"].to_list()
    assert [name for name in names if name.startswith("xlsx")] == [
        "xlsx-training-4",
        "xlsx-validation-3",
    ]
    assert corpus.annotations.height == 7 * 6
    assert corpus.annotations["id"].is_unique().all()
    assert len(corpus.inputs) == 4


@pytest.mark.parametrize("layout", ["zip", "flat", "csv", "cp949", "bom", "nested", "parts"])
def test_the_same_content_in_every_wrapping(tmp_path: Path, layout: str) -> None:
    texts = [said(f"주제 {number}") for number in range(5)]
    rows = [row(number + 1, text) for number, text in enumerate(texts)]
    records = [record(f"Pro_{number}", text) for number, text in enumerate(texts[:4])]
    plain, sheet = as_json(records), as_xlsx(rows)
    here = tmp_path / "data" / "Training [최종]"
    if layout == "zip":
        put_zip(here / "a" / "same.zip", "x/y.json", plain)
        put_zip(here / "b" / "same.zip", "x/y.xlsx", sheet)
    elif layout == "parts":
        data = put_zip(tmp_path / "whole.zip", "y.json", plain).read_bytes()
        for number in range(3):
            step = -(-len(data) // 3)
            part = data[number * step : (number + 1) * step]
            put(here / f"same.zip.part{number}", part)
        put(here / "y.xlsx", sheet)
    elif layout in ("csv", "cp949"):
        put(here / "y.json", plain)
        put(here / "table.txt", as_csv(rows).encode("cp949" if layout == "cp949" else "utf-8-sig"))
    elif layout == "bom":
        put(here / "y.json", b"\xef\xbb\xbf" + plain)
        put(here / "y.xlsx", sheet)
    elif layout == "nested":
        put(here / unicodedata.normalize("NFD", "라벨링데이터/깊은") / "renamed", plain)
        put(here / "y.xlsx", sheet)
    else:
        put(here / "training.json", plain)
        put(here / "final.xlsx", sheet)
    put(tmp_path / "data" / "README.txt", b"not a dialogue")
    corpus = read_ecc([tmp_path / "data"])
    assert dialogues(corpus)["dialogue"].to_list() == [
        *(f"Pro_{number}" for number in range(4)),
        "xlsx-training-5",
    ]
    assert corpus.annotations["text"].to_list() == [text for said_ in texts for text in said_]
    assert dialogues(corpus)["disease_asked"].to_list() == [False] * 5
    assert findings(corpus)["ignored"] == ("README.txt",)


def test_json_in_cp949(tmp_path: Path) -> None:
    records = [record("Pro_1", said("가족"))]
    path = put(tmp_path / "a.json", json.dumps(records, ensure_ascii=False).encode("cp949"))
    corpus = read_ecc([path])
    assert corpus.annotations["text"].to_list() == said("가족")
    assert corpus.annotations["release"].to_list() == [None] * 6


def test_the_older_release(tmp_path: Path) -> None:
    header = ["번호", "연령", "성별", "상황키워드", "신체질환", "감정_대분류", "감정_소분류"]
    header += [f"{who}{turn}" for turn in (1, 2, 3, 4) for who in ("사람문장", "시스템응답")]
    sentences = [f"{number}번째 문장" for number in range(8)]
    profile = ("노년", "여성", "건강,죽음", "만성질환 유", "기쁨 ", "감사하는")
    path = put(
        tmp_path / "감성대화말뭉치(원천데이터)_Training.xlsx",
        as_xlsx([[7, *profile, *sentences]], header),
    )
    rows = read_ecc([path]).annotations
    assert rows["id"].to_list()[-2:] == ["xlsx-training-7_HS04", "xlsx-training-7_SS04"]
    assert rows["text"].to_list() == sentences
    columns = ("emotion", "disease", "age_group", "gender", "situation")
    assert rows.select(columns).unique().rows() == [("happiness", "D01", "senior", "female", "S11")]


@pytest.mark.parametrize(
    ("word", "disease", "asked"),
    [("만성질환 유", "D01", True), ("만성질환 무", "D02", True), ("해당없음", None, False)],
)
def test_tables_tell_what_d02_means(
    tmp_path: Path, word: str, disease: str | None, asked: bool
) -> None:
    code = "D01" if disease == "D01" else "D02"
    put(tmp_path / "a.json", as_json([record("Pro_1", said("x"), situation=("S06", code))]))
    profile = ("청년", "남성", "진로,취업,직장", word, "분노", "노여워하는")
    put(tmp_path / "a.xlsx", as_xlsx([row(1, said("x"), profile=profile)]))
    corpus = read_ecc([tmp_path])
    (dialogue,) = dialogues(corpus).select("disease", "disease_asked").rows()
    assert dialogue == (disease, asked)
    assert findings(corpus)["differing_dialogues"] == 0


def test_words_under_two_mains_are_told_apart(tmp_path: Path) -> None:
    profiles = [
        ("청년", "남성", "대인관계", "해당없음", main, word)
        for main, word in (
            ("상처", "고립된"),
            ("당황", "고립된"),
            ("불안", "혼란스러운"),
            ("당황", "혼란스러운"),
            ("슬픔", "슬픔"),
        )
    ]
    rows = [row(n, said(f"t{n}"), profile=profile) for n, profile in enumerate(profiles, 1)]
    corpus = read_ecc([put(tmp_path / "a.xlsx", as_xlsx(rows))])
    assert dialogues(corpus).select("emotion", "fine_emotion").rows() == [
        ("hurt", "E43"),
        ("embarrassment", "E51"),
        ("anxiety", "E34"),
        ("embarrassment", "E59"),
        ("sadness", "E20"),
    ]


def test_differences_between_the_forms_are_reported_and_json_wins(tmp_path: Path) -> None:
    kept = said("면접")
    other = [*kept[:5], "다른 답."]
    put(tmp_path / "Training.json", as_json([record("Pro_1", kept), record("Pro_2", said("둘"))]))
    profile = ("중년", "남성", "진로,취업,직장", "만성질환 유", "분노", "좌절한")
    put(
        tmp_path / "Training.xlsx",
        as_xlsx(
            [
                row(1, [f" {text}\u00a0" for text in said("둘")]),
                row(2, other, profile=profile),
                row(3, said("셋")),
            ]
        ),
    )
    corpus = read_ecc([tmp_path])
    found = findings(corpus)
    assert found["in_both"] == 2
    assert found["differing_dialogues"] == 1
    assert found["differing_fields"] == {
        "SS03": 1,
        "age_group": 1,
        "disease": 1,
        "fine_emotion": 1,
    }
    by_field = {entry["field"]: entry for entry in found["differences"]}
    assert by_field["SS03"] == {
        "dialogue": "Pro_1",
        "field": "SS03",
        "kept": kept[5],
        "other": "다른 답.",
        "source": "Training.xlsx",
        "row": 2,
    }
    first = corpus.annotations.filter(pl.col("dialogue") == "Pro_1")
    assert first["text"].to_list() == kept
    assert first["fine_emotion"].to_list() == ["E18"] * 6


def test_dialogues_of_two_releases_are_never_one(tmp_path: Path) -> None:
    put(tmp_path / "Training.json", as_json([record("Pro_1", said("같은"))]))
    put(tmp_path / "Validation.xlsx", as_xlsx([row(1, said("같은"))]))
    assert dialogues(read_ecc([tmp_path]))["dialogue"].to_list() == ["Pro_1", "xlsx-validation-1"]


def test_a_table_tells_the_release_that_the_json_does_not(tmp_path: Path) -> None:
    put(tmp_path / "a.json", as_json([record("Pro_1", said("같은"))]))
    put(tmp_path / "Validation" / "b.xlsx", as_xlsx([row(1, said("같은"))]))
    rows = read_ecc([tmp_path]).annotations
    assert rows["release"].unique().to_list() == ["validation"]


def test_equal_dialogues_of_one_file_stay_two(tmp_path: Path) -> None:
    twice = [record("Pro_1", said("같은")), record("Pro_2", said("같은"))]
    put(tmp_path / "Training.json", as_json(twice))
    rows = [row(number, said("같은")) for number in (1, 2, 3)]
    put(tmp_path / "Training.xlsx", as_xlsx(rows))
    put(tmp_path / "Training.csv", as_csv(rows).encode())
    corpus = read_ecc([tmp_path])
    assert dialogues(corpus)["dialogue"].to_list() == ["Pro_1", "Pro_2", "xlsx-training-3"]


def test_the_same_file_twice_is_read_once(tmp_path: Path) -> None:
    data = as_json([record("Pro_1", said("x"))])
    put(tmp_path / "a" / "Training.json", data)
    put_zip(tmp_path / "b" / "Training.zip", "Training.json", data)
    corpus = read_ecc([tmp_path])
    assert dialogues(corpus).height == 1
    assert findings(corpus)["same_files"] == (("b/Training.zip/Training.json", "a/Training.json"),)


def test_copies_of_a_record_count_once_and_contradictions_are_set_aside(tmp_path: Path) -> None:
    same, first = record("Pro_1", said("같은")), record("Pro_2", said("하나"))
    put(tmp_path / "a.json", as_json([same, first]))
    put(tmp_path / "b.json", as_json([same, record("Pro_2", said("둘"))]))
    corpus = read_ecc([tmp_path])
    assert dialogues(corpus)["dialogue"].to_list() == ["Pro_1"]
    assert findings(corpus)["repeated_records"] == 1
    assert corpus.quarantine["reason"].unique().to_list() == ["conflicting_copies"]
    assert corpus.quarantine.height == 12


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "emotion": (record("Pro_9", said("x"), emotion="E70"), "unknown_emotion"),
    "no emotion": (record("Pro_9", said("x"), emotion=""), "unknown_emotion"),
    "age": (record("Pro_9", said("x"), human=("A07", "G01")), "unknown_age"),
    "no age": (record("Pro_9", said("x"), human=("G01",)), "unknown_age"),
    "gender": (record("Pro_9", said("x"), human=("A01", "G09")), "unknown_gender"),
    "situation": (record("Pro_9", said("x"), situation=("S77", "D01")), "unknown_situation"),
    "disease": (record("Pro_9", said("x"), situation=("S01", "D09")), "unknown_disease"),
    "first sentence": (record("Pro_9", ["", *said("x")[1:]]), "missing_sentence"),
    "gap": (record("Pro_9", ["가", "나", " \u00a0", "라", "마", "바"]), "missing_sentence"),
    "one turn": (record("Pro_9", said("x", 1)), "missing_sentence"),
    "nothing said": (record("Pro_9", [""] * 6), "missing_sentence"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_dialogue_with_a_fault_is_set_aside_whole(tmp_path: Path, name: str) -> None:
    bad, reason = BROKEN[name]
    path = put(tmp_path / "a.json", as_json([record("Pro_1", said("좋은")), bad]))
    corpus = read_ecc([path])
    assert dialogues(corpus)["dialogue"].to_list() == ["Pro_1"]
    aside = corpus.quarantine
    assert dict(aside.schema) == dict(QUARANTINE_SCHEMA)
    assert aside["reason"].unique().to_list() == [reason]
    assert not aside["by_design"].any()
    assert aside["row"].unique().to_list() == [2]
    sentences = sum(bool(text.strip()) for text in bad["talk"]["content"].values())
    assert aside.height == max(sentences, 1)
    assert aside["detail"].str.ends_with(".").all()
    assert findings(corpus)["quarantined"] == aside.height


def test_unknown_and_contradictory_words_of_a_table(tmp_path: Path) -> None:
    profiles = [
        ("청년", "남성", "대인관계", "해당없음", "환희", "감사하는"),
        ("청년", "남성", "대인관계", "해당없음", "기쁨", "좌절한"),
        ("청년", "남성", "대인관계", "해당없음", "기쁨", "날아갈 듯한"),
        ("장년", "남성", "대인관계", "해당없음", "기쁨", "감사하는"),
    ]
    rows = [row(n, said(f"t{n}"), profile=profile) for n, profile in enumerate(profiles, 1)]
    corpus = read_ecc([put(tmp_path / "Training.xlsx", as_xlsx(rows))])
    assert corpus.quarantine.unique("row").sort("row").select("row", "reason").rows() == [
        (1, "unknown_emotion"),
        (2, "contradictory_emotion"),
        (4, "unknown_age"),
    ]
    (kept,) = dialogues(corpus).select("emotion", "fine_emotion").rows()
    assert kept == ("happiness", None)
    assert findings(corpus)["unknown_fine_emotions"] == {"날아갈 듯한": 1}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        {},
        {"talk": {"content": {"HS01": "a"}}},
        {"talk": {"id": {"talk-id": "Pro_9"}}},
        {"talk": {"id": {"talk-id": "Pro_9"}, "content": {"HS01": 5}}},
        {"talk": {"id": {"talk-id": "Pro_9"}, "content": {"HS09": "extra"}}},
        record("Pro_9", ["\ud800", *said("x")[1:]]),
    ],
)
def test_a_record_of_another_shape_is_set_aside(tmp_path: Path, bad: object) -> None:
    good = record("Pro_1", said("좋은"))
    path = put(tmp_path / "a.json", json.dumps([good, bad]).encode())
    corpus = read_ecc([path])
    assert dialogues(corpus).height == 1
    (aside,) = corpus.quarantine.rows(named=True)
    assert (aside["reason"], aside["row"]) == ("malformed_record", 2)
    assert aside["id"] == f"{corpus.inputs[0].sha256[:8]}-0000002"


def test_rows_of_a_csv_that_do_not_fit(tmp_path: Path) -> None:
    text = as_csv([row(1, said("a")), row(2, said("b"))])
    text = text.replace("\n", "\n\n", 1) + '"3","청년"\n'
    corpus = read_ecc([put(tmp_path / "a.csv", text.encode())])
    assert dialogues(corpus)["dialogue"].to_list() == ["xlsx-unknown-1", "xlsx-unknown-2"]
    (aside,) = corpus.quarantine.rows(named=True)
    assert (aside["reason"], aside["row"]) == ("malformed_record", 3)
    assert "2 fields, the header 13" in aside["detail"]


def test_counters_that_clash_still_name_every_dialogue(tmp_path: Path) -> None:
    put(tmp_path / "a.xlsx", as_xlsx([row(1, said("하나"))]))
    put(tmp_path / "b.xlsx", as_xlsx([row(1, said("둘")), row(1, said("셋")), row(1, said("셋"))]))
    names = dialogues(read_ecc([tmp_path]))["dialogue"].to_list()
    assert len(set(names)) == 4
    assert all(name.startswith("xlsx-unknown-1-") for name in names)


def test_all_damaged_files_are_named_at_once(tmp_path: Path) -> None:
    data = as_json([record(f"Pro_{number}", said("x")) for number in range(3)])
    put(tmp_path / "cut.json", data[:-40])
    put(tmp_path / "good.json", data)
    put(tmp_path / "headless.csv", "사람문장1,연령\n가,청년\n".encode())
    put(tmp_path / "cut.xlsx", as_xlsx([row(1, said("x"))])[:-30])
    with pytest.raises(DataError) as caught:
        read_ecc([tmp_path])
    assert "cut.xlsx: The zip archive is cut off" in str(caught.value)
    (tmp_path / "cut.xlsx").unlink()
    with pytest.raises(DataError) as caught:
        read_ecc([tmp_path])
    first, second = caught.value.problems
    assert "cut.json: the JSON is cut off at byte" in first
    assert "in record 3" in first
    assert "headless.csv: the dialogues lack the columns 성별, 감정대분류" in second


def test_a_workbook_that_claims_a_far_cell_is_refused(tmp_path: Path) -> None:
    wide = [[*row(1, said("x")), *[""] * 500, "far"]]
    with pytest.raises(DataError, match="a cell far outside of any table"):
        read_ecc([put(tmp_path / "a.xlsx", as_xlsx(wide))])


def test_no_dialogues_at_all(tmp_path: Path) -> None:
    put(tmp_path / "a.json", b'[{"filename": "x.jpg"}]')
    put(tmp_path / "book.xlsx", workbook([["a", "b"], ["1", "2"]]))
    with pytest.raises(DataError, match="no ECC dialogues among 2 files"):
        read_ecc([tmp_path])


def test_the_layout_of_the_files_does_not_matter(tmp_path: Path) -> None:
    texts = [said(f"주제 {number}") for number in range(6)]
    records = [record(f"Pro_{number}", text) for number, text in enumerate(texts)]
    put(tmp_path / "a" / "Training.json", as_json(records))
    for number, entry in enumerate(reversed(records)):
        put_zip(tmp_path / "b" / f"Training {number}.zip", "Training.json", as_json([entry]))
    one, many = (read_ecc([tmp_path / name]).annotations.drop("row") for name in ("a", "b"))
    assert one.equals(many)


def test_real_excerpt_agrees_in_both_forms(real_data: Path) -> None:
    folder = real_data / "korean" / "ecc"
    corpus = read_ecc([folder])
    found = findings(corpus)
    assert (found["dialogues"], found["in_both"], found["quarantined"]) == (96, 96, 0)
    assert found["differing_fields"] == {}
    (path,) = folder.glob("*.json")
    expected = {
        (entry["talk"]["id"]["talk-id"], turn): (text, entry["profile"]["emotion"]["type"])
        for entry in json.loads(path.read_bytes())
        for turn, text in entry["talk"]["content"].items()
        if text.strip()
    }
    rows = corpus.annotations
    assert {
        (dialogue, turn): (text, fine)
        for dialogue, turn, text, fine in rows.select(
            "dialogue", "turn", "text", "fine_emotion"
        ).iter_rows()
    } == expected
    cells = dialogues(corpus).group_by("age_group", "gender", "emotion").len()
    assert cells.height == 4 * 2 * 6
    assert cells["len"].unique().to_list() == [2]
    asked = dialogues(corpus).filter("disease_asked")
    assert asked.height == 24
    assert asked["age_group"].unique().to_list() == ["senior"]
