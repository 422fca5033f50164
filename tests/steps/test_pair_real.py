"""The steps on real labels and dialogues; the pictures are empty stand-ins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artcurate.corpus import Corpus, merge
from artcurate.pipeline import load_bundled, resolve
from artcurate.sources.registry import READERS


def unanimous(labels: list[Path]) -> int:
    """Counted from the raw JSON."""
    count = 0
    for path in labels:
        for record in json.loads(path.read_bytes().decode("utf-8-sig")):
            votes = {record["faceExp_uploader"]}
            votes |= {record[f"annot_{annotator}"]["faceExp"] for annotator in "ABC"}
            count += len(votes) == 1
    return count


@pytest.fixture(scope="module")
def corpus(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("cid")
    for path in (real_data / "korean" / "cid").glob("*.json"):
        (folder / path.name).write_bytes(path.read_bytes())
        for record in json.loads(path.read_bytes().decode("utf-8-sig")):
            (folder / record["filename"]).write_bytes(b"stand-in")
    return merge(
        [
            READERS["ecc"].read([real_data / "korean" / "ecc"], "ecc"),
            READERS["cid"].read([folder], "cid"),
        ]
    )


@pytest.mark.parametrize("name", ["korean", "korean-paper"])
def test_real_labels_and_dialogues_are_paired(corpus: Corpus, real_data: Path, name: str) -> None:
    overrides = [] if name == "korean" else ["sentences.releases=[training, validation]"]
    result = corpus
    # Labels without pictures: nothing knows how large those are, so no face is looked for.
    for stage in resolve(load_bundled(name), overrides).stages:
        if not stage.step.heavy and stage.step.name != "face_crop":
            result = stage.step.function(result, parameters=stage.parameters)
    found = result.findings["image_labels"]
    assert found["images_in"] == 226
    labels = sorted((real_data / "korean" / "cid").glob("*.json"))
    assert found["images_out"] == unanimous(labels)
    assert result.pairs.height == result.findings["pair"]["bound"] > 0
    assert result.findings["pair"]["straddling"]["persons"] == 0
