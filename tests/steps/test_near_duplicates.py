from __future__ import annotations

import csv
import os
import unicodedata
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import polars as pl
import pytest
from PIL import Image

from artcurate.corpus import Corpus
from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError, UsageError
from artcurate.images.phash import phash
from artcurate.sources.wikiart import locate_wikiart
from artcurate.steps import near_duplicates as module
from artcurate.steps.near_duplicates import NearDuplicatesParameters, is_flat, near_duplicates
from artcurate.steps.probe import ProbeParameters, probe
from artcurate.steps.registry import Run

#: 32 bits set, as in the hash of any picture with structure.
BASE = 0xF0F0F0F0F0F0F0F0
FAR = 0x00FF00FF00FF00FF


def _flip(value: int, *bits: int) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


def _corpus(hashes: dict[str, int | None], files: dict[str, str] | None = None) -> Corpus:
    ids = list(hashes)
    return Corpus(
        annotations=pl.DataFrame({"id": [f"c-{i}" for i in ids], "image_id": ids}),
        images=pl.DataFrame(
            {
                "id": pl.Series(ids, dtype=pl.String),
                "style": [i.partition("/")[0] for i in ids],
                "sha256": [(files or {}).get(i, f"sha of {i}") for i in ids],
                "phash": pl.Series(list(hashes.values()), dtype=pl.UInt64),
            }
        ),
    )


def _groups(corpus: Corpus) -> dict[str, str | None]:
    return dict(corpus.images.select("id", "duplicate_group").iter_rows())


def _run(corpus: Corpus, **parameters: Any) -> Corpus:
    return near_duplicates(corpus, parameters=NearDuplicatesParameters(**parameters))


def _list(path: Path, *rows: tuple[object, str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["group", "art_style", "painting"])
        writer.writerows(rows)
    return path


def test_groups_are_closed_transitively_and_named_by_their_first_image() -> None:
    corpus = _corpus(
        {
            "C/far": _flip(BASE, 0, 1, 2, 3, 4, 5, 6, 7),
            "B/middle": _flip(BASE, 0, 1, 2, 3),
            "A/base": BASE,
            "A/alone": FAR,
        }
    )
    result = _run(corpus, distance=4)
    assert _groups(result) == {
        "C/far": "A/base",
        "B/middle": "A/base",
        "A/base": "A/base",
        "A/alone": None,
    }
    assert result.annotations.equals(corpus.annotations)
    assert result.quarantine.is_empty()
    found = result.findings["near_duplicates"]
    assert found["groups"] == 1
    assert found["images_in_groups"] == found["largest_group"] == 3
    assert found["groups_across_styles"] == 1
    assert found["images_in_groups_by_style"] == {"A": 1, "B": 1, "C": 1}
    assert found["pairs_by_distance"] == {"0": 0, "1": 0, "2": 0, "3": 0, "4": 2}


@pytest.mark.parametrize(("distance", "grouped"), [(3, False), (4, True), (5, True)])
def test_the_distance_is_inclusive(distance: int, grouped: bool) -> None:
    corpus = _corpus({"A/a": BASE, "A/b": _flip(BASE, 9, 20, 33, 60)})
    result = _run(corpus, distance=distance)
    assert (result.images["duplicate_group"].null_count() == 0) is grouped


def test_a_million_equal_hashes_are_one_group() -> None:
    count = 1_000_000
    ids = [f"A/{n:07d}" for n in range(count)]
    images = pl.DataFrame({"id": ids, "style": "A"}).with_columns(
        phash=pl.lit(BASE, pl.UInt64), sha256=pl.lit(None, pl.String)
    )
    result = _run(Corpus(pl.DataFrame(schema={"id": pl.String}), images))
    assert result.images["duplicate_group"].unique().to_list() == ["A/0000000"]
    assert result.findings["near_duplicates"]["pairs_by_distance"]["0"] == count * (count - 1) // 2


def test_pairs_of_repeated_hashes_are_all_counted() -> None:
    corpus = _corpus({"A/a": BASE, "A/b": BASE, "A/c": _flip(BASE, 1), "A/d": _flip(BASE, 1)})
    found = _run(corpus, distance=1).findings["near_duplicates"]
    assert found["pairs_by_distance"] == {"0": 2, "1": 4}


def test_many_pairs_are_folded_without_losing_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    centres = random.integers(0, 2**64, 40, dtype=np.uint64)
    hashes = np.repeat(centres, 60)
    for _ in range(4):
        hashes ^= np.uint64(1) << random.integers(0, 64, hashes.size).astype(np.uint64)
    corpus = _corpus({f"A/{n:04d}": int(value) for n, value in enumerate(hashes)})
    whole = _run(corpus)
    monkeypatch.setattr(module, "_MAX_PENDING", 50)
    assert _run(corpus).images.equals(whole.images)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((64, 64), np.uint8),
        np.full((64, 64), 255, np.uint8),
        np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1)),
        np.repeat([[20, 230]], 64, axis=0).repeat(32, axis=1).astype(np.uint8),
    ],
    ids=["black", "white", "ramp", "two halves"],
)
def test_flat_pictures_are_linked_by_their_file_only(pixels: np.ndarray) -> None:
    value = phash(Image.fromarray(pixels))
    assert is_flat(np.array([value], dtype=np.uint64)).all()
    corpus = _corpus(
        {"A/a": value, "A/b": value, "A/c": value}, files={"A/b": "same", "A/c": "same"}
    )
    result = _run(corpus)
    assert _groups(result) == {"A/a": None, "A/b": "A/b", "A/c": "A/b"}
    assert result.findings["near_duplicates"]["flat_images"] == 3
    assert result.findings["near_duplicates"]["pairs_by_distance"]["0"] == 0


