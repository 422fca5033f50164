"""A population like the published one gives Table I, counted here by hand from its files."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from artcurate.progress import ProgressMode
from artcurate.sources.synthetic.korean import KoreanSample, write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

LABELS = ("기쁨", "슬픔", "분노", "당황", "불안", "상처", "중립")
COLUMNS = ("청소년남", "청소년여", "청년남", "청년여", "중년남", "중년여", "노년여")
#: As printed; * marks a cell that ECC limits.
TABLE = """
    157  553  1587* 2407* 1359* 1644* 182
    143  249  2345* 2922* 1962* 2124* 130
    140  228  2156* 3042* 1785* 2282* 80
    115  277  1930* 2862* 1704* 1944* 24
    71   129  2088* 3096* 565   737   16
    68   92   1997* 2260  365   479   9
    125  428  2345* 2922* 1962* 2124* 119
"""
BANDS = {1: "청소년", 2: "청년", 3: "청년", 4: "중년", 5: "중년", 6: "노년"}

Cells = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> KoreanSample:
    return write_korean_sample(
        tmp_path_factory.mktemp("published") / "raw",
        like_published=True,
        seed=7,
        pixels=PixelMode.NONE,
        progress=ProgressMode.QUIET,
    )


@pytest.fixture(scope="module")
def images(sample: KoreanSample) -> Cells:
    """Pictures that are there and on which the uploader and all annotators agree."""
    there = set()
    for path in (sample.directory / "cid").rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            there |= {m.filename.encode("cp437").decode("cp949") for m in archive.infolist()}
    counts = Counter[tuple[str, str]]()
    for path in (sample.directory / "cid").rglob("*.json"):
        for record in json.loads(path.read_bytes()):
            label = record["faceExp_uploader"]
            votes = {record[f"annot_{annotator}"]["faceExp"] for annotator in "ABC"}
            if votes == {label}:
                assert record["filename"] in there
                assert record["filename"] not in sample.corrupt
                band = BANDS[record["age"] // 10]
                counts[label, band + record["gender"]] += 1
    return counts


@pytest.fixture(scope="module")
def sentences(sample: KoreanSample) -> tuple[Cells, int]:
    """Distinct human sentences of Training per cell, and distinct first system sentences."""
    (path,) = (sample.directory / "ecc").rglob("원천데이터/*Training.zip")
    names = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as archive:
        workbook = io.BytesIO(archive.read(archive.infolist()[0]))
    with zipfile.ZipFile(workbook) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    seen: set[tuple[str, str]] = set()
    counts = Counter[tuple[str, str]]()
    system = set()
    for row in sheet.findall(".//m:row", names)[1:]:
        cells = {
            (cell.get("r") or "")[0]: "".join(part.text or "" for part in cell.iter())
            for cell in row.iterfind("m:c", names)
        }
        for text in (cells["H"], cells["J"]):
            if (cells["F"], text) not in seen:
                seen.add((cells["F"], text))
                counts[cells["F"], cells["B"] + cells["C"][0]] += 1
        system.add(cells["I"])
    return counts, len(system)


def test_the_smaller_side_of_every_cell_is_the_published_number(
    images: Cells, sentences: tuple[Cells, int]
) -> None:
    human, system = sentences
    total = 0
    for label, row in zip(LABELS, TABLE.strip().splitlines(), strict=True):
        for column, printed in zip(COLUMNS, row.split(), strict=True):
            pairs = int(printed.rstrip("*"))
            # Neutral sentences know no age and gender; their cells are capped like sad ones.
            texts = human["슬픔" if label == "중립" else label, column]
            assert min(texts, images[label, column]) == pairs, (label, column)
            assert (texts < images[label, column]) == printed.endswith("*"), (label, column)
            total += pairs
    assert total == 58_330
    assert system >= 10_025


def test_no_unanimous_image_shows_a_senior_man(images: Cells, sentences: tuple[Cells, int]) -> None:
    assert {column for _, column in images} == set(COLUMNS)
    assert sentences[0]["기쁨", "노년남"] > 0


def test_the_population_is_as_small_as_it_can_be(sample: KoreanSample, images: Cells) -> None:
    assert sample.unanimous == sum(images.values())
    assert 58_330 < sample.images < 66_000
    assert sample.dialogues < 26_000
    assert sample.persons > 1_000


def test_faults_remain(sample: KoreanSample) -> None:
    assert sample.unpictured > 100
    assert sample.unlabelled >= 2
    assert sample.corrupt
    assert not Path(sample.directory / "cid" / "Training" / sample.missing).exists()
