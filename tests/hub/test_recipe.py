"""A recipe tells how to make a dataset and nothing of what its sources keep for themselves."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import CommandLine, Dataset
from hub_server import HubServer

from artcurate.errors import DataError
from artcurate.hub.publish import Wishes, prepare, publish
from artcurate.pipeline import load, resolve
from artcurate.runner import read_inputs

REPO = "somebody/recipe"


def everything_sent(server: HubServer) -> Iterator[bytes]:
    """Every body, what is base64 in it, and what is compressed in Parquet files."""
    for request in server.requests:
        yield from unpacked(request.body)
        if "/commit/" in request.path:
            for line in request.body.splitlines():
                content = json.loads(line)["value"].get("content")
                yield from unpacked(base64.b64decode(content)) if content else ()


def unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    if content[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(content))
        assert not [field for field in table.schema if pa.types.is_binary(field.type)]
        yield json.dumps(table.to_pylist(), ensure_ascii=False).encode()


def raw_sentences(dataset: Dataset) -> list[str]:
    pipeline = resolve(load(dataset.out / "pipeline.yaml"))
    return read_inputs(pipeline, dataset.inputs).annotations["text"].drop_nulls().to_list()


def pictures(dataset: Dataset, config: str) -> list[bytes]:
    shards = (dataset.out / "data").glob("*.parquet")
    return [row["bytes"] for shard in shards for row in pq.read_table(shard)["image"].to_pylist()]


@pytest.mark.parametrize("which", ["faces", "paintings"])
def test_no_text_and_no_pixel_is_among_the_bytes_that_are_sent(
    which: str, server: HubServer, request: pytest.FixtureRequest
) -> None:
    dataset: Dataset = request.getfixturevalue(which)
    publish(dataset.out, REPO, Wishes(recipe=True))
    sent = b"\n".join(everything_sent(server))

    sentences = {text.strip() for text in raw_sentences(dataset) if len(text.strip()) > 8}
    assert len(sentences) > 200
    assert not [text for text in sentences if text.encode() in sent]
    escaped = [json.dumps(text).strip('"').encode() for text in sentences]
    assert not [text for text in escaped if text in sent]
    shown = pictures(dataset, "data")
    assert len(shown) > 30
    assert not [picture for picture in shown if picture[100:164] in sent]
    assert b"\xff\xd8\xff" not in sent
    assert b"\x89PNG" not in sent


def test_the_search_finds_what_a_full_publication_sends(
    paintings: Dataset, server: HubServer
) -> None:
    publish(paintings.out, REPO, Wishes())
    bodies = [one.body for one in server.requests if one.body[:4] == b"PAR1"]
    told = b"".join(
        json.dumps(
            pq.read_table(io.BytesIO(one), columns=["captions"]).to_pylist(), ensure_ascii=False
        ).encode()
        for one in bodies
        if "captions" in pq.read_schema(io.BytesIO(one)).names
    )

    assert [text for text in raw_sentences(paintings) if len(text) > 20 and text.encode() in told]
    assert any(b"\xff\xd8\xff" in one for one in bodies)


def test_a_closed_source_leaves_ids_splits_and_hashes(faces: Dataset, server: HubServer) -> None:
    publish(faces.out, REPO, Wishes(recipe=True, public=True))

    files = server.hub.files(REPO)
    table = pl.read_parquet(io.BytesIO(files["recipe/pairs/train.parquet"]))
    shard = pl.read_parquet(faces.out / "data" / "train-00000-of-00001.parquet")
    assert set(table.columns) == {
        *("id", "image_id", "person", "dialogue", "turn", "sentence_group", "row_sha256"),
    }
    for name in ("id", "image_id", "person", "dialogue"):
        assert table[name].to_list() == shard[name].to_list()
    assert table["row_sha256"].is_unique().all()
    assert set(files) >= {"artcurate.lock", "pipeline.yaml", "split.json", "README.md"}
    assert not [name for name in files if name.startswith("data/")]
    assert "findings.json" not in files


def test_the_plan_of_ids_alone_says_that_no_licence_is_asked(
    faces: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    planned = artcurate("publish", faces.out, "--repo", REPO, "--recipe", "--dry-run")

    assert "nothing that a licence speaks of" in planned.out
    assert "licence gate" not in planned.out


def test_an_open_source_leaves_labels_of_our_own_too(paintings: Dataset, server: HubServer) -> None:
    publish(paintings.out, REPO, Wishes(recipe=True))

    files = server.hub.files(REPO)
    table = pq.read_table(io.BytesIO(files["recipe/paintings/train.parquet"]))
    assert {"painting_id", "soft_label", "emotion", "votes", "duplicate_group"} <= set(
        table.column_names
    )
    caption = table["captions"][0].as_py()[0]
    assert set(caption) == {"id", "language", "emotion", "polarity"}
    assert b'"ClassLabel"' in table.schema.metadata[b"huggingface"]


def test_the_quarantine_travels_without_its_details(faces: Dataset, server: HubServer) -> None:
    publish(faces.out, REPO, Wishes(recipe=True))

    sent = pl.read_parquet(io.BytesIO(server.hub.files(REPO)["quarantine.parquet"]))
    mine = pl.read_parquet(faces.out / "quarantine.parquet")
    assert "detail" not in sent.columns
    assert sent.equals(mine.drop("detail", "source", "row"))


def test_no_file_of_a_closed_corpus_tells_the_label_of_what_was_left_out(
    faces: Dataset, paintings: Dataset
) -> None:
    assert "당황" in " ".join(pl.read_parquet(faces.out / "quarantine.parquet")["source"])
    for dataset, told in ((faces, False), (paintings, True)):
        (file,) = (
            one
            for one in prepare(dataset.out, Wishes(recipe=True)).files
            if one.name == "quarantine.parquet"
        )
        columns = set(pl.read_parquet(io.BytesIO(file.read())).columns)
        assert ({"source", "row"} <= columns) is told
        assert told or not {"source", "row"} & columns


def test_the_card_tells_how_to_make_it_and_shows_the_tables(
    faces: Dataset, server: HubServer
) -> None:
    publish(faces.out, REPO, Wishes(recipe=True))

    card = server.hub.files(REPO)["README.md"].decode()
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["configs"][0]["data_files"][0] == {
        "split": "train",
        "path": "recipe/pairs/train.parquet",
    }
    assert "$ artcurate rebuild REPOSITORY --cid CID --ecc ECC" in card
    assert "load_dataset" not in card


def test_a_recipe_takes_the_place_of_a_full_publication(
    paintings: Dataset, server: HubServer
) -> None:
    publish(paintings.out, REPO, Wishes())
    publish(paintings.out, REPO, Wishes(recipe=True))

    names = server.hub.files(REPO)
    assert not [name for name in names if name.startswith(("data/", "annotations/"))]
    assert "croissant.json" not in names


def test_scores_and_their_charts_travel_and_predictions_stay(
    faces: Dataset, tmp_path: Path
) -> None:
    scored = tmp_path / "scored"
    shutil.copytree(faces.out, scored)
    kept_back = ("predictions/shown.parquet", "report.html")
    for name in ("scores.json", "eval.yaml", "figures/a.png", *kept_back):
        (scored / name).parent.mkdir(exist_ok=True)
        (scored / name).write_bytes(b"{}")

    recipe = {file.name for file in prepare(scored, Wishes(recipe=True)).files}
    whole = {file.name for file in prepare(scored, Wishes()).files}
    assert {"scores.json", "eval.yaml", "figures/a.png"} <= recipe
    assert set(kept_back) <= whole - recipe


def test_the_same_dataset_gives_the_same_recipe(faces: Dataset) -> None:
    one, two = (prepare(faces.out, Wishes(recipe=True)).files for _ in range(2))

    assert [file.sha256 for file in one] == [file.sha256 for file in two]


@pytest.mark.parametrize("name", ["scores.json", "eval.yaml", "split.json"])
def test_a_sentence_in_a_file_beside_the_tables_stops_the_recipe(
    name: str, faces: Dataset, tmp_path: Path
) -> None:
    telling = tmp_path / "telling"
    shutil.copytree(faces.out, telling)
    rows = pl.read_parquet(telling / "data" / "train-00000-of-00001.parquet", columns=["text"])
    sentence = max(rows["text"], key=len)
    escaped = json.dumps({"worst": f"taken for anger: {sentence}"}, ensure_ascii=True)
    (telling / name).write_text(escaped, encoding="utf-8")

    with pytest.raises(DataError, match=rf"{name}: holds a sentence of the dataset"):
        prepare(telling, Wishes(recipe=True))


def test_a_report_with_pictures_and_sentences_goes_with_the_dataset_and_never_with_its_recipe(
    paintings: Dataset, server: HubServer, tmp_path: Path
) -> None:
    scored = tmp_path / "scored"
    shutil.copytree(paintings.out, scored)
    (row, *_) = pl.read_parquet(scored / "annotations" / "train-00000-of-00001.parquet")["text"]
    (scored / "report.html").write_text(f"<p>{row}</p>", encoding="utf-8")
    publish(scored, REPO, Wishes())
    assert "report.html" in server.hub.files(REPO)

    publish(scored, REPO, Wishes(recipe=True))
    files = server.hub.files(REPO)
    assert "report.html" not in files
    assert not [name for name, data in files.items() if row.encode() in data]
