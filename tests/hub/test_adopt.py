from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError, UsageError
from artcurate.hub.adopt import adopt
from artcurate.hub.catalogue import source
from artcurate.hub.download import Downloaded, Request
from artcurate.hub.staging import read_receipt
from artcurate.pipeline import load_bundled, resolve
from artcurate.progress import ProgressMode
from artcurate.runner import find_inputs, read_inputs
from artcurate.sources.synthetic.korean import write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

ARTEMIS = pl.DataFrame(
    {
        "art_style": ["Baroque"] * 3,
        "painting": ["a_b"] * 3,
        "emotion": ["awe", "fear", "anger"],
        "utterance": ["One sky.", "Two skies.", "Three skies."],
        "repetition": [3] * 3,
    }
)


def take(name: str, given: Path, home: Path, *, skip_damaged: bool = False) -> Downloaded:
    known = source(name)
    return adopt(Request(known, home / known.folder, skip_damaged=skip_damaged), given)


def is_untouched(home: Path) -> bool:
    return not [path for path in home.iterdir() if path.is_dir() and path.name[0] != "."]


def test_wikiart_and_artelingo_are_taken_and_the_build_finds_them(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take("artelingo", sample / "artelingo_release.csv", tmp_path)
    packed = tmp_path / "wikiart.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted((sample / "wikiart").rglob("*")):
            archive.write(path, f"wikiart/{path.relative_to(sample / 'wikiart')}")
    take("wikiart", packed, tmp_path)
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path))
    pipeline = resolve(load_bundled("artelingo"), [])
    from_home = read_inputs(pipeline, find_inputs(pipeline, {}))
    given = {"annotations": [sample / "artelingo_release.csv"], "images": [sample / "wikiart"]}
    from_sample = read_inputs(pipeline, find_inputs(pipeline, given))
    assert from_home.annotations.equals(from_sample.annotations)
    assert from_home.images.equals(from_sample.images)
    assert packed.exists()


def test_a_folder_of_styles_is_taken_without_lying_there_twice(
    sample: Path, tmp_path: Path
) -> None:
    done = take("wikiart", sample / "wikiart", tmp_path)
    for path in (sample / "wikiart").rglob("*.jpg"):
        taken = done.folder / path.relative_to(sample / "wikiart")
        assert taken.read_bytes() == path.read_bytes()
        if taken.stat().st_dev == path.stat().st_dev:
            assert taken.samefile(path)


@pytest.mark.parametrize("form", ["csv", "CSV", "zip", "parquet", "folder"])
def test_artemis_is_taken_in_any_form(tmp_path: Path, form: str) -> None:
    given = tmp_path / "given"
    given.mkdir()
    table = ARTEMIS.write_csv().encode()
    if form == "zip":
        path = given / "x.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("official_data/artemis_dataset_release_v0.csv", table)
            archive.writestr("__MACOSX/official_data/._artemis_dataset_release_v0.csv", "junk")
            archive.writestr("README", "words")
    elif form == "parquet":
        path = given / "x.parquet"
        ARTEMIS.write_parquet(path)
    else:
        path = given / f"x.{'csv' if form == 'folder' else form}"
        path.write_bytes(table)
    done = take("artemis", given if form == "folder" else path, tmp_path / "home")
    (file,) = done.receipt.files
    assert file.path.endswith((".csv", ".parquet"))
    assert (done.folder / file.path).stat().st_size == file.size
    assert read_receipt(done.folder) == done.receipt


def test_captions_of_another_corpus_name_the_right_command(tmp_path: Path) -> None:
    given = tmp_path / "x.csv"
    given.write_bytes(ARTEMIS.write_csv().encode())
    with pytest.raises(UsageError, match=r"is ArtEmis v1; run: artcurate download artemis --from"):
        take("artelingo", given, tmp_path)
    assert is_untouched(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "x.csv"),
        (b"a,b\n1,2\n", "its columns are of no known form"),
        (b"art_style,painting\nBaroque,a_b\n", "which also needs: .*utterance"),
        (b"<html>Sign in</html>", "x.csv"),
    ],
)
def test_what_is_no_table_of_captions_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    given = tmp_path / "x.csv"
    given.write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        take("artelingo", given, tmp_path)
    assert is_untouched(tmp_path)