def test_pictures_with_grain_are_not_flat() -> None:
    random = np.random.default_rng(0)
    for level in (3, 128, 250):
        grain = np.clip(random.normal(level, 2, (200, 300)), 0, 255).astype(np.uint8)
        value = phash(Image.fromarray(grain))
        assert not is_flat(np.array([value], dtype=np.uint64)).any()


def test_equal_files_are_one_group_and_counted() -> None:
    corpus = _corpus({"A/a": BASE, "B/b": FAR, "C/c": None}, files={"A/a": "x", "B/b": "x"})
    result = _run(corpus)
    assert _groups(result) == {"A/a": "A/a", "B/b": "A/a", "C/c": None}
    assert result.findings["near_duplicates"]["identical_files"] == 1


def test_known_duplicates_join_in_nfc_and_folded(tmp_path: Path) -> None:
    name = "joaquã\xadn-sorolla_l'été"
    ids = [f"A/{name}", "B/plain", "C/anders'-zorn_midsummer", "C/other"]
    corpus = _corpus(
        {image: (BASE, FAR, ~BASE & (2**64 - 1), 0x3C3C)[n] for n, image in enumerate(ids)}
    )
    listed = _list(
        tmp_path / "known.csv",
        (0, "B", "plain"),
        (0, "A", unicodedata.normalize("NFD", name)),
        (7, "C", "anders-zorn_midsummer"),
        (7, "C", "not-here"),
        (8, "C", "other"),
    )
    result = _run(corpus, known_duplicates=listed)
    assert _groups(result) == {ids[0]: "B/plain", ids[1]: "B/plain", ids[2]: None, ids[3]: None}
    assert result.findings["near_duplicates"]["known_duplicates"] == {
        "rows": 5,
        "matched": 4,
        "unmatched": 1,
    }


def test_known_groups_that_share_an_image_are_one(tmp_path: Path) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 4, dtype=np.uint64)
    corpus = _corpus({f"A/{n}": int(value) for n, value in enumerate(hashes)})
    listed = _list(
        tmp_path / "k.csv", ("x", "A", "3"), ("x", "A", "1"), ("y", "A", "1"), ("y", "A", "0")
    )
    assert _groups(_run(corpus, known_duplicates=listed)) == {
        "A/0": "A/3",
        "A/1": "A/3",
        "A/2": None,
        "A/3": "A/3",
    }


def test_drop_keeps_the_first_of_each_group(tmp_path: Path) -> None:
    corpus = _corpus({"A/a": BASE, "B/b": BASE, "C/c": FAR, "D/d": ~BASE & (2**64 - 1)})
    listed = _list(tmp_path / "known.csv", (0, "B", "b"), (0, "A", "a"))
    result = _run(corpus, action="drop", known_duplicates=listed)
    assert result.images["id"].to_list() == ["B/b", "C/c", "D/d"]
    assert result.images["duplicate_group"].to_list() == [None] * 3
    assert result.annotations["image_id"].to_list() == ["B/b", "C/c", "D/d"]
    left_out = result.quarantine.select("id", "table", "reason", "by_design").rows()
    assert left_out == [
        ("A/a", "images", "near_duplicate", True),
        ("c-A/a", "annotations", "near_duplicate", True),
    ]
    found = result.findings["near_duplicates"]
    assert (found["groups"], found["images_dropped"], found["annotations_dropped"]) == (1, 1, 1)


