"""`artcurate pair korean` on raw files as people hold them, sound and otherwise."""

from __future__ import annotations

import io
import json
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

import polars as pl
import pyarrow.parquet as pq
import pytest

from artcurate.cli import main

CENTRAL = b"PK\x01\x02"
LABELS = "Training/[라벨]EMOIMG_{0}_TRAIN/img_emotion_training_data({0}).json"
ZIP = "Training/[원천]EMOIMG_{}_TRAIN_{:02}.zip"
ECC_JSON = "018.감성대화/Training_221115_add/라벨링데이터/감성대화말뭉치(최종데이터)_Training.zip"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a call of the command line left."""

    code: int
    said: str
    error: str
    out: Path

    def left_out(self, *, by_design: bool = False) -> dict[str, int]:
        """Reason -> rows in quarantine."""
        frame = pl.read_parquet(self.out / "quarantine.parquet").filter(by_design=by_design)
        return dict(frame["reason"].value_counts().iter_rows())

    def findings(self, step: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "findings.json").read_text())[step]
        return found

    def shards(self) -> dict[str, str]:
        """Name -> sha256."""
        lock = json.loads((self.out / "artcurate.lock").read_text())
        return {shard["name"]: shard["sha256"] for shard in lock["shards"]}


Pair = Callable[..., Ran]


@pytest.fixture
def raw(korean_sample: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(korean_sample, tmp_path / "raw"))


@pytest.fixture
def pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Pair:
    """`pair(raw, *options)`: the command on the corpora in `raw`."""

    def run(raw: Path, *options: str, out: str = "out") -> Ran:
        inputs = ["--ecc", str(raw / "ecc"), "--cid", str(raw / "cid")] if raw.exists() else []
        command = ["artcurate", "pair", "korean", *inputs, "--out", str(tmp_path / out)]
        monkeypatch.setattr(sys, "argv", [*command, "--workers", "1", *options])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, said.out, said.err, tmp_path / out)

    return run


def edit_labels(raw: Path, label: str, change: Callable[[list[Any]], None]) -> None:
    path = raw / "cid" / LABELS.format(label)
    records = json.loads(path.read_text())
    change(records)
    path.write_text(json.dumps(records))


def members(path: Path) -> list[tuple[str, bytes]]:
    """Names as they are meant, and bytes."""
    with zipfile.ZipFile(path) as archive:
        return [
            (one.filename.encode("cp437").decode("cp949"), archive.read(one))
            for one in archive.infolist()
        ]


def directory_entries(archive: bytes) -> Iterator[int]:
    """Where the entries of the central directory begin."""
    place = struct.unpack("<L", archive[-6:-2])[0]
    while archive[place : place + 4] == CENTRAL:
        yield place
        place += 46 + sum(struct.unpack("<3H", archive[place + 28 : place + 34]))


def encrypt(path: Path) -> int:
    """Mark all members as encrypted; how many there are."""
    data = bytearray(path.read_bytes())
    entries = list(directory_entries(bytes(data)))
    for place in entries:
        (local,) = struct.unpack("<L", data[place + 42 : place + 46])
        data[place + 8] |= 1
        data[local + 6] |= 1
    path.write_bytes(data)
    return len(entries)


def claim_size(path: Path, size: int) -> None:
    """Let the first member claim to unpack to `size` bytes."""
    data = bytearray(path.read_bytes())
    place = next(directory_entries(bytes(data)))
    data[place + 24 : place + 28] = struct.pack("<L", size)
    path.write_bytes(data)


def test_a_sound_sample_is_paired_and_told(korean_sample: Path, pair: Pair) -> None:
    ran = pair(korean_sample)
    assert (ran.code, ran.error) == (0, "")
    for line in (
        "dialogues: 120 with",
        "117 stand in JSON and in tables and count once, 0 in JSON only, 3 in tables only",
        "by class: anger 29 of 29 (100.0%)",
        "by person: all of",
        "6 of 26 pictures are missing of " + LABELS.format("상처"),
        "Training/[원천]EMOIMG_당황_TRAIN_04.zip: 8 pictures, 1 without label",
        "instead system_plain would offer",
        "cells short of images: ",
        "cells short of sentences: ",
        "on several sides: 0 persons, 0 dialogues, 0 texts",
    ):
        assert line in ran.said
    short = [cell for cell in ran.findings("pair")["cells"] if cell["short_of"] == "images"]
    senior = next(c for c in short if (c["age_group"], c["gender"]) == ("senior", "male"))
    assert (senior["images"], senior["short_by"]) == (0, senior["sentences"])
    missing = f"senior male {senior['short_by']:,} (none for {senior['sentences']:,} sentences)"
    assert missing in ran.said
    told = [line for line in ran.said.splitlines() if "cells short of images" in line]
    assert told == [
        f"  cells short of images: {len(short)}, by {sum(c['short_by'] for c in short):,} in all"
    ]
    for cell in short:
        assert f"{cell['age_group']} {cell['gender']} {cell['short_by']:,}" in ran.said
    assert ran.left_out() == {"truncated": 1}


def test_another_pairing_takes_the_pictures_that_were_kept(
    korean_sample: Path, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packs(home: str) -> dict[str, int]:
        found = (tmp_path / home / "cache" / "pictures").glob("*/*.pack")
        return {pack.name: pack.stat().st_size for pack in found}

    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    first = pair(korean_sample, out="first")
    kept = packs("home")
    assert kept
    warm = pair(korean_sample, "--set", "pair.seed=5", out="warm")
    assert packs("home") == kept
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "other"))
    cold = pair(korean_sample, "--set", "pair.seed=5", out="cold")
    assert first.shards() != warm.shards() == cold.shards()
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "cut"))
    assert pair(korean_sample, "--set", "face_crop.choice=median", out="cut-out").code == 0
    assert packs("cut") == {}


def test_files_that_are_passed_over_are_named(raw: Path, pair: Pair) -> None:
    (raw / "ecc" / "notes.txt").write_text("no dialogue", encoding="utf-8")
    with zipfile.ZipFile(raw / "ecc" / "more.zip", "w") as outer:
        outer.writestr("inner.zip", b"PK\x05\x06" + bytes(18))
    (raw / "cid" / "readme.html").write_text("<p>", encoding="utf-8")
    ran = pair(raw)
    assert (
        "2 files are no dialogues and were passed over: notes.txt, more.zip/inner.zip" in ran.said
    )
    assert "readme.html" in ran.said


def test_faulty_labels_are_named_counted_and_set_aside(raw: Path, pair: Pair) -> None:
    def spoil(records: list[Any]) -> None:
        records[0]["age"], records[1]["age"] = 7, 130
        records[2]["faceExp_uploader"] = "즐거움"
        records[3]["annot_B"]["faceExp"] = "모름"
        records[4]["filename"] = "x.jpg"
        records += [5, {"filename": None}]

    edit_labels(raw, "기쁨", spoil)
    ran = pair(raw)
    assert ran.code == 0
    faults = {"bad_name": 1, "implausible_age": 2, "malformed_record": 2, "unknown_emotion": 2}
    assert ran.findings("cid")["faults"] == faults
    told = "1 bad_name, 2 implausible_age, 2 malformed_record, 2 unknown_emotion"
    assert f"labels left out as faulty: {told}" in ran.said
    aside = ran.left_out()
    assert {reason: aside[reason] for reason in faults} == faults


def test_a_person_of_two_genders_is_set_aside_whole_and_nameless(raw: Path, pair: Pair) -> None:
    persons = []

    def turn(records: list[Any]) -> None:
        first = records[0]
        persons.append(first["filename"].partition("_")[0])
        first["gender"] = "남" if first["gender"] == "여" else "여"

    edit_labels(raw, "슬픔", turn)
    refused = pair(raw, out="refused")
    assert refused.code == 1
    assert "images" in refused.error
    assert "raise --max-quarantined to accept" in refused.error
    ran = pair(raw, "--max-quarantined", "1")
    assert ran.code == 0
    frame = pl.read_parquet(ran.out / "quarantine.parquet").filter(reason="inconsistent_person")
    assert frame.height > 1
    (detail,) = frame["detail"].unique()
    assert detail.startswith("Person ")
    assert detail.endswith(" has two genders.")
    assert persons[0][:8] not in detail


def test_pictures_that_cannot_be_trusted_are_set_aside(raw: Path, pair: Pair) -> None:
    encrypted = encrypt(raw / "cid" / ZIP.format("기쁨", 1))
    twice = raw / "cid" / ZIP.format("슬픔", 1)
    copies = members(twice)[:4]
    with zipfile.ZipFile(twice.with_name("copy.zip"), "w") as archive:
        for number, (name, data) in enumerate(copies):
            archive.writestr(name, data + b"\0" * (number % 2))
    with zipfile.ZipFile(raw / "cid" / "evil.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../escaped.jpg", b"x")
        archive.writestr("/etc/escaped.jpg", b"x")
        archive.writestr("bomb.jpg", bytes(50_000_000))
    claim_size(raw / "cid" / ZIP.format("분노", 1), 3_000_000_000)
    options = ("--labels", "uploader", "--set", "frames.most=99", "--max-quarantined", "0.5")
    ran = pair(raw, *options)
    assert ran.code == 0
    aside = ran.left_out()
    assert aside.pop("truncated") == 1
    assert aside == {
        "encrypted_member": encrypted,
        "conflicting_copies": 2,
        "bad_name": 3,
        "too_many_bytes": 1,
    }
    assert f"{ZIP.format('기쁨', 1)}: {encrypted} pictures, {encrypted} encrypted" in ran.said
    assert "evil.zip: 0 pictures, 3 misnamed, 2 whose names lead out of their folder" in ran.said
    assert "2 further copies of pictures, byte for byte the same" in ran.said
    assert not list(raw.parent.rglob("escaped.jpg"))


def cut_archive(raw: Path) -> str:
    path = raw / "cid" / ZIP.format("불안", 2)
    path.write_bytes(path.read_bytes()[:-100])
    return path.name


def cut_labels(raw: Path) -> str:
    path = raw / "cid" / LABELS.format("중립")
    path.write_bytes(path.read_bytes()[:5000])
    return path.name


def claim_huge_labels(raw: Path) -> str:
    path = raw / "cid" / "labels.zip"
    inside = raw / "cid" / LABELS.format("중립")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inside, "labels.json")
    inside.unlink()
    claim_size(path, 4_000_000_000)
    return "labels.json"


def lose_part(raw: Path) -> str:
    path = raw / "cid" / ZIP.format("기쁨", 2)
    data = path.read_bytes()
    path.unlink()
    for number in (0, 2):
        path.with_name(f"{path.name}.part{number}").write_bytes(data[number * 900 :][:900])
    return path.name


def cut_dialogues(raw: Path) -> str:
    path = raw / "ecc" / ECC_JSON
    ((name, data),) = members(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, data[:20_000])
    return name


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (cut_archive, "finish the download, or move the file out of the folder"),
        (cut_labels, "the JSON is cut off at byte"),
        (claim_huge_labels, "more than the limit of 1,073,741,824"),
        (lose_part, "before part 2 is missing; download it again"),
        (cut_dialogues, "the JSON is cut off at byte"),
    ],
)
def test_damaged_files_are_refused_in_one_sentence(
    raw: Path, pair: Pair, spoil: Callable[[Path], str], sentence: str
) -> None:
    name = spoil(raw)
    ran = pair(raw)
    assert ran.code == 1
    (line,) = ran.error.splitlines()
    assert line.startswith("error: ")
    assert name in line
    assert sentence in line
    assert not ran.out.exists()


def test_labels_without_any_picture_and_pictures_without_labels(raw: Path, pair: Pair) -> None:
    kept = raw / "kept"
    for path in sorted((raw / "cid").rglob("*.zip")):
        path.rename(raw / path.name)
    ran = pair(raw)
    assert ran.code == 2
    assert "200 labels in 14 files, 0 of them with their picture (0.0%)" in ran.said
    assert ran.error == (
        "error: the inputs hold no pictures that could be used; look at what --ecc and --cid "
        "name.\n"
    )
    shutil.rmtree(raw / "cid")
    kept.mkdir()
    for path in sorted(raw.glob("*.zip")):
        path.rename(kept / path.name)
    kept.rename(raw / "cid")
    ran = pair(raw)
    assert ran.code == 1
    assert "no CID labels among" in ran.error


def test_one_archive_of_many_is_enough(raw: Path, pair: Pair) -> None:
    for path in (raw / "cid").rglob("*.zip"):
        if "TRAIN_01" not in path.name:
            path.unlink()
    ran = pair(raw, "--labels", "uploader")
    assert ran.code == 0
    found = ran.findings("cid")
    assert found["releases"]["validation"]["with_image"] == 0
    assert "validation 0 of" in ran.said
    assert all(one["name"].endswith("TRAIN_01.zip") for one in found["archives"])
    assert ran.left_out(by_design=True)["no_image"] == 200 - found["coverage"]["with_image"]


def rewrite_dialogues(raw: Path, change: Callable[[list[Any]], None]) -> None:
    path = raw / "ecc" / ECC_JSON
    ((name, data),) = members(path)
    records = json.loads(data.decode("utf-8-sig"))
    change(records)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, json.dumps(records, ensure_ascii=False).encode("cp949", "replace"))


def test_strange_dialogues_count_against_all_that_were_read(raw: Path, pair: Pair) -> None:
    def spoil(records: list[Any]) -> None:
        records[0]["profile"]["emotion"]["type"] = "E99"
        records[1]["profile"]["persona"]["human"] = ["A09", "G02"]
        records[2]["talk"]["content"]["HS01"] = "다르게 적힌 문장이야."

    rewrite_dialogues(raw, spoil)
    ran = pair(raw)
    assert ran.code == 0, ran.error
    faults = ran.findings("ecc")["faults"]
    assert set(faults) == {"unknown_emotion", "unknown_age"}
    assert f"left out as faulty: {faults['unknown_age']} unknown_age" in ran.said
    assert "HS01: kept '다르게 적힌 문장이야.', not" in ran.said
    assert "117 stand in JSON and in tables and count once" in ran.said
    refused = pair(raw, "--max-quarantined", "0.001", out="refused")
    assert refused.code == 1
    assert f"{sum(faults.values())} of " in refused.error


def as_folders(cid: Path) -> None:
    """Unpacked as on macOS, names in NFD and with `_` for `&`."""
    for path in sorted(cid.rglob("*.zip")):
        folder = path.with_suffix("")
        folder.mkdir()
        for name, data in members(path):
            base = normalize("NFD", name.rpartition("/")[2].replace("&", "_"))
            (folder / base).write_bytes(data)
        path.unlink()


def as_parts(cid: Path) -> None:
    """Zips as AI Hub hands them out, in parts numbered by where they begin."""
    for path in sorted(cid.rglob("*.zip")):
        data = path.read_bytes()
        for start in range(0, len(data), 7000):
            path.with_name(f"{path.name}.part{start}").write_bytes(data[start : start + 7000])
        path.unlink()


def as_utf8(cid: Path) -> None:
    """Packed anew with names marked as UTF-8, labels in EUC-KR."""
    for path in sorted(cid.rglob("*.zip")):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members(path):
                archive.writestr(name, data)
        path.write_bytes(buffer.getvalue())
    for path in sorted(cid.rglob("*.json")):
        records = json.loads(path.read_text())
        path.write_bytes(json.dumps(records, ensure_ascii=False).encode("euc-kr"))


@pytest.mark.parametrize("wrap", [as_folders, as_parts, as_utf8])
def test_the_wrapping_of_the_pictures_changes_no_byte(
    korean_sample: Path, raw: Path, pair: Pair, wrap: Callable[[Path], None]
) -> None:
    first = pair(korean_sample, out="first")
    wrap(raw / "cid")
    again = pair(raw, out="again")
    assert (first.code, again.code, again.error) == (0, 0, "")
    assert first.shards() == again.shards()


def test_both_corpora_are_found_in_the_data_home(
    korean_sample: Path, tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "korean").symlink_to(korean_sample)
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    assert pair(tmp_path / "nothing", "--ecc", "--cid").code == 0


def test_faces_are_cut_out(korean_sample: Path, pair: Pair) -> None:
    ran = pair(korean_sample, "--face-crop", "agreeing", "--set", "face_crop.margin=0.2")
    assert ran.code == 0
    shard = next((ran.out / "data").glob("train-*.parquet"))
    for row in pq.read_table(shard, columns=["crop", "source_width", "source_height"]).to_pylist():
        crop = row["crop"]
        assert 0 <= crop["left"] < crop["right"] <= row["source_width"]
        assert 0 <= crop["top"] < crop["bottom"] <= row["source_height"]


def test_the_published_way_prints_the_published_table(korean_sample: Path, pair: Pair) -> None:
    ran = pair(korean_sample, "--mode", "paper")
    assert ran.code == 0
    (line,) = (line for line in ran.said.splitlines() if "10,025" in line)
    assert line.split() == [
        "published", "125", "428", "2,345", "2,922", "1,962", "2,124", "119", "10,025",
    ]  # fmt: skip


def test_a_wrong_word_is_answered_with_the_right_ones(korean_sample: Path, pair: Pair) -> None:
    ran = pair(korean_sample, "--resampling", "up", "--face-crop", "mean")
    assert ran.code == 2
    assert "step pair: resampling: give min, none or down:N, such as down:500" in ran.error
    assert "'none', 'median' or 'agreeing'" in ran.error
