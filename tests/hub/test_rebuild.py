"""A dataset made again from the reader's own copies: equal bit for bit, or every cause named."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest
import yaml
from conftest import CommandLine, Dataset
from hub_server import HubServer
from PIL import Image

from artcurate import resources
from artcurate.errors import DataError, UsageError
from artcurate.hub.publish import Wishes, prepare, publish
from artcurate.hub.rebuild import rebuild
from artcurate.pipeline import load_bundled, resolve
from artcurate.resources import read_yaml
from artcurate.runner import build

sys.path.insert(0, str(Path(__file__).parent.parent / "remote"))
from web_server import serving

REPO = "somebody/recipe"


def shard_hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*/*.parquet")
    }


def recipe_in(dataset: Dataset, folder: Path) -> Path:
    """The recipe of `dataset` as somebody has fetched it."""
    for file in prepare(dataset.out, Wishes(recipe=True)).files:
        path = folder / "recipe" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read())
    return folder / "recipe"


def copied(dataset: Dataset, folder: Path) -> dict[str, list[Path]]:
    """The inputs of `dataset` under another path."""
    copies: dict[str, list[Path]] = {}
    for name, (path,) in dataset.inputs.items():
        target = folder / "mine" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
        copies[name] = [target]
    return copies


def test_korean_pairs_are_made_again_bit_for_bit_from_the_hub(
    faces: Dataset, server: HubServer, artcurate: CommandLine, tmp_path: Path
) -> None:
    publish(faces.out, REPO, Wishes(recipe=True))
    mine = copied(faces, tmp_path)
    ended = artcurate(
        *("rebuild", REPO, "--ecc", mine["ecc"][0], "--cid", mine["cid"][0]),
        *("--out", tmp_path / "again", "--workers", 1, "--json"),
    )

    assert ended.code == 0, ended.err
    assert json.loads(ended.out.splitlines()[-1])["equal_shards"] == 3
    assert shard_hashes(tmp_path / "again") == shard_hashes(faces.out)


def test_paintings_are_made_again_bit_for_bit_from_a_folder(
    paintings: Dataset, artcurate: CommandLine, tmp_path: Path
) -> None:
    recipe = recipe_in(paintings, tmp_path)
    mine = copied(paintings, tmp_path)
    ended = artcurate(
        *("rebuild", recipe, "--annotations", mine["annotations"][0]),
        *("--images", mine["images"][0], "--out", tmp_path / "again", "--workers", 1),
    )

    assert ended.code == 0, ended.err
    assert "all 6 shards have the sha256 of the recipe" in ended.out
    assert shard_hashes(tmp_path / "again") == shard_hashes(paintings.out)


@pytest.mark.parametrize("kind", ["faces", "paintings"])
def test_copies_at_urls_serve_as_well(
    kind: str, request: pytest.FixtureRequest, artcurate: CommandLine, tmp_path: Path
) -> None:
    dataset: Dataset = request.getfixturevalue(kind)
    recipe = recipe_in(dataset, tmp_path)
    mine = copied(dataset, tmp_path)
    with serving(tmp_path / "mine") as web:
        given = [
            word
            for name, (path,) in mine.items()
            for word in (f"--{name}", f"{web.url}/{path.name}")
        ]
        ended = artcurate("rebuild", recipe, *given, "--out", tmp_path / "again", "--workers", 1)
        assert ended.code == 0, ended.err
        (mine.get("ecc") or mine["annotations"])[0].rename(tmp_path / "gone")
        ended = artcurate("rebuild", recipe, *given, "--out", tmp_path / "more", "--workers", 1)
    assert shard_hashes(tmp_path / "again") == shard_hashes(dataset.out)
    assert ended.code == 1
    assert web.url in ended.err


def test_a_rebuild_runs_as_a_build_does(
    paintings: Dataset, artcurate: CommandLine, tmp_path: Path
) -> None:
    (annotations,), (images,) = paintings.inputs["annotations"], paintings.inputs["images"]
    ended = artcurate(
        *("rebuild", paintings.out, "--annotations", annotations, "--images", images),
        *("--out", tmp_path / "again", "--events", tmp_path / "events.jsonl", "--json"),
        *("--engine", "local", "--workers", 1, "--worker-memory", "2GiB"),
    )

    assert ended.code == 0, ended.err
    assert json.loads(ended.out.splitlines()[-1])["equal_shards"] == 6
    events = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(events[-1])["event"] == "build_ended"


def test_a_whole_dataset_can_be_made_again_too(faces: Dataset, tmp_path: Path) -> None:
    rebuilt = rebuild(str(faces.out), faces.inputs, tmp_path / "again", workers=1)

    assert rebuilt.shards == 3


def test_what_is_to_be_made_again_is_never_replaced(paintings: Dataset) -> None:
    with pytest.raises(UsageError, match="give another --out"):
        rebuild(str(paintings.out), paintings.inputs, paintings.out, overwrite=True)

    assert (paintings.out / "artcurate.lock").is_file()


def test_damaged_tables_of_a_recipe_are_told_in_a_sentence(
    paintings: Dataset, tmp_path: Path
) -> None:
    for name in ("pictures.parquet", "quarantine.parquet"):
        recipe = recipe_in(paintings, tmp_path / name)
        (recipe / name).write_bytes(b"PAR1 damaged PAR1")
        with pytest.raises(DataError, match=rf"{name}: not readable"):
            rebuild(str(recipe), paintings.inputs, tmp_path / "again", workers=1)


def test_files_that_were_moved_are_the_same(faces: Dataset, tmp_path: Path) -> None:
    mine = copied(faces, tmp_path)
    (inner,) = mine["ecc"][0].iterdir()
    inner.rename(mine["ecc"][0] / "renamed")
    rebuilt = rebuild(str(recipe_in(faces, tmp_path)), mine, tmp_path / "again", workers=1)

    assert rebuilt.shards == 3


def test_every_picture_that_is_missing_is_named_before_anything_is_built(
    faces: Dataset, tmp_path: Path
) -> None:
    mine = copied(faces, tmp_path)
    archive = sorted(mine["cid"][0].rglob("*TRAIN_02.zip"))[0]
    gone = {short(Path(name).stem) for name in zipfile.ZipFile(archive).namelist()}
    archive.unlink()

    with pytest.raises(DataError) as caught:
        rebuild(str(recipe_in(faces, tmp_path)), mine, tmp_path / "again", workers=1)

    named = {short(line.split(": ")[1]) for line in caught.value.problems[1:]}
    assert "inputs differ, so nothing was built" in caught.value.problems[0]
    assert named == gone
    assert not (tmp_path / "again").exists()


def short(stem: str) -> str:
    """Person, time and frame of a picture; what stands between is spelled as the zip likes."""
    return f"{stem[:64]} {stem[-22:]}"


def test_a_file_with_other_bytes_and_a_file_too_many_are_named(
    faces: Dataset, tmp_path: Path
) -> None:
    mine = copied(faces, tmp_path)
    labels = sorted(mine["cid"][0].rglob("*.json"))
    changed = json.loads(labels[0].read_text(encoding="utf-8"))
    labels[0].write_text(json.dumps(changed[:-1]), encoding="utf-8")
    (labels[1].parent / "another.json").write_text(json.dumps(changed[-1:]), encoding="utf-8")

    with pytest.raises(DataError) as caught:
        rebuild(str(recipe_in(faces, tmp_path)), mine, tmp_path / "again", workers=1)

    said = str(caught.value)
    assert f"{labels[0].name}: other sha256, " in said
    assert "another.json: not among the inputs of the recipe" in said


def test_what_differs_is_named_beside_what_cannot_be_read(faces: Dataset, tmp_path: Path) -> None:
    mine = copied(faces, tmp_path)
    (mine["ecc"][0] / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    labels = sorted(mine["cid"][0].rglob("*.json"))[0]
    changed = json.loads(labels.read_text(encoding="utf-8"))
    labels.write_text(json.dumps(changed[:-1]), encoding="utf-8")

    with pytest.raises(DataError) as caught:
        rebuild(str(recipe_in(faces, tmp_path)), mine, tmp_path / "again", workers=1)

    assert "broken.zip" in caught.value.problems[0]
    assert f"{labels.name}: other sha256, " in str(caught.value)
    assert "ecc: " not in str(caught.value)

    (mine["cid"][0] / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError) as caught:
        rebuild(str(recipe_in(faces, tmp_path)), mine, tmp_path / "again", workers=1)
    assert [name in str(caught.value) for name in ("broken.zip", "cut.zip")] == [True, True]


def test_pictures_of_another_size_missing_and_extra_ones_are_named(
    paintings: Dataset, tmp_path: Path
) -> None:
    mine = copied(paintings, tmp_path)
    used = pl.read_parquet(paintings.out / "pictures.parquet")["id"].to_list()
    plain = [one for one in used if one.isascii()]
    root = mine["images"][0]
    (root / f"{plain[0]}.jpg").unlink()
    with (root / f"{plain[1]}.jpg").open("ab") as file:
        file.write(b"\0\0")
    shutil.copy(root / f"{plain[2]}.jpg", root / plain[2].partition("/")[0] / "x_y.jpg")

    with pytest.raises(DataError) as caught:
        rebuild(str(recipe_in(paintings, tmp_path)), mine, tmp_path / "again", workers=1)

    said = caught.value.problems
    assert any(plain[0] in line and line.endswith("missing.") for line in said)
    assert any(plain[1] in line and "bytes; expected" in line for line in said)
    assert any("x_y" in line and "not among the pictures" in line for line in said)
    assert said[0].startswith("3 inputs differ")


def test_a_picture_of_equal_size_and_other_bytes_is_named_after_the_build(
    paintings: Dataset, tmp_path: Path
) -> None:
    mine = copied(paintings, tmp_path)
    used = pl.read_parquet(paintings.out / "pictures.parquet")["id"].to_list()
    name = next(one for one in used if one.isascii())
    path = mine["images"][0] / f"{name}.jpg"
    repaint(path)

    with pytest.raises(DataError) as caught:
        rebuild(str(recipe_in(paintings, tmp_path)), mine, tmp_path / "again", workers=1)

    said = str(caught.value)
    assert "shards differ" in said
    assert f"images: {name}: other sha256, " in said
    assert f"paintings: {name}: other text, labels or picture." in said
    assert (tmp_path / "again").is_dir()


def repaint(path: Path) -> None:
    """Another picture in exactly as many bytes: smaller, and filled up behind its end."""
    size = path.stat().st_size
    with Image.open(path) as picture:
        picture.convert("RGB").rotate(180).save(path, quality=30)
    missing = size - path.stat().st_size
    assert missing > 0
    with path.open("ab") as file:
        file.write(b"\0" * missing)


def test_captions_of_another_release_are_named(paintings: Dataset, tmp_path: Path) -> None:
    mine = copied(paintings, tmp_path)
    with mine["annotations"][0].open("a", encoding="utf-8") as file:
        file.write("\n")

    with pytest.raises(DataError, match=r"artelingo_release.csv: other sha256, [0-9a-f]{64}; exp"):
        rebuild(str(recipe_in(paintings, tmp_path)), mine, tmp_path / "again", workers=1)


def test_libraries_of_another_version_are_named_as_a_cause(faces: Dataset, tmp_path: Path) -> None:
    recipe = recipe_in(faces, tmp_path)
    lock = json.loads((recipe / "artcurate.lock").read_text(encoding="utf-8"))
    lock["versions"]["pillow"] = "1.0"
    lock["shards"][0]["sha256"] = "0" * 64
    (recipe / "artcurate.lock").write_text(json.dumps(lock), encoding="utf-8")

    with pytest.raises(DataError) as caught:
        rebuild(str(recipe), faces.inputs, tmp_path / "again", workers=1)

    assert "pillow: it was built with version 1.0, and here is" in str(caught.value)


def test_a_salt_that_the_publisher_keeps_is_asked_for_and_checked(
    faces: Dataset, tmp_path: Path
) -> None:
    salted = tmp_path / "salted"
    (tmp_path / "salt.txt").write_text("a long secret\n", encoding="utf-8")
    salt = f"pseudonyms.salt=@{tmp_path / 'salt.txt'}"
    build(resolve(load_bundled("korean"), [salt]), faces.inputs, salted, workers=1)
    recipe = recipe_in(Dataset(salted, faces.inputs), tmp_path)
    assert "a long secret" not in (recipe / "pipeline.yaml").read_text(encoding="utf-8")

    again = tmp_path / "again"
    with pytest.raises(UsageError, match=r"its publisher keeps pseudonyms.salt; ask for it"):
        rebuild(str(recipe), faces.inputs, again, workers=1)
    with pytest.raises(UsageError, match=r"with pseudonyms.salt as given it is another pipeline"):
        rebuild(str(recipe), faces.inputs, again, overrides=["pseudonyms.salt=guess"], workers=1)

    assert rebuild(str(recipe), faces.inputs, again, overrides=[salt], workers=1).shards == 3
    written = read_yaml(again / "pipeline.yaml")
    assert {"pseudonyms": {"salt": "a long secret", "seed": 0}} in written["steps"]


def test_a_recipe_of_another_version_is_not_taken_for_one_with_a_secret(
    faces: Dataset, tmp_path: Path
) -> None:
    recipe = recipe_in(faces, tmp_path)
    pipeline = yaml.safe_load((recipe / "pipeline.yaml").read_text(encoding="utf-8"))
    (write,) = (step["write"] for step in pipeline["steps"] if "write" in step)
    del write["quality"]
    (recipe / "pipeline.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    lock = json.loads((recipe / "artcurate.lock").read_text(encoding="utf-8"))
    lock["versions"]["artcurate"] = "0.0.9"
    # The pipeline of that version had no such parameter, so its fingerprint is another one.
    lock["fingerprint"] = "0" * 64
    (recipe / "artcurate.lock").write_text(json.dumps(lock), encoding="utf-8")

    with pytest.raises(
        UsageError, match=r"artcurate 0\.0\.9, which has no write\.quality"
    ) as caught:
        rebuild(str(recipe), faces.inputs, tmp_path / "again", workers=1)
    assert "salt" not in str(caught.value)


def test_a_pipeline_that_does_not_fit_its_lock_is_refused(
    paintings: Dataset, tmp_path: Path
) -> None:
    recipe = recipe_in(paintings, tmp_path)
    pipeline = yaml.safe_load((recipe / "pipeline.yaml").read_text(encoding="utf-8"))
    pipeline["seed"] = 5
    (recipe / "pipeline.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")

    with pytest.raises(DataError, match="not the one that its lock speaks of"):
        rebuild(str(recipe), paintings.inputs, tmp_path / "again", workers=1)


@pytest.mark.parametrize(
    ("source", "said"),
    [("nowhere", "USER/NAME"), ("somebody/nothing", "the Hub shows you no such dataset")],
)
def test_a_source_that_is_not_there_is_a_wrong_call(
    source: str,
    said: str,
    server: HubServer,
    artcurate: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = artcurate("rebuild", source, "--out", tmp_path / "again")

    assert ended.code == 2
    assert said in ended.err


def test_a_bundled_schema_that_has_changed_since_does_not_matter(
    faces: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_in(faces, tmp_path)
    newer = tmp_path / "schemas"
    shutil.copytree(resources.folder("schemas"), newer)
    text = (newer / "korean.yaml").read_text(encoding="utf-8")
    (newer / "korean.yaml").write_text(
        text.replace("description: The sentence.", "description: What was said."), encoding="utf-8"
    )
    pipelines = resources.folder("pipelines")
    folders = {"schemas": newer, "pipelines": pipelines}
    monkeypatch.setattr(resources, "folder", folders.__getitem__)

    assert rebuild(str(recipe), faces.inputs, tmp_path / "again", workers=1).shards == 3