def test_no_images() -> None:
    result = _run(_corpus({}))
    assert result.images.schema["duplicate_group"] == pl.String
    assert result.findings["near_duplicates"]["groups"] == 0


def test_nothing_to_compare_is_a_wrong_pipeline(tmp_path: Path) -> None:
    corpus = _corpus({"A/a": 1, "A/b": 2})
    bare = Corpus(corpus.annotations, corpus.images.select("id", "style"))
    with pytest.raises(UsageError, match="put the step probe before it"):
        _run(bare)
    listed = _list(tmp_path / "known.csv", (0, "A", "a"), (0, "A", "b"))
    assert _groups(_run(bare, known_duplicates=listed)) == {"A/a": "A/a", "A/b": "A/a"}


def test_lists_that_cannot_be_used(tmp_path: Path) -> None:
    corpus = _corpus({"A/a": BASE})
    with pytest.raises(DataError, match=r"absent\.csv.*cannot be read"):
        _run(corpus, known_duplicates=tmp_path / "absent.csv")
    columns = tmp_path / "columns.csv"
    columns.write_text("group,style,painting\n0,A,a\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column art_style"):
        _run(corpus, known_duplicates=columns)
    with pytest.raises(DataError, match=r"gap\.csv, row 2: .*empty"):
        _run(corpus, known_duplicates=_list(tmp_path / "gap.csv", (0, "A", "a"), ("", "A", "b")))
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DataError, match="cannot be read"):
        _run(corpus, known_duplicates=tmp_path / "empty.csv")


def _real(*parts: str) -> Path:
    data = os.environ.get("ARTCURATE_REAL_DATA")
    if not data:
        pytest.skip("set ARTCURATE_REAL_DATA to the folder of real excerpts")
    return Path(data, "wikiart", *parts)


def test_dropping_by_the_real_list_leaves_the_paintings_of_artemis() -> None:
    keys = pl.read_csv(_real("keys.csv"), infer_schema=False)
    images = keys.select(
        id=pl.concat_str("art_style", "painting", separator="/").str.normalize("NFC"),
        style="art_style",
        in_artemis="in_artemis",
    )
    corpus = Corpus(pl.DataFrame(schema={"id": pl.String}), images)
    result = _run(corpus, action="drop", known_duplicates=_real("artemis_duplicates.csv"))
    found = result.findings["near_duplicates"]
    assert found["groups"] == 1414
    assert found["known_duplicates"] == {"rows": 2829, "matched": 2829, "unmatched": 0}
    assert set(result.images["id"]) == set(images.filter(pl.col("in_artemis") == "1")["id"])
    assert result.images.height == 80_031


def _stem(file: str) -> str:
    return unicodedata.normalize("NFC", file.removesuffix(".jpg"))


def test_every_listed_pair_of_real_paintings_shares_a_group(tmp_path: Path) -> None:
    with _real("small_near_duplicates.csv").open(encoding="utf-8", newline="") as file:
        pairs = [(row["a"], row["b"]) for row in csv.DictReader(file)]
    with _real("small_manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {name for pair in pairs for name in pair}
    expected: dict[str, int] = {}
    for number, row in enumerate(rows):
        if row["file"] not in listed and number % 20:
            continue
        box = tuple(int(row[f"crop_{side}"]) for side in ("left", "top", "right", "bottom"))
        target = (tmp_path / "wikiart" / row["file"]).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(_real("small", row["file"])) as image:
            crop = image.crop(box)
        crop.save(target, compress_level=1)
        expected[_stem(row["file"])] = int(str(imagehash.phash(crop)), 16)
    run = Run(engine=LocalEngine(workers=0), output=tmp_path / "out", scratch=tmp_path / "scratch")
    probed = probe(locate_wikiart(tmp_path), parameters=ProbeParameters(), run=run)
    assert dict(probed.images.select("id", "phash").iter_rows()) == expected
    result = _run(probed, distance=4)
    groups = _groups(result)
    near = [
        (a, b)
        for a, b in ((_stem(a), _stem(b)) for a, b in pairs)
        if (expected[a] ^ expected[b]).bit_count() <= 4
    ]
    assert len(near) == 38
    assert all(groups[a] is not None and groups[a] == groups[b] for a, b in near)
    found = result.findings["near_duplicates"]
    assert found["flat_images"] == 0
    assert sum(found["pairs_by_distance"].values()) == len(near)
