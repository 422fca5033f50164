"""Both Korean pipelines from raw files to a checked dataset."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from artcurate.package.validate import validate
from artcurate.pipeline import load_bundled, resolve
from artcurate.progress import ProgressMode
from artcurate.runner import build
from artcurate.sources.synthetic.korean.sample import write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

PERSON = re.compile(rb"[0-9a-f]{64}")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("korean") / "raw"
    write_korean_sample(
        folder,
        persons=40,
        dialogues=300,
        images=600,
        pixels=PixelMode.THUMBNAIL,
        progress=ProgressMode.QUIET,
    )
    return folder


def built(raw: Path, name: str, out: Path, *overrides: str) -> Path:
    build(
        resolve(load_bundled(name), overrides),
        {"ecc": [raw / "ecc"], "cid": [raw / "cid"]},
        out,
        workers=1,
    )
    return out


@pytest.fixture(scope="module")
def strict(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("strict") / "korean"
    return built(raw, "korean", out, "pair.draws=2", "image_labels.choice=soft")


def rows(folder: Path) -> list[dict[str, object]]:
    """Every row with its split, pixels left out."""
    return [
        {**row, "split": shard.name.split("-")[0]}
        for shard in sorted((folder / "data").glob("*.parquet"))
        for row in pq.read_table(
            shard, columns=[n for n in pq.read_schema(shard).names if n != "image"]
        ).to_pylist()
    ]


def test_the_dataset_keeps_its_schema(strict: Path) -> None:
    assert [str(violation) for violation in validate(strict)] == []


def test_the_written_shards_keep_persons_dialogues_and_texts_apart(strict: Path) -> None:
    read = rows(strict)
    assert {row["split"] for row in read} == {"train", "validation", "test"}
    for column in ("person", "dialogue", "text", "image_id"):
        found = defaultdict(set)
        for row in read:
            found[row[column]].add(row["split"])
        assert all(len(splits) == 1 for splits in found.values()), column


def test_sentences_that_differ_in_marks_only_stay_on_one_side(strict: Path) -> None:
    found = defaultdict(set)
    for row in rows(strict):
        said = unicodedata.normalize("NFC", str(row["text"]))
        found["".join(filter(str.isalnum, said)).lower()].add(row["split"])
    assert all(len(splits) == 1 for splits in found.values())


def test_draws_are_there_when_the_folder_is_loaded(strict: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(strict), "pairs", cache_dir=str(tmp_path))
    cell = ("emotion", "age_group", "gender")
    for split in loaded.values():
        plain = split.remove_columns("image")
        known = {row["id"]: row for row in plain}
        for draw in range(2):
            names = [row["draws"][draw] for row in plain]
            # A permutation: every picture once, none from outside.
            assert sorted(names) == sorted(known)
            for row, name in zip(plain, names, strict=True):
                assert [known[name][key] for key in cell] == [row[key] for key in cell]
    assert loaded["train"][0]["image"].mode == "RGB"
    card = (strict / "README.md").read_text()
    assert "| draws | list: string | yes" not in card
    assert "train on draw d by taking the image of row draws" in card


def test_the_card_says_what_the_two_sides_share_and_under_which_terms(strict: Path) -> None:
    card = (strict / "README.md").read_text()
    for said in (
        "only label, age group and gender agree",
        "The two sides of a pair share nothing else",
        "the dialogues of ECC (AI Hub data set 86) and the pictures of CID (AI Hub data set 82)",
        "must not be redistributed, neither pixels nor text",
        "neutral (system_matched) can be told by outward style alone",
        "instead system_plain would offer",
        "The alternatives: system_plain drops the polite endings",
        "published             125           428",
        "published 6,349 / 762 / 778",
        "cost of persons on one side: 0 pairs",
        "face boxes:",
        "pictures there, by class",
    ):
        assert said in card, said


def test_draws_name_rows_of_the_same_split(strict: Path) -> None:
    splits = {row["id"]: row["split"] for row in rows(strict)}
    for row in rows(strict):
        assert len(row["draws"]) == 2  # type: ignore[arg-type]
        assert {splits[name] for name in row["draws"]} == {row["split"]}  # type: ignore[union-attr]


def test_no_raw_name_of_a_person_is_published(raw: Path, strict: Path) -> None:
    labels = [path.read_bytes() for path in (raw / "cid").rglob("*.json")]
    persons = {name for content in labels for name in PERSON.findall(content)}
    assert len(persons) > 20
    for path in strict.rglob("*"):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            shown = table.drop([n for n in ("image",) if n in table.column_names])
            content = json.dumps(shown.to_pylist(), default=str).encode()
            if "image" in table.column_names:
                content += "".join(one["path"] for one in table["image"].to_pylist()).encode()
        elif path.is_file():
            content = path.read_bytes()
        else:
            continue
        assert not persons & set(PERSON.findall(content)), path.name


def test_the_certificate_and_the_published_table_are_in_the_dataset(strict: Path) -> None:
    certificate = json.loads((strict / "split.json").read_text())
    assert sum(certificate["rows"]) == len(rows(strict))
    assert "58,330" in (strict / "README.md").read_text()


def test_the_published_way_can_be_built_too(raw: Path, tmp_path: Path) -> None:
    out = built(raw, "korean-paper", tmp_path / "paper")
    assert [str(violation) for violation in validate(out)] == []
    read = rows(out)
    persons = defaultdict(set)
    for row in read:
        persons[row["person"]].add(row["split"])
    assert all(len(splits) == 1 for splits in persons.values())
    assert "sentence_group" not in read[0]
