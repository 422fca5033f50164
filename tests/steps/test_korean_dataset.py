"""Both Korean pipelines from raw files to a checked dataset."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

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
