"""The files of the synthetic CID, read with the standard library and Pillow alone."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from artcurate.errors import UsageError
from artcurate.progress import ProgressMode
from artcurate.sources.synthetic.korean import KoreanSample, write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

PERSONS, IMAGES, SEED = 40, 900, 1
LABELS = ("기쁨", "슬픔", "분노", "당황", "불안", "상처", "중립")
NAME = re.compile(
    r"(?P<person>[0-9a-f]{64})_(?P<sex>남|여)_(?P<age>\d+)_(?P<label>[^_]+)_(?P<place>[^_]+)_"
    r"(?P<time>\d{14})-(?P<background>\d{3})-(?P<frame>\d{3})\.(?P<suffix>jpe?g)"
)
PLACES = (
    "공공시설/종교/의료시설",
    "교통/이동수단(엘리베이터 포함)",
    "상업시설/점포/시장",
    "스포츠 관람 및 레저시설",
    "오락/공연시설",
    "행사/사무공간",
    "실외 자연환경",
    "도심 환경",
    "문화재 및 유적지",
    "숙박 및 거주공간",
)
ANNOTATORS = ("annot_A", "annot_B", "annot_C")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    archive: str
    data: bytes

    def upright(self) -> Image.Image:
        image = Image.open(io.BytesIO(self.data))
        image.load()
        return ImageOps.exif_transpose(image)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> KoreanSample:
    return write_korean_sample(
        tmp_path_factory.mktemp("cid") / "raw",
        persons=PERSONS,
        dialogues=100,
        images=IMAGES,
        seed=SEED,
        image_size=72,
        progress=ProgressMode.QUIET,
    )


@pytest.fixture(scope="module")
def records(sample: KoreanSample) -> dict[str, Record]:
    """File name -> its record, with its class and release."""
    found: dict[str, Record] = {}
    for path in (sample.directory / "cid").rglob("*.json"):
        for record in json.loads(path.read_bytes()):
            assert record["filename"] not in found
            found[record["filename"]] = {**record, "file": path}
    return found


@pytest.fixture(scope="module")
def pictures(sample: KoreanSample) -> dict[str, Picture]:
    found: dict[str, Picture] = {}
    for path in (sample.directory / "cid").rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                assert member.flag_bits & 0x800 == 0
                name = member.filename.encode("cp437").decode("cp949")
                assert name not in found
                found[name] = Picture(path.name, archive.read(member))
    return found


def agree(record: Record) -> bool:
    return all(record[a]["faceExp"] == record["faceExp_uploader"] for a in ANNOTATORS)


def test_folders_and_names_are_those_of_the_release(sample: KoreanSample) -> None:
    root = sample.directory / "cid"
    expected = set()
    for label in LABELS:
        expected |= {
            f"Training/[라벨]EMOIMG_{label}_TRAIN/img_emotion_training_data({label}).json",
            f"Validation/[라벨]EMOIMG_{label}_VALID/img_emotion_validation_data({label}).json",
            f"Validation/[원천]EMOIMG_{label}_VALID.zip",
            *(f"Training/[원천]EMOIMG_{label}_TRAIN_{part:02}.zip" for part in range(1, 5)),
        }
    assert sample.missing == "[원천]EMOIMG_상처_TRAIN_04.zip"
    expected.remove(f"Training/{sample.missing}")
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert found == expected


def test_label_files_are_ascii_lists_of_the_known_fields(sample: KoreanSample) -> None:
    for path in (sample.directory / "cid").rglob("*.json"):
        text = path.read_bytes().decode("ascii")
        assert text.startswith('[{"filename": "')
        for record in json.loads(text):
            assert list(record) == [
                *("filename", "gender", "age", "isProf", "faceExp_uploader", "bg_uploader"),
                *ANNOTATORS,
            ]
            assert isinstance(record["age"], int)
            assert record["isProf"] in ("전문인", "일반인")
            assert record["faceExp_uploader"] in path.stem
            for annotator in ANNOTATORS:
                assert list(record[annotator]) == ["boxes", "faceExp", "bg"]
                assert list(record[annotator]["boxes"]) == ["maxX", "maxY", "minX", "minY"]


def test_file_names_repeat_the_record(records: dict[str, Record]) -> None:
    for name, record in records.items():
        match = NAME.fullmatch(name)
        assert match
        assert match["sex"] == record["gender"]
        assert int(match["age"]) == record["age"]
        assert match["label"] == record["faceExp_uploader"]
        assert match["place"].replace("&", "/") == record["bg_uploader"]
        assert PLACES[int(match["background"]) - 1] == record["bg_uploader"]
    suffixes = Counter(NAME.fullmatch(name)["suffix"] for name in records)  # type: ignore[index]
    assert 0 < suffixes["jpeg"] / len(records) < 0.04


def test_every_class_and_both_releases(records: dict[str, Record]) -> None:
    labels = Counter(record["faceExp_uploader"] for record in records.values())
    assert len(records) == IMAGES
    assert set(labels) == set(LABELS)
    assert max(labels.values()) - min(labels.values()) <= 6
    validation = sum("Validation" in str(record["file"]) for record in records.values())
    assert validation / IMAGES == pytest.approx(1 / 9, abs=0.01)


def test_records_without_picture_and_pictures_without_record(
    sample: KoreanSample, records: dict[str, Record], pictures: dict[str, Picture]
) -> None:
    alone = [record for name, record in records.items() if name not in pictures]
    assert len(alone) == sample.unpictured > 0
    assert {(r["faceExp_uploader"], r["file"].parent.name) for r in alone} == {
        ("상처", "[라벨]EMOIMG_상처_TRAIN")
    }
    assert len(pictures.keys() - records.keys()) == sample.unlabelled >= 2
    assert len(pictures) == sample.pictures


def test_some_pictures_lie_in_another_class(
    records: dict[str, Record], pictures: dict[str, Picture]
) -> None:
    misplaced = Counter[str]()
    total = Counter[str]()
    for name, record in records.items():
        if name in pictures:
            label = record["faceExp_uploader"]
            total[label] += 1
            misplaced[label] += label not in pictures[name].archive
    shares = {label: misplaced[label] / total[label] for label in LABELS if misplaced[label]}
    assert shares == {
        "당황": pytest.approx(0.24, abs=0.01),
        "불안": pytest.approx(0.62, abs=0.01),
    }


def test_people_are_one_age_gender_and_profession(records: dict[str, Record]) -> None:
    people = defaultdict(set)
    for name, record in records.items():
        people[name[:64]].add((record["gender"], record["age"], record["isProf"]))
    assert all(len(found) == 1 for found in people.values())
    assert len(people) >= PERSONS * 0.9
    assert not any(gender == "남" and age >= 60 for ((gender, age, _),) in people.values())
    bands = {(gender, age // 10) for ((gender, age, _),) in people.values()}
    assert {("남", 2), ("여", 2), ("여", 6)} <= bands


def test_few_people_hold_most_pictures(records: dict[str, Record]) -> None:
    counts = sorted(Counter(name[:64] for name in records).values(), reverse=True)
    assert 0.70 < sum(counts[: PERSONS // 8]) / IMAGES < 0.88
    assert counts[PERSONS // 2] < IMAGES / PERSONS / 2


def test_scenes_are_numbered_frames_of_at_most_36(
    records: dict[str, Record], pictures: dict[str, Picture]
) -> None:
    scenes = defaultdict(set)
    for name in records.keys() | pictures.keys():
        match = NAME.fullmatch(name)
        assert match
        scene = match["person"], match["label"], match["background"]
        scenes[scene].add(int(match["frame"]))
    assert all(frames == set(range(1, len(frames) + 1)) for frames in scenes.values())
    assert 8 <= max(map(len, scenes.values())) <= 36


def test_annotators_agree_as_often_as_real_ones(records: dict[str, Record]) -> None:
    agreed = Counter(r["faceExp_uploader"] for r in records.values() if agree(r))
    total = Counter(r["faceExp_uploader"] for r in records.values())
    shares = {label: round(agreed[label] / total[label], 2) for label in LABELS}
    expected = {"기쁨": 0.92, "슬픔": 0.45, "분노": 0.49, "당황": 0.48, "불안": 0.14, "상처": 0.08}
    assert shares == {
        label: pytest.approx(share, abs=0.02) for label, share in {**expected, "중립": 0.72}.items()
    }
    votes = Counter(r[a]["faceExp"] for r in records.values() for a in ANNOTATORS)
    assert set(votes) == {*LABELS, "알수없음"}
    places = {r["annot_A"]["bg"] for r in records.values()}
    assert "공공시설/종교/의료" in places
    assert "공공시설/종교/의료시설" not in places


def test_one_picture_is_corrupt(sample: KoreanSample, pictures: dict[str, Picture]) -> None:
    broken = []
    for name, picture in pictures.items():
        try:
            picture.upright()
        except OSError:
            broken.append(name)
    assert tuple(broken) == sample.corrupt
    assert len(broken) == 1


def test_orientations_have_the_real_shares(pictures: dict[str, Picture]) -> None:
    found = Counter[int]()
    located = 0
    for picture in pictures.values():
        exif = Image.open(io.BytesIO(picture.data)).getexif()
        found[exif[ExifTags.Base.Orientation]] += 1
        located += bool(exif.get_ifd(ExifTags.IFD.GPSInfo))
    assert set(found) == {1, 2, 3, 4, 8}
    assert found[3] / len(pictures) == pytest.approx(0.25, abs=0.03)
    assert found[4] / len(pictures) == pytest.approx(0.06, abs=0.03)
    assert 0 < located < len(pictures) / 5


def middle_of_box(image: Image.Image, boxes: dict[str, float]) -> tuple[int, int, int]:
    x = min(max((boxes["minX"] + boxes["maxX"]) / 2, 0), image.width - 1)
    y = min(max((boxes["minY"] + boxes["maxY"]) / 2, 0), image.height - 1)
    red, green, blue = image.getpixel((int(x), int(y)))  # type: ignore[misc]
    return red, green, blue


def skin(colour: tuple[int, int, int]) -> bool:
    red, green, blue = colour
    return red > green > blue and red - blue > 18


def test_boxes_hold_the_face_once_exif_is_applied(
    sample: KoreanSample, records: dict[str, Record], pictures: dict[str, Picture]
) -> None:
    applied, ignored = [], []
    for name in records.keys() & (pictures.keys() - set(sample.corrupt)):
        boxes = records[name]["annot_B"]["boxes"]
        raw = Image.open(io.BytesIO(pictures[name].data))
        applied.append(skin(middle_of_box(ImageOps.exif_transpose(raw), boxes)))
        if raw.getexif()[ExifTags.Base.Orientation] in (3, 4):
            ignored.append(skin(middle_of_box(raw, boxes)))
    assert np.mean(applied) > 0.95
    assert np.mean(ignored) < np.mean(applied) - 0.2


def test_boxes_leave_the_picture_on_both_sides(
    sample: KoreanSample, records: dict[str, Record], pictures: dict[str, Picture]
) -> None:
    outside = Counter[str]()
    kinds = set()
    for name in records.keys() & (pictures.keys() - set(sample.corrupt)):
        width = pictures[name].upright().width
        for annotator in ANNOTATORS:
            boxes = records[name][annotator]["boxes"]
            assert boxes["minX"] < boxes["maxX"]
            assert boxes["minY"] < boxes["maxY"]
            outside["left"] += boxes["minX"] < 0
            outside["right"] += boxes["maxX"] > width
            kinds |= {type(value) for value in boxes.values()}
    assert 0 < outside["left"] < len(records) / 4
    assert 0 < outside["right"] < len(records) / 4
    assert kinds == {int, float}


def test_frames_of_a_scene_look_alike_and_other_people_do_not(
    sample: KoreanSample, pictures: dict[str, Picture]
) -> None:
    hashes = {
        name: imagehash.phash(picture.upright())
        for name, picture in sorted(pictures.items())[::2]
        if name not in sample.corrupt
    }
    scenes = defaultdict(list)
    for name, value in hashes.items():
        match = NAME.fullmatch(name)
        assert match
        scenes[match["person"], match["label"], match["background"]].append(value)
    within = [a - b for found in scenes.values() for a, b in pairwise(found)]
    firsts = [found[0] for found in scenes.values()]
    between = [a - b for number, a in enumerate(firsts) for b in firsts[:number]]
    assert np.mean(np.array(within) <= 6) > 0.9
    assert np.mean(np.array(between) <= 6) < 0.001


def test_more_images_than_so_few_people_send(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ask for more persons or fewer images"):
        write_korean_sample(
            tmp_path / "raw",
            persons=12,
            images=12 * 360 * 7,
            pixels=PixelMode.NONE,
            progress=ProgressMode.QUIET,
        )
    assert not list(tmp_path.iterdir())
