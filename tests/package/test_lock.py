from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artcurate.errors import DataError, UsageError
from artcurate.package.lock import (
    Lock,
    LockedInput,
    LockedShard,
    library_versions,
    locked_folder,
    read_lock,
    verify_lock,
    write_lock,
)

LOCK = Lock(
    pipeline="p",
    fingerprint="f",
    schema="s",
    schema_sha256="d",
    inputs=(
        LockedInput("images", "wikiart", 2, 7, "aa"),
        LockedInput("annotations", "é.csv", 1, 3, "bb"),
    ),
    seeds={"split.seed": 3, "language.seed": 0},
    versions={"polars": "2", "numpy": "2"},
    shards=(
        LockedShard("c", "val", "c/val-00000-of-00001.parquet", 1, 1, "x"),
        LockedShard("c", "train", "c/train-00000-of-00001.parquet", 1, 1, "x"),
    ),
)


def test_a_lock_comes_back_as_it_was(tmp_path: Path) -> None:
    write_lock(LOCK, tmp_path)
    got = read_lock(tmp_path)
    assert set(got.shards) == set(LOCK.shards)
    assert set(got.inputs) == set(LOCK.inputs)
    assert replace(got, shards=(), inputs=()) == replace(LOCK, shards=(), inputs=())


def test_the_text_does_not_depend_on_the_order_of_gathering() -> None:
    turned = replace(
        LOCK,
        inputs=LOCK.inputs[::-1],
        shards=LOCK.shards[::-1],
        seeds=dict(reversed(LOCK.seeds.items())),
        versions=dict(reversed(LOCK.versions.items())),
    )
    assert turned.to_json() == LOCK.to_json()


def test_a_folder_has_one_digest_that_anyone_can_recompute() -> None:
    entry = locked_folder("images", "wikiart", [("b/ü", 4, "22"), ("a", 3, "11")])
    lines = '["a", "11"]\n["b/ü", "22"]\n'
    assert entry == LockedInput(
        "images", "wikiart", 2, 7, hashlib.sha256(lines.encode()).hexdigest()
    )


@given(st.lists(st.tuples(st.text(), st.integers(0, 9), st.text()), max_size=5), st.randoms())
def test_the_folder_digest_ignores_order_and_sees_every_change(
    files: list[tuple[str, int, str]], random: object
) -> None:
    shuffled = sorted(files, key=lambda _: random.random())  # type: ignore[attr-defined]
    whole = locked_folder("i", "n", files)
    assert locked_folder("i", "n", shuffled) == whole
    assert locked_folder("i", "n", [*files, ("new", 1, "1")]).sha256 != whole.sha256


def test_versions_name_the_libraries_that_decide_bytes() -> None:
    versions = library_versions()
    assert {"artcurate", "polars", "pyarrow", "pillow", "libjpeg", "numpy"} <= versions.keys()
    assert all(versions.values())
    assert "decoder" not in versions
    assert library_versions("libvips 8.18.7")["decoder"] == "libvips 8.18.7"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no", "not a lock; it is not JSON"),
        ("[" * 100_000, "not a lock; it is not JSON"),
        ("[]", "a lock of format None"),
        ('{"format": 2}', "a lock of format 2; this version of artcurate reads 1"),
        ('{"format": 1}', "not a lock; wrong at pipeline"),
        (LOCK.to_json().replace('"bytes": 7', '"bytes": "7"'), "wrong at inputs.1.bytes"),
        (LOCK.to_json().replace('"seeds"', '"seed"'), "wrong at seeds, seed"),
    ],
)
def test_what_is_no_lock(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "artcurate.lock").write_text(text)
    with pytest.raises(DataError) as caught:
        read_lock(tmp_path)
    assert complaint in str(caught.value)


def test_a_folder_without_a_lock(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="artcurate did not build it"):
        read_lock(tmp_path)


def test_a_built_dataset_is_what_its_lock_says(built: Path) -> None:
    assert verify_lock(built, read_lock(built)) == ()


@pytest.mark.parametrize("workers", [1, 4])
def test_every_difference_is_listed(built: Path, workers: int) -> None:
    lock = read_lock(built)
    flipped, cut, gone, *_ = (built / shard.name for shard in lock.shards)
    content = bytearray(flipped.read_bytes())
    content[100] ^= 1
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-1])
    gone.unlink()
    (built / "data" / "extra.parquet").write_bytes(b"")
    found = {one.shard: one.problem for one in verify_lock(built, lock, workers)}
    assert found.keys() == {*(shard.name for shard in lock.shards[:3]), "data/extra.parquet"}
    assert found[lock.shards[0].name].startswith("sha256 ")
    assert found[lock.shards[1].name] == f"{lock.shards[1].bytes - 1:,} bytes"
    assert found[lock.shards[2].name] == "no such file"


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "data/../../secret"])
def test_a_lock_cannot_point_outside_the_dataset(tmp_path: Path, name: str) -> None:
    lock = replace(LOCK, shards=(LockedShard("c", "train", name, 1, 1, "x"),))
    (difference,) = verify_lock(tmp_path, lock)
    assert difference.problem == "lies outside the dataset"


def test_the_text_is_stable_json() -> None:
    content = json.loads(LOCK.to_json())
    assert list(content) == sorted(content)
    assert [shard["split"] for shard in content["shards"]] == ["train", "val"]
    assert "é.csv" in LOCK.to_json()
