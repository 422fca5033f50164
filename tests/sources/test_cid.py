from __future__ import annotations

import io
import json
import math
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from artcurate.archives.documents import Content, Document, documents, read_content
from artcurate.archives.tree import DiskFile, survey
from artcurate.corpus import QUARANTINE_SCHEMA, Corpus
from artcurate.errors import DataError
from artcurate.images.storage import ImageReader
from artcurate.sources.cid import read_cid
from artcurate.sources.cid.labels import read_labels
from artcurate.sources.cid.names import parse_names

BOXES = {"minX": 588.9931, "minY": 362, "maxX": 939.0916, "maxY": 832.26514}


def person(number: int) -> str:
    return f"{number:064x}"


def name(
    number: int = 1,
    frame: int = 1,
    *,
    gender: str = "여",
    age: int = 40,
    emotion: str = "기쁨",
    background: str = "오락&공연시설",
    suffix: str = "jpg",
) -> str:
    moment = f"20210127164601-005-{frame:03}"
    return f"{person(number)}_{gender}_{age}_{emotion}_{background}_{moment}.{suffix}"


def record(filename: str, **changes: Any) -> dict[str, Any]:
    """A label record that agrees with its file name, but for `changes`."""
    _, gender, age, emotion, *_ = filename.split("_")
    background = filename.split("_", 4)[4].rpartition("_")[0].replace("&", "/")
    annotation = {"boxes": BOXES, "faceExp": emotion, "bg": background}
    return {
        "filename": filename,
        "gender": gender,
        "age": int(age),
        "isProf": "전문인",
        "faceExp_uploader": emotion,
        "bg_uploader": background,
        **{f"annot_{annotator}": annotation for annotator in "ABC"},
        **changes,
    }


