from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError, UsageError
from artcurate.progress import ProgressMode
from artcurate.sources.synthetic.korean import KoreanSample, write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode


def write(directory: Path, **options: Any) -> KoreanSample:
    small: dict[str, Any] = {
        "persons": 12,
        "dialogues": 120,
        "images": 150,
        "pixels": PixelMode.NONE,
        "progress": ProgressMode.QUIET,
    }
    return write_korean_sample(directory, **{**small, **options})


def contents(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_same_bytes_on_any_engine(tmp_path: Path) -> None:
    options: dict[str, Any] = {"pixels": PixelMode.THUMBNAIL, "seed": 4}
    first = contents(write(tmp_path / "one", **options).directory)
    again = write(tmp_path / "two", engine=LocalEngine(workers=2), **options)
    assert contents(again.directory) == first
    other = contents(write(tmp_path / "three", pixels=PixelMode.THUMBNAIL, seed=5).directory)
    assert other.keys() == first.keys()
    assert not set(first.values()) & set(other.values())


def test_dialogues_do_not_depend_on_the_pictures(tmp_path: Path) -> None:
    one = contents(write(tmp_path / "one").directory / "ecc")
    two = contents(write(tmp_path / "two", persons=20, images=200).directory / "ecc")
    assert one == two


def test_placeholders_are_tiny_valid_and_all_different(tmp_path: Path) -> None:
    sample = write(tmp_path / "raw")
    data = []
    for path in (sample.directory / "cid").rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            data += [archive.read(member) for member in archive.infolist()]
    assert len({hashlib.sha256(content).digest() for content in data}) == sample.pictures
    assert max(map(len, data)) < 600
    truncated = 0
    for content in data:
        image = Image.open(io.BytesIO(content))
        assert image.size == (16, 12)
        try:
            image.load()
        except OSError:
            truncated += 1
    assert truncated == len(sample.corrupt) == 1


def test_pictures_have_the_wanted_size(tmp_path: Path) -> None:
    sample = write(tmp_path / "raw", pixels=PixelMode.FULL, image_size=90)
    (path, *_) = sorted((sample.directory / "cid").rglob("*.zip"))
    with zipfile.ZipFile(path) as archive:
        sides = [min(Image.open(archive.open(m)).size) for m in archive.infolist()]
    assert min(sides) >= 90
    assert max(sides) <= 90 * 1.3 + 1


def test_an_archive_in_pieces_is_the_archive(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole").directory
    pieces = write(tmp_path / "pieces", split_archive=True).directory
    parts = [path for path in pieces.rglob("*") if ".zip.part" in path.name]
    assert len(parts) == 12
    (name,) = {path.name.rpartition(".part")[0] for path in parts}
    parts.sort(key=lambda path: int(re.findall(r"\d+$", path.name)[0]))
    joined = b"".join(path.read_bytes() for path in parts)
    assert joined == (whole / "cid" / "Training" / name).read_bytes()
    assert not (pieces / "cid" / "Training" / name).exists()


def test_summary_counts_what_is_there(tmp_path: Path) -> None:
    sample = write(tmp_path / "raw")
    assert (sample.dialogues, sample.images, sample.only_in_sheets) == (120, 150, 3)
    assert sample.pictures == sample.images + sample.unlabelled - sample.unpictured
    assert sample.bytes == sum(
        p.stat().st_size for p in (tmp_path / "raw").rglob("*") if p.is_file()
    )


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something that is no sample"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write(tmp_path / "raw")


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    first = contents(write(tmp_path / "raw", seed=1).directory)
    second = contents(write(tmp_path / "raw", seed=2).directory)
    assert first["README.txt"] != second["README.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_folder_that_cannot_be_made_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write(tmp_path / "file" / "raw")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"persons": 11}, "at least 12"),
        ({"images": 139}, "at least 140"),
        ({"image_size": 63}, "64 to 5000"),
        ({"seed": -1}, "0 or more"),
    ],
)
def test_numbers_out_of_range_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        write(tmp_path / "raw", **options)
    assert not list(tmp_path.iterdir())
