"""The files of the synthetic ECC, read with the standard library alone."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from artcurate.errors import UsageError
from artcurate.progress import ProgressMode
from artcurate.sources.synthetic.korean import KoreanSample, write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

DIALOGUES = 700
HEADER = [
    *(None, "연령", "성별", "상황키워드", "신체질환", "감정_대분류", "감정_소분류"),
    *("사람문장1", "시스템문장1", "사람문장2", "시스템문장2", "사람문장3", "시스템문장3"),
]
AGES = {"A01": "청소년", "A02": "청년", "A03": "중년", "A04": "노년"}
SEXES = {"G01": "남성", "G02": "여성"}
MAINS = {"1": "분노", "2": "슬픔", "3": "불안", "4": "상처", "5": "당황", "6": "기쁨"}
SITUATIONS = {
    "A01": {"S01": "가족관계", "S02": "학업 및 진로", "S03": "학교폭력/따돌림"},
    "A02": {"S04": "대인관계", "S05": "연애,결혼,출산", "S06": "진로,취업,직장"},
    "A03": {
        "S07": "대인관계(부부, 자녀)",
        "S08": "재정,은퇴,노후준비",
        "S09": "건강",
        "S10": "직장, 업무 스트레스",
    },
    "A04": {"S04": "대인관계", "S11": "건강,죽음", "S12": "대인관계(노년)", "S13": "재정"},
}
FINE_EXAMPLES = {
    "E10": "분노",
    "E17": "구역질 나는",
    "E34": "혼란스러운",
    "E43": "고립된",
    "E45": "가난한, 불우한",
    "E51": "고립된",
    "E59": "혼란스러운",
    "E69": "자신하는",
}

Record = dict[str, Any]
Row = list[str | None]


def write(directory: Path, **options: Any) -> KoreanSample:
    return write_korean_sample(
        directory,
        persons=12,
        dialogues=DIALOGUES,
        images=140,
        seed=3,
        pixels=PixelMode.NONE,
        progress=ProgressMode.QUIET,
        **options,
    )


def inside(archive: Path) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        (member,) = opened.infolist()
        assert member.flag_bits & 0x800 == 0
        name = member.filename.encode("cp437").decode("cp949")
        assert Path(name).stem == archive.stem
        return opened.read(member)


def sheet_rows(data: bytes) -> list[Row]:
    """Every row of the first sheet of a workbook, a cell that is not there as None."""
    names = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(data)) as workbook:
        book = ElementTree.fromstring(workbook.read("xl/workbook.xml"))  # noqa: S314
        sheet = ElementTree.fromstring(workbook.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    assert [s.get("name") for s in book.iterfind(".//m:sheet", names)] == ["Sheet1"]
    rows = []
    for row in sheet.iterfind(".//m:row", names):
        cells: Row = [None] * 15
        for cell in row.iterfind("m:c", names):
            place = ord((cell.get("r") or "")[0]) - ord("A")
            cells[place] = "".join(part.text or "" for part in cell.iter() if part.text)
        rows.append(cells)
    return rows


def tables(directory: Path, release: str) -> tuple[list[Row], list[Record]]:
    root = directory / "ecc" / "018.감성대화" / f"{release}_221115_add"
    name = f"감성대화말뭉치(최종데이터)_{release}.zip"
    records = json.loads(inside(root / "라벨링데이터" / name).decode("utf-8-sig"))
    return sheet_rows(inside(root / "원천데이터" / name)), records


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("ecc") / "raw").directory


@pytest.fixture(scope="module")
def releases(directory: Path) -> dict[str, tuple[list[Row], list[Record]]]:
    return {release: tables(directory, release) for release in ("Training", "Validation")}


@pytest.fixture(scope="module")
def records(releases: dict[str, tuple[list[Row], list[Record]]]) -> list[Record]:
    return [record for _, records in releases.values() for record in records]


def test_four_archives_two_names(directory: Path) -> None:
    archives = sorted((directory / "ecc").rglob("*.zip"))
    assert len(archives) == 4
    assert set(Counter(path.name for path in archives).values()) == {2}


def test_header_and_rows_only_the_sheets_have(
    releases: dict[str, tuple[list[Row], list[Record]]],
) -> None:
    extra = {}
    for release, (rows, records) in releases.items():
        assert rows[0][:13] == HEADER
        assert [row[0] for row in rows[1:]] == [str(n) for n in range(1, len(rows))]
        extra[release] = len(rows) - 1 - len(records)
    assert extra == {"Training": 2, "Validation": 1}
    assert sum(len(rows) - 1 for rows, _ in releases.values()) == DIALOGUES


def test_both_forms_tell_the_same(releases: dict[str, tuple[list[Row], list[Record]]]) -> None:
    for rows, records in releases.values():
        told = {tuple(row[1:13]) for row in rows[1:]}
        for record in records:
            age, sex = record["profile"]["persona"]["human"]
            situation, disease = record["profile"]["emotion"]["situation"]
            code = record["profile"]["emotion"]["type"]
            texts = [text or None for text in record["talk"]["content"].values()]
            key = (AGES[age], SEXES[sex], SITUATIONS[age][situation])
            alike = [row for row in told if row[:3] == key and list(row[6:]) == texts]
            (row,) = alike
            assert (row[3] == "만성질환 유") == (disease == "D01")
            assert (row[3] == "해당없음") == (age != "A04")
            assert row[4] == MAINS[code[1]]
            assert FINE_EXAMPLES.get(code, row[5]) == row[5]


def test_json_has_the_keys_of_the_real_one(records: list[Record]) -> None:
    record = records[0]
    assert list(record) == ["profile", "talk"]
    assert list(record["profile"]) == ["persona-id", "persona", "emotion"]
    assert list(record["profile"]["persona"]) == ["persona-id", "human", "computer"]
    assert record["profile"]["persona"]["computer"] == ["C01"]
    assert list(record["talk"]["content"]) == ["HS01", "SS01", "HS02", "SS02", "HS03", "SS03"]


def test_one_release_starts_with_a_byte_order_mark(directory: Path) -> None:
    marks = {
        release: inside(path).startswith(b"\xef\xbb\xbf")
        for release in ("Training", "Validation")
        for path in (directory / "ecc").glob(f"*/{release}*/라벨링데이터/*.zip")
    }
    assert marks == {"Training": False, "Validation": True}


def test_all_codes_occur_where_they_belong(records: list[Record]) -> None:
    situations = defaultdict(set)
    for record in records:
        situations[record["profile"]["persona"]["human"][0]].add(
            record["profile"]["emotion"]["situation"][0]
        )
    assert situations == {age: set(known) for age, known in SITUATIONS.items()}
    codes = {record["profile"]["emotion"]["type"] for record in records}
    assert codes == {f"E{main}{fine}" for main in range(1, 7) for fine in range(10)}
    ill = {r["profile"]["emotion"]["situation"][1] for r in records}
    assert ill == {"D01", "D02"}


def test_profiles_are_numbered_as_in_the_real_release(records: list[Record]) -> None:
    """Age, sex, situation, disease and emotion number a profile; some real ones are known."""
    known = {
        ("A01", "G01", "S01", "D02", "E37"): 88,
        ("A01", "G02", "S03", "D02", "E60"): 1911,
        ("A02", "G01", "S06", "D02", "E17"): 3788,
        ("A02", "G02", "S05", "D02", "E62"): 5273,
        ("A03", "G01", "S10", "D02", "E65"): 7436,
        ("A04", "G01", "S11", "D01", "E15"): 10566,
        ("A04", "G02", "S13", "D02", "E64"): 12475,
    }
    ages, mains = sorted(AGES), sorted(MAINS)
    for (age, sex, situation, disease, code), number in known.items():
        place = ((ages.index(age) * 2 + int(sex[2]) - 1) * 13 + int(situation[1:]) - 1) * 2
        place = (place + int(disease[2]) - 1) * 60 + mains.index(code[1]) * 10 + int(code[2])
        assert place + 1 == number
    for record in records:
        age, sex = record["profile"]["persona"]["human"]
        situation, disease = record["profile"]["emotion"]["situation"]
        code = record["profile"]["emotion"]["type"]
        place = ((ages.index(age) * 2 + int(sex[2]) - 1) * 13 + int(situation[1:]) - 1) * 2
        place = (place + int(disease[2]) - 1) * 60 + (int(code[1]) - 1) * 10 + int(code[2])
        assert record["profile"]["persona-id"] == f"Pro_{place + 1:05}"
        assert record["profile"]["emotion"]["emotion-id"] == f"{situation}_{disease}_{code}"
        assert record["talk"]["id"]["talk-id"].startswith(record["profile"]["persona-id"] + "_")


def test_talks_are_unique_and_profiles_shared(
    records: list[Record], releases: dict[str, tuple[list[Row], list[Record]]]
) -> None:
    assert len({r["talk"]["id"]["talk-id"] for r in records}) == len(records)
    profiles = Counter(r["profile"]["persona-id"] for r in records)
    assert max(profiles.values()) > 1
    in_release = [{r["profile"]["persona-id"] for r in records} for _, records in releases.values()]
    assert in_release[0] & in_release[1]


def test_texts_are_as_clean_and_as_dirty_as_real_ones(records: list[Record]) -> None:
    texts = [text for r in records for text in r["talk"]["content"].values() if text]
    assert not any(set(text) & set('\n\r",') for text in texts)
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)
    assert any(text != text.strip() for text in texts)
    assert any("  " in text for text in texts)
    assert any("\u00a0" in text for text in texts)
    lengths = [len(r["talk"]["content"]["HS01"]) for r in records]
    assert min(lengths) >= 5
    assert max(lengths) <= 102


def test_a_third_of_the_dialogues_end_after_two_turns(records: list[Record]) -> None:
    contents = [r["talk"]["content"] for r in records]
    assert all(c["HS01"] and c["SS01"] and c["HS02"] and c["SS02"] for c in contents)
    assert all((c["HS03"] == "") == (c["SS03"] == "") for c in contents)
    ended = sum(c["HS03"] == "" for c in contents) / len(contents)
    assert 0.25 < ended < 0.42


def test_some_sentences_stand_twice(records: list[Record]) -> None:
    labels = defaultdict(list)
    for record in records:
        for turn in ("HS01", "HS02"):
            text = record["talk"]["content"][turn]
            labels[text].append(record["profile"]["emotion"]["type"][1])
    repeated = [found for found in labels.values() if len(found) > 1]
    assert 4 <= len(repeated) < 40
    assert any(len(set(found)) > 1 for found in repeated)
    assert any(len(set(found)) == 1 for found in repeated)


def test_people_speak_plainly_and_the_system_politely(records: list[Record]) -> None:
    contents = [r["talk"]["content"] for r in records]
    plain = [c["HS01"].strip().rstrip(".").endswith("요") for c in contents]
    polite = [c["SS01"].strip().rstrip(".?").endswith(("요", "까")) for c in contents]
    assert sum(plain) / len(plain) < 0.08
    assert all(polite)


def test_the_older_release_has_other_columns(tmp_path: Path) -> None:
    rows, records = tables(write(tmp_path / "raw", older_ecc=True).directory, "Training")
    assert rows[0][0] == "번호"
    assert rows[0][7:15] == [
        f"{kind}{turn}" for turn in range(1, 5) for kind in ("사람문장", "시스템응답")
    ]
    mains = [row[5] or "" for row in rows[1:]]
    assert {main.strip() for main in mains} == set(MAINS.values())
    assert any(main != main.strip() for main in mains)
    assert any(record["talk"]["content"]["HS04"] for record in records)
    assert any(not record["talk"]["content"]["HS04"] for record in records)


def test_too_few_dialogues_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 100"):
        write_korean_sample(tmp_path / "raw", dialogues=99, progress=ProgressMode.QUIET)