class Korean(zipfile.ZipInfo):
    """A member whose name is CP949 without the UTF-8 flag."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("cp949"), self.flag_bits & ~0x800


def zipped(members: Mapping[str, bytes], *, cp949: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, data in members.items():
            archive.writestr(Korean(member) if cp949 else zipfile.ZipInfo(member), data)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def put_labels(
    folder: Path, records: Sequence[Any], file: str = "img_emotion_training_data(기쁨).json"
) -> Path:
    return put(folder / file, json.dumps(records).encode())


def findings(corpus: Corpus) -> dict[str, Any]:
    found: dict[str, Any] = corpus.findings["cid"]
    return found


def reasons(corpus: Corpus) -> dict[str, int]:
    return dict(Counter(corpus.quarantine["reason"]))


def read_all(corpus: Corpus) -> dict[str, bytes]:
    """The bytes of every picture, read as the later steps read them."""
    data: dict[str, bytes] = {}
    for row in corpus.images.iter_rows(named=True):
        with ImageReader(corpus.roots[row["root"]]) as reader:
            content = reader.read(row["location"], row["member"])
        assert isinstance(content, bytes), content
        assert len(content) == row["bytes"]
        data[row["id"]] = content
    return data


def test_a_label_with_its_picture(tmp_path: Path) -> None:
    filename = name(7, 3, suffix="jpeg")
    votes = {
        "annot_B": {"boxes": BOXES, "faceExp": "알수없음", "bg": "도심 환경"},
        "annot_C": {"boxes": {**BOXES, "minX": -4}, "faceExp": "불안", "bg": None},
    }
    put_labels(tmp_path / "Training" / "[라벨]EMOIMG_기쁨_TRAIN", [record(filename, **votes)])
    put(tmp_path / "Training" / "[원천]EMOIMG_기쁨_TRAIN_01.zip", zipped({filename: b"jpeg"}))
    corpus = read_cid([tmp_path])
    (row,) = corpus.images.rows(named=True)
    boxes = row.pop("boxes")
    assert row == {
        "id": filename.removesuffix(".jpeg"),
        "person": person(7),
        "gender": "female",
        "age": 40,
        "professional": True,
        "uploader_emotion": "happiness",
        "uploader_background": "오락/공연시설",
        "annotator_emotions": ["happiness", None, "anxiety"],
        "annotator_backgrounds": ["오락/공연시설", "도심 환경", None],
        "background": "오락/공연시설",
        "place": "005",
        "frame": "003",
        "taken": "20210127164601",
        "release": "training",
        "root": "cid",
        "location": "Training/[원천]EMOIMG_기쁨_TRAIN_01.zip",
        "member": filename,
        "source": "img_emotion_training_data(기쁨).json",
        "row": 1,
        "bytes": 4,
    }
    box = {"left": 588.9931, "top": 362.0, "right": 939.0916, "bottom": 832.26514}
    assert boxes[0] == pytest.approx(box)
    assert boxes[2] == pytest.approx(box | {"left": -4.0})
    assert corpus.images.schema["boxes"] == pl.List(
        pl.Struct(dict.fromkeys(("left", "top", "right", "bottom"), pl.Float32))
    )
    assert corpus.quarantine.is_empty()
    assert corpus.roots == {"cid": tmp_path}
    assert read_all(corpus) == {row["id"]: b"jpeg"}


@pytest.mark.parametrize("wrapping", ["folder", "nfd", "cp949", "utf-8", "parts", "underscore"])
def test_pictures_in_every_wrapping(tmp_path: Path, wrapping: str) -> None:
    names = [
        name(1, 1, background="상업시설&점포&시장"),
        name(1, 2, background="교통&이동수단(엘리베이터 포함)", suffix="jpeg"),
        name(2, 1, background="숙박 및 거주공간"),
    ]
    expected = {f.rpartition(".")[0]: f.encode() for f in names}
    put_labels(tmp_path, [record(filename) for filename in names])
    members = {f"깊은/{filename}": filename.encode() for filename in names}
    for filename in names:
        if wrapping == "folder":
            put(tmp_path / "1.Training" / "상처 [원천]" / filename, filename.encode())
        elif wrapping == "nfd":
            spelled = unicodedata.normalize("NFD", filename).replace(".jpg", ".JPG")
            put(tmp_path / "a" / spelled, filename.encode())
        elif wrapping == "underscore":
            put(tmp_path / filename.replace("&", "_"), filename.encode())
    if wrapping in ("cp949", "utf-8"):
        put(tmp_path / "a.zip", zipped(members, cp949=wrapping == "cp949"))
    elif wrapping == "parts":
        data = zipped(members)
        put(tmp_path / "b" / "a.zip.part0", data[:300])
        put(tmp_path / "b" / "a.zip.part300", data[300:])
    corpus = read_cid([tmp_path])
    assert corpus.images["id"].to_list() == sorted(expected)
    assert read_all(corpus) == expected
    assert findings(corpus)["coverage"] == {"labels": 3, "with_image": 3}


def test_slashes_in_names_are_no_folders(tmp_path: Path) -> None:
    filename = name(background="상업시설/점포/시장")
    put_labels(tmp_path, [record(name(background="상업시설&점포&시장")) | {"filename": filename}])
    put(tmp_path / "a.zip", zipped({f"in/{filename}": b"x"}))
    (row,) = read_cid([tmp_path]).images.rows(named=True)
    assert row["id"] == name(background="상업시설&점포&시장").removesuffix(".jpg")
    assert row["background"] == "상업시설/점포/시장"


def test_what_names_say() -> None:
    good = name(255, 12, gender="남", age=20, emotion="중립", background="도심 환경")
    bad = [
        "IMG_0001.jpg",
        good.replace(person(255), "f" * 63),
        good.replace("_남_", "_x_"),
        good.replace(".jpg", ".png"),
        good.replace("-012", "-12"),
        f"._{good}",
    ]
    rows = parse_names(pl.Series([good, f"a/b/{good}", *bad], dtype=pl.String)).rows(named=True)
    assert rows[0] == rows[1]
    assert rows[0] == {
        "id": good.removesuffix(".jpg"),
        "person": person(255),
        "name_gender": "남",
        "name_age": 20,
        "name_emotion": "중립",
        "background": "도심 환경",
        "taken": "20210127164601",
        "place": "005",
        "frame": "012",
    }
    assert all(value is None for row in rows[2:] for value in row.values())


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-8-sig", "euc-kr"])
@pytest.mark.parametrize("packed", [False, True])
def test_labels_in_every_encoding(tmp_path: Path, encoding: str, packed: bool) -> None:
    text = json.dumps([record(name())], ensure_ascii=encoding == "ascii", indent=1)
    data = text.encode(encoding)
    if packed:
        put(tmp_path / "labels.zip", zipped({"x/Validation.json": data}))
    else:
        put(tmp_path / "deep" / "Validation.json", data)
    corpus = read_cid([tmp_path])
    assert findings(corpus)["classes"] == {"happiness": {"labels": 1, "with_image": 0}}
    assert findings(corpus)["releases"] == {"validation": {"labels": 1, "with_image": 0}}
    assert reasons(corpus) == {"no_image": 1}


def test_coverage_of_a_partial_download(tmp_path: Path) -> None:
    happy = [name(1, frame) for frame in range(4)]
    sad = [name(2, frame, emotion="슬픔") for frame in range(3)]
    put_labels(tmp_path, [record(filename) for filename in happy])
    put_labels(tmp_path, [record(f) for f in sad], "img_emotion_validation_data(슬픔).json")
    extra = [name(3, frame) for frame in range(2)]
    put(tmp_path / "[원천]기쁨_01.zip", zipped(dict.fromkeys([*happy[:3], extra[0]], b"x")))
    put(tmp_path / "[원천]기쁨_03.zip", zipped({extra[1]: b"x", "IMG_1.jpg": b"x"}))
    corpus = read_cid([tmp_path])
    found = findings(corpus)
    assert corpus.images.height == found["kept"] == 3
    assert found["classes"] == {
        "happiness": {"labels": 4, "with_image": 3},
        "sadness": {"labels": 3, "with_image": 0},
    }
    assert found["releases"] == {
        "training": {"labels": 4, "with_image": 3},
        "validation": {"labels": 3, "with_image": 0},
    }
    assert found["persons"] == {"all": 0, "some": 1, "none": 1}
    assert [
        (entry["name"], entry["images"], entry["with_label"], entry["misnamed"])
        for entry in found["archives"]
    ] == [("[원천]기쁨_01.zip", 4, 3, 0), ("[원천]기쁨_03.zip", 1, 0, 1)]
    assert reasons(corpus) == {"no_image": 4, "no_label": 2, "bad_name": 1}
    aside = corpus.quarantine
    assert dict(aside.schema) == dict(QUARANTINE_SCHEMA)
    by_design = aside.filter("by_design")["reason"].unique().sort().to_list()
    assert by_design == ["no_image", "no_label"]
    unlabelled = aside.filter(pl.col("reason") == "no_label").sort("id")
    assert unlabelled["source"].to_list() == ["[원천]기쁨_01.zip", "[원천]기쁨_03.zip"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"faceExp_uploader": "환희"}, "unknown_emotion"),
        ({"faceExp_uploader": "알수없음"}, "unknown_emotion"),
        ({"faceExp_uploader": None}, "unknown_emotion"),
        ({"annot_B": {"boxes": BOXES, "faceExp": "환희", "bg": "x"}}, "unknown_emotion"),
        ({"gender": "?"}, "unknown_gender"),
        ({"age": 7}, "implausible_age"),
        ({"age": 130}, "implausible_age"),
        ({"age": None}, "implausible_age"),
        ({"age": True}, "implausible_age"),
        ({"filename": "x.jpg"}, "bad_name"),
        ({"filename": None}, "malformed_record"),
        ({"filename": "\ud800.jpg"}, "malformed_record"),
    ],
)
def test_a_record_with_a_fault_is_set_aside(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    names = [name(1, 1), name(1, 2)]
    put_labels(tmp_path, [record(names[0]), record(names[1]) | changes])
    put(tmp_path / "a.zip", zipped(dict.fromkeys(names, b"x")))
    corpus = read_cid([tmp_path])
    assert corpus.images["id"].to_list() == [names[0].removesuffix(".jpg")]
    aside = corpus.quarantine.filter(pl.col("row") == 2)
    assert aside["reason"].to_list() == [reason]
    assert not aside["by_design"].any()
    assert aside["detail"].str.ends_with(".").all()
    assert aside["source"].to_list() == ["img_emotion_training_data(기쁨).json"]


@pytest.mark.parametrize("age", [40, 43, "40", "40대", 40.0])
def test_years_and_decades_agree_with_the_name(tmp_path: Path, age: object) -> None:
    put_labels(tmp_path, [record(name(1)) | {"age": age}])
    put(tmp_path / name(1), b"x")
    assert read_cid([tmp_path]).images["age"].to_list() == [43 if age == 43 else 40]


@pytest.mark.parametrize(
    ("second", "changes"),
    [
        (name(1, 2, gender="남"), {}),
        (name(1, 2), {"gender": "남"}),
        (name(1, 2), {"age": 20}),
        (name(1, 2, age=20), {}),
    ],
)
def test_a_person_who_contradicts_itself_is_set_aside_whole(
    tmp_path: Path, second: str, changes: dict[str, Any]
) -> None:
    names = [name(1, 1), second, name(2, 1)]
    records = [record(names[0]), record(second) | changes, record(names[2])]
    put_labels(tmp_path, records)
    put(tmp_path / "a.zip", zipped(dict.fromkeys(names, b"x")))
    corpus = read_cid([tmp_path])
    assert corpus.images["person"].to_list() == [person(2)]
    assert reasons(corpus) == {"inconsistent_person": 2}


def test_one_slip_in_an_age_does_not_condemn_the_person(tmp_path: Path) -> None:
    put_labels(tmp_path, [record(name(1, 1)), record(name(1, 2)) | {"age": 130}])
    put(tmp_path / name(1, 1), b"x")
    corpus = read_cid([tmp_path])
    assert corpus.images.height == 1
    assert reasons(corpus) == {"implausible_age": 1}


def test_copies_of_a_picture(tmp_path: Path) -> None:
    names = [name(1, frame) for frame in range(6)]
    put_labels(tmp_path, [record(filename) for filename in names])
    first = {filename: b"picture %d" % number for number, filename in enumerate(names)}
    put(tmp_path / "a.zip", zipped(first))
    second = {
        names[0]: first[names[0]],  # the same
        names[1]: b"another size",
        names[2]: b"picture X",  # the same size
    }
    put(tmp_path / "b.zip", zipped(second))
    put(tmp_path / "files" / names[3].replace("&", "_"), first[names[3]])  # the same
    put(tmp_path / "files" / names[4], b"picture Y")  # the same size
    corpus = read_cid([tmp_path])
    assert corpus.images["frame"].to_list() == ["000", "003", "005"]
    assert reasons(corpus) == {"conflicting_copies": 3}
    assert findings(corpus)["repeated_images"] == 2
    details = corpus.quarantine.sort("id")["detail"].to_list()
    assert details[0] == "Its copies have different bytes; see a.zip, b.zip."
    read_all(corpus)


def test_copies_of_a_record(tmp_path: Path) -> None:
    names = [name(1, 1), name(1, 2)]
    put_labels(tmp_path / "a", [record(filename) for filename in names], "sample.json")
    disagreeing = record(names[1]) | {"isProf": "일반인"}
    put_labels(tmp_path / "b", [record(names[0]), disagreeing], "training.json")
    put_labels(tmp_path / "c", [record(names[0]), disagreeing], "training.json")
    put(tmp_path / "a.zip", zipped(dict.fromkeys(names, b"x")))
    corpus = read_cid([tmp_path])
    found = findings(corpus)
    assert corpus.images["frame"].to_list() == ["001"]
    assert corpus.images["release"].to_list() == ["training"]
    assert found["repeated_records"] == 1
    assert found["same_files"] == (("c/training.json", "b/training.json"),)
    assert reasons(corpus) == {"conflicting_copies": 2}


def test_encrypted_and_unsafe_members(tmp_path: Path) -> None:
    names = [name(1, 1), name(1, 2)]
    put_labels(tmp_path, [record(filename) for filename in names])
    data = bytearray(zipped({names[0]: b"x", f"../../{names[1]}": b"outside?"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    put(tmp_path / "a.zip", bytes(data))
    corpus = read_cid([tmp_path])
    assert corpus.images["frame"].to_list() == ["002"]
    assert list(read_all(corpus).values()) == [b"outside?"]
    assert reasons(corpus) == {"encrypted_member": 1}
    (archive,) = findings(corpus)["archives"]
    assert (archive["encrypted"], archive["unsafe"]) == (1, 1)
    assert archive["unsafe_examples"] == (f"../../{names[1]}",)


def test_boxes_of_any_kind_of_number(tmp_path: Path) -> None:
    boxes = [
        {"minX": -5, "minY": 0.5, "maxX": 10**5, "maxY": 9},
        {**BOXES, "maxX": math.nan},
        {**BOXES, "maxX": math.inf},
        {**BOXES, "maxX": 10**400},
        {**BOXES, "maxX": 1e300},
        {**BOXES, "maxX": "7"},
        {**BOXES, "maxX": True},
        {"minX": 1},
        None,
    ]
    names = [name(1, frame) for frame in range(3)]
    records = []
    for number, filename in enumerate(names):
        votes = {
            f"annot_{annotator}": {"boxes": box, "faceExp": "기쁨", "bg": "x"}
            for annotator, box in zip("ABC", boxes[number * 3 :], strict=False)
        }
        records.append(record(filename, **votes))
    put_labels(tmp_path, records)
    put(tmp_path / "a.zip", zipped(dict.fromkeys(names, b"x")))
    corpus = read_cid([tmp_path])
    seen = [box for row in corpus.images["boxes"].to_list() for box in row]
    assert seen[0] == {"left": -5.0, "top": 0.5, "right": 100000.0, "bottom": 9.0}
    assert seen[1:] == [None] * 8
    assert findings(corpus)["boxes_missing"] == 8


def test_missing_annotators_and_professions_are_null(tmp_path: Path) -> None:
    bare = record(name(), isProf="?")
    for key in ("annot_A", "annot_C", "bg_uploader"):
        del bare[key]
    bare["annot_B"] = 5
    put_labels(tmp_path, [bare])
    put(tmp_path / name(), b"x")
    corpus = read_cid([tmp_path])
    (row,) = corpus.images.rows(named=True)
    assert row["annotator_emotions"] == row["annotator_backgrounds"] == [None] * 3
    assert row["boxes"] == [None] * 3
    assert (row["professional"], row["uploader_background"]) == (None, None)
    assert findings(corpus)["professions_unknown"] == 1


def test_several_paths_have_several_roots(tmp_path: Path) -> None:
    put_labels(tmp_path / "labels", [record(name(1, frame)) for frame in range(2)])
    put(tmp_path / "a" / name(1, 0), b"a")
    archive = put(tmp_path / "b" / "in.zip", zipped({name(1, 1): b"b"}))
    corpus = read_cid([tmp_path / "labels", tmp_path / "a", archive])
    assert list(corpus.roots) == ["cid", "cid-2", "cid-3"]
    assert list(read_all(corpus).values()) == [b"a", b"b"]


def test_the_layout_of_the_files_does_not_matter(tmp_path: Path) -> None:
    names = [name(number % 3, number, emotion="슬픔") for number in range(9)]
    put_labels(tmp_path / "a", [record(filename) for filename in names])
    put(tmp_path / "a" / "all.zip", zipped(dict.fromkeys(names, b"x")))
    for number, filename in enumerate(reversed(names)):
        put_labels(tmp_path / "b" / f"{number}", [record(filename)], f"training {number}.json")
        put(tmp_path / "b" / f"z{number}.zip", zipped({f"in/{filename}": b"x"}, cp949=True))
    where = ["location", "member", "source", "row"]
    one, many = (read_cid([tmp_path / folder]).images.drop(where) for folder in ("a", "b"))
    assert one.equals(many)


def test_all_damaged_files_are_named_at_once(tmp_path: Path) -> None:
    data = json.dumps([record(name(1, frame)) for frame in range(3)]).encode()
    put(tmp_path / "cut.json", data[:-100])
    put(tmp_path / "packed.zip", zipped({"in/cut too.json": data[:1000]}))
    put(tmp_path / "good.json", data)
    with pytest.raises(DataError) as caught:
        read_cid([tmp_path])
    first, second = caught.value.problems
    assert f"cut.json: the JSON is cut off at byte {len(data) - 100:,}, in record 3" in first
    assert "packed.zip, in/cut too.json: the JSON is cut off at byte 1,000, in record" in second
    put(tmp_path / "pictures.zip", zipped({name(): b"x" * 500})[:400])
    with pytest.raises(DataError, match=r"pictures\.zip: The zip archive is cut off at 400 bytes"):
        read_cid([tmp_path])


def test_no_labels_at_all(tmp_path: Path) -> None:
    put(tmp_path / name(), b"x")
    put(tmp_path / "other.json", b'[{"talk": 1}]')
    with pytest.raises(DataError, match="no CID labels among 1 files"):
        read_cid([tmp_path])


def test_links_that_lead_out_are_told(tmp_path: Path) -> None:
    put_labels(tmp_path / "data", [record(name())])
    put(tmp_path / "elsewhere" / name(), b"x")
    (tmp_path / "data" / "pictures").symlink_to(tmp_path / "elsewhere")
    corpus = read_cid([tmp_path / "data"])
    assert findings(corpus)["links_outside"] == ("pictures",)
    assert reasons(corpus) == {"no_image": 1}


KOREAN7 = {
    "기쁨": "happiness",
    "슬픔": "sadness",
    "분노": "anger",
    "당황": "embarrassment",
    "불안": "anxiety",
    "상처": "hurt",
    "중립": "neutral",
}


def test_real_excerpt(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "korean" / "cid"
    records = [entry for path in folder.glob("*.json") for entry in json.loads(path.read_bytes())]
    assert len(records) == 226
    for entry in records:
        put(tmp_path / "pictures" / entry["filename"], entry["filename"].encode())
    corpus = read_cid([folder, tmp_path / "pictures"])
    assert corpus.quarantine.is_empty()
    assert findings(corpus)["labels_otherwise_named"] == 0
    rows = {row["id"]: row for row in corpus.images.iter_rows(named=True)}
    assert len(rows) == 226
    for entry in records:
        row = rows[entry["filename"].rpartition(".")[0]]
        votes = [entry[f"annot_{annotator}"] for annotator in "ABC"]
        words = [vote["faceExp"] for vote in votes]
        assert row["uploader_emotion"] == KOREAN7[entry["faceExp_uploader"]]
        assert row["annotator_emotions"] == [KOREAN7.get(word) for word in words]
        assert row["annotator_backgrounds"] == [vote["bg"] for vote in votes]
        assert row["gender"] == {"남": "male", "여": "female"}[entry["gender"]]
        assert (row["age"], row["professional"]) == (entry["age"], entry["isProf"] == "전문인")
        for box, vote in zip(row["boxes"], votes, strict=True):
            edges = [vote["boxes"][edge] for edge in ("minX", "minY", "maxX", "maxY")]
            assert list(box.values()) == pytest.approx(edges, rel=1e-6)
    unanimous = corpus.images.filter(
        (pl.col("annotator_emotions").list.n_unique() == 1)
        & (pl.col("annotator_emotions").list.first() == pl.col("uploader_emotion"))
    )
    expected = {
        entry["filename"].rpartition(".")[0]
        for entry in records
        if len({entry["faceExp_uploader"], *(entry[f"annot_{a}"]["faceExp"] for a in "ABC")}) == 1
    }
    assert set(unanimous["id"]) == expected
    assert len(expected) == 28 + 15 + 15 + 11 + 5 + 4 + 23


def test_raw_labels_keep_what_is_written(tmp_path: Path) -> None:
    path = put_labels(tmp_path, [record(name()), {"filename": 5}])
    (document,) = documents(survey([path]), unopened=())
    rows = read_labels(read_content(document)).rows(named=True)
    assert rows[0]["emotion_C"] == "기쁨"
    assert rows[1] == {"row": 2, **dict.fromkeys(list(rows[1])[1:])}


WORDS = st.one_of(st.none(), st.text(max_size=5))
NUMBERS = st.one_of(st.none(), st.integers(-(10**20), 10**20), st.floats())
ODD: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.lists(st.integers(), max_size=1), st.just({})
)
ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "boxes": st.one_of(
            st.none(),
            st.fixed_dictionaries({}, optional=dict.fromkeys(BOXES, NUMBERS | ODD)),
        ),
        "faceExp": WORDS | ODD,
        "bg": WORDS,
        "more": WORDS,
    },
)
RECORDS = st.fixed_dictionaries(
    {"filename": st.text(max_size=5)},
    optional={
        "age": NUMBERS | WORDS | ODD,
        "gender": WORDS,
        "isProf": WORDS,
        **{f"annot_{annotator}": st.none() | ANNOTATIONS for annotator in "ABC"},
    },
)


def labels_of(records: Sequence[Any]) -> pl.DataFrame:
    data = json.dumps(records).encode()
    document = Document(DiskFile(Path("labels"), "labels.json", len(data)))
    return read_labels(Content(document, data, ""))


@given(st.lists(RECORDS, max_size=3))
def test_what_is_read_of_a_record_does_not_depend_on_its_neighbours(records: list[Any]) -> None:
    beside_a_malformed_one = labels_of([*records, {"filename": 5}])
    assert_frame_equal(labels_of(records), beside_a_malformed_one[:-1])
