from __future__ import annotations

import ast
import csv
import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import imagehash
import pytest
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from artcurate.errors import DataError, UsageError
from artcurate.progress import ProgressMode
from artcurate.sources.synthetic.artelingo import SampleSummary, write_artelingo_sample
from artcurate.sources.synthetic.gallery import draw_gallery
from artcurate.sources.synthetic.wikiart import PixelMode

PAINTINGS, SEED = 240, 5
COLUMNS = (
    "art_style,emotion,emotion_label,language,language_label,painting,split,tokens,tokens_encoded,"
    "tokens_len,utterance,utterance_spelled,image_file,grounding_emotion"
)
EMOTION_ORDER = (
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


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_artelingo_sample(
        tmp_path_factory.mktemp("sample") / "raw",
        paintings=PAINTINGS,
        seed=SEED,
        image_size=96,
        progress=ProgressMode.QUIET,
    )


@pytest.fixture(scope="module")
def rows(summary: SampleSummary) -> list[dict[str, str]]:
    with (summary.directory / "artelingo_release.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def jpegs(directory: Path) -> dict[str, Path]:
    root = directory / "wikiart"
    return {str(p.relative_to(root).with_suffix("")): p for p in root.rglob("*.jpg")}


def test_csv_has_the_official_form(summary: SampleSummary, rows: list[dict[str, str]]) -> None:
    raw = (summary.directory / "artelingo_release.csv").read_bytes()
    assert raw.startswith(COLUMNS.encode() + b"\n")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert len(rows) == summary.captions
    for row in rows:
        assert (
            EMOTION_ORDER[int(row["emotion_label"])] == row["emotion"] == row["grounding_emotion"]
        )
        assert ["english", "arabic", "chinese"][int(row["language_label"])] == row["language"]
        assert row["split"] in {"train", "val", "test"}
        assert row["image_file"] == (
            f"YOUR/PATH/TO/WIKIART/{row['art_style']}/{row['painting']}.jpg"
        )
        assert unicodedata.is_normalized("NFD", row["painting"])


def test_token_columns_are_python_lists_of_46_items(rows: list[dict[str, str]]) -> None:
    for row in rows:
        tokens, encoded = ast.literal_eval(row["tokens"]), ast.literal_eval(row["tokens_encoded"])
        assert len(tokens) == len(encoded) == int(row["tokens_len"]) == 46
        assert (tokens[0], encoded[0]) == ("<s>", 0)
        end = tokens.index("</s>")
        assert set(tokens[end + 1 :]) <= {"<pad>"}
        assert encoded[end:] == [2] + [1] * (45 - end)
        if end < 45:
            assert "".join(tokens[1:end]).replace("▁", " ").strip() == row["utterance_spelled"]
    useless = sum(len(row["tokens"]) + len(row["tokens_encoded"]) for row in rows)
    assert 0.55 < useless / sum(sum(map(len, row.values())) for row in rows) < 0.75
    assert any('"▁can\'t"' in row["tokens"] for row in rows)


def test_quoting_is_minimal(summary: SampleSummary, rows: list[dict[str, str]]) -> None:
    line = (summary.directory / "artelingo_release.csv").read_text(encoding="utf-8").split("\n")[1]
    rebuilt = []
    for value in rows[0].values():
        quoted = '"' + value.replace('"', '""') + '"'
        rebuilt.append(quoted if re.search('[",\n]', value) else value)
    assert line == ",".join(rebuilt)


def test_paintings_stay_in_one_split_near_the_official_shares(rows: list[dict[str, str]]) -> None:
    splits = {(row["art_style"], row["painting"], row["split"]) for row in rows}
    counts = Counter(split for _, _, split in splits)
    assert len(splits) == len({key[:2] for key in splits})
    assert abs(counts["train"] / len(splits) - 0.85) < 0.03
    assert abs(counts["val"] / len(splits) - 0.05) < 0.02


def test_captions_per_painting_and_language(rows: list[dict[str, str]]) -> None:
    cells = Counter((row["art_style"], row["painting"], row["language"]) for row in rows)
    allowed = {"english": {5, 6, 7}, "arabic": {3, 4, 5}, "chinese": {5}}
    assert all(count in allowed[language] for (_, _, language), count in cells.items())


def test_dirt_is_what_the_summary_says(summary: SampleSummary, rows: list[dict[str, str]]) -> None:
    empty = [row for row in rows if not row["utterance"].strip()]
    assert len(empty) == summary.empty >= 3
    assert {row["utterance"] for row in empty} == {"", " "}
    by_painting: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["utterance"].strip():
            by_painting[row["art_style"], row["painting"], row["language"]].append(row["utterance"])
    repeats = sum(len(texts) - len(set(texts)) for texts in by_painting.values())
    assert repeats >= summary.repeated >= 2
    wrong = sum(script(row["utterance"]) not in (None, row["language"]) for row in rows)
    assert wrong == summary.wrong_language >= 4
    texts = [row["utterance"] for row in rows]
    assert any("\u00a0" in text for text in texts)
    assert any("  " in text for text in texts)
    assert any(text.isupper() for text in texts)
    assert any("，" in row["utterance"] and "，" not in row["utterance_spelled"] for row in rows)


def script(text: str) -> str | None:
    counts = {
        "english": len(re.findall("[A-Za-z]", text)),
        "arabic": len(re.findall("[\u0600-\u06ff]", text)),
        "chinese": len(re.findall("[\u4e00-\u9fff]", text)),
    }
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


def test_names_join_only_in_nfc(summary: SampleSummary, rows: list[dict[str, str]]) -> None:
    files = jpegs(summary.directory)
    assert all(unicodedata.is_normalized("NFC", name) for name in files)
    declared = {f"{row['art_style']}/{row['painting']}" for row in rows}
    composed = {unicodedata.normalize("NFC", key) for key in declared}
    assert composed - set(files) == {summary.missing}
    lost = declared - set(files) - {summary.missing}
    assert lost
    assert all(not key.isascii() for key in lost)
    artists = {key.split("/")[1].partition("_")[0] for key in lost}
    assert any("\u00ad" in artist for artist in {unicodedata.normalize("NFC", a) for a in artists})
    assert any(artist.endswith("\u00a0") for artist in artists)
    for artist in artists:
        repaired = unicodedata.normalize("NFC", artist).replace("ã", "Ã").replace("â", "Â")
        assert repaired.encode("latin-1").decode("utf-8")
    names = [key.split("/", 1)[1] for key in composed]
    assert any("'" in name for name in names)
    assert any(re.search(r"\(\d\)$", name) for name in names)
    assert any(name.count("_") > 1 for name in names)
    assert all(re.fullmatch(r"[a-z0-9\-_.()']+", name) for name in names if name.isascii())


def test_pictures_are_whole_but_one_and_carry_the_faults(summary: SampleSummary) -> None:
    files = jpegs(summary.directory)
    assert len(files) == summary.pictures == PAINTINGS - 1
    orientations: Counter[int] = Counter()
    located = []
    sizes = set()
    for key, path in files.items():
        with Image.open(path) as image:
            exif = image.getexif()
            orientations[exif.get(ExifTags.Base.Orientation, 1)] += 1
            if exif.get_ifd(ExifTags.IFD.GPSInfo):
                located.append(key)
            if key == summary.truncated:
                with pytest.raises((OSError, UnidentifiedImageError)):
                    image.load()
            else:
                image.load()
                sizes.add(min(image.size))
    assert {3, 6, 8} <= set(orientations)
    assert len(located) == 1
    assert {96, 3 * 96} <= sizes


def test_copies_are_near_duplicates_and_the_list_knows_a_part(summary: SampleSummary) -> None:
    gallery = draw_gallery(PAINTINGS, SEED)
    files = jpegs(summary.directory)
    with (summary.directory / "artemis_duplicates.csv").open(encoding="utf-8", newline="") as file:
        listed = defaultdict(set)
        for row in csv.DictReader(file):
            listed[row["group"]].add(f"{row['art_style']}/{row['painting']}")
    pairs = [{gallery.keys[one], gallery.keys[other]} for one, other in gallery.copies]
    assert len(listed) == summary.listed < len(pairs) == summary.copies
    assert all(group in pairs for group in listed.values())
    for one, other in gallery.copies:
        distance = phash(files[gallery.keys[one]]) - phash(files[gallery.keys[other]])
        if gallery.cropped[other]:
            assert distance > 4
            assert {gallery.keys[one], gallery.keys[other]} in listed.values()
        else:
            assert distance <= 4


def phash(path: Path) -> imagehash.ImageHash:
    with Image.open(path) as image:
        return imagehash.phash(ImageOps.exif_transpose(image).convert("RGB"))


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        write_artelingo_sample(
            tmp_path / name, paintings=40, seed=9, image_size=64, progress=ProgressMode.QUIET
        )
        digest = hashlib.sha256()
        for path in sorted((tmp_path / name).rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(tmp_path / name)).encode() + path.read_bytes())
        digests.append(digest.hexdigest())
    assert digests[0] == digests[1]


def test_another_seed_gives_other_captions(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_artelingo_sample(tmp_path / str(seed), paintings=40, seed=seed, pixels=PixelMode.NONE)
    one, two = ((tmp_path / name / "artelingo_release.csv").read_bytes() for name in "12")
    assert one != two


@pytest.mark.parametrize("captions", [1, 100, 5_000])
def test_number_of_captions_is_exact(tmp_path: Path, captions: int) -> None:
    summary = write_artelingo_sample(
        tmp_path / "raw", paintings=60, captions=captions, pixels=PixelMode.NONE
    )
    lines = (tmp_path / "raw" / "artelingo_release.csv").read_bytes().count(b"\n")
    assert (summary.captions, lines) == (captions, captions + 1)
    assert not (tmp_path / "raw" / "wikiart").exists()


def test_thumbnails_are_small(tmp_path: Path) -> None:
    write_artelingo_sample(tmp_path / "raw", paintings=30, pixels=PixelMode.THUMBNAIL)
    for path in jpegs(tmp_path / "raw").values():
        with Image.open(path) as image:
            assert min(image.size) <= 48


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something that is no sample"):
        write_artelingo_sample(tmp_path, paintings=30)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="is a file"):
        write_artelingo_sample(tmp_path / "thesis.txt", paintings=30)


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    for paintings in (30, 40):
        write_artelingo_sample(tmp_path / "raw", paintings=paintings, pixels=PixelMode.NONE)
    assert "40 paintings" in (tmp_path / "raw" / "README.txt").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"paintings": 5}, "at least 30"),
        ({"captions": 0}, "at least 1"),
        ({"seed": -1}, "0 or more"),
        ({"image_size": 5}, "32 to 2600"),
    ],
)
def test_values_out_of_range_are_refused(
    tmp_path: Path, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        write_artelingo_sample(tmp_path / "raw", pixels=PixelMode.NONE, **arguments)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written"):
        write_artelingo_sample(tmp_path / "file" / "raw", pixels=PixelMode.NONE)