def damaged_zip(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("wikiart/Baroque/good.jpg", b"good")
        archive.writestr(name, content)
    data = bytearray(buffer.getvalue())
    data[data.index(content)] ^= 1
    return bytes(data)


def test_a_damaged_member_is_found_whatever_the_corpus(tmp_path: Path) -> None:
    table = ARTEMIS.write_csv().encode()
    (tmp_path / "t.zip").write_bytes(damaged_zip("x.csv", table))
    with pytest.raises(DataError, match=r"Bad CRC-32 for file 'x\.csv'"):
        take("artemis", tmp_path / "t.zip", tmp_path)

    (tmp_path / "w.zip").write_bytes(damaged_zip("wikiart/Baroque/bad.jpg", b"a picture"))
    with pytest.raises(DataError, match=r"wrong checksums, 1 in all: wikiart/Baroque/bad\.jpg"):
        take("wikiart", tmp_path / "w.zip", tmp_path)
    assert is_untouched(tmp_path)
    done = take("wikiart", tmp_path / "w.zip", tmp_path, skip_damaged=True)
    assert [path.name for path in done.folder.rglob("*.jpg")] == ["good.jpg"]
    assert done.receipt.damaged == ("wikiart/Baroque/bad.jpg",)


def bomb(names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in names:
            archive.writestr(name, bytes(1 << 26))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("corpus", "member"), [("wikiart", "wikiart/Baroque/{}.jpg"), ("artemis", "{}.csv")]
)
def test_a_zip_bomb_is_refused_unpacked(tmp_path: Path, corpus: str, member: str) -> None:
    (tmp_path / "b.zip").write_bytes(bomb([member.format(number) for number in range(2)]))
    with pytest.raises(DataError, match="that is a trap and no data"):
        take(corpus, tmp_path / "b.zip", tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 1 << 20


@pytest.mark.parametrize(
    "name", ["../../Baroque/a_b.jpg", "/etc/Baroque/a_b.jpg", "C:\\wikiart\\Baroque\\a_b.jpg"]
)
def test_no_member_is_written_outside(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr(name, b"x")
    done = take("wikiart", tmp_path / "w.zip", tmp_path / "home")
    assert [path.relative_to(done.folder) for path in done.folder.rglob("*.jpg")] == [
        Path("Baroque/a_b.jpg")
    ]


@pytest.mark.parametrize("name", ["../a_b.jpg", "./a_b.jpg", ".git/a_b.jpg"])
def test_a_style_is_never_a_way_out(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match="no pictures in style folders"):
        take("wikiart", tmp_path / "w.zip", tmp_path / "home")


def test_no_zip_at_all(tmp_path: Path) -> None:
    (tmp_path / "w.zip").write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(DataError, match="This is no zip archive"):
        take("wikiart", tmp_path / "w.zip", tmp_path)
    with pytest.raises(UsageError, match="no such file"):
        take("wikiart", tmp_path / "absent.zip", tmp_path)


@pytest.fixture(scope="module")
def korean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("korean") / "raw"
    write_korean_sample(
        folder,
        persons=12,
        dialogues=100,
        images=140,
        seed=1,
        pixels=PixelMode.THUMBNAIL,
        engine=LocalEngine(workers=1),
        progress=ProgressMode.QUIET,
    )
    return folder


@pytest.mark.parametrize("name", ["ecc", "cid"])
def test_korean_corpora_are_taken_as_they_lie(korean: Path, tmp_path: Path, name: str) -> None:
    done = take(name, korean / name, tmp_path)
    expected = {path.relative_to(korean / name) for path in (korean / name).rglob("*.zip")}
    assert {path.relative_to(done.folder) for path in done.folder.rglob("*.zip")} == expected


def test_only_the_part_that_is_wanted_is_taken(korean: Path, tmp_path: Path) -> None:
    request = Request(source("cid"), tmp_path / "cid", subset=("validation",))
    done = adopt(request, korean / "cid")
    assert {path.parts[0] for path in _below(done.folder)} == {"Validation"}
    with pytest.raises(UsageError, match="--subset Validaton: no file is called so"):
        adopt(replace(request, subset=("training", "Validaton")), korean / "cid")


def _below(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    return [path.relative_to(folder) for path in files]


def test_a_misspelt_style_is_noticed_beside_a_right_one(sample: Path, tmp_path: Path) -> None:
    style, *_ = sorted(path.name for path in (sample / "wikiart").iterdir() if path.is_dir())
    request = Request(source("wikiart"), tmp_path / "wikiart", subset=(style, "Baroqe"))
    with pytest.raises(UsageError, match="holds no style Baroqe"):
        adopt(request, sample / "wikiart")


def test_a_place_says_nothing_beside_what_was_fetched_by_hand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave --place out"):
        adopt(Request(source("wikiart"), tmp_path / "wikiart", place="drive"), tmp_path)


def test_the_wrong_korean_corpus_is_refused(korean: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{korean / 'ecc'}: no CID labels"):
        take("cid", korean / "ecc", tmp_path)
    assert is_untouched(tmp_path)


def test_a_damaged_archive_of_a_korean_corpus_is_named(korean: Path, tmp_path: Path) -> None:
    first, *_ = sorted((korean / "ecc").rglob("*.zip"))
    data = bytearray(first.read_bytes())
    data[200] ^= 0xFF
    copy = tmp_path / "given" / first.name
    copy.parent.mkdir()
    copy.write_bytes(data)
    with pytest.raises(DataError, match=r"wrong checksums|cannot be decompressed"):
        take("ecc", copy.parent, tmp_path / "home")
